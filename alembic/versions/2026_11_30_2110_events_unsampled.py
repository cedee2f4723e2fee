"""The planner keeps no samples of events: one that waits for its receiver may name whom it says is erased."""

from alembic import op

revision = "2026_11_30_2110"
down_revision = "2026_11_30_2045"
branch_labels = None
depends_on = None

COLUMN = "ALTER TABLE webhook_deliveries ALTER COLUMN data"


def upgrade() -> None:
    op.execute(f"{COLUMN} SET STATISTICS 0")
    op.execute(f"{COLUMN} TYPE jsonb")  # which drops the samples there are, and rewrites nothing


def downgrade() -> None:
    op.execute(f"{COLUMN} SET STATISTICS -1")
