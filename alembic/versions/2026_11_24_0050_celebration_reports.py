"""Reports of celebrations: a row a quarter."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_0050"
down_revision = "2026_11_24_0000"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.create_table(
        "celebration_reports",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_celebration_reports_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "period", name=op.f("pk_celebration_reports")),
    )
    rule = f"organization_id = {CURRENT}"
    op.execute("ALTER TABLE celebration_reports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE celebration_reports FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON celebration_reports USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON celebration_reports TO "{role}"')


def downgrade() -> None:
    op.drop_table("celebration_reports")
