from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Instant, Schema
from app.metrics.schemas.common import (
    Metrics,
    OfGroup,
    Reasons,
    Worded,
)


class RecognitionSlope(Schema):
    points: float
    ci_low: float
    ci_high: float
    p: float


class RecognitionDose(Schema):
    least: int
    most: int | None
    n: int
    score: float
    ci_low: float
    ci_high: float


class WithinPersonsOk(Schema):
    status: Literal["ok"]
    persons: int
    waves: int
    association: RecognitionSlope


class WithinPersonsInsufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_persons", "too_few_recognised"]


class WithinPersonsSuppressed(Schema):
    status: Literal["suppressed"]
    reason: Literal["crossing", "erased", "dominance"]


class WithinPersonsUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["under_three_waves", "not_estimable"]


WithinPersons = Annotated[
    WithinPersonsOk | WithinPersonsInsufficient | WithinPersonsSuppressed | WithinPersonsUndefined,
    Field(discriminator="status"),
]


class RecognitionSince(Schema):
    status: Literal["ok"]
    from_survey: UUID
    to_survey: UUID
    received_after: Instant
    received_until: Instant
    n: int
    recognised: int | None
    association: RecognitionSlope
    stability: RecognitionSlope
    reliability: float | None
    r2: float
    errors: Literal["HC3", "cluster"]
    placebo: RecognitionSlope | None
    direction: Literal["separable", "not_separable"]
    doses: list[RecognitionDose] | None
    trend: RecognitionSlope | None
    within_persons: WithinPersons
    reasons: Reasons


class RecognitionTooFew(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_persons", "too_few_recognised"]
    n: int


class RecognitionUntold(Schema):
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing", "erased", "dominance"]


class RecognitionUnknown(Schema):
    status: Literal["undefined"]
    reason: Literal[
        "dimension_missing",
        "no_earlier_wave",
        "not_linked",
        "questions_changed",
        "waves_overlap",
        "not_estimable",
        "too_unreliable",
        "awaits_final_release",
    ]
    n: int


RecognitionEngagementNumbers = Annotated[
    RecognitionSince | RecognitionTooFew | RecognitionUntold | RecognitionUnknown,
    Field(discriminator="status"),
]
"""What a release keeps of one group."""


class RecognitionEngagementOk(Worded, RecognitionSince, OfGroup):
    pass


class RecognitionEngagementInsufficient(RecognitionTooFew, OfGroup):
    pass


class RecognitionEngagementSuppressed(RecognitionUntold, OfGroup):
    pass


class RecognitionEngagementUndefined(RecognitionUnknown, OfGroup):
    pass


RecognitionEngagementGroup = Annotated[
    RecognitionEngagementOk
    | RecognitionEngagementInsufficient
    | RecognitionEngagementSuppressed
    | RecognitionEngagementUndefined,
    Field(discriminator="status"),
]


class RecognitionEngagement(Metrics):
    groups: list[RecognitionEngagementGroup]
