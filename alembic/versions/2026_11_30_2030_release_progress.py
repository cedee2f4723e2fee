"""How far the final release of a survey is computed."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_2030"
down_revision = "2026_11_30_1930"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("surveys", sa.Column("release_progress", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("surveys", "release_progress")
