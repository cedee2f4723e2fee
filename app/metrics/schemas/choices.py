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
from app.metrics.words import Precision

ChoiceKind = Literal["choice", "choices"]
WhyUntold = Literal["below_minimum", "banded", "crossing", "few"]


class OptionShare(Schema):
    """`reason` says why there is no share; where there is one it is null."""

    key: str
    share: float | None
    ci_low: float | None
    ci_high: float | None
    reason: Literal["few"] | None


class ChoiceNumbers(Schema):
    key: str
    kind: ChoiceKind
    status: Literal["ok"]
    n: int
    precision: Precision
    options: list[OptionShare]
    dont_know: int | None
    reasons: Reasons


class ChoiceUntold(Schema):
    """Nothing but its name and the reason: no number at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    kind: ChoiceKind
    status: Literal["suppressed"]
    reason: WhyUntold


ChoiceKept = Annotated[ChoiceNumbers | ChoiceUntold, Field(discriminator="status")]


class ChoicesOk(Schema):
    status: Literal["ok"]
    n: int
    questions: list[ChoiceKept]


ChoicesNumbers = Annotated[ChoicesOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class OptionTold(OptionShare, Titled):
    pass


class ChoiceOk(Titled):
    key: str
    kind: ChoiceKind
    status: Literal["ok"]
    n: int
    precision: Precision
    options: list[OptionTold]
    dont_know: int | None
    reasons: Reasons


class ChoiceSuppressed(ChoiceUntold, Titled):
    pass


ChoiceQuestion = Annotated[ChoiceOk | ChoiceSuppressed, Field(discriminator="status")]


class ChoicesGroupOk(OfGroup):
    status: Literal["ok"]
    n: int
    questions: list[ChoiceQuestion]


ChoicesGroup = Annotated[
    ChoicesGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Choices(Metrics):
    groups: list[ChoicesGroup]
