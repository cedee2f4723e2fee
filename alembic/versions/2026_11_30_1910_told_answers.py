"""Whoever keeps what is read of surveys, or the order in which people came, is told when that changes."""

from alembic import op

revision = "2026_11_30_1910"
down_revision = "2026_11_30_1856"
branch_labels = None
depends_on = None

TELL = """
CREATE FUNCTION tell_what_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(
        'betrokken_changes', TG_ARGV[0] || ' ' || (to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[1])
    );
    RETURN NULL;
END
$$
"""
"""What of an organisation, and its id: whoever may connect hears it. One transaction tells it once."""
OF_ANSWERS = (
    ("organizations", "UPDATE OR DELETE", "id"),
    ("surveys", "INSERT OR UPDATE OR DELETE", "organization_id"),
    ("releases", "INSERT OR UPDATE OR DELETE", "organization_id"),
)
OF_ARRIVALS = (
    ("people", "DELETE", "organization_id"),
    ("teams", "DELETE", "organization_id"),
    ("scim_users", "INSERT OR UPDATE OF hidden_at OR DELETE", "organization_id"),
    ("scim_groups", "INSERT OR UPDATE OF hidden_at OR DELETE", "organization_id"),
)
"""Those who come are the last: of them nobody is told."""


def upgrade() -> None:
    op.execute(TELL)
    for subject, triggers in (("answers", OF_ANSWERS), ("arrivals", OF_ARRIVALS)):
        for table, events, organization in triggers:
            op.execute(
                f"CREATE TRIGGER tell_of_{subject} AFTER {events} ON {table} FOR EACH ROW"
                f" EXECUTE FUNCTION tell_what_changed('{subject}', '{organization}')"
            )


def downgrade() -> None:
    for subject, triggers in (("answers", OF_ANSWERS), ("arrivals", OF_ARRIVALS)):
        for table, _, _ in triggers:
            op.execute(f"DROP TRIGGER tell_of_{subject} ON {table}")
    op.execute("DROP FUNCTION tell_what_changed()")
