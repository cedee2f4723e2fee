from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Float, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, instant, within_organization


class Release(DependentRow, table=True):
    """The numbers of a survey, computed once; never changed afterwards."""

    __tablename__ = "releases"
    __table_args__ = (
        within_organization(["survey_id"], "surveys"),
        within_organization(["follows"], "surveys"),
        UniqueConstraint("organization_id", "follows"),
    )

    survey_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    is_final: bool
    held_back: int
    """Responses in no release of the survey, rounded up to a ten; 0 before the final release."""
    formula_version: str
    released_at: datetime = instant()
    epsilon_spent: float = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Of the organisation's budget for numbers with noise (R12)."""
    follows: UUID | None = None
    """The survey before it, which it alone is compared with (R9b)."""


class ReleaseCell(DependentRow, table=True):
    """Persons told of together in answers to filters: where they are, and sums over them."""

    __tablename__ = "release_cells"
    __table_args__ = (within_organization(["survey_id", "number"], "releases", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    cell: int = Field(primary_key=True)
    places: list[list[int]] = Field(sa_type=JSONB)
    numbers: list[float] = Field(sa_type=ARRAY(Float))


class ReleaseResult(DependentRow, table=True):
    """One metric of one group in a release, as it will be shown."""

    __tablename__ = "release_results"
    __table_args__ = (within_organization(["survey_id", "number"], "releases", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    metric: str = Field(primary_key=True)
    group_ordinal: int = Field(primary_key=True)
    body_version: int = Field(default=1, sa_type=SmallInteger, sa_column_kwargs={"server_default": "1"})
    body: dict[str, Any] = Field(sa_type=JSON)
    """The bytes that are sent, which JSONB would order and write in its own way."""


class CelebrationReport(OrganizationRow, table=True):
    """The numbers of a quarter's celebrations, computed once; never changed afterwards."""

    __tablename__ = "celebration_reports"

    period: str = Field(primary_key=True)
    body: dict[str, Any] = Field(sa_type=JSONB)
