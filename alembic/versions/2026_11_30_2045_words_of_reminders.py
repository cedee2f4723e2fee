"""Reminders in an organisation's own words, kept beside those of the invitations they follow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "2026_11_30_2045"
down_revision = "2026_11_30_2030"
branch_labels = None
depends_on = None

TABLE = "invitation_mailings"
COLUMNS = ("reminder_subject", "reminder_text")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column(TABLE, sa.Column(name, JSONB(), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column(TABLE, name)
