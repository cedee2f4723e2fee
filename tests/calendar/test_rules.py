from calendar import isleap
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import KeptDay, LeapDayRule, day_exists, is_milestone, is_range, kept_days

RULES: tuple[LeapDayRule, ...] = ("feb_28", "mar_1")
years = st.integers(1, 9999)
days_of_the_year = st.dates(date(2000, 1, 1), date(2000, 12, 31)) | st.just(date(2000, 2, 29))
ranges = st.tuples(st.dates(), st.integers(0, 365)).filter(
    lambda drawn: drawn[0].toordinal() + drawn[1] <= date.max.toordinal()
)


def dates_kept(first: date, last: date, month: int, day: int, rule: LeapDayRule) -> list[date]:
    """When an occasion on that day, under that rule, is kept."""
    return [
        kept.kept_on
        for kept in kept_days(first, last)
        if (kept.month, kept.day) == (month, day) and kept.leap_day_rule in (None, rule)
    ]


@given(years, days_of_the_year, st.sampled_from(RULES))
def test_each_day_of_the_year_is_kept_once_in_every_year(year: int, day: date, rule: LeapDayRule) -> None:
    [kept_on] = dates_kept(date(year, 1, 1), date(year, 12, 31), day.month, day.day, rule)
    if (day.month, day.day) != (2, 29) or isleap(year):
        assert (kept_on.month, kept_on.day) == (day.month, day.day)
    else:
        assert kept_on == date(year, 2, 28) if rule == "feb_28" else date(year, 3, 1)


@given(ranges, st.data())
def test_a_range_in_two_parts_keeps_the_same_days(drawn: tuple[date, int], data: st.DataObject) -> None:
    first, length = drawn
    last = first + timedelta(days=length)
    middle = first + timedelta(days=data.draw(st.integers(0, length)))
    parts = [*kept_days(first, middle)]
    if middle < last:
        parts += kept_days(middle + timedelta(days=1), last)
    assert parts == list(kept_days(first, last))


@given(ranges)
def test_nothing_is_kept_twice_or_outside_the_range(drawn: tuple[date, int]) -> None:
    first, length = drawn
    last = first + timedelta(days=length)
    kept = list(kept_days(first, last))
    assert all(first <= day.kept_on <= last for day in kept)
    assert (
        max(Counter((day.kept_on.year, day.month, day.day, day.leap_day_rule) for day in kept).values()) == 1
    )


@pytest.mark.parametrize(
    ("first", "last", "feb_28", "mar_1"),
    [
        (date(2027, 3, 1), date(2027, 3, 31), [], [date(2027, 3, 1)]),
        (date(2027, 2, 1), date(2027, 2, 28), [date(2027, 2, 28)], []),
        (date(2028, 2, 1), date(2028, 2, 28), [], []),
        (date(2028, 3, 1), date(2028, 3, 31), [], []),
        (date(2027, 12, 31), date(2028, 2, 29), [date(2028, 2, 29)], [date(2028, 2, 29)]),
        (date(2100, 2, 28), date(2100, 3, 1), [date(2100, 2, 28)], [date(2100, 3, 1)]),
    ],
)
def test_29_february_in_ranges_that_begin_or_end_beside_it(
    first: date, last: date, feb_28: list[date], mar_1: list[date]
) -> None:
    assert dates_kept(first, last, 2, 29, "feb_28") == feb_28
    assert dates_kept(first, last, 2, 29, "mar_1") == mar_1


def test_the_last_day_there_is_can_be_asked_for() -> None:
    assert list(kept_days(date.max, date.max)) == [KeptDay(date.max, 12, 31)]


@pytest.mark.parametrize(
    ("month", "day", "year", "exists"),
    [
        (2, 29, None, True),
        (2, 30, None, False),
        (4, 31, None, False),
        (12, 31, None, True),
        (2, 29, 2024, True),
        (2, 29, 2023, False),
    ],
)
def test_days_that_exist(month: int, day: int, year: int | None, exists: bool) -> None:
    assert day_exists(month, day, year) is exists


def test_a_range_has_1_to_366_days() -> None:
    first = date(2027, 1, 1)
    lengths = [length for length in range(-2, 400) if is_range(first, first + timedelta(days=length))]
    assert lengths == list(range(366))


def test_milestones_are_1_5_10_12_and_a_half_25_and_40_years() -> None:
    months = [month for month in range(100 * 12) if is_milestone(month)]
    assert [month / 12 for month in months] == [1, 5, 10, 12.5, 25, 40]
    assert not is_milestone(None)
