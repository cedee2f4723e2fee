from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.core.batches import BatchItems
from app.core.schema import (
    Identifier,
    Input,
    Instant,
    Integer,
    Locale,
    Schema,
)
from app.surveys.schemas import SegmentValue


def _only_integer(value: Any) -> Any:
    if value is not None and type(value) is not int:
        raise PydanticCustomError("off_scale", "an answer is a JSON integer on the question's scale, or null")
    return value


Answer = Annotated[Integer | None, BeforeValidator(_only_integer)]


class AnswersWrite(Input):
    answers: Annotated[dict[str, Answer], Field(max_length=200)]
    locale: Locale | None = None
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = None


class ResponseWrite(AnswersWrite):
    respondent: Identifier | None = None
    team: Identifier | None = None
    segments: Annotated[dict[str, SegmentValue], Field(max_length=20)] | None = None


class ResponseBatch(Input):
    items: BatchItems[ResponseWrite]


class ResponseAccepted(Schema):
    id: UUID | None
    status: Literal["accepted"]


class Response(Schema):
    id: UUID
    respondent: str
    team: str | None
    answers: dict[str, int | None]
    locale: str | None
    submitted_at: Instant


class ResponsePage(Schema):
    items: list[Response]
    next_cursor: str | None
    as_of: Instant
