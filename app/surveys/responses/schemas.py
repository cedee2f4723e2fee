from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WrapValidator
from pydantic_core import PydanticCustomError

from app.core.batches import BatchItems
from app.core.schema import (
    Identifier,
    Input,
    Instant,
    Integer,
    Locale,
    Schema,
    shows_nothing,
)
from app.people.persons.schemas import SegmentValue
from app.surveys.questionnaires.schemas import MOST_OPTIONS
from app.surveys.responses import rules

LONGEST_TEXT = 4000
MOST_ANSWERS = 200
PLAIN = {int, type(None)}


def _only_answer(value: Any) -> Any:
    """Of no kind of question is it one; of which it is, the questionnaire says."""
    is_list = isinstance(value, list) and len(value) <= MOST_OPTIONS
    if value is None or type(value) is int or (is_list and all(isinstance(one, str) for one in value)):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "off_scale", "Write an answer as a JSON integer, an option or a list of them, text, or null."
        )
    if len(value) > LONGEST_TEXT:
        raise PydanticCustomError("invalid_value", f"Write at most {LONGEST_TEXT} characters.")
    return _seen(value)


def _seen(words: str) -> str:
    """Where somebody typed only what nobody can see, they wrote nothing."""
    return "" if shows_nothing(words) else words


def _whole_numbers(value: Any, check: Callable[[Any], Any]) -> Any:
    """Most answer on scales alone, and need not be looked at one by one."""
    is_short = type(value) is dict and len(value) <= MOST_ANSWERS
    return value if is_short and set(map(type, value.values())) <= PLAIN else check(value)


AnswerText = Annotated[str, Field(max_length=LONGEST_TEXT)]
OptionKey = Annotated[str, Field(max_length=128)]
Answer = Annotated[
    Integer | AnswerText | Annotated[list[OptionKey], Field(max_length=MOST_OPTIONS)] | None,
    BeforeValidator(_only_answer),
]


class Answered(Input):
    answers: Annotated[dict[str, Answer], Field(max_length=MOST_ANSWERS), WrapValidator(_whole_numbers)]
    locale: Locale | None = None
    comment: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_seen)]
        | None
    ) = None

    @cached_property
    def given(self) -> Mapping[str, rules.Answer]:
        return rules.given(self.answers)


class AnswersWrite(Answered):
    attempt: Annotated[str, Field(min_length=16, max_length=64)] | None = None


class ResponseWrite(Answered):
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
    answers: dict[str, Answer]
    locale: str | None
    submitted_at: Instant


class ResponsePage(Schema):
    items: list[Response]
    next_cursor: str | None
    as_of: Instant
