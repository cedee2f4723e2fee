from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.schema import (
    Flag,
    Identifier,
    Input,
    Instant,
    Integer,
    ReadOnly,
    Schema,
    Texts,
)

Dimension = Literal["satisfaction", "engagement", "outcome"]
Kind = Literal["scale", "choice", "choices", "text"]
Role = Literal["basic", "core", "condition", "outcome"]
Lever = Literal["clarity", "recognition", "purpose", "connection", "resources_and_safety", "growth"]
FacetKey = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,49}$")]


OUTCOME_FACETS = ("enps", "overall_satisfaction", "intent_to_stay")
ROLES: dict[Dimension, tuple[Role, ...]] = {
    "satisfaction": ("basic",),
    "engagement": ("core", "condition"),
    "outcome": ("outcome",),
}
"""The roles of each dimension, its default first."""


class Facet(Schema):
    key: str
    title: dict[str, str]


class Scale(Schema):
    low: int
    high: int


class Question(Schema):
    key: str
    text: dict[str, str]
    dimension: Dimension
    facet: str
    role: Role
    lever: Lever | None
    reversed: bool
    scale: Scale


class QuestionnaireSummary(Schema):
    key: str
    version: int
    built_in: bool
    title: dict[str, str]
    created_at: Instant


class Questionnaire(QuestionnaireSummary):
    facets: list[Facet]
    questions: list[Question]


class QuestionnairePage(Schema):
    items: list[QuestionnaireSummary]
    next_cursor: str | None
    as_of: Instant


class FacetWrite(Input):
    key: FacetKey
    title: Texts


class ScaleWrite(Input):
    low: Annotated[Integer, Field(ge=0, le=99)]
    high: Annotated[Integer, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def rises(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("bad_scale", "low must be below high")
        return self


class QuestionWrite(Input):
    key: Identifier
    text: Texts
    dimension: Dimension
    facet: FacetKey
    role: Role | None = None
    lever: Lever | None = None
    reversed: Flag = False
    scale: ScaleWrite

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        if self.role is not None and self.role not in ROLES[self.dimension]:
            raise PydanticCustomError("role_mismatch", f"{self.dimension} goes with {ROLES[self.dimension]}")
        if self.lever is not None and self.dimension == "outcome":
            raise PydanticCustomError("lever_mismatch", "an outcome question has no lever")
        if (self.facet in OUTCOME_FACETS) != (self.dimension == "outcome"):
            raise PydanticCustomError("unknown_facet", f"an outcome's facet is one of {OUTCOME_FACETS}")
        if self.facet == "enps" and (self.scale.low, self.scale.high) != (0, 10):
            raise PydanticCustomError("bad_scale", "enps is asked on 0 to 10")
        return self


class QuestionnaireWrite(Input):
    key: ReadOnly = None
    version: ReadOnly = None
    built_in: ReadOnly = None
    title: Texts
    facets: Annotated[list[FacetWrite], Field(max_length=200)]
    questions: Annotated[list[QuestionWrite], Field(min_length=1, max_length=200)]
    created_at: ReadOnly = None

    @model_validator(mode="after")
    def keys_fit(self) -> Self:
        facets = [facet.key for facet in self.facets]
        for keys in (facets, [question.key for question in self.questions]):
            if len(set(keys)) != len(keys):
                raise PydanticCustomError("duplicate_key", "each key may be used once")
        used = {question.facet for question in self.questions if question.dimension != "outcome"}
        if used - set(facets):
            raise PydanticCustomError("unknown_facet", "every question must name one of facets")
        dimensions = {(question.facet, question.dimension) for question in self.questions}
        if len(dimensions) != len({facet for facet, _ in dimensions}):
            raise PydanticCustomError("unknown_facet", "a facet belongs to one dimension")
        return self
