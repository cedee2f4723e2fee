from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Instant, Schema

Reasons = dict[str, str]
Precision = Literal["exact", "integer", "banded"]


class MetricsSurvey(Schema):
    id: UUID
    name: str
    series: str | None
    mode: Literal["anonymous", "confidential", "attributed"]
    questionnaire: str
    questionnaire_version: int
    opened_at: Instant
    closed_at: Instant
    minimum_group_size: int


class Release(Schema):
    number: int
    released_at: Instant
    final: bool


class GroupRef(Schema):
    kind: Literal["organization", "team"]
    id: str | None
    name: str
    parent: str | None
    depth: int


class Score(Schema):
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None
    favourable: float
    neutral: float
    unfavourable: float


class Gap(Schema):
    mean: float
    ci_low: float | None
    ci_high: float | None
    dz: float | None


class QuadrantCut(Schema):
    satisfaction: float
    engagement: float


class Share(Schema):
    share: float
    ci_low: float
    ci_high: float


class QuadrantShares(Schema):
    thriving: Share
    content: Share
    stretched: Share
    detached: Share


class Quadrants(Schema):
    mode: Literal["fixed", "benchmark"]
    cut: QuadrantCut
    near_cut: float | None
    shares: QuadrantShares


class Position(Schema):
    quadrant: Literal["thriving", "content", "stretched", "detached", "undetermined"]
    probability: float | None


class GroupOk(Schema):
    group: GroupRef
    status: Literal["ok"]
    n: int
    invited: int | None
    precision: Precision
    satisfaction: Score
    engagement: Score
    gap: Gap
    quadrants: Quadrants | None
    position: Position | None
    reasons: Reasons


class GroupSuppressed(Schema):
    """Nothing but the group and the reason: no number at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: GroupRef
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


class GroupInsufficient(Schema):
    group: GroupRef
    status: Literal["insufficient"]
    reason: Literal["too_few_persons"]
    n: int


class GroupUndefined(Schema):
    group: GroupRef
    status: Literal["undefined"]
    reason: Literal["dimension_missing", "no_frame"]
    n: int


class ParticipationScore(Schema):
    score: float
    ci_low: float | None
    ci_high: float | None
    bound_low: float | None
    bound_high: float | None


class ParticipationGroupOk(Schema):
    group: GroupRef
    status: Literal["ok"]
    n: int
    responded: int
    invited: int | None
    response_rate: float | None
    precision: Precision
    satisfaction: ParticipationScore
    engagement: ParticipationScore
    reasons: Reasons


Group = Annotated[
    GroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]
ParticipationGroup = Annotated[
    ParticipationGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Metrics(Schema):
    survey: MetricsSurvey
    release: Release
    ci_level: float
    formula_version: str


class SatisfactionEngagement(Metrics):
    distinctness: None
    reasons: Reasons
    groups: list[Group]


class Participation(Metrics):
    groups: list[ParticipationGroup]


class MetricDefinition(Schema):
    name: str
    title: str
    formula: str
    unit: str
    source: str
    version: str


Words = dict[str, dict[str, str]]


class Labels(Schema):
    levers: Words
    quadrants: Words
    verdicts: Words
    reasons: Words


class Definitions(Schema):
    formula_version: str
    metrics: list[MetricDefinition]
    labels: Labels
