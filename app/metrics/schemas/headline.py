from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupSuppressed,
    GroupUndefined,
    Insufficient,
    Metrics,
    OfGroup,
    Reasons,
    Suppressed,
    Undefined,
)
from app.metrics.words import Precision

Undivided = Literal["not_distinct", "too_few_questions"]
"""Why there are neither quadrants nor a position."""
Mode = Literal["fixed", "benchmark"]
"""Whether the cuts are the same everywhere and always, or a norm or the organisation's own scores."""


class Score(Schema):
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None
    favourable: float
    neutral: float
    unfavourable: float
    favourable_ci_low: float | None
    favourable_ci_high: float | None


class Gap(Schema):
    mean: float
    ci_low: float | None
    ci_high: float | None
    dz: float | None
    reliability: float | None
    interpretable: bool | None


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


class ByQuadrant(Schema):
    thriving: float
    content: float
    stretched: float
    detached: float


class Quadrants(Schema):
    mode: Mode
    cut: QuadrantCut
    near_cut: float | None
    shares: QuadrantShares
    expected: ByQuadrant | None


class Ellipse(Schema):
    semi_major: float
    semi_minor: float
    angle: float


class Position(Schema):
    quadrant: Literal["thriving", "content", "stretched", "detached", "undetermined"]
    probability: float
    probabilities: ByQuadrant
    ellipse: Ellipse


class HeadlineOk(Schema):
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


HeadlineNumbers = Annotated[HeadlineOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class GroupOk(HeadlineOk, OfGroup):
    pass


Group = Annotated[
    GroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class PartsOfBoth(Schema):
    satisfaction: int
    engagement: int


class Distinctness(Schema):
    n: int
    n_complete: int | None
    parts: PartsOfBoth | None
    htmt: float | None
    htmt2: float | None
    method: Literal["htmt", "htmt2"] | None
    ci_low: float | None
    ci_high: float | None
    verdict: Literal["distinct", "not_distinct", "undetermined"]
    r: float | None
    r_ci_low: float | None
    r_ci_high: float | None
    spearman: float | None
    spearman_ci_low: float | None
    spearman_ci_high: float | None
    r_disattenuated: float | None
    r_disattenuated_is_capped: bool | None
    reasons: Reasons


class DistinctnessOk(Distinctness):
    status: Literal["ok"]


class DistinctnessInsufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_persons"]


class DistinctnessUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["dimension_missing", "awaits_final_release"]


DistinctnessNumbers = Annotated[
    DistinctnessOk | Suppressed | DistinctnessInsufficient | DistinctnessUndefined,
    Field(discriminator="status"),
]
"""What a release keeps of it, for the whole organisation."""


class SatisfactionEngagement(Metrics):
    distinctness: Distinctness | None
    reasons: Reasons
    groups: list[Group]
