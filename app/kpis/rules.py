"""Periods: a year, a quarter or a month, written 2026, 2026-Q4 or 2026-11."""

from collections.abc import Iterable
from datetime import date

PERIOD = r"^[1-9][0-9]{3}(-(Q[1-4]|0[1-9]|1[0-2]))?$"
MONTHS = {"year": 12, "quarter": 3, "month": 1}


def kind_of(period: str) -> str:
    return "year" if len(period) == 4 else "quarter" if "Q" in period else "month"


def first_day(period: str) -> date:
    year, _, part = period.partition("-")
    month = 1 if not part else 3 * int(part[1]) - 2 if part[0] == "Q" else int(part)
    return date(int(year), month, 1)


def first_after(periods: Iterable[str], day: date) -> str | None:
    """The period that starts soonest after the day; of those that start together the shortest."""
    later = [period for period in periods if first_day(period) > day]
    return min(later, key=lambda period: (first_day(period), MONTHS[kind_of(period)]), default=None)
