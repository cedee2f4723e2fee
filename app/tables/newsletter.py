from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import OrganizationRow, instant, within_organization
from app.tables.calendar import Dispatch


class NewsletterSubscription(OrganizationRow, table=True):
    """A person of the organisation, or an address invited: pending, then confirmed, then unsubscribed."""

    __tablename__ = "newsletter_subscriptions"
    __table_args__ = (
        UniqueConstraint("organization_id", "person_id"),
        UniqueConstraint("organization_id", "email"),
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    person_id: UUID | None = None
    email: str | None = None
    """In lower case; a person's own is looked up when it is needed."""
    language: str | None = None
    status: str
    created_at: datetime = instant(now=True)
    confirmed_at: datetime | None = instant(nullable=True)


class Newsletter(Dispatch, table=True):
    """At most one a subscription and issue. What it says is looked up when it is sent."""

    __tablename__ = "newsletters"
    __table_args__ = (
        UniqueConstraint("organization_id", "subscription_id", "issue"),
        within_organization(["subscription_id"], "newsletter_subscriptions", ondelete="CASCADE"),
        Index(None, "organization_id", "status", "send_at"),
    )

    subscription_id: UUID
    issue: str
    """A month, 2027-05; or the `invitation`, which asks for confirmation."""
