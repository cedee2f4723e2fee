"""Who goes, is hidden or comes back moves those behind; who comes or changes otherwise does not."""

from alembic import op

revision = "2026_11_30_1930"
down_revision = "2026_11_30_1910"
branch_labels = None
depends_on = None

TELL = "EXECUTE FUNCTION tell_what_changed('arrivals', 'organization_id')"
MOVES = {
    "tell_of_hidden": "UPDATE OF hidden_at ON {} FOR EACH ROW"
    " WHEN (OLD.hidden_at IS DISTINCT FROM NEW.hidden_at)",
    "tell_of_born_hidden": "INSERT ON {} FOR EACH ROW WHEN (NEW.hidden_at IS NOT NULL)",
    "tell_of_arrivals": "DELETE ON {} FOR EACH ROW",
}
TABLES = ("scim_users", "scim_groups")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER tell_of_arrivals ON {table}")
        for name, when in MOVES.items():
            op.execute(f"CREATE TRIGGER {name} AFTER {when.format(table)} {TELL}")


def downgrade() -> None:
    for table in TABLES:
        for name in MOVES:
            op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(
            "CREATE TRIGGER tell_of_arrivals AFTER INSERT OR UPDATE OF hidden_at OR DELETE"
            f" ON {table} FOR EACH ROW {TELL}"
        )
