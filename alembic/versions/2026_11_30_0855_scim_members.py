"""Memberships are kept as an identity provider sends them; which groups are teams is a setting."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_0855"
down_revision = "2026_11_30_0850"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.add_column(
        "organizations", sa.Column("scim_team_groups", sa.Text(), server_default="all", nullable=False)
    )
    op.add_column(
        "organizations",
        sa.Column(
            "scim_attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("scim_groups", sa.Column("id", sa.Uuid(), nullable=True))
    op.execute("UPDATE scim_groups SET id = team_id")
    op.drop_constraint("pk_scim_groups", "scim_groups", type_="primary")
    op.alter_column("scim_groups", "id", nullable=False)
    op.alter_column("scim_groups", "team_id", nullable=True)
    op.create_primary_key(op.f("pk_scim_groups"), "scim_groups", ["organization_id", "id"])
    op.create_unique_constraint(
        op.f("uq_scim_groups_organization_id_team_id"), "scim_groups", ["organization_id", "team_id"]
    )
    op.add_column("scim_groups", sa.Column("name", sa.Text(), nullable=True))
    key = sa.Computed("search_key(name)", persisted=True)
    op.add_column("scim_groups", sa.Column("name_key", sa.Text(), key, nullable=True))
    op.create_index(
        op.f("ix_scim_groups_organization_id_name_key"), "scim_groups", ["organization_id", "name_key"]
    )
    op.create_index(
        op.f("ix_scim_groups_organization_id_created_at_id"),
        "scim_groups",
        ["organization_id", "created_at", "id"],
    )
    op.create_table(
        "scim_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "added_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["scim_groups.organization_id", "scim_groups.id"],
            name=op.f("fk_scim_members_organization_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_scim_members_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "group_id", "person_id", name=op.f("pk_scim_members")),
    )
    op.create_index(
        op.f("ix_scim_members_organization_id_person_id"), "scim_members", ["organization_id", "person_id"]
    )
    rule = f"organization_id = {CURRENT}"
    op.execute("ALTER TABLE scim_members ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE scim_members FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON scim_members USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON scim_members TO "{role}"')


def downgrade() -> None:
    op.drop_table("scim_members")
    op.execute("DELETE FROM scim_groups WHERE team_id IS NULL")
    op.drop_constraint("pk_scim_groups", "scim_groups", type_="primary")
    op.drop_constraint("uq_scim_groups_organization_id_team_id", "scim_groups", type_="unique")
    op.drop_index("ix_scim_groups_organization_id_created_at_id", "scim_groups")
    for name in ("name_key", "name", "id"):
        op.drop_column("scim_groups", name)
    op.alter_column("scim_groups", "team_id", nullable=False)
    op.create_primary_key(op.f("pk_scim_groups"), "scim_groups", ["organization_id", "team_id"])
    op.drop_column("organizations", "scim_attributes")
    op.drop_column("organizations", "scim_team_groups")
