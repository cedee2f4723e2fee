from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, String, UniqueConstraint
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, Timestamps, instant, within_organization


class Occasion(DependentRow, Timestamps, table=True):
    """A day of the year in a person's life. A birth year is never kept."""

    __tablename__ = "occasions"
    __table_args__ = (
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "month", "day"),
    )

    person_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True)
    kind: str
    month: int
    day: int
    year: int | None = None
    label: str | None = None
    relation: str | None = None
    visibility: str
    consent: bool
    leap_day_rule: str | None = None
    recurrence: str


class CelebrationSettings(DependentRow, Timestamps, table=True):
    """What a person wants celebrated of what follows from the employment; without a row, all of it."""

    __tablename__ = "celebration_settings"
    __table_args__ = (within_organization(["person_id"], "people", ondelete="CASCADE"),)

    person_id: UUID = Field(primary_key=True)
    work_anniversary: bool
    first_day: bool
    leap_day_rule: str | None = None


class CalendarFeed(OrganizationRow, table=True):
    """A subscription; its token is kept as a hash, here and among the credentials."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (Index(None, "organization_id", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    scope: str
    team: str | None = None
    manager: str | None = None
    """External ids, looked up when the feed is read."""
    language: str
    alarm_days: int | None = None
    token_hash: bytes
    created_at: datetime = instant(now=True)


class CardTemplate(OrganizationRow, Timestamps, table=True):
    """An organisation's own template of one kind of card in one language."""

    __tablename__ = "card_templates"
    __table_args__ = (UniqueConstraint("organization_id", "kind", "language"),)

    key: str = Field(primary_key=True)
    kind: str
    language: str
    subject: str
    html: str
    text: str
    picture: str | None = None


class Dispatch(DependentRow):
    """A mail of the calendar on its way: planned, held, sending, then sent, bounced, missed or cancelled."""

    id: UUID = Field(primary_key=True)
    status: str
    send_at: datetime = instant()
    expires_at: datetime = instant()
    held_until: datetime | None = instant(nullable=True)
    """Not tried again before; while it is being sent, the end of the worker's lease."""
    attempts: int = 0
    sent_at: datetime | None = instant(nullable=True)
    failure: str | None = None


class Card(Dispatch, table=True):
    """At most one a person, occasion and year; half a year apart for twelve and a half years of service."""

    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("organization_id", "person_id", "occasion", "year", "is_half_year"),
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "status", "send_at"),
        Index(None, "organization_id", "send_at", "id"),
    )

    person_id: UUID
    occasion: str
    year: int
    is_half_year: bool
    kind: str
    label: str | None = None
    relation: str | None = None
    months: int | None = None
    visibility: str
    kept_on: date


class CardWish(DependentRow, table=True):
    __tablename__ = "card_wishes"
    __table_args__ = (
        within_organization(["card_id"], "cards", ondelete="CASCADE"),
        within_organization(["author_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "card_id", "created_at"),
    )

    id: UUID = Field(primary_key=True)
    card_id: UUID
    author_id: UUID
    text: str
    created_at: datetime = instant(now=True)


class Reminder(OrganizationRow, table=True):
    """Who is told of whose days, and how long before. External ids, looked up when it is planned."""

    __tablename__ = "reminders"
    __table_args__ = (Index(None, "organization_id", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    recipient: str
    person: str | None = None
    team: str | None = None
    days_before: int
    kinds: list[str] | None = Field(default=None, sa_type=ARRAY(String))
    created_at: datetime = instant(now=True)


class Digest(Dispatch, table=True):
    """The reminders of one person on one day, in one mail. What it says is looked up when it is sent."""

    __tablename__ = "digests"
    __table_args__ = (
        UniqueConstraint("organization_id", "person_id", "day"),
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "status", "send_at"),
    )

    person_id: UUID
    day: date


class Unsubscription(DependentRow, table=True):
    """A person who wants no reminders."""

    __tablename__ = "unsubscriptions"
    __table_args__ = (within_organization(["person_id"], "people", ondelete="CASCADE"),)

    person_id: UUID = Field(primary_key=True)
    created_at: datetime = instant(now=True)
