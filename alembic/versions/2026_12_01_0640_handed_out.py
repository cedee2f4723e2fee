"""Who was ever handed a code or a link is known as that when a mail is to take its place."""

import sqlalchemy as sa
from alembic import op

revision = "2026_12_01_0640"
down_revision = "2026_11_30_2210"
branch_labels = None
depends_on = None

IN_HAND = """
UPDATE invitation_deliveries SET was_in_hand = true WHERE nonce IS NULL AND failure IS NULL AND NOT is_mailed
"""


def upgrade() -> None:
    op.add_column(
        "invitation_deliveries", sa.Column("was_in_hand", sa.Boolean, nullable=False, server_default="false")
    )
    op.execute("ALTER TABLE invitation_deliveries NO FORCE ROW LEVEL SECURITY")
    op.execute(IN_HAND)
    op.execute("ALTER TABLE invitation_deliveries FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("invitation_deliveries", "was_in_hand")
