"""The public address of a survey can be told again: with the key, what is kept here makes it."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_1250"
down_revision = "2026_11_30_1240"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("surveys", sa.Column("address_nonce", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("surveys", "address_nonce")
