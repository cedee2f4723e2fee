from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import GroupRef, GroupSuppressed, Precision, Reasons


class CelebrationGroupOk(Schema):
    group: GroupRef
    status: Literal["ok"]
    n: int
    precision: Precision
    due: int
    coverage: float
    on_time: float
    median_delay_days: float | None
    reasons: Reasons


CelebrationGroup = Annotated[CelebrationGroupOk | GroupSuppressed, Field(discriminator="status")]


class CelebrationMetrics(Schema):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    period: str
    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    minimum_group_size: int
    formula_version: str
    groups: list[CelebrationGroup]
