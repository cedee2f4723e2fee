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
    Titled,
    Undefined,
)
from app.metrics.words import Precision, Suppression
from app.surveys.questionnaires.rules import Dimension


class FacetNumbers(Schema):
    key: str
    dimension: Dimension
    status: Literal["ok"]
    n: int
    precision: Precision
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None
    favourable: float | None
    neutral: float | None
    unfavourable: float | None
    favourable_ci_low: float | None
    favourable_ci_high: float | None
    reasons: Reasons


class QuestionNumbers(FacetNumbers):
    facet: str
    dont_know: int | None


class FacetUntold(Schema):
    """Nothing but its name and the reason: no number at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    dimension: Dimension
    status: Literal["suppressed"]
    reason: Suppression


class QuestionUntold(FacetUntold):
    facet: str


FacetKept = Annotated[FacetNumbers | FacetUntold, Field(discriminator="status")]
QuestionKept = Annotated[QuestionNumbers | QuestionUntold, Field(discriminator="status")]


class FacetsOk(Schema):
    status: Literal["ok"]
    n: int
    precision: Precision
    facets: list[FacetKept]
    questions: list[QuestionKept]


FacetsNumbers = Annotated[FacetsOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class FacetOk(FacetNumbers, Titled):
    pass


class FacetSuppressed(FacetUntold, Titled):
    pass


class QuestionOk(QuestionNumbers, Titled):
    pass


class QuestionSuppressed(QuestionUntold, Titled):
    pass


Facet = Annotated[FacetOk | FacetSuppressed, Field(discriminator="status")]
FacetQuestion = Annotated[QuestionOk | QuestionSuppressed, Field(discriminator="status")]


class FacetsGroupOk(OfGroup):
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
