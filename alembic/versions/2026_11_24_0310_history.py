"""What people held before: team, manager and segments until a day."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_0310"
down_revision = "2026_11_24_0300"
branch_labels = None
depends_on = None

TENANT = "organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    role = '"' + context.config.attributes["role"] + '"'
    op.create_table(
        "person_history",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("manager", sa.Text(), nullable=True),
        sa.Column("segments", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_person_history_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "person_id", "ends_on", name=op.f("pk_person_history")),
    )
    op.create_index(
        op.f("ix_person_history_organization_id_ends_on"), "person_history", ["organization_id", "ends_on"]
    )
    op.execute("ALTER TABLE person_history ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE person_history FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON person_history USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON person_history TO {role}")


def downgrade() -> None:
    op.drop_table("person_history")
