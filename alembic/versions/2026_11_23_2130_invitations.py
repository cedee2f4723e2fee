"""Invitations: unused tokens by hash, who was issued one, and what is still to be mailed."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_23_2130"
down_revision = "2026_11_23_2110"
branch_labels = None
depends_on = None

TENANT = "organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
NEW_TABLES = ["invitations", "invitation_deliveries"]


def protect(table: str) -> None:
    role = '"' + context.config.attributes["role"] + '"'
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("cell_ordinal", sa.Integer(), nullable=False),
        sa.Column("respondent_key", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_invitations_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "token_hash", name=op.f("pk_invitations")),
        sa.UniqueConstraint(
            "organization_id",
            "survey_id",
            "respondent_key",
            name=op.f("uq_invitations_organization_id_survey_id_respondent_key"),
        ),
    )
    op.create_index(
        op.f("ix_invitations_organization_id_survey_id_cell_ordinal"),
        "invitations",
        ["organization_id", "survey_id", "cell_ordinal"],
    )
    op.create_table(
        "invitation_deliveries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_key", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_person", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_invitation_deliveries_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "survey_id", "recipient_key", name=op.f("pk_invitation_deliveries")
        ),
    )
    op.create_index(
        "ix_invitation_deliveries_to_be_mailed",
        "invitation_deliveries",
        ["organization_id", "survey_id", "recipient_key"],
        postgresql_where=sa.text("nonce IS NOT NULL"),
    )
    for table in NEW_TABLES:
        protect(table)


def downgrade() -> None:
    for table in NEW_TABLES:
        op.drop_table(table)
