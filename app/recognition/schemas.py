from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.batches import BatchItems
from app.core.schema import Distinct, Identifier, Input, Instant, ReadOnly, Schema

Visibility = Literal["private", "team", "organization"]


class RecognitionWrite(Input):
    id: ReadOnly = None
    external_id: Identifier | None = None
    giver: Identifier
    receivers: Annotated[Distinct[Identifier], Field(min_length=1, max_length=50)]
    message: Annotated[str, Field(min_length=1, max_length=4000)]
    value: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    occurred_at: Instant | None = None
    visibility: Visibility = "organization"
    created_at: ReadOnly = None


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
    created_at: Instant


class RecognitionPage(Schema):
    items: list[Recognition]
    next_cursor: str | None
    as_of: Instant
