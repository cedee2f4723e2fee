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
    Titled,
    Undefined,
)
from app.metrics.words import Suppression

ScaleKind = Literal["dimension", "facet", "core"]
ScaleWarning = Literal["check_reversal", "flat_part"]


class ScaleItem(Schema):
    key: str
    rest_r: float | None


class ScaleNumbers(Schema):
    kind: ScaleKind
    key: str
    status: Literal["ok"]
    n: int
    parts: int
    alpha: float | None
    alpha_ci_low: float | None
    alpha_ci_high: float | None
    omega: float | None
    heywood: bool | None
    spearman_brown: float | None
    sem: float | None
    items: list[ScaleItem]
    warnings: list[ScaleWarning]
    reasons: Reasons


class ScaleUntold(Schema):
    kind: ScaleKind
    key: str
    status: Literal["suppressed"]
    reason: Suppression


class ScaleTooFew(Schema):
    kind: ScaleKind
    key: str
    status: Literal["insufficient"]
    reason: Literal["too_few_persons"]


class ScaleUnknown(Schema):
    kind: ScaleKind
    key: str
    status: Literal["undefined"]
    reason: Literal["single_part"]


ScaleKept = Annotated[ScaleNumbers | ScaleUntold | ScaleTooFew | ScaleUnknown, Field(discriminator="status")]
"""What a release keeps of one scale: without its title."""


class ScaleOk(ScaleNumbers, Titled):
    pass


class ScaleSuppressed(ScaleUntold, Titled):
    pass


class ScaleInsufficient(ScaleTooFew, Titled):
    pass


class ScaleUndefined(ScaleUnknown, Titled):
    pass


Scale = Annotated[
    ScaleOk | ScaleSuppressed | ScaleInsufficient | ScaleUndefined, Field(discriminator="status")
]


class AgreementOk(Schema):
    status: Literal["ok"]
    n: int
    questions: int
    options: int
    rwg_j: float
    rwg_j_skewed: float | None
    reasons: Reasons


class BlockSuppressed(Schema):
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


class BlockInsufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_persons", "too_few_teams"]


class BlockUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["mixed_scales", "zero_variance"]


Agreement = Annotated[
    AgreementOk | BlockSuppressed | BlockInsufficient | BlockUndefined, Field(discriminator="status")
]


class Agreements(Schema):
    satisfaction: Agreement
    engagement: Agreement


class BetweenTeamsOk(Schema):
    status: Literal["ok"]
    n: int
    teams: int
    icc1: float
    icc1_raw: float
    icc2: float
    icc2_raw: float | None
    f: float | None
    p: float | None
    reasons: Reasons


BetweenTeams = Annotated[
    BetweenTeamsOk | BlockSuppressed | BlockInsufficient | BlockUndefined, Field(discriminator="status")
]


class BetweenTeamsOfBoth(Schema):
    satisfaction: BetweenTeams
    engagement: BetweenTeams


class ReliabilityOk(Schema):
    status: Literal["ok"]
    n: int
    scales: list[ScaleKept]
    agreement: Agreements
    teams: BetweenTeamsOfBoth | None
    reasons: Reasons


ReliabilityNumbers = Annotated[
    ReliabilityOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")
]
"""What a release keeps of one group."""


class ReliabilityGroupOk(OfGroup):
    status: Literal["ok"]
    n: int
    scales: list[Scale]
    agreement: Agreements
    teams: BetweenTeamsOfBoth | None
    reasons: Reasons


ReliabilityGroup = Annotated[
    ReliabilityGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Reliability(Metrics):
    instrument_status: Literal["not_yet_validated", "unknown"]
    groups: list[ReliabilityGroup]
