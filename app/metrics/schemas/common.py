"""What every metric's answer shares: which survey, which release, which group, and why there is no number."""

from typing import Annotated, Final, Literal, TypedDict
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Instant, Schema
from app.metrics.words import Suppression

FORMULA_VERSION: Final = "6"
"""Of every number there is; stored with it, and told as it was stored."""
CI_LEVEL: Final = 0.95
Reasons = dict[str, str]


class MetricsSurvey(Schema):
    id: UUID
    name: str
    series: str | None
    mode: Literal["anonymous", "confidential", "attributed"]
    questionnaire: str
    questionnaire_version: int
    opened_at: Instant
    closed_at: Instant | None
    minimum_group_size: int


class Release(Schema):
    number: int
    released_at: Instant
    final: bool
    held_back: int


class TreeRef(Schema):
    kind: Literal["organization", "team"]
    id: str | None
    name: str
    parent: str | None
    depth: int


class SegmentRef(Schema):
    kind: Literal["segment"]
    segment: str
    id: str
    name: str
    parent: str | None
    depth: int


class FilterRef(Schema):
    kind: Literal["filter"]
    id: str
    name: str
    parent: str | None
    depth: int


GroupRef = Annotated[TreeRef | SegmentRef | FilterRef, Field(discriminator="kind")]


class Kept(Schema):
    """What a release keeps and no answer has."""


class OfGroup(Schema):
    """What an answer about a group has beside what its release keeps."""

    group: GroupRef


class Worded(Schema):
    """What the numbers beside it say, in the language asked for."""

    text: str


class Titled(Schema):
    """What it is called, in the language asked for."""

    title: str


class Suppressed(Schema):
    """Nothing but the reason: no number at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["suppressed"]
    reason: Suppression


class Insufficient(Schema):
    status: Literal["insufficient"]
    reason: Literal["too_few_persons", "rounded"]
    n: int


class Undefined(Schema):
    status: Literal["undefined"]
    reason: Literal[
        "dimension_missing",
        "no_frame",
        "question_missing",
        "several_questions",
        "no_levers",
        "no_rest",
        "awaits_final_release",
    ]
    n: int


class GroupSuppressed(Suppressed, OfGroup):
    """Nothing but the group and the reason: no number at all."""


class GroupInsufficient(Insufficient, OfGroup):
    pass


class GroupUndefined(Undefined, OfGroup):
    pass


class Metrics(Schema):
    survey: MetricsSurvey
    release: Release
    ci_level: float
    formula_version: str


class Header(TypedDict):
    """The members of Metrics, to begin an answer with."""

    survey: MetricsSurvey
    release: Release
    ci_level: float
    formula_version: str
