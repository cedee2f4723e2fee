"""Months of recognition as they were first told of, and where events count that came afterwards."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_0925"
down_revision = "2026_11_30_0910"
branch_labels = None
depends_on = None

TABLE = "recognition_told_months"
CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.add_column("recognitions", sa.Column("counted_in", sa.Date(), nullable=True))
    op.create_table(
        TABLE,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("tree", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.Column("pairs", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f(f"fk_{TABLE}_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "month", name=op.f(f"pk_{TABLE}")),
    )
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {TABLE} USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO "{role}"')


def downgrade() -> None:
    op.drop_table(TABLE)
    op.drop_column("recognitions", "counted_in")
