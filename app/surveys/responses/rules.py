"""What may be answered, and how an answer is kept. Pure: no I/O, nothing of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DONT_KNOW = -1
NOT_ANSWERED = -2


@dataclass(frozen=True)
class Slot:
    """The place of one question in the array of answers, and its scale."""

    key: str
    low: int
    high: int


@dataclass(frozen=True)
class BadAnswer:
    key: str
    code: str
    detail: str


def check_answers(slots: Sequence[Slot], answers: Mapping[str, int | None]) -> list[BadAnswer]:
    """What is wrong with the answers, in the order they were given."""
    scales = {slot.key: slot for slot in slots}
    found = []
    for key, value in answers.items():
        slot = scales.get(key)
        if slot is None:
            found.append(BadAnswer(key, "unknown_question", "The questionnaire has no such question."))
        elif value is not None and not slot.low <= value <= slot.high:
            detail = (
                f"This answer is off the scale: send a whole number from {slot.low} to {slot.high}, or null."
            )
            found.append(BadAnswer(key, "off_scale", detail))
    return found


def encode(slots: Sequence[Slot], answers: Mapping[str, int | None]) -> list[int]:
    """One slot a question: the answer, DONT_KNOW for null, NOT_ANSWERED where absent."""
    kept = {key: DONT_KNOW if value is None else value for key, value in answers.items()}
    return [kept.get(slot.key, NOT_ANSWERED) for slot in slots]


def decode(slots: Sequence[Slot], values: Sequence[int]) -> dict[str, int | None]:
    pairs = zip(slots, values, strict=True)
    return {slot.key: None if value == DONT_KNOW else value for slot, value in pairs if value != NOT_ANSWERED}
