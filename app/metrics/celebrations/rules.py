"""What is said of celebrations in the groups of an organisation (metrics.md 2.18). Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from app.metrics.disclosure import decide, shown_share
from app.metrics.disclosure.rounding import Precision
from app.metrics.disclosure.tree import tree_nodes
from app.metrics.formulas import kaplan_meier
from app.metrics.sample import Flags, Groups, Integers, Places, Rollup

FEWEST_CELEBRATED: Final = 10
DAYS_BEFORE, DAYS_AFTER = timedelta(1), timedelta(7)
SETTLED_AFTER = timedelta(9)
"""Messages are counted for a week, and a day ends later west of the organisation."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quarter:
    """Quarters neither overlap nor contain one another, so none is the difference of two others."""

    first: date

    @classmethod
    def of(cls, day: date) -> "Quarter":
        return cls(date(day.year, (day.month - 1) // 3 * 3 + 1, 1))

    @classmethod
    def named(cls, name: str) -> "Quarter":
        year, _, number = name.partition("-Q")
        return cls(date(int(year), 3 * int(number) - 2, 1))

    @property
    def name(self) -> str:
        return f"{self.first.year}-Q{self.first.month // 3 + 1}"

    @property
    def last(self) -> date:
        return Quarter.of(self.first + timedelta(100)).first - timedelta(1)

    def is_settled(self, today: date) -> bool:
        return self.last + SETTLED_AFTER <= today


def newest_settled(today: date) -> Quarter:
    this = Quarter.of(today)
    one_before = Quarter.of(this.first - timedelta(1))
    return one_before if one_before.is_settled(today) else Quarter.of(one_before.first - timedelta(1))


@dataclass(frozen=True, slots=True)
class Patience:
    """The days on which a message is about a celebration, and those on which it is on time."""

    first: date
    last: date
    timely: tuple[date, date]


def patience(due: date, before: date, after: date) -> Patience:
    """`before` and `after` are the working days around a day on which nobody works, else the day itself."""
    return Patience(min(due - DAYS_BEFORE, before), due + DAYS_AFTER, (before, after))


@dataclass(frozen=True, slots=True)
class Due:
    """One a celebration: whose, the ordinal he is a direct member of, and how it went.

    `delay` counts days to the first message, none for an early one; those without have the most there are.
    """

    person: Integers
    team: Integers
    is_covered: Flags
    is_on_time: Flags
    delay: Integers


def bodies(groups: Groups, due: Due, k: int) -> list[Body]:
    """What may be said of each group, by ordinal; shown or not by who had something to celebrate."""
    _, one_each = np.unique(due.person, return_index=True)
    persons = Rollup(groups, Places(due.team[one_each], {})).sizes
    decisions = decide(tree_nodes(groups, persons), k)
    celebrations = Rollup(groups, Places(due.team, {}))
    found: list[Body] = []
    for ordinal in range(len(groups)):
        decision, n = decisions[ordinal], int(persons[ordinal])
        if decision.precision is None:
            found.append({"status": "suppressed", "reason": decision.reason})
        else:
            found.append(
                {"status": "ok", "n": n} | _numbers(due, celebrations.persons(ordinal), decision.precision)
            )
    return found


def _numbers(due: Due, own: Flags, precision: Precision) -> Body:
    curve = kaplan_meier(due.delay[own], due.is_covered[own])
    reasons = {} if curve.median is not None else {"median_delay_days": "half_without_message"}
    return {
        "precision": precision,
        "due": int(own.sum()),
        "coverage": shown_share(float(due.is_covered[own].mean()), precision),
        "on_time": shown_share(float(due.is_on_time[own].mean()), precision),
        "median_delay_days": curve.median,
        "reasons": reasons,
    }


def within(groups: Collection[Body], team: str) -> list[Body]:
    """The team and all below it, of groups in tree order; nothing where there is no such team."""
    found: list[Body] = []
    for group in groups:
        ref = group["group"]
        if found and ref["depth"] <= found[0]["group"]["depth"]:
            break
        if found or (ref["kind"] == "team" and ref["id"] == team):
            found.append(group)
    return found
