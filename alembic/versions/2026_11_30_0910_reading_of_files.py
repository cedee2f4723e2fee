"""What a file that is imported turned out to be, and what of it is not read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_30_0910"
down_revision = "2026_11_30_0855"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("reading", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("imports", "reading")
