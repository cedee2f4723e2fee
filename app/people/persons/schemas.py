from typing import Annotated

from pydantic import Field

from app.core.batches import BatchItems
from app.core.schema import (
    ABSENT,
    Date,
    Email,
    Flag,
    Identifier,
    Input,
    Instant,
    Locale,
    Name,
    ReadOnly,
    Schema,
    TimeZone,
    Visible,
)
from app.core.shapes import KEY
from app.people.schemas import DeletedRecord

SegmentName = Annotated[str, KEY]
SegmentValue = Annotated[str, Field(min_length=1, max_length=100), Visible]
Segments = Annotated[dict[SegmentName, SegmentValue], Field(max_length=20)]
SegmentsPatch = Annotated[dict[SegmentName, SegmentValue | None], Field(max_length=20)]


class Employment(Schema):
    starts_on: Date | None
    ends_on: Date | None


class Person(Schema):
    external_id: str
    name: str
    email: str | None
    team: str | None
    manager: str | None
    locale: str | None
    time_zone: str | None
    starts_on: Date | None
    ends_on: Date | None
    active: bool
    segments: dict[str, str]
    unresolved: list[str]
    employments: list[Employment]
    created_at: Instant
    updated_at: Instant


class PersonInput(Input):
    """What is written in a whole person and in a merge patch alike: absent is null, or what is there."""

    email: Email | None = None
    team: Identifier | None = None
    manager: Identifier | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None
    starts_on: Date | None = None
    ends_on: Date | None = None
    effective_on: Date | None = None
    unresolved: ReadOnly = None
    employments: ReadOnly = None
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class PersonWrite(PersonInput):
    external_id: ReadOnly = None
    name: Name
    active: Flag = True
    segments: Segments = Field(default={})


class PersonItem(PersonWrite):
    external_id: Identifier


class PersonPatch(PersonInput):
    external_id: Identifier = ABSENT
    name: Name = ABSENT
    active: Flag = ABSENT
    segments: SegmentsPatch = ABSENT


class PersonBatch(Input):
    items: BatchItems[PersonItem]


class PersonPage(Schema):
    items: list[Person | DeletedRecord]
    next_cursor: str | None
    as_of: Instant
