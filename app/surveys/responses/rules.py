"""What may be answered, and how an answer is kept. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.surveys.questionnaires.rules import Kind

DONT_KNOW = -1
NOT_ANSWERED = -2
Answer = int | str | list[str] | None


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
            return isinstance(answer, int) and self.low <= answer <= self.high
        if self.kind == "choice":
            return isinstance(answer, str) and answer in self.options
        if self.kind == "text":
            return isinstance(answer, str)
        return isinstance(answer, list) and len(set(answer) & set(self.options)) == len(answer)

    def encode(self, answer: Answer) -> int:
        if self.kind == "text":
            return NOT_ANSWERED
        if isinstance(answer, list):
            return sum(1 << self.options.index(option) for option in answer)
        if isinstance(answer, str):
            return self.options.index(answer)
        return DONT_KNOW if answer is None else answer

    def decode(self, value: int) -> Answer:
        if value == DONT_KNOW:
            return None
        if self.kind == "choice":
            return self.options[value]
        if self.kind == "choices":
            return [option for place, option in enumerate(self.options) if value >> place & 1]
        return value


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


def given(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Blank text and no choice at all are no answers."""
    stripped = {key: value.strip() if isinstance(value, str) else value for key, value in answers.items()}
    return {key: value for key, value in stripped.items() if value not in ("", [])}


def is_silent(slots: Sequence[Slot], answers: Mapping[str, Answer]) -> bool:
    """Nothing is answered: null is no answer to who need not write anything."""
    unwritten = {slot.key for slot in slots if slot.kind == "text" and not slot.is_required}
    return all(value is None and key in unwritten for key, value in answers.items())


def check_answers(slots: Sequence[Slot], answers: Mapping[str, Answer]) -> list[BadAnswer]:
    """What is wrong with the answers, in the order they were given."""
    by_key = {slot.key: slot for slot in slots}
    found = []
    for key, value in answers.items():
        if key not in by_key:
            found.append(BadAnswer(key, "unknown_question", "The questionnaire has no such question."))
        elif refused := by_key[key].refuses(value):
            found.append(BadAnswer(key, *refused))
    return found


def missing(slots: Sequence[Slot], answers: Mapping[str, Answer]) -> list[str]:
    return [slot.key for slot in slots if slot.is_required and slot.key not in answers]


def encode(slots: Sequence[Slot], answers: Mapping[str, Answer]) -> list[int]:
    """One slot a question: the answer, DONT_KNOW for null, NOT_ANSWERED where absent."""
    return [slot.encode(answers[slot.key]) if slot.key in answers else NOT_ANSWERED for slot in slots]


def answered_in_words(slots: Sequence[Slot]) -> list[str]:
    return [slot.key for slot in slots if slot.kind == "text"]


def texts(slots: Sequence[Slot], answers: Mapping[str, Answer]) -> dict[str, str]:
    """What was written, by question."""
    written = {key: answers.get(key) for key in answered_in_words(slots)}
    return {key: words for key, words in written.items() if isinstance(words, str)}


def texts_taken_back(slots: Sequence[Slot], answers: Mapping[str, Answer]) -> list[str]:
    """Whose newest answer is that there is none."""
    return [key for key in answered_in_words(slots) if key in answers and answers[key] is None]


def decode(slots: Sequence[Slot], values: Sequence[int]) -> dict[str, Answer]:
    pairs = zip(slots, values, strict=True)
    return {slot.key: slot.decode(value) for slot, value in pairs if value != NOT_ANSWERED}
