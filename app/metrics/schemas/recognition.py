from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import GroupSuppressed, OfGroup, Reasons, Suppressed


class RecognitionRatio(Schema):
    ratio: float
    ci_low: float
    ci_high: float


class RecognitionRate(Schema):
    person_months: float
    per_person_month: float
    ci_low: float
    ci_high: float
    ratio_to_rest: RecognitionRatio | None


class Concentration(Schema):
    gini: float | None
    gini_by_chance: float | None
    gini_corrected: float | None
    top_tenth: float | None


class CrossTeam(Schema):
    share: float | None
    expected: float
    ei_index: float | None


class Specificity(Schema):
    mean: float | None
    n: int
    status: Literal["experimental"]


class TimeSinceLast(Schema):
    median_days: float | None
    over_30: float
    over_60: float | None
    over_90: float | None


class RecognitionNetwork(Schema):
    reciprocity: float | None
    density: float
    centralisation: float
    components: int
    isolates: int | None


class RecognitionOk(Schema):
    status: Literal["ok"]
    n: int
    events: int
    coverage_30: float
    giver_share: float
    rate: RecognitionRate
    concentration: Concentration
    cross_team: CrossTeam
    specificity: Specificity
    time_since_last: TimeSinceLast
    network: RecognitionNetwork
    reasons: Reasons


RecognitionNumbers = RecognitionOk | Suppressed
"""What is said of one group."""


class RecognitionGroupOk(RecognitionOk, OfGroup):
    pass


RecognitionGroup = Annotated[RecognitionGroupOk | GroupSuppressed, Field(discriminator="status")]


class RecognitionPeriod(Schema):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    result: RecognitionGroup


class RecognitionMetrics(Schema):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    until: date
    minimum_group_size: int
    ci_level: float
    formula_version: str
    groups: list[RecognitionGroup]
    months: list[RecognitionPeriod]
