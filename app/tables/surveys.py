from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.tables.base import DependentRow, OrganizationRow, Timestamps, instant, within_organization


class Questionnaire(OrganizationRow, table=True):
    """One version of a questionnaire; a version is never changed."""

    __tablename__ = "questionnaires"

    key: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    content: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = instant(now=True)


class Survey(OrganizationRow, Timestamps, table=True):
    __tablename__ = "surveys"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        Index(None, "organization_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    external_id: str | None = None
    name: str
    status: str
    questionnaire: str
    questionnaire_version: int | None = None
    """Null until opening freezes it."""
    mode: str
    access: str
    minimum_group_size: int | None = None
    """Null until opening: the organisation's."""
    series: str | None = None
    report_by: list[str] = Field(sa_type=ARRAY(Text))
    audience: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    release_policy: str
    allow_changes: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    opens_at: datetime | None = instant(nullable=True)
    opening_refused: str | None = None
    """The code of what kept it from opening then; it waits for another time, or to be opened."""
    closes_at: datetime | None = instant(nullable=True)
    opened_at: datetime | None = instant(nullable=True)
    closed_at: datetime | None = instant(nullable=True)
    released_at: datetime | None = instant(nullable=True)
    release_progress: float | None = None
    """Of the final release, while it is computed."""
    cancelled_at: datetime | None = instant(nullable=True)
    archived: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Left out wherever no id names it."""
    address_hash: bytes | None = None
    """Of the secret in its public address, with access open."""
    address_nonce: bytes | None = None
    """What makes that secret together with the key; alone it opens nothing."""
    participation_count: int | None = None
    participation_on: date | None = None


class SurveyGroup(DependentRow, table=True):
    """A group as it was when the survey opened: the organisation (ordinal 0), its teams, then the categories
    of each dimension in `report_by`, in that order."""

    __tablename__ = "survey_groups"
    __table_args__ = (within_organization(["survey_id"], "surveys", ondelete="CASCADE"),)

    survey_id: UUID = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    kind: str
    external_id: str
    name: str
    parent: int | None = None
    depth: int
    segment: str | None = None
    """The dimension of a category, which is the external id."""


class SurveyCell(DependentRow, table=True):
    """Direct members of a group with the same category in each dimension: no survey tells more apart."""

    __tablename__ = "survey_cells"
    __table_args__ = (
        within_organization(["survey_id"], "surveys", ondelete="CASCADE"),
        Index(None, "organization_id", "survey_id", "group_ordinal"),
    )

    survey_id: UUID = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    group_ordinal: int
    segments: dict[str, str] = Field(sa_type=JSONB)
    invited: int | None = None
    """Null where nobody is invited by name."""
    erased: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Of those invited, how many were erased since the final release, silent ones too (R11)."""


class SurveyMember(DependentRow, table=True):
    """A person invited, and the cell they were in. Who answered is not kept here."""

    __tablename__ = "survey_members"
    __table_args__ = (
        within_organization(["survey_id"], "surveys", ondelete="CASCADE"),
        within_organization(["person_id"], "people"),
        Index(None, "organization_id", "person_id"),
    )

    survey_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    cell_ordinal: int


class Response(DependentRow, table=True):
    """One response: an array slot a question, in the order of the questionnaire version.

    A slot holds the answer, -1 for "not applicable or don't know", or -2 for not answered.
    """

    __tablename__ = "responses"
    __table_args__ = (within_organization(["survey_id"], "surveys"),)

    survey_id: UUID = Field(primary_key=True)
    respondent_key: UUID = Field(primary_key=True)
    """Attributed: the person. Confidential: a pseudonym. Anonymous: random."""
    submitted_at: datetime | None = instant(nullable=True)
    cell_ordinal: int
    locale: str | None = None
    answers: list[int] = Field(sa_type=ARRAY(SmallInteger))
    included_in: int | None = Field(default=None, sa_type=SmallInteger)
    """Number of the release that took it first; never set in anonymous mode."""


class Comment(DependentRow, table=True):
    """What somebody of a group wrote, to a question or besides. Nothing leads from it to a response."""

    __tablename__ = "comments"
    __table_args__ = (within_organization(["survey_id"], "surveys"),)

    survey_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    group_ordinal: int
    text: str
    question: str | None = None
    """The key of the question it answers; null is what somebody wanted to say besides."""
