"""Which day of the year is kept on which date, and which ages of a thing are milestones. Pure."""

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

LeapDayRule = Literal["feb_28", "mar_1"]

LEAP_YEAR = 2000
LEAP_DAY = (2, 29)
MOST_DAYS = 366
HALF_WAY_MONTHS = 12 * 12 + 6
"""Twelve and a half years of service: half of 25, celebrated in the Netherlands."""
MILESTONE_MONTHS = frozenset({12, 60, 120, HALF_WAY_MONTHS, 300, 480})


@dataclass(frozen=True)
class KeptDay:
    """A day of the year, kept on the date `kept_on`: by everybody, or by those under one rule."""

    kept_on: date
    month: int
    day: int
    leap_day_rule: LeapDayRule | None = None


def day_exists(month: int, day: int, year: int | None) -> bool:
    """In that year, or without one in any year."""
    try:
        date(year or LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True


def is_range(first: date, last: date) -> bool:
    return 0 <= (last - first).days < MOST_DAYS


def kept_days(first: date, last: date) -> Iterator[KeptDay]:
    """What the dates from `first` to `last`, both included, keep.

    A date keeps its own day. In a common year 29 February is kept once under either rule.
    """
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        today = date.fromordinal(ordinal)
        yield KeptDay(today, today.month, today.day)
        if not isleap(today.year) and (today.month, today.day) == (2, 28):
            yield KeptDay(today, *LEAP_DAY, "feb_28")
        if not isleap(today.year) and (today.month, today.day) == (3, 1):
            yield KeptDay(today, *LEAP_DAY, "mar_1")


def is_milestone(months: int | None) -> bool:
    return months in MILESTONE_MONTHS
