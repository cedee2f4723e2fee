"""What a question may be about, and how it may be answered. Pure."""

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict, TypeGuard

Dimension = Literal["satisfaction", "engagement", "outcome"]
Kind = Literal["scale", "choice", "choices", "text"]
LeverName = Literal["clarity", "recognition", "purpose", "connection", "resources_and_safety", "growth"]


class KeptOption(TypedDict):
    key: str
    text: Mapping[str, str]


class KeptScale(TypedDict):
    low: int
    high: int
    labels: NotRequired[Mapping[str, Mapping[str, str]]]
    """By language and answer."""


class AnyQuestion(TypedDict):
    """As a questionnaire's version keeps it: what is usual is left out."""

    key: str
    text: Mapping[str, str]
    required: NotRequired[bool]


class ScoredQuestion(AnyQuestion):
    """On a scale."""

    kind: NotRequired[Literal["scale"]]
    dimension: Dimension
    facet: str
    role: str
    lever: LeverName | None
    reversed: bool
    scale: KeptScale


class ChosenQuestion(AnyQuestion):
    """Answered by one of its options, or by several."""

    kind: Literal["choice", "choices"]
    options: list[KeptOption]


class WrittenQuestion(AnyQuestion):
    kind: Literal["text"]


KeptQuestion = ScoredQuestion | ChosenQuestion | WrittenQuestion


def is_scored(question: KeptQuestion) -> TypeGuard[ScoredQuestion]:
    return question.get("kind", "scale") == "scale"


def is_chosen(question: KeptQuestion) -> TypeGuard[ChosenQuestion]:
    return question.get("kind") in ("choice", "choices")
