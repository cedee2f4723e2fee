"""The person's rights: the audit log, marks of those erased, one-time links to confidential answers."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "2026_11_24_0500"
down_revision = "2026_11_24_0310"
branch_labels = None
depends_on = None

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
READ_AND_ADD = "SELECT, INSERT"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def protect(table: str, rights: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f'GRANT {rights} ON {table} TO "{context.config.attributes["role"]}"')


def is_of_organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"],
        ["organizations.id"],
        name=op.f(f"fk_{table}_organization_id"),
        ondelete="CASCADE",
    )


def now(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        now("recorded_at"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("person", sa.LargeBinary(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        is_of_organization("audit_entries"),
        sa.PrimaryKeyConstraint("organization_id", "recorded_at", "id", name=op.f("pk_audit_entries")),
    )
    op.create_index(
        "ix_audit_entries_of_a_person",
        "audit_entries",
        ["organization_id", "person", "recorded_at"],
        postgresql_where=sa.text("person IS NOT NULL"),
    )
    op.create_table(
        "erased_people",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        now("erased_at"),
        is_of_organization("erased_people"),
        sa.PrimaryKeyConstraint("organization_id", "mark", name=op.f("pk_erased_people")),
    )
    op.create_table(
        "answers_links",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_answers_links_organization_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "person_id", name=op.f("pk_answers_links")),
    )
    op.create_index(
        op.f("ix_answers_links_organization_id_token_hash"),
        "answers_links",
        ["organization_id", "token_hash"],
    )
    protect("audit_entries", READ_AND_ADD)
    protect("erased_people", EVERYTHING)
    protect("answers_links", EVERYTHING)


def downgrade() -> None:
    op.drop_table("answers_links")
    op.drop_table("erased_people")
    op.drop_table("audit_entries")
