"""An identity provider finds whom it seeks by an index: any text, however it is written."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_30_0815"
down_revision = "2026_11_30_0640"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
UPPER = "".join(
    letter
    for letter in map(chr, range(0x80, 0x110000))
    if letter.lower() != letter and len(letter.lower()) == 1
)
SEARCH_KEY = f"""
CREATE FUNCTION search_key(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT left(
    CASE WHEN octet_length(written) = length(written) THEN lower(written COLLATE "C")
    ELSE normalize(translate(
        replace(lower(normalize(written, NFC) COLLATE "C"), U&'\\0130', U&'i\\0307'),
        '{UPPER}ς', '{UPPER.lower()}σ'
    ), NFC) END,
    200
)
$$
"""
"""Equal for texts that differ in case only, in any locale of the server, and short enough for an index."""
KEYS = (
    ("people", "name_key", "name"),
    ("people", "email_key", "email"),
    ("people", "external_id_key", "external_id"),
    ("teams", "name_key", "name"),
    ("scim_users", "name_key", "user_name"),
    ("scim_users", "external_id_key", "attributes ->> 'externalId'"),
    ("scim_groups", "external_id_key", "attributes ->> 'externalId'"),
)
"""Columns, as under row-level security no index of an expression is used."""
EMAILS_ON_FILE = """
INSERT INTO scim_emails (organization_id, person_id, key)
SELECT DISTINCT s.organization_id, s.person_id, search_key(e ->> 'value')
FROM scim_users s, jsonb_array_elements(s.attributes -> 'emails') AS e
WHERE jsonb_typeof(s.attributes -> 'emails') = 'array' AND e ->> 'value' IS NOT NULL
"""


def upgrade() -> None:
    op.execute(SEARCH_KEY)
    for table, name, source in KEYS:
        computed = sa.Computed(f"search_key({source})", persisted=True)
        op.add_column(table, sa.Column(name, sa.Text(), computed, nullable=True))
        op.create_index(op.f(f"ix_{table}_organization_id_{name}"), table, ["organization_id", name])
    for table in ("people", "teams"):
        columns = ["organization_id", "created_at", "id"]
        op.create_index(op.f(f"ix_{table}_organization_id_created_at_id"), table, columns)
    op.create_index(
        "ix_scim_users_hidden",
        "scim_users",
        ["organization_id", "person_id"],
        postgresql_where=sa.text("hidden_at IS NOT NULL"),
    )
    op.create_table(
        "scim_emails",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["scim_users.organization_id", "scim_users.person_id"],
            name=op.f("fk_scim_emails_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "key", "person_id", name=op.f("pk_scim_emails")),
    )
    op.create_index(
        op.f("ix_scim_emails_organization_id_person_id"), "scim_emails", ["organization_id", "person_id"]
    )
    op.execute(EMAILS_ON_FILE)
    rule = f"organization_id = {CURRENT}"
    op.execute("ALTER TABLE scim_emails ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE scim_emails FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON scim_emails USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON scim_emails TO "{role}"')


def downgrade() -> None:
    op.drop_table("scim_emails")
    op.drop_index("ix_scim_users_hidden", "scim_users")
    for table in ("people", "teams"):
        op.drop_index(op.f(f"ix_{table}_organization_id_created_at_id"), table)
    for table, name, _ in KEYS:
        op.drop_column(table, name)
    op.execute("DROP FUNCTION search_key(text)")
