"""Quadrants may be cut at a norm, or at the organisation's own scores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "2026_11_30_1830"
down_revision = "2026_11_30_1320"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organizations", sa.Column("metrics_quadrants", sa.String(), server_default="fixed", nullable=False)
    )
    op.add_column("organizations", sa.Column("metrics_norm", JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("organizations", "metrics_norm")
    op.drop_column("organizations", "metrics_quadrants")
