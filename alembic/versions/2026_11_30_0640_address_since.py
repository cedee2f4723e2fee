"""Since when a person's address stands: of those on file from now on, which errs on the safe side."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0640"
down_revision = "2026_11_30_0600"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.func.now()
    op.add_column(
        "people", sa.Column("email_since", sa.DateTime(timezone=True), server_default=now, nullable=False)
    )


def downgrade() -> None:
    op.drop_column("people", "email_since")
