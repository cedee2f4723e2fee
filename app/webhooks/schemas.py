from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import ABSENT, Distinct, Flag, Input, Instant, ReadOnly, Schema, Visible

Event = Literal[
    "survey.opened",
    "survey.closed",
    "survey.cancelled",
    "survey.released",
    "survey.participation",
    "person.created",
    "person.updated",
    "person.left",
    "person.erased",
    "recognition.created",
    "occasion.due",
    "card.sent",
    "import.finished",
    "webhook.disabled",
]
Events = Annotated[Distinct[Event], Field(min_length=1)]
Url = Annotated[str, Field(min_length=1, max_length=2000)]
Description = Annotated[str, Field(min_length=1, max_length=200), Visible]
DisabledReason = Literal["requested", "gone", "failing"]
DeliveryStatus = Literal["pending", "delivered", "failed"]


class WebhookWrite(Input):
    url: Url
    events: Events
    description: Description | None = None


class WebhookPatch(Input):
    id: ReadOnly = None
    url: Url = ABSENT
    events: Events = ABSENT
    description: Description | None = None
    enabled: Flag = ABSENT
    disabled_reason: ReadOnly = None
    disabled_at: ReadOnly = None
    failing_since: ReadOnly = None
    earlier_secret_until: ReadOnly = None
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class Webhook(Schema):
    id: UUID
    url: str
    events: list[Event]
    description: str | None
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: Instant | None
    failing_since: Instant | None
    earlier_secret_until: Instant | None
    created_at: Instant
    updated_at: Instant


class WebhookWithSecret(Webhook):
    secret: str


class WebhookPage(Schema):
    items: list[Webhook]
    next_cursor: str | None
    as_of: Instant


class WebhookDelivery(Schema):
    id: UUID
    event: str
    status: DeliveryStatus
    attempts: int
    status_code: int | None
    error: str | None
    created_at: Instant
    attempted_at: Instant | None
    delivered_at: Instant | None
    next_attempt_at: Instant | None


class WebhookDeliveryPage(Schema):
    items: list[WebhookDelivery]
    next_cursor: str | None
    as_of: Instant
