from typing import Annotated, Literal

from pydantic import ConfigDict, Field

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
    Worded,
)
from app.metrics.words import Precision
from app.surveys.questionnaires.rules import LeverName

CriterionName = Literal["engagement_core", "intent_to_stay", "overall_satisfaction"]
Flag = Literal["singular", "few_teams", "linear_approximation", "part_of_criterion"]


class DriverLeverOk(Schema):
    lever: LeverName
    status: Literal["ok"]
    share: float
    ci_low: float
    ci_high: float
    rank_low: int
    rank_high: int
    above_chance: bool | None
    sign: Literal["positive", "negative", "none"]
    r: float


class DriverLeverUndefined(Schema):
    lever: LeverName
    status: Literal["undefined"]
    reason: Literal["zero_variance", "no_association"]


DriverLever = Annotated[DriverLeverOk | DriverLeverUndefined, Field(discriminator="status")]


class CriterionNumbers(Schema):
    criterion: CriterionName
    status: Literal["ok"]
    n: int
    left_out: int
    r2: float
    r2_adjusted: float
    r2_ci_low: float
    r2_ci_high: float
    p: float | None
    is_associated: bool
    chance_share: float | None
    method: Literal["lmg", "johnson"]
    resampled: Literal["persons", "teams"]
    levers: list[DriverLever]
    flags: list[Flag]
    reasons: Reasons


class CriterionSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: CriterionName
    status: Literal["suppressed"]
    reason: Literal["incomplete_cover"]


class CriterionInsufficient(Schema):
    criterion: CriterionName
    status: Literal["insufficient"]
    reason: Literal["too_few_persons"]
    n: int


class CriterionUndefined(Schema):
    criterion: CriterionName
    status: Literal["undefined"]
    reason: Literal["question_missing", "zero_variance"]


CriterionKept = Annotated[
    CriterionNumbers | CriterionSuppressed | CriterionInsufficient | CriterionUndefined,
    Field(discriminator="status"),
]
"""What a release keeps of one criterion: without words."""


class CriterionOk(Worded, CriterionNumbers):
    pass


Criterion = Annotated[
    CriterionOk | CriterionSuppressed | CriterionInsufficient | CriterionUndefined,
    Field(discriminator="status"),
]


class DriversOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    criteria: list[CriterionKept]


DriversNumbers = Annotated[DriversOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class DriversGroupOk(OfGroup):
    status: Literal["ok"]
    n: int
    precision: Precision
    criteria: list[Criterion]


DriversGroup = Annotated[
    DriversGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Drivers(Metrics):
    groups: list[DriversGroup]
