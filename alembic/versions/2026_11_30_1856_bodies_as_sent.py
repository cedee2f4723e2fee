"""What a release says of a group is kept as it is sent, letter for letter."""

from alembic import op

revision = "2026_11_30_1856"
down_revision = "2026_11_30_1850"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The version now running reads and writes either."""
    op.execute("ALTER TABLE release_results ALTER COLUMN body TYPE json USING body::json")


def downgrade() -> None:
    op.execute("ALTER TABLE release_results ALTER COLUMN body TYPE jsonb USING body::jsonb")
