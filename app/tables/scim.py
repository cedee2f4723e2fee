from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, Timestamps, instant, within_organization


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
            postgresql_where=text("hidden_at IS NULL"),
        ),
    )

    person_id: UUID = Field(primary_key=True)
    user_name: str
    user_name_key: str
    """The name as comparisons see it."""
    attributes: dict[str, Any] = Field(sa_type=JSONB)
    hidden_at: datetime | None = instant(nullable=True)
    """Since when SCIM's DELETE hides the person from SCIM."""


class ScimGroup(DependentRow, Timestamps, table=True):
    """What of a team only SCIM knows. A team SCIM never wrote has no row."""

    __tablename__ = "scim_groups"
    __table_args__ = (within_organization(["team_id"], "teams", ondelete="CASCADE"),)

    team_id: UUID = Field(primary_key=True)
    attributes: dict[str, Any] = Field(sa_type=JSONB)
    hidden_at: datetime | None = instant(nullable=True)
