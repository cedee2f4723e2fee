from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import (
    DependentRow,
    OrganizationRow,
    Timestamps,
    instant,
    search_key,
    within_organization,
)


class Team(OrganizationRow, Timestamps, table=True):
    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        within_organization(["parent_id"], "teams"),
        Index(None, "organization_id", "parent_id"),
        Index(None, "organization_id", "created_at", "id"),
        Index(None, "organization_id", "name_key"),
        Index(None, "organization_id", "updated_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    external_id: str
    name: str
    parent_id: UUID | None = None
    lead: str | None = None
    """The external id of a person, who may not have arrived yet."""
    lead_since: datetime = instant(now=True)
    """When it was last changed: as `email_since`, for what leads see."""
    name_key: str | None = search_key("name")


class Person(OrganizationRow, Timestamps, table=True):
    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        within_organization(["team_id"], "teams"),
        Index("ix_people_organization_id_email", "organization_id", text("""lower(email)""")),
        Index(None, "organization_id", "name_key"),
        Index(None, "organization_id", "email_key"),
        Index(None, "organization_id", "external_id_key"),
        Index(None, "organization_id", "team_id"),
        Index(None, "organization_id", "created_at", "id"),
        Index(None, "organization_id", "updated_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    external_id: str
    name: str
    email: str | None = None
    email_since: datetime = instant(now=True)
    """When it was last changed: one's own answers are shown to no newer address than they are."""
    team_id: UUID | None = None
    manager: str | None = None
    """The external id of a person, who may not have arrived yet."""
    manager_since: datetime = instant(now=True)
    """As `email_since`, for what managers are told."""
    locale: str | None = None
    time_zone: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    is_active: bool = True
    segments: dict[str, str] = Field(sa_type=JSONB)
    name_key: str | None = search_key("name")
    email_key: str | None = search_key("email")
    external_id_key: str | None = search_key("external_id")


class AddressNotice(DependentRow, table=True):
    """An address that was a person's, until it has been told that it is no longer."""

    __tablename__ = "address_notices"
    __table_args__ = (
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "person_id"),
    )

    id: UUID = Field(primary_key=True)
    person_id: UUID
    email: str
    created_at: datetime = instant(now=True)
    held_until: datetime | None = instant(nullable=True)
    """The end of the lease of whoever is mailing it."""


class Employment(DependentRow, table=True):
    """An earlier period of employment, closed when the person was hired again."""

    __tablename__ = "employments"
    __table_args__ = (within_organization(["person_id"], "people", ondelete="CASCADE"),)

    person_id: UUID = Field(primary_key=True)
    starts_on: date = Field(primary_key=True)
    ends_on: date


class PersonHistory(DependentRow, table=True):
    """What a person held until a day, that day included; from the day after the newest it is as in `people`.

    The team is kept by its identifier: it may be deleted once nobody is in it.
    """

    __tablename__ = "person_history"
    __table_args__ = (
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "ends_on"),
    )

    person_id: UUID = Field(primary_key=True)
    ends_on: date = Field(primary_key=True)
    team: str | None = None
    manager: str | None = None
    segments: dict[str, str] = Field(sa_type=JSONB)


class Tombstone(OrganizationRow, table=True):
    """A deleted team or person, told to delta readers for 30 days."""

    __tablename__ = "tombstones"
    __table_args__ = (Index(None, "organization_id", "kind", "deleted_at"),)

    kind: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    deleted_at: datetime = instant(now=True)
