from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import (
    ABSENT,
    Date,
    Distinct,
    Flag,
    Identifier,
    Input,
    Instant,
    InstantSent,
    Integer,
    Name,
    ReadOnly,
    Schema,
)
from app.organizations.schemas import Series
from app.people.persons.schemas import SegmentValue
from app.surveys.questionnaires.schemas import FacetKey

Mode = Literal["anonymous", "confidential", "attributed"]
Access = Literal["invited", "open"]
Status = Literal["draft", "open", "closed", "released", "cancelled"]
ReleasePolicy = Literal["on_close", "rolling"]
SegmentName = FacetKey
ReportBy = Annotated[Distinct[SegmentName], Field(max_length=20)]
GroupSize = Annotated[Integer, Field(ge=3, le=100)]


class Audience(Schema):
    teams: list[str] | None
    segments: dict[str, list[str]] | None


class Survey(Schema):
    id: UUID
    external_id: str | None
    name: str
    questionnaire: str
    questionnaire_version: int | None
    status: Status
    mode: Mode
    access: Access
    minimum_group_size: int | None
    report_by: list[str]
    series: str | None
    audience: Audience | None
    release_policy: ReleasePolicy
    allow_changes: bool
    opens_at: Instant | None
    opening_refused: str | None
    closes_at: Instant | None
    opened_at: Instant | None
    closed_at: Instant | None
    released_at: Instant | None
    release_progress: Annotated[float, Field(ge=0, le=1)] | None
    cancelled_at: Instant | None
    archived: bool
    created_at: Instant
    updated_at: Instant


class SurveyPage(Schema):
    items: list[Survey]
    next_cursor: str | None
    as_of: Instant


AudienceTeams = Annotated[list[Identifier], Field(min_length=1, max_length=1000)]
AudienceValues = Annotated[list[SegmentValue], Field(min_length=1, max_length=1000)]


class AudienceWrite(Input):
    teams: AudienceTeams | None = None
    segments: Annotated[dict[SegmentName, AudienceValues], Field(min_length=1, max_length=20)] | None = None


class AudiencePatch(Input):
    teams: AudienceTeams | None = None
    segments: Annotated[dict[SegmentName, AudienceValues | None], Field(max_length=20)] | None = None


class SurveyServed(Input):
    """What the service decides: accepted and ignored."""

    id: ReadOnly = None
    questionnaire_version: ReadOnly = None
    status: ReadOnly = None
    opening_refused: ReadOnly = None
    opened_at: ReadOnly = None
    closed_at: ReadOnly = None
    released_at: ReadOnly = None
    release_progress: ReadOnly = None
    cancelled_at: ReadOnly = None
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class SurveyWrite(SurveyServed):
    archived: ReadOnly = None
    external_id: Identifier | None = None
    name: Name
    questionnaire: Identifier
    mode: Mode
    access: Access = "invited"
    minimum_group_size: GroupSize | None = None
    report_by: ReportBy = []
    series: Series | None = None
    audience: AudienceWrite | None = None
    release_policy: ReleasePolicy = "on_close"
    allow_changes: Flag = False
    opens_at: InstantSent | None = None
    closes_at: InstantSent | None = None


class SurveyPatch(SurveyServed):
    archived: Flag = ABSENT
    external_id: Identifier | None = None
    name: Name = ABSENT
    questionnaire: Identifier = ABSENT
    mode: Mode = ABSENT
    access: Access = ABSENT
    minimum_group_size: GroupSize | None = None
    report_by: ReportBy = ABSENT
    series: Series | None = None
    audience: AudiencePatch | None = None
    release_policy: ReleasePolicy = ABSENT
    allow_changes: Flag = ABSENT
    opens_at: InstantSent | None = None
    closes_at: InstantSent | None = None


class SurveyParticipation(Schema):
    invited: int | None
    responded: int | None
    as_of: Date
    reasons: dict[str, str]
