"""Leases of invitations and links that are mailed, and a seal of whom an invitation is for."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0600"
down_revision = "2026_11_30_0300"
branch_labels = None
depends_on = None

MAILED = ("invitation_deliveries", "answers_links")


def upgrade() -> None:
    for table in MAILED:
        op.add_column(table, sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("invitation_deliveries", sa.Column("person_seal", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("invitation_deliveries", "person_seal")
    for table in MAILED:
        op.drop_column(table, "held_until")
