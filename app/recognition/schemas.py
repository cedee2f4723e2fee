from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.batches import BatchItems
from app.core.schema import (
    ABSENT,
    Distinct,
    Identifier,
    Input,
    Instant,
    InstantSent,
    ReadOnly,
    Schema,
    Visible,
)
from app.people.rules import Visibility

Source = Literal["api", "slack", "teams", "import", "automatic"]
Message = Annotated[str, Field(min_length=1, max_length=4000), Visible]
Value = Annotated[str, Field(min_length=1, max_length=100), Visible]


class RecognitionWrite(Input):
    id: ReadOnly = None
    external_id: Identifier | None = None
    giver: Identifier
    receivers: Annotated[Distinct[Identifier], Field(min_length=1, max_length=50)]
    message: Message
    value: Value | None = None
    occurred_at: InstantSent | None = None
    visibility: Visibility = "organization"
    source: Source = "api"
    reply_to: UUID | None = None
    reactions: ReadOnly = None
    created_at: ReadOnly = None
    edited_at: ReadOnly = None


class RecognitionPatch(Input):
    message: Message = ABSENT
    value: Value | None = None


class RecognitionBatch(Input):
    items: BatchItems[RecognitionWrite]


class Recognition(Schema):
    id: UUID
    external_id: str | None
    giver: str
    receivers: list[str]
    message: str
    value: str | None
    occurred_at: Instant
    visibility: Visibility
    source: Source
    reply_to: UUID | None
    reactions: dict[str, int]
    created_at: Instant
    edited_at: Instant | None


class RecognitionPage(Schema):
    items: list[Recognition]
    next_cursor: str | None
    as_of: Instant


class PersonRecognition(Schema):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    person: str
    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    received: int
    given: int
    received_from: int
    given_to: int
    last_received_on: date | None
    specificity: float | None


class Reaction(Schema):
    person: str
    kind: str
    created_at: Instant
