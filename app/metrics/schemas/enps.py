from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupRef,
    GroupSuppressed,
    GroupUndefined,
    Metrics,
    Precision,
)


class EnpsGroupOk(Schema):
    group: GroupRef
    status: Literal["ok"]
    n: int
    precision: Precision
    score: float
    ci_low: float
    ci_high: float
    promoters: float
    passives: float
    detractors: float


EnpsGroup = Annotated[
    EnpsGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Enps(Metrics):
    groups: list[EnpsGroup]
