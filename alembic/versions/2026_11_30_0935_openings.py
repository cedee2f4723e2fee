"""Why a survey did not open; whose invitation a mail server has taken; no names of keys in the log.

A key may be called after a person, and no entry of the log can be erased. A table that is mostly empty keeps
old samples: none are taken of addresses of before.
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0935"
down_revision = "2026_11_30_0925"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("surveys", sa.Column("opening_refused", sa.Text(), nullable=True))
    op.add_column(
        "invitation_deliveries",
        sa.Column("is_mailed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    for column in ("email", "person_id"):
        op.execute(f"ALTER TABLE address_notices ALTER COLUMN {column} SET STATISTICS 0")
    op.execute("ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE audit_entries SET details = details - 'name' WHERE action = 'create_api_key'")
    op.execute("ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("invitation_deliveries", "is_mailed")
    op.drop_column("surveys", "opening_refused")
