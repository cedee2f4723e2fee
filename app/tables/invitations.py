from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, instant, within_organization


class Invitation(DependentRow, table=True):
    """A token that was issued and not used. Using it deletes the row."""

    __tablename__ = "invitations"
    __table_args__ = (
        within_organization(["survey_id"], "surveys", ondelete="CASCADE"),
        UniqueConstraint("organization_id", "survey_id", "respondent_key"),
        Index(None, "organization_id", "survey_id", "cell_ordinal"),
    )

    survey_id: UUID = Field(primary_key=True)
    token_hash: bytes = Field(primary_key=True)
    cell_ordinal: int
    respondent_key: UUID | None = None
    """As in responses, so that it tells no more than they do; null in anonymous mode."""


class ReplacedInvitation(DependentRow, table=True):
    """A token whose place a newer one took before it was used, until the survey closes.

    Nothing changes it afterwards: so it tells nobody who has answered with the newer one.
    """

    __tablename__ = "replaced_invitations"
    __table_args__ = (within_organization(["survey_id"], "surveys", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    token_hash: bytes = Field(primary_key=True)


class InvitationMailing(DependentRow, table=True):
    """What the invitations that were issued at once are mailed with, and when."""

    __tablename__ = "invitation_mailings"
    __table_args__ = (within_organization(["survey_id"], "surveys", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    subject: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    text: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    reminder_subject: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    reminder_text: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """By language; null: the words that come along."""
    send_at: datetime = instant()
    created_at: datetime = instant(now=True)


class InvitationDelivery(DependentRow, table=True):
    """Somebody who was issued a token, and until the mail server has it, what to mail.

    Without the secret of the installation no column tells who it is, nor the token: rows written in one
    transaction can be told by it, so none beside an invitation may name its person.
    """

    __tablename__ = "invitation_deliveries"
    __table_args__ = (
        within_organization(["survey_id"], "surveys", ondelete="CASCADE"),
        Index(
            "ix_invitation_deliveries_to_be_mailed",
            "organization_id",
            "survey_id",
            "recipient_key",
            postgresql_where=text("""nonce IS NOT NULL"""),
        ),
    )

    survey_id: UUID = Field(primary_key=True)
    recipient_key: UUID = Field(primary_key=True)
    mailing_id: UUID | None = None
    nonce: bytes | None = None
    person_seal: bytes | None = None
    sealed_person: UUID | None = None
    """What was kept of the person in place of the seal before there was one."""
    held_until: datetime | None = instant(nullable=True)
    """The end of the lease of whoever is mailing it."""
    kept_nonce: bytes | None = None
    """Of a mail that went out, so that a reminder has the same link; never in anonymous mode."""
    failure: str | None = None
    """`refused` or `bounced`; whom it was for stays in `person_seal`."""
    settled_at: datetime | None = instant(nullable=True)
    is_mailed: bool = Field(sa_column_kwargs={"server_default": "false"})
    """Once they have one that nobody else has seen, no other is shown to whoever issues."""
    was_in_hand: bool = Field(sa_column_kwargs={"server_default": "false"})
    """Whether one was ever shown to whoever issues: who then writes another address gets no link by mail."""


class InvitationReminder(DependentRow, table=True):
    """A time at which people are reminded; by hand, where it has no rule."""

    __tablename__ = "invitation_reminders"
    __table_args__ = (within_organization(["survey_id"], "surveys", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    mailing_id: UUID | None = None
    """Whose invitations; null: everybody's."""
    days_before_close: int | None = None
    days_after_invitation: int | None = None
    subject: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    text: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """Its own words, by language; null: those of the invitations it follows."""
    due_at: datetime = instant()
    started_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant(now=True)


class InvitationReminderMail(DependentRow, table=True):
    """Everybody who was mailed an invitation, once a reminder: whether they need it is asked when it is sent,
    and noted of nobody."""

    __tablename__ = "invitation_reminder_mails"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "survey_id", "reminder_id"],
            [
                "invitation_reminders.organization_id",
                "invitation_reminders.survey_id",
                "invitation_reminders.id",
            ],
            ondelete="CASCADE",
        ),
        within_organization(["survey_id", "recipient_key"], "invitation_deliveries", ondelete="CASCADE"),
        Index(None, "organization_id", "survey_id", "recipient_key"),
        Index(
            "ix_invitation_reminder_mails_to_be_mailed",
            "organization_id",
            "survey_id",
            "reminder_id",
            "recipient_key",
            postgresql_where=text("""person_seal IS NOT NULL"""),
        ),
    )

    survey_id: UUID = Field(primary_key=True)
    reminder_id: UUID = Field(primary_key=True)
    recipient_key: UUID = Field(primary_key=True)
    person_seal: bytes | None = None
    """Until it is settled."""
    held_until: datetime | None = instant(nullable=True)
