"""SCIM: what of people and teams only a provisioning client knows, and what it has hidden."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_0200"
down_revision = "2026_11_24_0410"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def protect(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{context.config.attributes["role"]}"')


def instant(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def extends(table: str, key: str, target: str, *columns: sa.Column[Any]) -> None:
    """A table with at most one row to each row of `target`, and gone with it."""
    op.create_table(
        table,
        instant("created_at"),
        instant("updated_at"),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(key, sa.Uuid(), nullable=False),
        *columns,
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", key],
            [f"{target}.organization_id", f"{target}.id"],
            name=op.f(f"fk_{table}_organization_id_{key}"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", key, name=op.f(f"pk_{table}")),
    )
    protect(table)


def upgrade() -> None:
    extends(
        "scim_users",
        "person_id",
        "people",
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_name_key", sa.Text(), nullable=False),
    )
    op.create_index(
        op.f("ix_scim_users_organization_id_user_name_key"),
        "scim_users",
        ["organization_id", "user_name_key"],
        unique=True,
        postgresql_where=sa.text("hidden_at IS NULL"),
    )
    extends("scim_groups", "team_id", "teams")
    op.create_index("ix_people_organization_id_email", "people", ["organization_id", sa.text("lower(email)")])


def downgrade() -> None:
    op.drop_index("ix_people_organization_id_email", "people")
    op.drop_table("scim_groups")
    op.drop_table("scim_users")
