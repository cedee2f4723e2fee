from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.schema import (
    Flag,
    Identifier,
    Input,
    Instant,
    Integer,
    Locale,
    Phrase,
    ReadOnly,
    Schema,
    Texts,
)
from app.core.shapes import KEY, Shaped
from app.surveys.questionnaires.rules import Dimension, Kind, LeverName

Role = Literal["basic", "core", "condition", "outcome"]
FacetKey = Annotated[str, KEY]


SCORED = ("dimension", "facet", "scale")
"""What a question on a scale cannot do without."""
CHOICES = ("choice", "choices")
OUTCOME_FACETS = ("enps", "overall_satisfaction", "intent_to_stay")
ROLES: dict[Dimension, tuple[Role, ...]] = {
    "satisfaction": ("basic",),
    "engagement": ("core", "condition"),
    "outcome": ("outcome",),
}
"""The roles of each dimension, its default first."""


Point = Annotated[str, Shaped(r"^(0|[1-9][0-9]{0,2})$", 'Write a number of the scale as text, as "5".')]
MOST_OPTIONS = 15
"""What an answer of several can be kept of, a bit an option, in a smallint that is not negative."""
Labels = Annotated[
    dict[Locale, dict[Point, Phrase]],
    Field(default_factory=dict),
]


class Facet(Schema):
    key: str
    title: dict[str, str]


class Scale(Schema):
    low: int
    high: int
    labels: dict[str, dict[str, str]]


class Option(Schema):
    key: str
    text: dict[str, str]


class Question(Schema):
    key: str
    text: dict[str, str]
    kind: Kind
    required: bool
    dimension: Dimension | None
    facet: str | None
    role: Role | None
    lever: LeverName | None
    reversed: bool
    scale: Scale | None
    options: list[Option]


class QuestionnaireHead(Schema):
    key: str
    version: int
    built_in: bool
    title: dict[str, str]
    created_at: Instant


class QuestionnaireSummary(QuestionnaireHead):
    scales: list[Scale]


class Questionnaire(QuestionnaireHead):
    introduction: dict[str, str] | None
    thanks: dict[str, str] | None
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
    labels: Labels

    @model_validator(mode="after")
    def rises(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("bad_scale", "Give a low that is below high.")
        return self

    @model_validator(mode="after")
    def says_what_answers_mean(self) -> Self:
        ends = {str(self.low), str(self.high)}
        every = {str(answer) for answer in range(self.low, self.high + 1)}
        labelled = [set(words) for words in self.labels.values()]
        if any(answers not in (ends, every) or answers != labelled[0] for answers in labelled):
            raise PydanticCustomError(
                "bad_labels", "Label both ends, or every answer, and the same ones in each language."
            )
        return self


class OptionWrite(Input):
    key: Identifier
    text: Texts


class QuestionWrite(Input):
    key: Identifier
    text: Texts
    kind: Kind = "scale"
    required: Flag = False
    dimension: Dimension | None = None
    facet: FacetKey | None = None
    role: Role | None = None
    lever: LeverName | None = None
    reversed: Flag = False
    scale: ScaleWrite | None = None
    options: Annotated[list[OptionWrite], Field(default_factory=list, max_length=MOST_OPTIONS)]

    @model_validator(mode="after")
    def is_of_its_kind(self) -> Self:
        missing, excess = self.unlike_its_kind()
        if missing:
            raise PydanticCustomError(
                "missing_field", f"A question of kind {self.kind} needs {missing}: send it."
            )
        if excess:
            raise PydanticCustomError(
                "kind_mismatch", f"A question of kind {self.kind} has no {excess}: leave it out."
            )
        if self.kind in CHOICES and len({option.key for option in self.options}) < max(2, len(self.options)):
            raise PydanticCustomError("bad_options", "Give at least two options, each key once.")
        return self

    def unlike_its_kind(self) -> tuple[str, str]:
        """The first member that is missing, and the first that is too much."""
        given = [name for name in (*SCORED, "role", "lever", "reversed") if getattr(self, name)]
        if self.kind == "scale":
            missing = [name for name in SCORED if name not in given]
            return next(iter(missing), ""), "options" if self.options else ""
        excess = [name for name in given if name != "facet"]
        if self.kind == "text" and self.options:
            excess.append("options")
        return "", next(iter(excess), "")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        if self.dimension is None or self.scale is None:
            return self
        if self.role is not None and self.role not in ROLES[self.dimension]:
            raise PydanticCustomError(
                "role_mismatch",
                f"With {self.dimension} goes {' or '.join(ROLES[self.dimension])}: send that, or no role.",
            )
        if self.lever is not None and self.dimension == "outcome":
            raise PydanticCustomError(
                "lever_mismatch", "A question about an outcome has no lever: leave it out."
            )
        if (self.facet in OUTCOME_FACETS) != (self.dimension == "outcome"):
            raise PydanticCustomError(
                "unknown_facet",
                f"Outcomes, and they alone, have a facet of {', '.join(OUTCOME_FACETS)}: send another.",
            )
        if self.facet == "enps" and (self.scale.low, self.scale.high) != (0, 10):
            raise PydanticCustomError("bad_scale", "Ask enps on a scale of 0 to 10.")
        return self


class QuestionnaireWrite(Input):
    key: ReadOnly = None
    version: ReadOnly = None
    built_in: ReadOnly = None
    title: Texts
    introduction: Texts | None = None
    thanks: Texts | None = None
    facets: Annotated[list[FacetWrite], Field(default_factory=list, max_length=200)]
    questions: Annotated[list[QuestionWrite], Field(min_length=1, max_length=200)]
    created_at: ReadOnly = None

    @model_validator(mode="after")
    def keys_fit(self) -> Self:
        facets = [facet.key for facet in self.facets]
        for keys in (facets, [question.key for question in self.questions]):
            if len(set(keys)) != len(keys):
                raise PydanticCustomError("duplicate_key", "Use each key once.")
        used = {question.facet for question in self.questions if question.dimension != "outcome"}
        if used - {*facets, None}:
            raise PydanticCustomError(
                "unknown_facet",
                "A facet of a question is the key of one of facets: add it there, or name another.",
            )
        dimensions = {
            (question.facet, question.dimension) for question in self.questions if question.dimension
        }
        if len(dimensions) != len({facet for facet, _ in dimensions}):
            raise PydanticCustomError("unknown_facet", "Let the questions of a facet have one dimension.")
        return self
