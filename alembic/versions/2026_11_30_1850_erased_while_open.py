"""How many were erased while their survey's participation was told, and how many of them had answered."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_1850"
down_revision = "2026_11_30_1830"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("erased_invited", "erased_answered"):
        op.add_column("surveys", sa.Column(name, sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("surveys", "erased_answered")
    op.drop_column("surveys", "erased_invited")
