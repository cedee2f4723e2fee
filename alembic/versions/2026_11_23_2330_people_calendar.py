"""The people calendar: milestones, the weekend rule, one-off days, what each person wants celebrated."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_23_2330"
down_revision = "2026_11_23_2000"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TENANT_TABLES = ["calendar_feeds", "celebration_settings"]


def protect(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{context.config.attributes["role"]}"')


def instant(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def belongs_to(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A foreign key inside the organisation."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
        ondelete=ondelete,
    )


def is_of_organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"],
        ["organizations.id"],
        name=op.f(f"fk_{table}_organization_id"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.add_column(
        "organizations",
        sa.Column(
            "milestone_months",
            sa.ARRAY(sa.SmallInteger()),
            server_default="{12,60,120,150,300,480}",
            nullable=False,
        ),
    )
    op.add_column(
        "organizations", sa.Column("weekend_rule", sa.Text(), server_default="same_day", nullable=False)
    )
    op.add_column("occasions", sa.Column("recurrence", sa.Text(), server_default="yearly", nullable=False))
    op.create_table(
        "celebration_settings",
        instant("created_at"),
        instant("updated_at"),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("work_anniversary", sa.Boolean(), nullable=False),
        sa.Column("first_day", sa.Boolean(), nullable=False),
        sa.Column("leap_day_rule", sa.Text(), nullable=True),
        belongs_to("celebration_settings", "person_id", "people"),
        sa.PrimaryKeyConstraint("organization_id", "person_id", name=op.f("pk_celebration_settings")),
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("manager", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("alarm_days", sa.Integer(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        instant("created_at"),
        is_of_organization("calendar_feeds"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_calendar_feeds")),
    )
    op.create_index(
        op.f("ix_calendar_feeds_organization_id_created_at_id"),
        "calendar_feeds",
        ["organization_id", "created_at", "id"],
    )
    for table in TENANT_TABLES:
        protect(table)


def downgrade() -> None:
    op.drop_table("calendar_feeds")
    op.drop_table("celebration_settings")
    op.drop_column("occasions", "recurrence")
    op.drop_column("organizations", "weekend_rule")
    op.drop_column("organizations", "milestone_months")
