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


class ParticipationScore(Schema):
    score: float
    ci_low: float | None
    ci_high: float | None
    bound_low: float | None
    bound_high: float | None


class WeightedScore(Schema):
    score: float
    ci_low: float | None
    ci_high: float | None


class Weighted(Schema):
    strata: int
    trimmed: int
    coverage: float
    deff: float
    effective_n: float
    satisfaction: WeightedScore
    engagement: WeightedScore


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
    weighted: Weighted | None
    reasons: Reasons


ParticipationGroup = Annotated[
    ParticipationGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Participation(Metrics):
    groups: list[ParticipationGroup]
