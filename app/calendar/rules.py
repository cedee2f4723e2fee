"""Which day of the year is kept on which date, and when it is celebrated at work. Pure."""

from calendar import isleap
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from app.organizations.rules import LeapDayRule, WeekendRule

LEAP_YEAR = 2000
LEAP_DAY = (2, 29)
MOST_DAYS = 731
"""Two years, one of them a leap year."""
STEPS: dict[WeekendRule, tuple[int, ...]] = {
    "same_day": (),
    "before": (-1, -2, -3, -4, -5, -6),
    "after": (1, 2, 3, 4, 5, 6),
    "nearest": (-1, 1, -2, 2, -3, 3),
}
"""Which days to try, in this order, where the day itself is no working day."""


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


def first_kept(month: int, day: int, rule: LeapDayRule, since: date) -> date:
    """The first date from `since` on that keeps that day of the year."""
    years = (kept_in(year, month, day, rule) for year in (since.year, since.year + 1))
    return next(kept_on for kept_on in years if kept_on >= since)


def kept_in(year: int, month: int, day: int, rule: LeapDayRule) -> date:
    if (month, day) == LEAP_DAY and not isleap(year):
        return date(year, 2, 28) if rule == "feb_28" else date(year, 3, 1)
    return date(year, month, day)


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


def half_way_months(milestones: Collection[int]) -> list[int]:
    """The milestones between two anniversaries, such as twelve and a half years."""
    return [months for months in milestones if months % 12]


def celebrated_on(day: date, rule: WeekendRule, working_days: Collection[int]) -> date:
    """The day itself if people work then, else the working day that the rule names."""
    if day.isoweekday() in working_days:
        return day
    steps = (step for step in STEPS[rule] if (day.isoweekday() + step - 1) % 7 + 1 in working_days)
    try:
        return day + timedelta(days=next(steps, 0))
    except OverflowError:
        return day
