"""The demo company: who works where since when, and what they celebrate. Pure; always the same cast."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from app.core.shipped import read_yaml

SEED = 33
STEADY = 8
"""Teams up to this size keep their people, and all of them answer: they show what they are there to show."""
SHRUNK = 10
"""Teams from this size on have lost somebody, large ones where few are satisfied more."""
LARGE, UNHAPPY_BELOW = 12, 54
JOINED_DAYS_AGO, LEFT_DAYS_AGO = 140, 160
"""At most; between the first released wave's closing and the second one's opening, so each misses a wave."""
DAYS_BETWEEN_LEAVERS = 17
LEAP_DAY_PERSON = "E-0012"

Occasions = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Team:
    """`means` are satisfaction and engagement, 0-100; none where the team only holds other teams."""

    id: str
    name: str
    parent: str | None = None
    size: int = 0
    means: Sequence[float] = ()
    habit: str = "usual"
    """How it thanks: one of `habits` in company.yaml."""


@dataclass(frozen=True)
class Post:
    """A place in the company; `rank` counts from the lead of the team, who has 0."""

    external_id: str
    team: str | None
    department: str | None
    manager: str | None
    means: Sequence[float]
    rank: int
    team_size: int
    habit: str

    @property
    def days_since_leaving(self) -> int | None:
        """The newest of a team stays; the one who was there before leaves last."""
        if self.team_size < SHRUNK:
            return None
        leavers = 2 if self.team_size >= LARGE and self.means[0] < UNHAPPY_BELOW else 1
        turn = self.team_size - 2 - self.rank
        return LEFT_DAYS_AGO - self.team_size - DAYS_BETWEEN_LEAVERS * turn if 0 <= turn < leavers else None


@dataclass(frozen=True)
class Employee:
    post: Post
    name: str
    locale: str
    location: str
    starts_on: date
    ends_on: date | None
    occasions: Occasions
    momentum: float
    """-1 to 1: how well things went after the first wave, and how much that was noticed."""

    @property
    def external_id(self) -> str:
        return self.post.external_id

    @property
    def first_name(self) -> str:
        return self.name.split()[0]

    def as_sent(self) -> dict[str, Any]:
        """An item of /v1/people/batch."""
        return {
            "external_id": self.external_id,
            "name": self.name,
            "email": f"{self.external_id.lower()}@example.com",
            "team": self.post.team,
            "manager": self.post.manager,
            "locale": self.locale,
            "time_zone": script()["time_zones"].get(self.location, "Europe/Amsterdam"),
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
            "segments": {"location": self.location},
        }


@dataclass(frozen=True)
class Company:
    teams: Sequence[Team]
    people: Sequence[Employee]

    def employed(self, on: date) -> list[Employee]:
        return [
            person
            for person in self.people
            if person.starts_on <= on and (person.ends_on is None or on <= person.ends_on)
        ]

    def teams_as_sent(self) -> list[dict[str, Any]]:
        """Items of /v1/teams/batch."""
        first = {person.post.team: person.external_id for person in reversed(self.people)}
        leads = first | _heads(self.teams)
        return [
            {"external_id": team.id, "name": team.name, "parent": team.parent, "lead": leads.get(team.id)}
            for team in self.teams
        ]


@cache
def script() -> Mapping[str, Any]:
    """What company.yaml holds."""
    document: dict[str, Any] = read_yaml(Path(__file__).parent / "company.yaml")
    return document


def found_company(today: date) -> Company:
    random = Random(SEED)  # noqa: S311 make-believe, not a secret
    teams = [Team(**entry) for entry in script()["teams"]]
    named = zip(_posts(teams), _names(random), strict=False)
    return Company(teams, [_hired(random, post, *name, today) for post, name in named])


def _number(place: int) -> str:
    return f"E-{place:04}"


def _heads(teams: Sequence[Team]) -> dict[str, str]:
    """The board after its chair, one for each department."""
    departments = [team.id for team in teams if team.parent is None]
    return {department: _number(place) for place, department in enumerate(departments, start=2)}


def _posts(teams: Sequence[Team]) -> Iterator[Post]:
    """The board, then team after team."""
    heads, departments = _heads(teams), _departments(teams)
    board, means = 1 + len(heads), script()["board_means"]
    for rank in range(board):
        yield Post(_number(rank + 1), None, None, _number(1) if rank else None, means, rank, board, "outward")
    place = board + 1
    for team in teams:
        department = departments[team.id]
        for rank in range(team.size):
            manager = _number(place) if rank else heads[department]
            number = _number(place + rank)
            yield Post(number, team.id, department, manager, team.means, rank, team.size, team.habit)
        place += team.size


def _departments(teams: Sequence[Team]) -> dict[str, str]:
    """Each team and the department it is in; a team comes after the one above it."""
    found: dict[str, str] = {}
    for team in teams:
        found[team.id] = found[team.parent] if team.parent else team.id
    return found


def _names(random: Random) -> Iterator[tuple[str, str]]:
    """Everybody's name and language: two in three Dutch, no name twice."""
    pools = {}
    for locale in ("nl", "en"):
        pairs = list(product(script()["first_names"][locale], script()["last_names"][locale]))
        pools[locale] = iter(random.sample(pairs, len(pairs)))
    while True:
        locale = "nl" if random.random() < 2 / 3 else "en"
        yield " ".join(next(pools[locale])), locale


def _hired(random: Random, post: Post, name: str, locale: str, today: date) -> Employee:
    days = 600 + min(int(random.expovariate(1 / 2200)), 13_000)
    is_new = post.team_size > STEADY and post.rank == post.team_size - 1
    left = post.days_since_leaving
    is_british = locale == "en" and random.random() < 0.5
    return Employee(
        post,
        name,
        locale,
        script()["british_location"] if is_british else random.choice(script()["locations"]),
        today - timedelta(JOINED_DAYS_AGO - post.team_size if is_new else days),
        None if left is None else today - timedelta(left),
        dict(_occasions(random, post, locale, today)),
        Random(f"{SEED} {post.external_id} momentum").uniform(-1, 1),  # noqa: S311 make-believe
    )


def _occasions(random: Random, post: Post, locale: str, today: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies of /v1/people/{external_id}/occasions/{key}, by key."""
    if post.external_id == LEAP_DAY_PERSON:
        birthday = {"month": 2, "day": 29, "visibility": "organization", "consent": True}
    else:
        birthday = _day(random) | _terms(random, consenting=0.85)
    yield "birthday", {"kind": "birthday"} | birthday
    if random.random() < 0.25:
        year = today.year - 1 - min(int(random.expovariate(1 / 9)), 40)
        yield "wedding", {"kind": "wedding", "year": year} | _day(random) | _terms(random, consenting=0.7)
    if random.random() < 0.2:
        place = random.randrange(len(script()["first_names"][locale]))
        relation, names = random.choice(list(script()["relations"][locale].items()))
        relative = {"label": names[place % len(names)], "relation": relation}
        terms = _terms(random, consenting=0.6)
        yield "family-1", {"kind": "family_birthday"} | relative | _day(random) | terms


def _day(random: Random) -> dict[str, Any]:
    """Of a common year: the 29th of February is one person's."""
    day = date(2001, 1, 1) + timedelta(random.randrange(365))
    return {"month": day.month, "day": day.day}


def _terms(random: Random, consenting: float) -> dict[str, Any]:
    visibility = random.choices(("team", "organization", "private"), (6, 3, 1))[0]
    return {"visibility": visibility, "consent": random.random() < consenting}
