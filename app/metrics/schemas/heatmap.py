from typing import Annotated, Literal

from pydantic import ConfigDict, Field

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


class HeatmapColumn(Schema):
    key: str
    kind: Literal["dimension", "facet"]
    title: str


class HeatmapCellOk(Schema):
    status: Literal["ok"]
    difference: float
    ci_low: float
    ci_high: float
    g: float | None
    q: float | None
    detectable: float | None
    state: Literal[
        "higher", "lower", "slightly_higher", "slightly_lower", "practically_equal", "inconclusive"
    ]
    score: float
    shrunken: float | None
    reasons: Reasons


class HeatmapCellSuppressed(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


class HeatmapCellUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal["no_rest", "zero_variance"]


HeatmapCell = Annotated[
    HeatmapCellOk | HeatmapCellSuppressed | HeatmapCellUndefined, Field(discriminator="status")
]


class HeatmapOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    smallest_change: float
    cells: list[HeatmapCell]


HeatmapNumbers = Annotated[HeatmapOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class HeatmapGroupOk(HeatmapOk, OfGroup):
    pass


HeatmapGroup = Annotated[
    HeatmapGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Heatmap(Metrics):
    columns: list[HeatmapColumn]
    groups: list[HeatmapGroup]
