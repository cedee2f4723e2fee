from typing import Annotated

from pydantic import Field

from app.core.languages import Language
from app.core.schema import Instant, Schema
from app.surveys.questionnaires.rules import Kind
from app.surveys.schemas import Mode


class FormFacet(Schema):
    key: str
    title: str


class FormScale(Schema):
    low: int
    high: int


class FormOption(Schema):
    key: str
    text: str


class FormQuestion(Schema):
    key: str
    text: str
    facet: str | None
    kind: Kind
    required: bool
    scale: FormScale | None
    labels: dict[str, str]
    options: list[FormOption]


class SurveyForm(Schema):
    organization: str
    name: str
    mode: Mode
    closes_at: Instant | None
    language: Language
    languages: list[Language]
    introduction: str | None
    thanks: str | None
    in_short: Annotated[list[str], Field(min_length=3, max_length=3)]
    what_is_stored: list[str]
    minutes: Annotated[int, Field(ge=1)]
    kept_months: int | None
    contact: str | None
    takes_locale: bool
    takes_comment: bool
    allow_changes: bool
    facets: list[FormFacet]
    questions: list[FormQuestion]
