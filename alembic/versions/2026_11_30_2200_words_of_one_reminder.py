"""A reminder by hand may have words of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "2026_11_30_2200"
down_revision = "2026_11_30_2110"
branch_labels = None
depends_on = None

TABLE = "invitation_reminders"
COLUMNS = ("subject", "text")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column(TABLE, sa.Column(name, JSONB(), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column(TABLE, name)
