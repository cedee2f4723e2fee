from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
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


class InvitationMailing(DependentRow, table=True):
    """What the invitations that were issued at once are mailed with, and when."""

    __tablename__ = "invitation_mailings"
    __table_args__ = (within_organization(["survey_id"], "surveys", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    subject: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    text: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
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
            postgresql_where=text("nonce IS NOT NULL"),
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
    is_mailed: bool = Field(sa_column_kwargs={"server_default": "false"})
    """Once they have one that nobody else has seen, no other is shown to whoever issues."""
