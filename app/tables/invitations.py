from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from app.tables.base import DependentRow, within_organization


class Invitation(DependentRow, table=True):
    """A token that was issued and not used. Using it deletes the row."""

    __tablename__ = "invitations"
    __table_args__ = (
        within_organization(["survey_id"], "surveys", ondelete="CASCADE"),
        Index(None, "organization_id", "survey_id", "cell_ordinal"),
        Index(None, "organization_id", "survey_id", "respondent_key"),
    )

    survey_id: UUID = Field(primary_key=True)
    token_hash: bytes = Field(primary_key=True)
    cell_ordinal: int
    respondent_key: UUID | None = None
    """As in responses, so that it tells no more than they do; null in anonymous mode."""


class InvitationMail(DependentRow, table=True):
    """A mail to be sent, until the server has it. The nonce gives the token only together with the secret of
    the installation."""

    __tablename__ = "invitation_mails"
    __table_args__ = (
        within_organization(["survey_id"], "surveys", ondelete="CASCADE"),
        within_organization(["person_id"], "people"),
        Index(None, "organization_id", "person_id"),
    )

    survey_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    nonce: bytes
