from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.batches import BatchItems
from app.core.schema import (
    ABSENT,
    Date,
    Distinct,
    Flag,
    Identifier,
    Input,
    Instant,
    Integer,
    Locale,
    Name,
    ReadOnly,
    Schema,
    Texts,
)

Dimension = Literal["satisfaction", "engagement", "outcome"]
Role = Literal["basic", "core", "condition", "outcome"]
Lever = Literal["clarity", "recognition", "purpose", "connection", "resources_and_safety", "growth"]
Mode = Literal["anonymous", "confidential", "attributed"]
Access = Literal["invited", "open"]
Status = Literal["draft", "open", "closed", "released"]
ReleasePolicy = Literal["on_close", "rolling"]
FacetKey = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,49}$")]
SegmentName = FacetKey
ReportBy = Annotated[Distinct[SegmentName], Field(max_length=20)]
SegmentValue = Annotated[str, Field(min_length=1, max_length=100)]
Series = Annotated[str, Field(min_length=1, max_length=100)]


def _only_integer(value: Any) -> Any:
    if value is not None and type(value) is not int:
        raise PydanticCustomError("off_scale", "an answer is a JSON integer on the question's scale, or null")
    return value


Answer = Annotated[Integer | None, BeforeValidator(_only_integer)]
GroupSize = Annotated[Integer, Field(ge=3, le=100)]

OUTCOME_FACETS = ("enps", "overall_satisfaction", "intent_to_stay")
ROLES: dict[Dimension, tuple[Role, ...]] = {
    "satisfaction": ("basic",),
    "engagement": ("core", "condition"),
    "outcome": ("outcome",),
}
"""The roles of each dimension, its default first."""


class Facet(Schema):
    key: str
    title: dict[str, str]


class Scale(Schema):
    low: int
    high: int


class Question(Schema):
    key: str
    text: dict[str, str]
    dimension: Dimension
    facet: str
    role: Role
    lever: Lever | None
    reversed: bool
    scale: Scale


class QuestionnaireSummary(Schema):
    key: str
    version: int
    built_in: bool
    title: dict[str, str]
    created_at: Instant


class Questionnaire(QuestionnaireSummary):
    facets: list[Facet]
    questions: list[Question]


class QuestionnairePage(Schema):
    items: list[QuestionnaireSummary]
    next_cursor: str | None
    as_of: Instant


class FacetWrite(Input):
    key: FacetKey
    title: Texts


class ScaleWrite(Input):
    low: Annotated[Integer, Field(ge=0, le=99)]
    high: Annotated[Integer, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def rises(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("bad_scale", "low must be below high")
        return self


class QuestionWrite(Input):
    key: Identifier
    text: Texts
    dimension: Dimension
    facet: FacetKey
    role: Role | None = None
    lever: Lever | None = None
    reversed: Flag = False
    scale: ScaleWrite

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        if self.role is not None and self.role not in ROLES[self.dimension]:
            raise PydanticCustomError("role_mismatch", f"{self.dimension} goes with {ROLES[self.dimension]}")
        if self.lever is not None and self.dimension == "outcome":
            raise PydanticCustomError("lever_mismatch", "an outcome question has no lever")
        if (self.facet in OUTCOME_FACETS) != (self.dimension == "outcome"):
            raise PydanticCustomError("unknown_facet", f"an outcome's facet is one of {OUTCOME_FACETS}")
        if self.facet == "enps" and (self.scale.low, self.scale.high) != (0, 10):
            raise PydanticCustomError("bad_scale", "enps is asked on 0 to 10")
        return self


class QuestionnaireWrite(Input):
    key: ReadOnly = None
    version: ReadOnly = None
    built_in: ReadOnly = None
    title: Texts
    facets: Annotated[list[FacetWrite], Field(max_length=200)]
    questions: Annotated[list[QuestionWrite], Field(min_length=1, max_length=200)]
    created_at: ReadOnly = None

    @model_validator(mode="after")
    def keys_fit(self) -> Self:
        facets = [facet.key for facet in self.facets]
        for keys in (facets, [question.key for question in self.questions]):
            if len(set(keys)) != len(keys):
                raise PydanticCustomError("duplicate_key", "each key may be used once")
        used = {question.facet for question in self.questions if question.dimension != "outcome"}
        if used - set(facets):
            raise PydanticCustomError("unknown_facet", "every question must name one of facets")
        dimensions = {(question.facet, question.dimension) for question in self.questions}
        if len(dimensions) != len({facet for facet, _ in dimensions}):
            raise PydanticCustomError("unknown_facet", "a facet belongs to one dimension")
        return self


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
    opens_at: Instant | None
    closes_at: Instant | None
    opened_at: Instant | None
    closed_at: Instant | None
    released_at: Instant | None
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
    opened_at: ReadOnly = None
    closed_at: ReadOnly = None
    released_at: ReadOnly = None
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class SurveyWrite(SurveyServed):
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
    opens_at: Instant | None = None
    closes_at: Instant | None = None


class SurveyPatch(SurveyServed):
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
    opens_at: Instant | None = None
    closes_at: Instant | None = None


class AnswersWrite(Input):
    answers: Annotated[dict[str, Answer], Field(max_length=200)]
    locale: Locale | None = None
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = None


class ResponseWrite(AnswersWrite):
    respondent: Identifier | None = None
    team: Identifier | None = None
    segments: Annotated[dict[str, SegmentValue], Field(max_length=20)] | None = None


class ResponseBatch(Input):
    items: BatchItems[ResponseWrite]


class ResponseAccepted(Schema):
    id: UUID | None
    status: Literal["accepted"]


class Response(Schema):
    id: UUID
    respondent: str
    team: str | None
    answers: dict[str, int | None]
    locale: str | None
    submitted_at: Instant


class ResponsePage(Schema):
    items: list[Response]
    next_cursor: str | None
    as_of: Instant


class SurveyParticipation(Schema):
    invited: int | None
    responded: int | None
    as_of: Date
    reasons: dict[str, str]
