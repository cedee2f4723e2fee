"""A survey can be withdrawn before it closes, and archived once it is released."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_1150"
down_revision = "2026_11_30_1140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("surveys", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "surveys", sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("surveys", "archived")
    op.drop_column("surveys", "cancelled_at")
