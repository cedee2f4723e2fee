from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Flag, Input, Instant, Integer, ReadOnly, Schema, Visible
from app.core.shapes import TOKEN
from app.organizations.rules import LeapDayRule
from app.people.rules import Visibility

Kind = Literal["birthday", "wedding", "family_birthday", "custom"]
OccurrenceKind = Literal["birthday", "work_anniversary", "first_day", "wedding", "family_birthday", "custom"]
Recurrence = Literal["yearly", "once"]
AddressToken = Annotated[
    str,
    TOKEN,
]
"""A secret that stands in an address."""


class OccasionWrite(Input):
    key: ReadOnly = None
    kind: Kind
    month: Annotated[Integer, Field(ge=1, le=12)]
    day: Annotated[Integer, Field(ge=1, le=31)]
    year: Annotated[Integer, Field(ge=1900, le=2200)] | None = None
    label: Annotated[str, Field(min_length=1, max_length=200), Visible] | None = None
    relation: Annotated[str, Field(min_length=1, max_length=100), Visible] | None = None
    visibility: Visibility = "team"
    consent: Flag = False
    leap_day_rule: LeapDayRule | None = None
    recurrence: Recurrence = "yearly"
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class Occasion(Schema):
    key: str
    kind: Kind
    month: int
    day: int
    year: int | None
    label: str | None
    relation: str | None
    visibility: Visibility
    consent: bool
    leap_day_rule: LeapDayRule | None
    recurrence: Recurrence
    created_at: Instant
    updated_at: Instant


class OccasionPage(Schema):
    items: list[Occasion]
    next_cursor: str | None
    as_of: Instant


class CelebrationsWrite(Input):
    work_anniversary: Flag = True
    first_day: Flag = True
    leap_day_rule: LeapDayRule | None = None


class Celebrations(Schema):
    work_anniversary: bool
    first_day: bool
    leap_day_rule: LeapDayRule | None


class PersonRef(Schema):
    external_id: str
    name: str


class Occurrence(Schema):
    person: PersonRef
    team: str | None
    team_name: str | None
    kind: OccurrenceKind
    key: str
    label: str | None
    relation: str | None
    celebrated_on: date
    date: date
    time_zone: str
    years: float | None
    is_milestone: bool
    visibility: Visibility


class OccurrencePage(Schema):
    items: list[Occurrence]
    next_cursor: str | None
    as_of: Instant
