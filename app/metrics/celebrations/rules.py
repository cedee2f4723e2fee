"""What is said of celebrations in the groups of an organisation (metrics.md 2.18). Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from app.metrics.sample import Flags, Integers

FEWEST_CELEBRATED: Final = 10
DAYS_BEFORE, DAYS_AFTER = timedelta(1), timedelta(7)
SETTLED_AFTER = timedelta(9)
"""Messages are counted for a week, and a day ends later west of the organisation."""


def most_of_one(k: int, minimum: int) -> int:
    """How many celebrations of a person count in a quarter: in a group of k no more than 1/minimum of all."""
    return 2 if 2 * minimum <= k + 1 else 1


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
    """One a celebration: whose, the ordinal they are a direct member of, and how it went.

    `delay` counts days to the first message, none for an early one; those without have the most there are.
    """

    person: Integers
    team: Integers
    is_covered: Flags
    is_on_time: Flags
    delay: Integers
