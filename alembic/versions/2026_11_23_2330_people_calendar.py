"""The people calendar: milestones, the weekend rule, one-off days, what each person wants celebrated."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_23_2330"
down_revision = "2026_11_23_2300"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TENANT_TABLES = [
    "calendar_feeds",
    "card_templates",
    "card_wishes",
    "cards",
    "celebration_settings",
    "digests",
    "reminders",
    "unsubscriptions",
]


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


def dispatch_columns() -> list[sa.Column[Any]]:
    """A mail on its way."""
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        instant("held_until", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("sent_at", nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
    ]


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
    for setting, default in (("cards_enabled", "true"), ("cards_approval", "false")):
        op.add_column(
            "organizations", sa.Column(setting, sa.Boolean(), server_default=default, nullable=False)
        )
    op.add_column("organizations", sa.Column("cards_time", sa.Text(), server_default="08:00", nullable=False))
    op.create_table(
        "card_templates",
        instant("created_at"),
        instant("updated_at"),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("picture", sa.Text(), nullable=True),
        is_of_organization("card_templates"),
        sa.PrimaryKeyConstraint("organization_id", "key", name=op.f("pk_card_templates")),
        sa.UniqueConstraint(
            "organization_id",
            "kind",
            "language",
            name=op.f("uq_card_templates_organization_id_kind_language"),
        ),
    )
    op.create_table(
        "cards",
        *dispatch_columns(),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("is_half_year", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("kept_on", sa.Date(), nullable=False),
        belongs_to("cards", "person_id", "people"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_cards")),
        sa.UniqueConstraint(
            "organization_id",
            "person_id",
            "occasion",
            "year",
            "is_half_year",
            name=op.f("uq_cards_organization_id_person_id_occasion_year_is_half_year"),
        ),
    )
    op.create_index(
        op.f("ix_cards_organization_id_status_send_at"), "cards", ["organization_id", "status", "send_at"]
    )
    op.create_index(
        op.f("ix_cards_organization_id_send_at_id"), "cards", ["organization_id", "send_at", "id"]
    )
    op.create_table(
        "card_wishes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        instant("created_at"),
        belongs_to("card_wishes", "author_id", "people"),
        belongs_to("card_wishes", "card_id", "cards"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_card_wishes")),
    )
    op.create_index(
        op.f("ix_card_wishes_organization_id_card_id_created_at"),
        "card_wishes",
        ["organization_id", "card_id", "created_at"],
    )
    op.create_table(
        "reminders",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("kinds", sa.ARRAY(sa.String()), nullable=True),
        instant("created_at"),
        is_of_organization("reminders"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_reminders")),
    )
    op.create_index(
        op.f("ix_reminders_organization_id_created_at_id"),
        "reminders",
        ["organization_id", "created_at", "id"],
    )
    op.create_table(
        "digests",
        *dispatch_columns(),
        sa.Column("day", sa.Date(), nullable=False),
        belongs_to("digests", "person_id", "people"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_digests")),
        sa.UniqueConstraint(
            "organization_id", "person_id", "day", name=op.f("uq_digests_organization_id_person_id_day")
        ),
    )
    op.create_index(
        op.f("ix_digests_organization_id_status_send_at"), "digests", ["organization_id", "status", "send_at"]
    )
    op.create_table(
        "unsubscriptions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        instant("created_at"),
        belongs_to("unsubscriptions", "person_id", "people"),
        sa.PrimaryKeyConstraint("organization_id", "person_id", name=op.f("pk_unsubscriptions")),
    )
    for table in TENANT_TABLES:
        protect(table)


def downgrade() -> None:
    for table in ("unsubscriptions", "digests", "reminders", "card_wishes", "cards", "card_templates"):
        op.drop_table(table)
    for setting in ("cards_time", "cards_approval", "cards_enabled"):
        op.drop_column("organizations", setting)
    op.drop_table("calendar_feeds")
    op.drop_table("celebration_settings")
    op.drop_column("occasions", "recurrence")
    op.drop_column("organizations", "weekend_rule")
    op.drop_column("organizations", "milestone_months")
