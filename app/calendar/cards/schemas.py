from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.calendar.cards.templates import CardKind
from app.calendar.schemas import PersonRef
from app.core.languages import Language
from app.core.schema import Identifier, Input, Instant, ReadOnly, Schema, Visible

Status = Literal["planned", "held", "sending", "sent", "bounced", "missed", "cancelled", "no_address"]
Source = Annotated[str, Field(min_length=1, max_length=100_000), Visible]


class CardTemplateWrite(Input):
    key: ReadOnly = None
    kind: CardKind
    language: Language
    subject: Annotated[str, Field(min_length=1, max_length=1000), Visible]
    html: Source
    text: Source
    picture: Source | None = None
    is_built_in: ReadOnly = None
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class CardTemplate(Schema):
    key: str
    kind: CardKind
    language: Language
    subject: str
    html: str
    text: str
    picture: str | None
    is_built_in: bool
    created_at: Instant | None
    updated_at: Instant | None


class CardTemplatePage(Schema):
    items: list[CardTemplate]
    next_cursor: str | None
    as_of: Instant


class CardWishWrite(Input):
    author: Identifier
    text: Annotated[str, Field(min_length=1, max_length=500), Visible]


class CardWish(Schema):
    id: UUID
    author: PersonRef
    text: str
    created_at: Instant


class CardPatch(Input):
    status: Literal["planned", "cancelled"]


class Card(Schema):
    id: UUID
    person: PersonRef
    kind: CardKind
    key: str
    label: str | None
    relation: str | None
    date: date
    years: float | None
    status: Status
    send_at: Instant
    sent_at: Instant | None
    failure: str | None
    wishes: list[CardWish]


class CardPage(Schema):
    items: list[Card]
    next_cursor: str | None
    as_of: Instant
