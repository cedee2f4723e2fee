from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from app.tables.base import DependentRow, Timestamps, within_organization


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
