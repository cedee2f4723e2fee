"""Since when leads and managers stand, and the addresses of before that are to be told of a change.

Those on file count from now on, which errs on the safe side.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_30_0830"
down_revision = "2026_11_30_0820"
branch_labels = None
depends_on = None

SINCE = (("people", "manager_since"), ("teams", "lead_since"))
CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def protect(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{role}"')


def upgrade() -> None:
    now = sa.func.now()
    for table, column in SINCE:
        op.add_column(
            table, sa.Column(column, sa.DateTime(timezone=True), server_default=now, nullable=False)
        )
    op.add_column(
        "chat_identities",
        sa.Column("is_vouched", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_table(
        "address_notices",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_address_notices_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_address_notices")),
    )
    op.create_index(
        op.f("ix_address_notices_organization_id_person_id"),
        "address_notices",
        ["organization_id", "person_id"],
    )
    protect("address_notices")


def downgrade() -> None:
    op.drop_table("address_notices")
    op.drop_column("chat_identities", "is_vouched")
    for table, column in SINCE:
        op.drop_column(table, column)
