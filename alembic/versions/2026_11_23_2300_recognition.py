"""Recognition that counts: values, limits, replies and reactions."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_23_2300"
down_revision = "2026_11_23_2200"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
TENANT_TABLES = [
    "chat_connections",
    "chat_identities",
    "recognition_month_pairs",
    "recognition_month_people",
    "recognition_months",
    "recognition_numbers",
    "recognition_reactions",
    "recognition_reports",
]

READ_FOR_ALL = ["recognitions", "recognition_receivers"]

DATE_EVENTS = """
UPDATE recognitions r SET occurred_on = (r.occurred_at AT TIME ZONE o.time_zone)::date
FROM organizations o WHERE o.id = r.organization_id
"""
COUNTED = """
WITH counted AS (
    SELECT r.organization_id, CAST(date_trunc('month', CAST(r.occurred_on AS timestamp)) AS date) AS month,
        g.number AS giver, p.number AS receiver, r.occurred_on
    FROM recognitions r
    JOIN recognition_receivers rr ON rr.organization_id = r.organization_id AND rr.recognition_id = r.id
    JOIN recognition_numbers g ON g.organization_id = r.organization_id AND g.person_id = r.giver_id
    JOIN recognition_numbers p ON p.organization_id = r.organization_id AND p.person_id = rr.person_id
)
"""
FILL_BUCKETS = [
    """
    INSERT INTO recognition_numbers (organization_id, person_id)
    SELECT organization_id, giver_id FROM recognitions
    UNION SELECT organization_id, person_id FROM recognition_receivers
    """,
    f"""
    {COUNTED}
    INSERT INTO recognition_month_pairs (organization_id, month, giver, receiver, events)
    SELECT organization_id, month, giver, receiver, count(*) FROM counted GROUP BY 1, 2, 3, 4
    """,
    f"""
    {COUNTED}
    INSERT INTO recognition_month_people
        (organization_id, month, person, received, given, scored, specificity, last_received_on)
    SELECT organization_id, month, person, sum(received), sum(given), 0, 0, max(received_on)
    FROM (
        SELECT organization_id, month, receiver AS person, 1 AS received, 0 AS given,
            occurred_on AS received_on
        FROM counted
        UNION ALL SELECT organization_id, month, giver, 0, 1, NULL FROM counted
    ) sides
    GROUP BY 1, 2, 3
    """,
    "INSERT INTO recognition_months SELECT DISTINCT organization_id, month, 1 FROM recognition_month_people",
]


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
    make_buckets()
    for statement in FILL_BUCKETS:
        as_owner(statement)
    for table in TENANT_TABLES:
        protect(table)
    role = '"' + context.config.attributes["role"] + '"'
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TENANT_TABLES)} TO {role}")


def as_owner(statement: str) -> None:
    """Over the rows of every organisation, which a forced policy hides from the owner too."""
    for table in READ_FOR_ALL:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    for table in READ_FOR_ALL:
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
    as_owner(DATE_EVENTS)
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


def make_buckets() -> None:
    op.create_table(
        "recognition_numbers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), sa.Identity(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_recognition_numbers_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "person_id", name=op.f("pk_recognition_numbers")),
        sa.UniqueConstraint(
            "organization_id", "number", name=op.f("uq_recognition_numbers_organization_id_number")
        ),
    )
    make_bucket("recognition_months", [], [sa.Column("changes", sa.Integer(), nullable=False)])
    make_bucket(
        "recognition_month_people",
        ["person"],
        [
            *(
                sa.Column(name, sa.Integer(), nullable=False)
                for name in ("received", "given", "scored", "specificity")
            ),
            sa.Column("last_received_on", sa.Date(), nullable=True),
        ],
    )
    make_bucket(
        "recognition_month_pairs", ["giver", "receiver"], [sa.Column("events", sa.Integer(), nullable=False)]
    )
    op.create_table(
        "recognition_reports",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("last_ordinal", sa.Integer(), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_recognition_reports_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "first_on", "last_on", "ordinal", name=op.f("pk_recognition_reports")
        ),
    )


def make_bucket(table: str, numbers: list[str], columns: list[sa.Column[int]]) -> None:
    op.create_table(
        table,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in numbers),
        *columns,
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f(f"fk_{table}_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "month", *numbers, name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    for table in (
        "recognition_reports",
        "recognition_month_pairs",
        "recognition_month_people",
        "recognition_months",
        "recognition_numbers",
    ):
        op.drop_table(table)
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
