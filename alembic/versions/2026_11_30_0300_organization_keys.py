"""A key of each organisation, sealed with the secret of the installation."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0300"
down_revision = "2026_11_30_0000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first start with the secret gives the organisations that are here theirs."""
    op.add_column("organizations", sa.Column("sealed_key", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("organizations", "sealed_key")
