from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupRef,
    GroupSuppressed,
    GroupUndefined,
    Metrics,
    Precision,
    Reasons,
)

Dimension = Literal["satisfaction", "engagement", "outcome"]


class FacetOk(Schema):
    key: str
    dimension: Dimension
    title: str
    status: Literal["ok"]
    n: int
    precision: Precision
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None
    favourable: float
    neutral: float
    unfavourable: float
    favourable_ci_low: float | None
    favourable_ci_high: float | None
    reasons: Reasons


class QuestionOk(FacetOk):
    facet: str
    dont_know: int | None


class FacetSuppressed(Schema):
    """Nothing but its name and the reason: no number at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    dimension: Dimension
    title: str
    status: Literal["suppressed"]
    reason: Literal["below_minimum", "complementary", "incomplete_cover", "crossing"]


class QuestionSuppressed(FacetSuppressed):
    facet: str


Facet = Annotated[FacetOk | FacetSuppressed, Field(discriminator="status")]
FacetQuestion = Annotated[QuestionOk | QuestionSuppressed, Field(discriminator="status")]


class FacetsGroupOk(Schema):
    group: GroupRef
    status: Literal["ok"]
    n: int
    precision: Precision
    facets: list[Facet]
    questions: list[FacetQuestion]


FacetsGroup = Annotated[
    FacetsGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Facets(Metrics):
    groups: list[FacetsGroup]
