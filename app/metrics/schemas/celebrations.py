from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import GroupSuppressed, OfGroup, Reasons, Suppressed
from app.metrics.words import Precision


class CelebrationsOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    due: int
    coverage: float
    on_time: float
    median_delay_days: float | None
    reasons: Reasons


CelebrationNumbers = CelebrationsOk | Suppressed
"""What is said of one group."""


class CelebrationGroupOk(CelebrationsOk, OfGroup):
    pass


CelebrationGroup = Annotated[CelebrationGroupOk | GroupSuppressed, Field(discriminator="status")]


class CelebrationReport(Schema):
    """What is kept of a quarter; the first ones did not say by which formulas they were made."""

    minimum_group_size: int
    formula_version: str = "1"
    groups: list[CelebrationGroup]


class CelebrationMetrics(Schema):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    period: str
    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    minimum_group_size: int
    formula_version: str
    groups: list[CelebrationGroup]
