"""What people add to their answers. Pure; the same comments always, and none of them twice."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from random import Random

from app.core.shipped import read_yaml
from app.demo.company import SEED

AT_MOST_A_WAVE = 120
PARTS = {"happy": ("good", "wish"), "unhappy": ("bad", "wish"), "mixed": ("good", "bad")}
HAPPY_FROM, UNHAPPY_BELOW = 66, 54

Decks = Mapping[tuple[str, str], Iterator[str]]


@cache
def sentences() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """What comments.yaml holds."""
    document: dict[str, dict[str, list[str]]] = read_yaml(Path(__file__).parent / "comments.yaml")
    return document


def mood_of(score: float) -> str:
    if score >= HAPPY_FROM:
        return "happy"
    return "unhappy" if score < UNHAPPY_BELOW else "mixed"


def decks_of(number: int) -> Decks:
    """By language and mood, the comments of one wave, in the order they are given."""
    return {
        (language, mood): _deck(language, mood, number * AT_MOST_A_WAVE)
        for language in sentences()
        for mood in PARTS
    }


def _deck(language: str, mood: str, start: int) -> Iterator[str]:
    """Each sentence as often as any other, and no two together twice."""
    random = Random(f"{SEED} comments {language} {mood}")  # noqa: S311 make-believe, not a secret
    first, second = (
        random.sample(own, len(own)) for own in (sentences()[language][part] for part in PARTS[mood])
    )
    for place in count(start):
        turn, at = divmod(place, len(first))
        yield f"{first[at]} {second[(at + turn) % len(second)]}"
