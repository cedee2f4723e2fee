from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupRef,
    GroupSuppressed,
    GroupUndefined,
    Metrics,
    Precision,
    Reasons,
)


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


Group = Annotated[
    GroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class SatisfactionEngagement(Metrics):
    distinctness: None
    reasons: Reasons
    groups: list[Group]
