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


class EnpsOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    score: float
    ci_low: float | None
    ci_high: float | None
    promoters: float | None
    passives: float | None
    detractors: float | None
    reasons: Reasons


EnpsNumbers = Annotated[EnpsOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class EnpsGroupOk(EnpsOk, OfGroup):
    pass


EnpsGroup = Annotated[
    EnpsGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Enps(Metrics):
    groups: list[EnpsGroup]
