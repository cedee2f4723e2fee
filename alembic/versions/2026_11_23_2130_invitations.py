"""Invitations: tokens by hash, mails still to be sent, and to whom a token was issued."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_23_2130"
down_revision = "2026_11_23_2100"
branch_labels = None
depends_on = None

TENANT = "organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
NEW_TABLES = ["invitations", "invitation_mails"]


def protect(table: str) -> None:
    role = '"' + context.config.attributes["role"] + '"'
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({TENANT}) WITH CHECK ({TENANT})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")


def upgrade() -> None:
    op.add_column(
        "survey_members",
        sa.Column("is_issued", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
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
    )
    for column in ("cell_ordinal", "respondent_key"):
        op.create_index(
            op.f(f"ix_invitations_organization_id_survey_id_{column}"),
            "invitations",
            ["organization_id", "survey_id", column],
        )
    op.create_table(
        "invitation_mails",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_invitation_mails_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_invitation_mails_organization_id_person_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "survey_id", "person_id", name=op.f("pk_invitation_mails")
        ),
    )
    op.create_index(
        op.f("ix_invitation_mails_organization_id_person_id"),
        "invitation_mails",
        ["organization_id", "person_id"],
    )
    for table in NEW_TABLES:
        protect(table)


def downgrade() -> None:
    for table in NEW_TABLES:
        op.drop_table(table)
    op.drop_column("survey_members", "is_issued")
