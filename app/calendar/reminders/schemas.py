from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.calendar.schemas import OccurrenceKind
from app.core.schema import Distinct, Identifier, Input, Instant, Integer, Schema

Recipient = Literal["manager", "team", "person"]


class ReminderWrite(Input):
    recipient: Recipient
    person: Identifier | None = None
    team: Identifier | None = None
    days_before: Annotated[Integer, Field(ge=0, le=60)]
    kinds: Annotated[Distinct[OccurrenceKind], Field(min_length=1)] | None = None


class Reminder(Schema):
    id: UUID
    recipient: Recipient
    person: str | None
    team: str | None
    days_before: int
    kinds: list[OccurrenceKind] | None
    created_at: Instant


class ReminderPage(Schema):
    items: list[Reminder]
    next_cursor: str | None
    as_of: Instant
