from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupRef,
    GroupSuppressed,
    GroupUndefined,
    Metrics,
    Reasons,
)

ScaleKind = Literal["dimension", "facet", "core"]


class ScaleItem(Schema):
    key: str
    rest_r: float | None


class ScaleOk(Schema):
    kind: ScaleKind
    key: str
    title: str
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
    warnings: list[Literal["check_reversal", "flat_part"]]
    reasons: Reasons


class ScaleSuppressed(Schema):
    kind: ScaleKind
    key: str
    title: str
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


class ScaleInsufficient(Schema):
    kind: ScaleKind
    key: str
    title: str
    status: Literal["insufficient"]
    reason: Literal["too_few_persons"]


class ScaleUndefined(Schema):
    kind: ScaleKind
    key: str
    title: str
    status: Literal["undefined"]
    reason: Literal["single_part"]


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


class ReliabilityGroupOk(Schema):
    group: GroupRef
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
