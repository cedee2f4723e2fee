"""Whoever answers may change it until the survey closes, where the survey says so."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_1210"
down_revision = "2026_11_30_1200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "surveys", sa.Column("allow_changes", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("surveys", "allow_changes")
