"""What became of invitations that were mailed, and who is reminded when."""

import sqlalchemy as sa
from alembic import context, op

revision = "2026_11_30_1230"
down_revision = "2026_11_30_1210"
branch_labels = None
depends_on = None

REMINDERS, MAILS = "invitation_reminders", "invitation_reminder_mails"
CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    op.add_column("invitation_deliveries", sa.Column("kept_nonce", sa.LargeBinary(), nullable=True))
    op.add_column("invitation_deliveries", sa.Column("failure", sa.Text(), nullable=True))
    op.add_column("invitation_deliveries", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        REMINDERS,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailing_id", sa.Uuid(), nullable=True),
        sa.Column("days_before_close", sa.Integer(), nullable=True),
        sa.Column("days_after_invitation", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f(f"fk_{REMINDERS}_organization_id_survey_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "survey_id", "id", name=op.f(f"pk_{REMINDERS}")),
    )
    op.create_table(
        MAILS,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("reminder_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_key", sa.Uuid(), nullable=False),
        sa.Column("person_seal", sa.LargeBinary(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id", "reminder_id"],
            [f"{REMINDERS}.organization_id", f"{REMINDERS}.survey_id", f"{REMINDERS}.id"],
            name=op.f(f"fk_{MAILS}_organization_id_survey_id_reminder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id", "recipient_key"],
            [f"invitation_deliveries.{name}" for name in ("organization_id", "survey_id", "recipient_key")],
            name=op.f(f"fk_{MAILS}_organization_id_survey_id_recipient_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "survey_id", "reminder_id", "recipient_key", name=op.f(f"pk_{MAILS}")
        ),
    )
    op.create_index(
        op.f(f"ix_{MAILS}_organization_id_survey_id_recipient_key"),
        MAILS,
        ["organization_id", "survey_id", "recipient_key"],
    )
    op.create_index(
        f"ix_{MAILS}_to_be_mailed",
        MAILS,
        ["organization_id", "survey_id", "reminder_id", "recipient_key"],
        postgresql_where=sa.text("person_seal IS NOT NULL"),
    )
    for table in (REMINDERS, MAILS):
        isolate(table)


def isolate(table: str) -> None:
    rule = f"organization_id = {CURRENT}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
    role = context.config.attributes["role"]
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{role}"')


def downgrade() -> None:
    op.drop_table(MAILS)
    op.drop_table(REMINDERS)
    for column in ("settled_at", "failure", "kept_nonce"):
        op.drop_column("invitation_deliveries", column)
