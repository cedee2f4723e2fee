"""Whom the respondents of an organisation's surveys may ask."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_1140"
down_revision = "2026_11_30_0935"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("survey_contact", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("organizations", "survey_contact")
