from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, Timestamps, instant, search_key, within_organization

EXTERNAL_ID = "attributes ->> 'externalId'"


class ScimUser(DependentRow, Timestamps, table=True):
    """What of a person only SCIM knows. A person SCIM never wrote has no row."""

    __tablename__ = "scim_users"
    __table_args__ = (
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(
            None,
            "organization_id",
            "user_name_key",
            unique=True,
            postgresql_where=text("""hidden_at IS NULL"""),
        ),
        Index(None, "organization_id", "name_key"),
        Index(None, "organization_id", "external_id_key"),
        Index(
            "ix_scim_users_hidden",
            "organization_id",
            "person_id",
            postgresql_where=text("""hidden_at IS NOT NULL"""),
        ),
    )

    person_id: UUID = Field(primary_key=True)
    user_name: str
    user_name_key: str
    """The name as comparisons see it."""
    attributes: dict[str, Any] = Field(sa_type=JSONB)
    hidden_at: datetime | None = instant(nullable=True)
    """Since when SCIM's DELETE hides the person from SCIM."""
    name_key: str | None = search_key("user_name")
    external_id_key: str | None = search_key(EXTERNAL_ID)


class ScimEmail(DependentRow, table=True):
    """An address in the document of a user, as searching sees it."""

    __tablename__ = "scim_emails"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["scim_users.organization_id", "scim_users.person_id"],
            ondelete="CASCADE",
        ),
        Index(None, "organization_id", "person_id"),
    )

    key: str = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)


class ScimGroup(DependentRow, Timestamps, table=True):
    """What of a team only SCIM knows, or a group that is no team. A team SCIM never wrote has no row."""

    __tablename__ = "scim_groups"
    __table_args__ = (
        within_organization(["team_id"], "teams", ondelete="CASCADE"),
        UniqueConstraint("organization_id", "team_id"),
        Index(None, "organization_id", "name_key"),
        Index(None, "organization_id", "external_id_key"),
        Index(None, "organization_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    """That of the team, where there is one."""
    team_id: UUID | None = None
    name: str | None = None
    """Of a group that is no team."""
    attributes: dict[str, Any] = Field(sa_type=JSONB)
    hidden_at: datetime | None = instant(nullable=True)
    name_key: str | None = search_key("name")
    external_id_key: str | None = search_key(EXTERNAL_ID)


class ScimMember(DependentRow, table=True):
    """A membership as it was sent."""

    __tablename__ = "scim_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["scim_groups.organization_id", "scim_groups.id"],
            ondelete="CASCADE",
        ),
        within_organization(["person_id"], "people", ondelete="CASCADE"),
        Index(None, "organization_id", "person_id"),
    )

    group_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    added_at: datetime = Field(
        sa_type=DateTime(timezone=True),
        nullable=False,
        sa_column_kwargs={"server_default": text("""clock_timestamp()""")},
    )
    """Of two teams as deep the first counts; in one transaction too."""
