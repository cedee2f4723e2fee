"""The demo company's surveys, and what its people answer. Pure; always the same answers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.core.languages import month_in_words
from app.demo.comments import Decks, decks_of, mood_of
from app.demo.company import SEED, STEADY, Employee

SERIES = "kwartaal"
LANGUAGE = "nl"
OPEN_DAYS = 14
LONGEST_OPEN = timedelta(60)
COMMENTING = 0.6


@dataclass(frozen=True)
class Wave:
    """A survey that opened so many days ago; `improving` is what scores still gain until the newest wave, and
    `moved` what people's momentum has added to their engagement."""

    name: str
    opened_days_ago: int
    is_closed: bool
    response_rate: float
    improving: float
    moved: float = 4.0

    def opened_at(self, now: datetime) -> datetime:
        day = now - timedelta(self.opened_days_ago)
        return day.replace(hour=7, minute=30, second=0, microsecond=0)

    def closed_at(self, now: datetime) -> datetime:
        return self.opened_at(now) + timedelta(OPEN_DAYS)

    def closes_at(self, now: datetime) -> datetime:
        """By itself; the demo of some weeks ago still has a survey that is open."""
        return (self.opened_at(now) + LONGEST_OPEN).replace(hour=16, minute=0)

    def as_sent(self, now: datetime) -> dict[str, Any]:
        """The body of POST /v1/surveys."""
        return {
            "external_id": self.name,
            "name": f"Betrokkenheid {month_in_words(LANGUAGE, self.opened_at(now))}",
            "questionnaire": "betrokken-33",
            "mode": "confidential",
            "series": SERIES,
            "report_by": ["location"],
            "closes_at": None if self.is_closed else self.closes_at(now),
        }


OPEN = "ronde-3"
WAVES = (
    Wave("ronde-1", opened_days_ago=185, is_closed=True, response_rate=0.78, improving=3.0, moved=0.0),
    Wave("ronde-2", opened_days_ago=94, is_closed=True, response_rate=0.84, improving=0.0),
    Wave(OPEN, opened_days_ago=3, is_closed=False, response_rate=0.35, improving=0.0),
)


def responses(
    wave: Wave, invited: Sequence[Employee], questions: Sequence[Mapping[str, Any]]
) -> list[tuple[int, list[dict[str, Any]]]]:
    """Items of /v1/surveys/{survey_id}/responses/batch with the day of the survey on which they come."""
    random = Random(f"{SEED} {wave.name}")  # noqa: S311 make-believe, not a secret
    by_day: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    last_day = OPEN_DAYS if wave.is_closed else wave.opened_days_ago
    decks = decks_of(WAVES.index(wave))
    for person in _answering(random, invited, wave.response_rate):
        day = int(random.expovariate(1 / 4)) % last_day
        answers = _answers(random, person, wave, questions)
        by_day[day].append(
            {
                "respondent": person.external_id,
                "answers": answers,
                "locale": person.locale,
                "comment": _comment(person, wave, decks),
            }
        )
    return sorted(by_day.items())


def _answering(random: Random, invited: Sequence[Employee], rate: float) -> Iterator[Employee]:
    """The same share of each team; of a small one everybody."""
    teams: defaultdict[str | None, list[Employee]] = defaultdict(list)
    for person in invited:
        teams[person.post.team].append(person)
    for team in teams.values():
        yield from random.sample(team, len(team) if len(team) <= STEADY else round(rate * len(team)))


def _answers(
    random: Random, person: Employee, wave: Wave, questions: Sequence[Mapping[str, Any]]
) -> dict[str, int | None]:
    """Some questions are left out or not known; now and then somebody of a large team stops half-way."""
    asked = questions[:10] if person.post.team_size > STEADY and random.random() < 0.02 else questions
    attitude = _attitude(random, person, wave)
    answers: dict[str, int | None] = {}
    for question in asked:
        fate = random.random()
        if fate >= 0.02:
            answers[question["key"]] = None if fate < 0.05 else _answer(random, attitude, question)
    return answers


def _comment(person: Employee, wave: Wave, decks: Decks) -> str | None:
    """In the person's language, after how things are in the team and for the person."""
    own = Random(f"{SEED} {person.external_id} {wave.name} comment")  # noqa: S311 make-believe, not a secret
    if own.random() >= COMMENTING:
        return None
    return next(decks[person.locale, mood_of(sum(person.post.means) / 2 + own.gauss(0, 6))])


def _attitude(random: Random, person: Employee, wave: Wave) -> dict[str, float]:
    """What lies behind a person's answers, 0-100; the person's own part is the same in every wave."""
    own = Random(f"{SEED} {person.external_id}")  # noqa: S311 make-believe, not a secret
    general, satisfaction, engagement = (own.gauss(0, 6) for _ in range(3))
    means, moved = person.post.means, wave.moved * person.momentum
    return {
        "satisfaction": means[0] + general + satisfaction - wave.improving + random.gauss(0, 3),
        "engagement": means[1] + general + engagement + moved - wave.improving + random.gauss(0, 3),
        "outcome": sum(means) / 2 + general - wave.improving + random.gauss(0, 5),
    }


def _answer(random: Random, attitude: Mapping[str, float], question: Mapping[str, Any]) -> int:
    low: int = question["scale"]["low"]
    high: int = question["scale"]["high"]
    agreement = attitude[question["dimension"]] + random.gauss(0, 13)
    value = round(low + (high - low) * min(max(agreement, 0), 100) / 100)
    return low + high - value if question["reversed"] else value
