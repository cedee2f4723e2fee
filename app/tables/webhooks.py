from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, Timestamps, instant, within_organization


class Webhook(OrganizationRow, Timestamps, table=True):
    """An address that is told of events. Its secrets are kept sealed, because they must be used again."""

    __tablename__ = "webhooks"
    __table_args__ = (Index(None, "organization_id", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    url: str
    description: str | None = None
    events: list[str] = Field(sa_type=ARRAY(Text))
    sealed_secret: bytes
    earlier_secret: bytes | None = None
    earlier_until: datetime | None = instant(nullable=True)
    """Until then the secret before the last rotation signs too."""
    disabled_at: datetime | None = instant(nullable=True)
    disabled_reason: str | None = None
    failing_since: datetime | None = instant(nullable=True)
    busy_until: datetime | None = instant(nullable=True)
    """While a worker delivers to it, the end of that worker's lease."""


class WebhookDelivery(DependentRow, table=True):
    """One event for one webhook: pending, then delivered or failed. Its id is sent as webhook-id."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        within_organization(["webhook_id"], "webhooks", ondelete="CASCADE"),
        UniqueConstraint("organization_id", "webhook_id", "event", "once_key"),
        Index(None, "organization_id", "webhook_id", "created_at", "id"),
        Index(None, "organization_id", "due_at", postgresql_where=text("""status = 'pending'""")),
    )

    id: UUID = Field(primary_key=True)
    webhook_id: UUID
    event: str
    once_key: str | None = None
    data: dict[str, Any] = Field(sa_type=JSONB)
    status: str
    attempts: int
    due_at: datetime = instant()
    status_code: int | None = None
    error: str | None = None
    attempted_at: datetime | None = instant(nullable=True)
    delivered_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant(now=True)
