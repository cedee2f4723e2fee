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


class LeverOk(Schema):
    lever: LeverName
    status: Literal["ok"]
    n: int
    precision: Precision
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None
    favourable: float | None
    neutral: float | None
    unfavourable: float | None
    favourable_ci_low: float | None
    favourable_ci_high: float | None
    shrunken: float | None
    importance: float | None
    priority: float | None
    rank_probability: float | None
    is_top: bool
    reasons: Reasons


class LeverSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    lever: LeverName
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


Lever = Annotated[LeverOk | LeverSuppressed, Field(discriminator="status")]


class LeversOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    criterion: Literal["engagement_core"]
    importance_of: Literal["group", "organization"] | None
    target: float
    levers: list[Lever]
    top: LeverName | None
    tie_set: list[LeverName]
    reasons: Reasons


LeversNumbers = Annotated[LeversOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class LeversGroupOk(Worded, LeversOk, OfGroup):
    pass


LeversGroup = Annotated[
    LeversGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Levers(Metrics):
    groups: list[LeversGroup]
