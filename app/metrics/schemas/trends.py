from typing import Annotated, Literal, TypedDict
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Instant, Schema
from app.metrics.schemas.common import GroupRef, Metrics, MetricsSurvey, Reasons, Release, Suppressed
from app.metrics.words import Precision, Verdict

MeasureName = Literal["satisfaction", "engagement", "gap", "enps"]
Pairing = Literal["full", "partial", "independent"]
Incomparable = Literal["questions_changed", "question_missing", "several_questions"]


class TrendWave(Schema):
    survey: MetricsSurvey
    release: Release


class TrendScore(Schema):
    score: float
    ci_low: float | None
    ci_high: float | None


class OfWave(Schema):
    survey: UUID
    released_at: Instant


class PlaceOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    satisfaction: TrendScore
    engagement: TrendScore
    gap: TrendScore
    enps: TrendScore | None
    reasons: Reasons


class PlaceUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["dimension_missing", "group_missing", "awaits_final_release"]


Standing = Annotated[PlaceOk | Suppressed | PlaceUndefined, Field(discriminator="status")]
"""Where a group stood in one wave."""


class PointOk(PlaceOk, OfWave):
    pass


class PointSuppressed(Suppressed, OfWave):
    pass


class PointUndefined(PlaceUndefined, OfWave):
    pass


Point = Annotated[PointOk | PointSuppressed | PointUndefined, Field(discriminator="status")]


class Between(TypedDict):
    """The waves that a change lies between."""

    from_survey: UUID
    to_survey: UUID


class ChangeOk(Schema):
    measure: MeasureName
    from_survey: UUID
    to_survey: UUID
    status: Literal["ok"]
    precision: Precision
    pairing: Pairing
    n_before: int
    n_after: int
    difference: float
    ci_low: float
    ci_high: float
    q: float | None
    detectable: float | None
    smallest_change: float
    verdict: Verdict
    reasons: Reasons


class ChangeSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: MeasureName
    from_survey: UUID
    to_survey: UUID
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing", "erased"]


class ChangeUndefined(Schema):
    measure: MeasureName
    from_survey: UUID
    to_survey: UUID
    status: Literal["undefined"]
    reason: Literal["questions_changed", "question_missing", "several_questions", "zero_variance"]
    verdict: Literal["not_comparable", "inconclusive"]


Change = Annotated[ChangeOk | ChangeSuppressed | ChangeUndefined, Field(discriminator="status")]


class RepeatedOk(Schema):
    measure: MeasureName
    status: Literal["ok"]
    n: int
    difference: float
    ci_low: float
    ci_high: float
    p: float
    dz: float
    wilcoxon_p: float
    mcnemar_p: float | None
    reasons: Reasons


class RepeatedSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: MeasureName
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "crossing"]


class RepeatedInsufficient(Schema):
    measure: MeasureName
    status: Literal["insufficient"]
    reason: Literal["too_few_persons"]
    n: int


class RepeatedUndefined(Schema):
    measure: MeasureName
    status: Literal["undefined"]
    reason: Literal["questions_changed", "question_missing", "several_questions", "zero_variance"]


Repeated = Annotated[
    RepeatedOk | RepeatedSuppressed | RepeatedInsufficient | RepeatedUndefined, Field(discriminator="status")
]


class RepeatersOk(Schema):
    from_survey: UUID
    to_survey: UUID
    status: Literal["ok"]
    measures: list[Repeated]


class RepeatersSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    from_survey: UUID
    to_survey: UUID
    status: Literal["suppressed"]
    reason: Literal["erased"]


class RepeatersUndefined(Schema):
    from_survey: UUID
    to_survey: UUID
    status: Literal["undefined"]
    reason: Literal["not_linked"]


Repeaters = Annotated[RepeatersOk | RepeatersSuppressed | RepeatersUndefined, Field(discriminator="status")]


class ToldMoments(Schema):
    """A measure of a group as it was told: rounded, and the spread of all where the group's own is not."""

    n: int
    mean: float
    sd: float
    precision: Precision


class Followed(Schema):
    """What a release keeps of one group: its place in the series, and what changed since the wave before.

    `moments` are for the wave after it, whose changes stand on what was told then, whoever was erased since.
    """

    status: Literal["ok"]
    point: Standing
    changes: list[Change]
    repeaters: list[Repeaters]
    moments: dict[MeasureName, ToldMoments] = {}


class TrendGroup(Schema):
    group: GroupRef
    points: list[Point]
    changes: list[Change]
    repeaters: list[Repeaters]


class Trends(Metrics):
    waves: list[TrendWave]
    groups: list[TrendGroup]
