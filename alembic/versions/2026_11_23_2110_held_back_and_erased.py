"""What no release could take, and how many answers of each cell were erased since."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_2110"
down_revision = "2026_11_23_2100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("releases", sa.Column("held_back", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("releases", "held_back", server_default=None)
    op.add_column("survey_cells", sa.Column("erased", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("survey_cells", "erased")
    op.drop_column("releases", "held_back")
