"""Eighteen months of recognition in the demo company. Pure; always the same events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from heapq import nlargest
from operator import itemgetter
from random import Random
from typing import Any

from app.demo.company import SEED, Company, Employee, script
from app.demo.waves import OPEN_DAYS, WAVES

DAYS = 548
EVENTS = 1_800
SATURDAY = 5
STARS = 2
NOTICED = 6.0
"""How much likelier than others somebody with momentum is recognised between the first two waves."""


def recognitions(company: Company, today: date) -> list[dict[str, Any]]:
    """Items of /v1/recognitions/batch, oldest first."""
    random = Random(f"{SEED} thanks")  # noqa: S311 make-believe, not a secret
    days = sorted(_working_days(random, today))
    since, until = (today - timedelta(days) for days in _between_waves())
    crowd = Crowd(company)
    return [
        _event(random, crowd, number, day, NOTICED if since <= day < until else 1.0)
        for number, day in enumerate(days, start=1)
    ]


@dataclass
class Crowd:
    """Who is there, and who thanked them last."""

    company: Company
    thanked_by: dict[str, Employee] = field(default_factory=dict)
    _present: dict[date, list[Employee]] = field(default_factory=dict)

    def present(self, day: date) -> list[Employee]:
        if day not in self._present:
            self._present[day] = self.company.employed(day)
        return self._present[day]

    def remember(self, giver: Employee, receivers: list[Employee]) -> None:
        self.thanked_by |= dict.fromkeys((person.external_id for person in receivers), giver)


def _between_waves() -> tuple[int, int]:
    """Days ago."""
    first, second, *_ = WAVES
    return first.opened_days_ago - OPEN_DAYS, second.opened_days_ago


def _working_days(random: Random, today: date) -> Iterator[date]:
    """One for each event, rather more of late; the first and the last such day are among them."""
    days = [today - timedelta(before) for before in range(DAYS, 0, -1)]
    working = [day for day in days if day.weekday() < SATURDAY]
    yield working[0]
    yield working[-1]
    for _ in range(EVENTS - 2):
        yield working[int(len(working) * random.random() ** 0.8)]


def _event(random: Random, crowd: Crowd, number: int, day: date, noticed: float) -> dict[str, Any]:
    present = crowd.present(day)
    giver = random.choices(present, [2 ** (person.post.means[1] / 12) for person in present])[0]
    others = [person for person in present if person is not giver]
    habit = script()["habits"][giver.post.habit]
    receivers = _singled_out(random, habit, crowd, giver, others)
    receivers = receivers or _receivers(random, habit, giver, others, noticed)
    crowd.remember(giver, receivers)
    return {
        "external_id": f"demo-{number:05}",
        "giver": giver.external_id,
        "receivers": [person.external_id for person in receivers],
        "message": _message(random, giver.locale, receivers),
        "value": random.choice(script()["values"]),
        "occurred_at": datetime.combine(day, time(7 + random.randrange(9), random.randrange(60)), UTC),
        "visibility": random.choices(("organization", "team", "private"), (90, 8, 2))[0],
    }


def _singled_out(
    random: Random, habit: Mapping[str, Any], crowd: Crowd, giver: Employee, others: list[Employee]
) -> list[Employee]:
    """Whoever thanked the giver last, or one of the two whom the giver's whole team thanks; often nobody."""
    fate, previous = random.random(), crowd.thanked_by.get(giver.external_id)
    if fate < habit["returned"]:
        return [previous] if previous in others else []
    stars = [person for person in others if person.post.rank < STARS and _is_within("team", giver, person)]
    return [random.choice(stars)] if stars and fate < habit["returned"] + habit["starred"] else []


def _receivers(
    random: Random, habit: Mapping[str, Any], giver: Employee, others: list[Employee], noticed: float
) -> list[Employee]:
    """Of the giver's own team, of the department, or anybody."""
    reach = random.choices(("team", "department", "organization"), habit["reach"])[0]
    close = [person for person in others if _is_within(reach, giver, person)]
    wanted = random.choices((1, 2, 3), (75, 18, 7))[0]
    chances = [(random.random() ** noticed**-person.momentum, person) for person in close or others]
    return [person for _, person in nlargest(wanted, chances, key=itemgetter(0))]


def _is_within(reach: str, giver: Employee, person: Employee) -> bool:
    if reach == "team":
        return person.post.team == giver.post.team
    return reach == "organization" or person.post.department == giver.post.department


def _message(random: Random, locale: str, receivers: list[Employee]) -> str:
    *others, last = [person.first_name for person in receivers]
    names = f"{', '.join(others)} {'en' if locale == 'nl' else 'and'} {last}" if others else last
    sentence: str = random.choice(script()["thanks"][locale])
    return sentence.format(names=names, deed=random.choice(script()["deeds"][locale]))
