from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
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
