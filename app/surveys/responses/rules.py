"""What may be answered, and how an answer is kept. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import le
from typing import Any, TypeGuard

from app.surveys.questionnaires.rules import Kind

DONT_KNOW = -1
NOT_ANSWERED = -2
Answer = int | str | list[str] | None
WHOLE_NUMBERS = {int, type(None)}
"""As answers on scales are."""


@dataclass(frozen=True)
class Slot:
    """The place of one question in the array of answers, and what it takes.

    A slot holds the answer on the scale, the place of the option chosen, or a bit for each that was chosen.
    That of a text stays empty: the words are kept apart from the answers.
    """

    key: str
    low: int = 0
    high: int = 0
    kind: Kind = "scale"
    options: Sequence[str] = ()
    is_required: bool = False

    def refuses(self, answer: Answer) -> "tuple[str, str] | None":
        """Why it cannot be taken, as a code and in words; null can."""
        if answer is None or self._takes(answer):
            return None
        return REFUSED[self.kind][0], REFUSED[self.kind][1].format(self.low, self.high)

    def _takes(self, answer: Answer) -> bool:
        if self.kind == "scale":
            return type(answer) is int and self.low <= answer <= self.high
        if self.kind == "choice":
            return isinstance(answer, str) and answer in self.options
        if self.kind == "text":
            return isinstance(answer, str)
        return isinstance(answer, list) and len(set(answer) & set(self.options)) == len(answer)

    def encode(self, answer: Answer) -> int:
        if type(answer) is int:
            return answer
        if self.kind == "text":
            return NOT_ANSWERED
        if isinstance(answer, list):
            return sum(1 << self.options.index(option) for option in answer)
        if isinstance(answer, str):
            return self.options.index(answer)
        return DONT_KNOW

    def decode(self, value: int) -> Answer:
        if value == DONT_KNOW:
            return None
        if self.kind == "choice":
            return self.options[value]
        if self.kind == "choices":
            return [option for place, option in enumerate(self.options) if value >> place & 1]
        return value


class Slots(tuple[Slot, ...]):
    """Of a questionnaire; what is asked of them for every response is found out once."""

    @cached_property
    def places(self) -> Mapping[str, int]:
        return {slot.key: place for place, slot in enumerate(self)}

    @cached_property
    def keys(self) -> Sequence[str]:
        return [slot.key for slot in self]

    @cached_property
    def ends(self) -> tuple[Sequence[int], Sequence[int]] | None:
        """Of each scale; None where not all are scales."""
        if any(slot.kind != "scale" for slot in self):
            return None
        return [slot.low for slot in self], [slot.high for slot in self]

    @cached_property
    def in_words(self) -> Sequence[str]:
        return [slot.key for slot in self if slot.kind == "text"]

    @cached_property
    def required(self) -> Sequence[str]:
        return [slot.key for slot in self if slot.is_required]

    @cached_property
    def unwritten(self) -> set[str]:
        """What need not be answered in words."""
        return set(self.in_words) - set(self.required)

    def are_all_in(self, answers: Mapping[str, Answer]) -> TypeGuard[Mapping[str, int]]:
        """Each question is answered, in order, on its scale: most are, and that is quickly told."""
        if self.ends is None or [*answers] != self.keys or set(map(type, answers.values())) != {int}:
            return False
        values: list[Any] = [*answers.values()]
        lows, highs = self.ends
        return all(map(le, lows, values)) and all(map(le, values, highs))


REFUSED: Mapping[Kind, tuple[str, str]] = {
    "scale": (
        "off_scale",
        "This answer is off the scale: send a whole number from {} to {}, or null.",
    ),
    "choice": ("unknown_option", "This is none of the options: send the key of one, or null."),
    "choices": (
        "unknown_option",
        "These are not all options: send a list of their keys, each once, or null.",
    ),
    "text": ("invalid_value", "This question is answered in words: send text, in quotes, or null."),
}


@dataclass(frozen=True)
class BadAnswer:
    key: str
    code: str
    detail: str


def given(answers: Mapping[str, Answer]) -> Mapping[str, Answer]:
    """Blank text and no choice at all are no answers."""
    if WHOLE_NUMBERS.issuperset(map(type, answers.values())):
        return answers
    stripped = {key: value.strip() if isinstance(value, str) else value for key, value in answers.items()}
    return {key: value for key, value in stripped.items() if value not in ("", [])}


def is_silent(slots: Slots, answers: Mapping[str, Answer]) -> bool:
    """Nothing is answered: null is no answer to who need not write anything."""
    return all(value is None and key in slots.unwritten for key, value in answers.items())


def check_answers(slots: Slots, answers: Mapping[str, Answer]) -> list[BadAnswer]:
    """What is wrong with the answers, in the order they were given."""
    if slots.are_all_in(answers):
        return []
    places = slots.places
    found = []
    for key, value in answers.items():
        if key not in places:
            found.append(BadAnswer(key, "unknown_question", "The questionnaire has no such question."))
        elif refused := slots[places[key]].refuses(value):
            found.append(BadAnswer(key, *refused))
    return found


def missing(slots: Slots, answers: Mapping[str, Answer]) -> list[str]:
    return [key for key in slots.required if key not in answers]


def encode(slots: Slots, answers: Mapping[str, Answer]) -> list[int]:
    """One slot a question: the answer, DONT_KNOW for null, NOT_ANSWERED where absent."""
    if slots.are_all_in(answers):
        return [*answers.values()]
    encoded = [NOT_ANSWERED] * len(slots)
    for key, value in answers.items():
        place = slots.places[key]
        encoded[place] = slots[place].encode(value)
    return encoded


def texts(slots: Slots, answers: Mapping[str, Answer]) -> dict[str, str]:
    """What was written, by question."""
    written = {key: answers.get(key) for key in slots.in_words}
    return {key: words for key, words in written.items() if isinstance(words, str)}


def texts_taken_back(slots: Slots, answers: Mapping[str, Answer]) -> list[str]:
    """Whose newest answer is that there is none."""
    return [key for key in slots.in_words if key in answers and answers[key] is None]


def decode(slots: Sequence[Slot], values: Sequence[int]) -> dict[str, Answer]:
    pairs = zip(slots, values, strict=True)
    return {slot.key: slot.decode(value) for slot, value in pairs if value != NOT_ANSWERED}
