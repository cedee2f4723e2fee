from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.tables.base import OrganizationRow, Timestamps, instant


class Organization(Timestamps, table=True):
    __tablename__ = "organizations"

    id: UUID = Field(primary_key=True)
    name: str
    locale: str
    time_zone: str
    minimum_group_size: int
    minimum_comment_group_size: int
    leap_day_rule: str
    working_days: list[int] = Field(sa_type=ARRAY(SmallInteger))
    milestone_months: list[int] = Field(sa_type=ARRAY(SmallInteger))
    weekend_rule: str
    cards_enabled: bool
    cards_approval: bool
    cards_time: str
    card_sender: str | None = None
    survey_contact: str | None = None
    """Whom respondents may ask, as they read it."""
    newsletter_day: int | None = None
    answers_months: int | None = None
    leavers_months: int | None = None
    default_series: str | None = None
    recognition_values: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    recognition_daily_limit: int | None = None
    recognition_edit_minutes: int = Field(sa_column_kwargs={"server_default": "15"})
    benchmark_epsilon: float | None = None
    benchmark_budget: float = Field(default=10, sa_column_kwargs={"server_default": "10"})
    metrics_target: float = Field(default=75, sa_column_kwargs={"server_default": "75"})
    metrics_smallest_change: float = Field(default=5, sa_column_kwargs={"server_default": "5"})
    metrics_quadrants: str = Field(default="fixed", sa_column_kwargs={"server_default": "fixed"})
    metrics_norm: dict[str, float] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    """From which satisfaction and engagement benchmark quadrants are high; null is the organisation's own."""
    scim_team_groups: str = Field(default="all", sa_column_kwargs={"server_default": "all"})
    """Which groups of an identity provider are teams."""
    scim_attributes: dict[str, str] = Field(
        default={}, sa_type=JSONB, sa_column_kwargs={"server_default": text("""'{}'""")}
    )
    """Which attributes of an identity provider's users are a team or a segment."""
    sealed_key: bytes | None = Field(default=None, exclude=True, repr=False)
    """What is derived for it is derived from this. Null in one of before there were such keys."""


class ApiKey(OrganizationRow, table=True):
    __tablename__ = "api_keys"

    id: UUID = Field(primary_key=True)
    name: str
    environment: str
    scopes: list[str] = Field(sa_type=ARRAY(String))
    teams: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    person: str | None = None
    """Sees these teams, or those that the person leads now, with those below them; external ids."""
    created_at: datetime = instant(now=True)


class Credential(SQLModel, table=True):
    """Which organisation and thing a token opens; the only table searched before an organisation is known."""

    __tablename__ = "credentials"

    token_hash: bytes = Field(primary_key=True)
    organization_id: UUID = Field(foreign_key="organizations.id", ondelete="CASCADE", index=True)
    kind: str
    credential_id: UUID


class SetupLink(SQLModel, table=True):
    """Of no organisation: there is none while it works. The acting role may not read it."""

    __tablename__ = "setup_links"

    token_hash: bytes = Field(primary_key=True)
    expires_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)
    """When an organisation was made, by this link or otherwise."""
