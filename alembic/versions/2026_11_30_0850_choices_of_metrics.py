"""What an organisation chooses for its numbers: the target of focus areas, and how much change matters."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0850"
down_revision = "2026_11_30_0830"
branch_labels = None
depends_on = None

CHOICES = {"metrics_target": "75", "metrics_smallest_change": "5"}


def upgrade() -> None:
    for name, default in CHOICES.items():
        op.add_column("organizations", sa.Column(name, sa.Float(), nullable=False, server_default=default))


def downgrade() -> None:
    for name in CHOICES:
        op.drop_column("organizations", name)
