from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupSuppressed,
    GroupUndefined,
    Metrics,
    Precision,
    Reasons,
)
from app.metrics.schemas.headline import Distinctness, GroupOk
from app.metrics.schemas.levers import LeversGroup
from app.metrics.schemas.trends import Change


class OverviewEnpsOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    score: float
    ci_low: float
    ci_high: float
    promoters: float
    passives: float
    detractors: float


class OverviewEnpsSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


class OverviewEnpsUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["question_missing", "several_questions", "awaits_final_release"]


OverviewEnps = Annotated[
    OverviewEnpsOk | OverviewEnpsSuppressed | OverviewEnpsUndefined, Field(discriminator="status")
]


class OverviewParticipationOk(Schema):
    status: Literal["ok"]
    responded: int
    invited: int | None
    response_rate: float | None
    reasons: Reasons


class OverviewParticipationUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["no_frame", "awaits_final_release"]


OverviewParticipation = Annotated[
    OverviewParticipationOk | OverviewParticipationUndefined, Field(discriminator="status")
]


class OverviewGroupOk(GroupOk):
    enps: OverviewEnps
    participation: OverviewParticipation
    changes: list[Change]


OverviewGroup = Annotated[
    OverviewGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Overview(Metrics):
    distinctness: Distinctness | None
    reasons: Reasons
    levers: LeversGroup | None
    groups: list[OverviewGroup]
