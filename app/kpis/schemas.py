from typing import Annotated, Literal

from pydantic import Field

from app.core.batches import BatchItems
from app.core.schema import Identifier, Input, Instant, ReadOnly, Schema, Texts, Visible
from app.core.shapes import Shaped
from app.kpis.rules import PERIOD

Better = Literal["higher", "lower"]
Period = Annotated[str, Shaped(PERIOD, "Write a year, a quarter or a month, as 2026, 2026-Q4 or 2026-11.")]
Number = Annotated[float, Field(strict=True)]


class KpiWrite(Input):
    key: ReadOnly = None
    title: Texts
    unit: Annotated[str, Field(min_length=1, max_length=50), Visible] | None = None
    better: Better
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class Kpi(Schema):
    key: str
    title: dict[str, str]
    unit: str | None
    better: Better
    created_at: Instant
    updated_at: Instant


class KpiPage(Schema):
    items: list[Kpi]
    next_cursor: str | None
    as_of: Instant


class KpiValueWrite(Input):
    kpi: Identifier
    team: Identifier | None = None
    period: Period
    value: Number
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class KpiValueBatch(Input):
    items: BatchItems[KpiValueWrite]


class KpiValue(Schema):
    kpi: str
    team: str | None
    period: str
    value: float
    created_at: Instant
    updated_at: Instant


class KpiValuePage(Schema):
    items: list[KpiValue]
    next_cursor: str | None
    as_of: Instant
