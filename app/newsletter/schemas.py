from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.languages import Language
from app.core.schema import Identifier, Input, Instant, Schema


class NewsletterSubscriptionWrite(Input):
    person: Identifier | None = None
    email: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    language: Language | None = None


class NewsletterMail(Schema):
    issue: str
    status: Literal["planned", "sending", "sent", "bounced", "missed", "cancelled", "no_address"]
    sent_at: Instant | None
    failure: str | None


class NewsletterSubscription(Schema):
    id: UUID
    person: str | None
    email: str | None
    language: Language | None
    status: Literal["pending", "confirmed", "unsubscribed"]
    created_at: Instant
    confirmed_at: Instant | None
    last_mail: NewsletterMail | None


class NewsletterSubscriptionPage(Schema):
    items: list[NewsletterSubscription]
    next_cursor: str | None
    as_of: Instant
