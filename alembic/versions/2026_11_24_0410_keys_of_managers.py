"""API keys that see some teams only."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_0410"
down_revision = "2026_11_24_0400"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("teams", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("api_keys", sa.Column("person", sa.Text(), nullable=True))


def downgrade() -> None:
    """A key that saw some teams only would see everything: it goes."""
    op.execute("ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM api_keys WHERE teams IS NOT NULL OR person IS NOT NULL")
    op.execute("ALTER TABLE api_keys FORCE ROW LEVEL SECURITY")
    op.drop_column("api_keys", "person")
    op.drop_column("api_keys", "teams")
