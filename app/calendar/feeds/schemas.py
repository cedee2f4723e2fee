from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.languages import Language
from app.core.schema import Identifier, Input, Instant, Integer, Schema

FeedScope = Literal["organization", "team", "manager"]


class CalendarFeedWrite(Input):
    scope: FeedScope = "organization"
    team: Identifier | None = None
    manager: Identifier | None = None
    language: Language | None = None
    alarm_days: Annotated[Integer, Field(ge=0, le=60)] | None = None


class CalendarFeed(Schema):
    id: UUID
    scope: FeedScope
    team: str | None
    manager: str | None
    language: Language
    alarm_days: int | None
    created_at: Instant


class CalendarFeedCreated(CalendarFeed):
    url: str


class CalendarFeedPage(Schema):
    items: list[CalendarFeed]
    next_cursor: str | None
    as_of: Instant
