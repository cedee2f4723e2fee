from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupSuppressed,
    Insufficient,
    Metrics,
    OfGroup,
    Reasons,
    Suppressed,
)


class Ratio(Schema):
    ratio: float
    ci_low: float
    ci_high: float


class LeavingRatios(Schema):
    hazard_ratio: Ratio | None
    rate_ratio: Ratio | None


class LeavingOk(Schema):
    status: Literal["ok"]
    n: int
    leavers: int | None
    satisfaction: LeavingRatios
    engagement: LeavingRatios
    reasons: Reasons


class LeavingInsufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_leavers", "too_few_persons"]
    n: int
    leavers: int | None
    reasons: Reasons


class LeavingSuppressed(Schema):
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing", "erased", "dominance"]


class LeavingUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["not_linkable", "no_exposure"]
    n: int


Leaving = Annotated[
    LeavingOk | LeavingInsufficient | LeavingSuppressed | LeavingUndefined, Field(discriminator="status")
]


class FromTo(Schema):
    starts_on: date
    ends_on: date


class LeavingOkSince(LeavingOk, FromTo):
    pass


class LeavingInsufficientSince(LeavingInsufficient, FromTo):
    pass


class LeavingSuppressedSince(LeavingSuppressed, FromTo):
    pass


class LeavingUndefinedSince(LeavingUndefined, FromTo):
    pass


LeavingNumbers = Annotated[
    LeavingOkSince | LeavingInsufficientSince | LeavingSuppressedSince | LeavingUndefinedSince,
    Field(discriminator="status"),
]
"""What a release keeps of leaving, with the days that it looks at."""


class TurnoverShown(Schema):
    status: Literal["ok"]
    n: int
    headcount: float
    leavers: int
    rate: float


class TurnoverUnknown(Schema):
    status: Literal["undefined"]
    reason: Literal["dimension_missing", "few_silent", "no_exposure"]
    n: int


TurnoverNumbers = Annotated[
    TurnoverShown | Suppressed | Insufficient | TurnoverUnknown, Field(discriminator="status")
]
"""What a release keeps of one group."""


class TurnoverGroupOk(TurnoverShown, OfGroup):
    pass


class TurnoverGroupUndefined(TurnoverUnknown, OfGroup):
    pass


TurnoverGroup = Annotated[
    TurnoverGroupOk | GroupSuppressed | GroupInsufficient | TurnoverGroupUndefined,
    Field(discriminator="status"),
]


class TurnoverOk(Schema):
    status: Literal["ok"]
    starts_on: date
    ends_on: date
    association: Leaving
    groups: list[TurnoverGroup]


class TurnoverUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["next_wave_pending", "no_series", "no_frame"]


class OutcomeKpi(Schema):
    key: str
    title: dict[str, str]
    unit: str | None
    better: Literal["higher", "lower"]


class KpiPoint(Schema):
    team: str
    name: str
    satisfaction: float
    engagement: float
    value: float


class KpiCorrelation(Schema):
    r: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    q: float | None


class KpiWaveOk(Schema):
    status: Literal["ok"]
    period: str
    n: int
    satisfaction: KpiCorrelation
    engagement: KpiCorrelation
    points: list[KpiPoint]
    reasons: Reasons


class KpiWaveInsufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_teams"]
    period: str
    n: int
    points: list[KpiPoint]


class KpiWaveUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["no_values"]
    period: str | None


class PooledKpiCorrelation(Schema):
    r: float
    ci_low: float
    ci_high: float
    p: float
    q: float
    prediction_low: float
    prediction_high: float
    tau2: float


class KpiWavesOk(Schema):
    status: Literal["ok"]
    waves: int
    satisfaction: PooledKpiCorrelation
    engagement: PooledKpiCorrelation


class KpiWavesInsufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_waves"]
    waves: int


Turnover = Annotated[TurnoverOk | TurnoverUndefined, Field(discriminator="status")]
KpiWave = Annotated[KpiWaveOk | KpiWaveInsufficient | KpiWaveUndefined, Field(discriminator="status")]
KpiWaves = Annotated[KpiWavesOk | KpiWavesInsufficient, Field(discriminator="status")]


class KpiOutcome(Schema):
    kpi: OutcomeKpi
    wave: KpiWave
    across_waves: KpiWaves


class Note(Schema):
    about: Literal["turnover", "kpis", "across_waves"]
    text: str


class Outcomes(Metrics):
    turnover: Turnover
    kpis: list[KpiOutcome]
    notes: list[Note]
