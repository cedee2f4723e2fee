"""An invitation whose place a newer one has taken is told from one that was used."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_30_1320"
down_revision = "2026_11_30_1310"
branch_labels = None
depends_on = None

TABLE = "replaced_invitations"
CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_replaced_invitations_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "survey_id", "token_hash", name=op.f("pk_replaced_invitations")
        ),
    )
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {TABLE} USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO "{role}"')


def downgrade() -> None:
    op.drop_table(TABLE)
