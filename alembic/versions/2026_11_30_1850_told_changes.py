"""Whoever remembers an API key is told when it is changed or deleted, in whatever way."""

from alembic import op

revision = "2026_11_30_1850"
down_revision = "2026_11_30_1830"
branch_labels = None
depends_on = None

TELL = """
CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('betrokken_changes', OLD.id::text);
    RETURN NULL;
END
$$
"""
"""The id alone: whoever may connect hears it."""
TRIGGER = """
CREATE TRIGGER tell_of_change AFTER UPDATE OR DELETE ON api_keys
FOR EACH ROW EXECUTE FUNCTION tell_of_change()
"""


def upgrade() -> None:
    op.execute(TELL)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER tell_of_change ON api_keys")
    op.execute("DROP FUNCTION tell_of_change()")
