"""A survey that is open to anybody has an address with a secret of its own."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_1240"
down_revision = "2026_11_30_1235"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("surveys", sa.Column("address_hash", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("surveys", "address_hash")
