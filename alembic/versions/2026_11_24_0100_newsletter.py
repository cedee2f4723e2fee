"""The newsletter: who wants it, and each issue on its way."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_24_0100"
down_revision = "2026_11_24_0050"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def protect(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{context.config.attributes["role"]}"')


def instant(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def belongs_to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A foreign key inside the organisation."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.add_column(
        "organizations", sa.Column("newsletter_day", sa.Integer(), server_default="1", nullable=True)
    )
    subscriptions, newsletters = "newsletter_subscriptions", "newsletters"
    op.create_table(
        subscriptions,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        instant("confirmed_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f(f"fk_{subscriptions}_organization_id"),
            ondelete="CASCADE",
        ),
        belongs_to(subscriptions, "person_id", "people"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{subscriptions}")),
        sa.UniqueConstraint(
            "organization_id", "person_id", name=op.f(f"uq_{subscriptions}_organization_id_person_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "email", name=op.f(f"uq_{subscriptions}_organization_id_email")
        ),
    )
    op.create_index(
        op.f(f"ix_{subscriptions}_organization_id_created_at_id"),
        subscriptions,
        ["organization_id", "created_at", "id"],
    )
    op.create_table(
        newsletters,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        instant("send_at"),
        instant("expires_at"),
        instant("held_until", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("sent_at", nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        belongs_to(newsletters, "subscription_id", subscriptions),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{newsletters}")),
        sa.UniqueConstraint(
            "organization_id",
            "subscription_id",
            "issue",
            name=op.f(f"uq_{newsletters}_organization_id_subscription_id_issue"),
        ),
    )
    op.create_index(
        op.f(f"ix_{newsletters}_organization_id_status_send_at"),
        newsletters,
        ["organization_id", "status", "send_at"],
    )
    for table in (subscriptions, newsletters):
        protect(table)


def downgrade() -> None:
    op.drop_table("newsletters")
    op.drop_table("newsletter_subscriptions")
    op.drop_column("organizations", "newsletter_day")
