"""Which version of a metric's body a release keeps, so that an old one can still be read."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_0000"
down_revision = "2026_11_24_0200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there is of the first version, and so is what the version now running still writes."""
    column = sa.Column("body_version", sa.SmallInteger(), nullable=False, server_default="1")
    op.add_column("release_results", column)


def downgrade() -> None:
    op.drop_column("release_results", "body_version")
