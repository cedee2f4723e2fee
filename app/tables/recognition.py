from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Identity, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, instant, within_organization


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
    occurred_on: date = Field(sa_column_kwargs={"server_default": text("""CURRENT_DATE""")})
    """The day it was for the organisation when it was stored, whatever zone it moves to."""
    specificity: int | None = Field(default=None, sa_type=SmallInteger)
    """0 to 4; None for events stored before it was scored."""
    counted_in: date | None = None
    """The month it counts in, where its own had been told when it came (R9b)."""
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


class RecognitionNumber(DependentRow, table=True):
    """A short name for a person in the buckets, given with their first event."""

    __tablename__ = "recognition_numbers"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        within_organization(["person_id"], "people", ondelete="CASCADE"),
    )

    person_id: UUID = Field(primary_key=True)
    number: int | None = Field(default=None, sa_column=Column(Integer, Identity(), nullable=False))


class RecognitionMonth(OrganizationRow, table=True):
    """Written by the version before this one, and read by none: to be dropped in the next."""

    __tablename__ = "recognition_months"

    month: date = Field(primary_key=True)
    changes: int


class RecognitionMonthPerson(OrganizationRow, table=True):
    """Of one person, by number, what they received and gave in a month; one event to m people is m."""

    __tablename__ = "recognition_month_people"

    month: date = Field(primary_key=True)
    person: int = Field(primary_key=True)
    received: int
    given: int
    scored: int
    """How many of those received have a specificity, and the sum of these."""
    specificity: int
    last_received_on: date | None = None


class RecognitionToldMonth(OrganizationRow, table=True):
    """A month as it was when it was first told of: its numbers stand on this, whatever comes later."""

    __tablename__ = "recognition_told_months"

    month: date = Field(primary_key=True)
    tree: list[list[Any]] = Field(sa_type=JSONB)
    """Of each team its external id, its name and the ordinal of the one it is below."""
    people: bytes
    """Rows of what is counted of a person, by number; erasing a person takes away whose number it is."""
    pairs: bytes


class RecognitionReport(OrganizationRow, table=True):
    """What was computed of a group for whole months, all of them told; good while the fingerprint is."""

    __tablename__ = "recognition_reports"

    first_on: date = Field(primary_key=True)
    last_on: date = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    last_ordinal: int
    """The first ordinal after those of its subtree."""
    team: str | None = None
    fingerprint: str
    body: dict[str, Any] = Field(sa_type=JSONB)


class RecognitionMonthPair(OrganizationRow, table=True):
    """How many events of a month went from one person to another, by number."""

    __tablename__ = "recognition_month_pairs"

    month: date = Field(primary_key=True)
    giver: int = Field(primary_key=True)
    receiver: int = Field(primary_key=True)
    events: int
