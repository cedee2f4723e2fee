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


class ParticipationOk(Schema):
    status: Literal["ok"]
    n: int
    responded: int
    invited: int | None
    response_rate: float | None
    complete_response_rate: float | None
    precision: Precision
    satisfaction: ParticipationScore
    engagement: ParticipationScore
    weighted: Weighted | None
    reasons: Reasons


ParticipationNumbers = Annotated[
    ParticipationOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")
]
"""What a release keeps of one group."""


class ParticipationGroupOk(ParticipationOk, OfGroup):
    pass


ParticipationGroup = Annotated[
    ParticipationGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Participation(Metrics):
    groups: list[ParticipationGroup]
