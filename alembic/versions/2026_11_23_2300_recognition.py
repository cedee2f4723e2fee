"""Recognition that counts: values, limits, replies and reactions."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_23_2300"
down_revision = "2026_11_23_2000"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TENANT_TABLES = ["chat_connections", "chat_identities", "recognition_reactions"]

DATE_EVENTS = """
UPDATE recognitions r SET occurred_on = (r.occurred_at AT TIME ZONE o.time_zone)::date
FROM organizations o WHERE o.id = r.organization_id
"""


def protect(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")


def upgrade() -> None:
    add_settings()
    extend_events()
    make_reactions()
    make_chat()
    for table in TENANT_TABLES:
        protect(table)
    role = '"' + context.config.attributes["role"] + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TENANT_TABLES)} TO {role}")


def as_owner(table: str, statement: str) -> None:
    """Over the rows of every organisation, which a forced policy hides from the owner too."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def add_settings() -> None:
    op.add_column("organizations", sa.Column("recognition_values", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("organizations", sa.Column("recognition_daily_limit", sa.Integer(), nullable=True))
    op.add_column(
        "organizations",
        sa.Column("recognition_edit_minutes", sa.Integer(), server_default="15", nullable=False),
    )


def extend_events() -> None:
    op.add_column("recognitions", sa.Column("source", sa.Text(), server_default="api", nullable=False))
    op.add_column("recognitions", sa.Column("reply_to_id", sa.Uuid(), nullable=True))
    op.add_column(
        "recognitions",
        sa.Column("occurred_on", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False),
    )
    op.add_column("recognitions", sa.Column("specificity", sa.SmallInteger(), nullable=True))
    op.add_column("recognitions", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
    as_owner("recognitions", DATE_EVENTS)
    op.create_foreign_key(
        op.f("fk_recognitions_organization_id_reply_to_id"),
        "recognitions",
        "recognitions",
        ["organization_id", "reply_to_id"],
        ["organization_id", "id"],
        ondelete="RESTRICT",
    )
    op.create_index(
        op.f("ix_recognitions_organization_id_reply_to_id"),
        "recognitions",
        ["organization_id", "reply_to_id"],
    )
    op.drop_index(op.f("ix_recognitions_organization_id_giver_id"), table_name="recognitions")
    op.create_index(
        op.f("ix_recognitions_organization_id_giver_id_occurred_on"),
        "recognitions",
        ["organization_id", "giver_id", "occurred_on"],
    )


def make_reactions() -> None:
    op.create_table(
        "recognition_reactions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("recognition_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_recognition_reactions_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "recognition_id"],
            ["recognitions.organization_id", "recognitions.id"],
            name=op.f("fk_recognition_reactions_organization_id_recognition_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "recognition_id",
            "person_id",
            "kind",
            name=op.f("pk_recognition_reactions"),
        ),
    )
    op.create_index(
        op.f("ix_recognition_reactions_organization_id_person_id"),
        "recognition_reactions",
        ["organization_id", "person_id"],
    )


def make_chat() -> None:
    op.create_table(
        "chat_connections",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_chat_connections_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_chat_connections")),
    )
    op.create_table(
        "chat_identities",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_chat_identities_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "product", "chat_id", name=op.f("pk_chat_identities")),
    )


def downgrade() -> None:
    op.drop_table("chat_identities")
    op.drop_table("chat_connections")
    op.drop_table("recognition_reactions")
    op.drop_index(op.f("ix_recognitions_organization_id_giver_id_occurred_on"), table_name="recognitions")
    op.create_index(
        op.f("ix_recognitions_organization_id_giver_id"), "recognitions", ["organization_id", "giver_id"]
    )
    op.drop_index(op.f("ix_recognitions_organization_id_reply_to_id"), table_name="recognitions")
    op.drop_constraint(op.f("fk_recognitions_organization_id_reply_to_id"), "recognitions")
    for column in ("edited_at", "specificity", "occurred_on", "reply_to_id", "source"):
        op.drop_column("recognitions", column)
    for column in ("recognition_edit_minutes", "recognition_daily_limit", "recognition_values"):
        op.drop_column("organizations", column)
