from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, instant, within_organization


class AuditEntry(OrganizationRow, table=True):
    """What was done, by whom. Added, never changed; by time, so that the old can be split off."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(
            "ix_audit_entries_of_a_person",
            "organization_id",
            "person",
            "recorded_at",
            postgresql_where=text("""person IS NOT NULL"""),
        ),
    )

    recorded_at: datetime = Field(
        primary_key=True, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )
    id: UUID = Field(primary_key=True)
    actor: str
    action: str
    target: str | None = None
    person: bytes | None = None
    """A keyed hash of the external id."""
    details: dict[str, Any] = Field(sa_type=JSONB)


class ErasedPerson(OrganizationRow, table=True):
    """Somebody who is not to be put on file again; a keyed hash of the external id, and nothing else."""

    __tablename__ = "erased_people"

    mark: bytes = Field(primary_key=True)
    erased_at: datetime = instant(now=True)


class AnswersLink(DependentRow, table=True):
    """The one-time link to a person's confidential answers; its token is made when the mail is."""

    __tablename__ = "answers_links"
    __table_args__ = (
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "token_hash"),
    )

    person_id: UUID = Field(primary_key=True)
    token_hash: bytes | None = None
    expires_at: datetime | None = instant(nullable=True)
    held_until: datetime | None = instant(nullable=True)
    """The end of the lease of whoever is mailing it."""
