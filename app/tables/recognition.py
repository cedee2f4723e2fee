from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger, UniqueConstraint, text
from sqlmodel import Field

from app.tables.base import DependentRow, instant, within_organization


class Recognition(DependentRow, table=True):
    __tablename__ = "recognitions"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        within_organization(["giver_id"], "people"),
        within_organization(["reply_to_id"], "recognitions"),
        Index(None, "organization_id", "giver_id", "occurred_on"),
        Index(None, "organization_id", "occurred_at", "id"),
        Index(None, "organization_id", "reply_to_id"),
    )

    id: UUID = Field(primary_key=True)
    external_id: str | None = None
    giver_id: UUID
    message: str
    value: str | None = None
    visibility: str
    source: str = Field(sa_column_kwargs={"server_default": "api"})
    reply_to_id: UUID | None = None
    occurred_at: datetime = instant()
    occurred_on: date = Field(sa_column_kwargs={"server_default": text("CURRENT_DATE")})
    """The day it was for the organisation when it was stored, whatever zone it moves to."""
    specificity: int | None = Field(default=None, sa_type=SmallInteger)
    """0 to 4; None for events stored before it was scored."""
    created_at: datetime = instant(now=True)
    edited_at: datetime | None = instant(nullable=True)


class RecognitionReceiver(DependentRow, table=True):
    __tablename__ = "recognition_receivers"
    __table_args__ = (
        within_organization(["recognition_id"], "recognitions", ondelete="CASCADE"),
        within_organization(["person_id"], "people"),
        Index(None, "organization_id", "person_id"),
    )

    recognition_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    position: int


class RecognitionReaction(DependentRow, table=True):
    __tablename__ = "recognition_reactions"
    __table_args__ = (
        within_organization(["recognition_id"], "recognitions", ondelete="CASCADE"),
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "person_id"),
    )

    recognition_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    created_at: datetime = instant(now=True)
