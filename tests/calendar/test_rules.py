from calendar import isleap
from collections import Counter
from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import KeptDay, celebrated_on, day_exists, half_way_months, is_range, kept_days
from app.organizations.rules import LeapDayRule, WeekendRule

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


def test_a_range_has_1_to_731_days_two_years() -> None:
    first = date(2027, 1, 1)
    lengths = [length for length in range(-2, 800) if is_range(first, first + timedelta(days=length))]
    assert lengths == list(range(731))
    assert is_range(first, date(2028, 12, 31))


def test_milestones_between_two_anniversaries_are_days_of_their_own() -> None:
    assert half_way_months([6, 12, 60, 150, 300]) == [6, 150]


@pytest.mark.parametrize(
    ("rule", "saturday", "sunday"),
    [
        ("same_day", date(2027, 5, 8), date(2027, 5, 9)),
        ("before", date(2027, 5, 7), date(2027, 5, 7)),
        ("after", date(2027, 5, 10), date(2027, 5, 10)),
        ("nearest", date(2027, 5, 7), date(2027, 5, 10)),
    ],
)
def test_a_weekend_day_is_celebrated_as_the_rule_says(
    rule: WeekendRule, saturday: date, sunday: date
) -> None:
    monday_to_friday = [1, 2, 3, 4, 5]
    assert celebrated_on(date(2027, 5, 8), rule, monday_to_friday) == saturday
    assert celebrated_on(date(2027, 5, 9), rule, monday_to_friday) == sunday
    assert celebrated_on(date(2027, 5, 7), rule, monday_to_friday) == date(2027, 5, 7)
    assert celebrated_on(date(2027, 5, 8), rule, [6]) == date(2027, 5, 8)


@given(
    st.dates(date(1, 1, 8), date(9999, 12, 24)),
    st.sampled_from(get_args(WeekendRule)),
    st.sets(st.integers(1, 7), min_size=1),
)
def test_a_moved_day_is_the_closest_working_day_of_its_rule(
    day: date, rule: WeekendRule, working_days: set[int]
) -> None:
    moved = celebrated_on(day, rule, working_days)
    if rule == "same_day" or day.isoweekday() in working_days:
        assert moved == day
        return
    assert moved.isoweekday() in working_days
    step = (moved - day).days
    assert {"before": step < 0, "after": step > 0, "nearest": abs(step) <= 3}[rule]
    between = range(min(step, 0) + 1, max(step, 0)) if rule != "nearest" else range(1 - abs(step), abs(step))
    assert all((day + timedelta(days=other)).isoweekday() not in working_days for other in between)


def test_the_last_day_there_is_stays_where_nothing_follows() -> None:
    assert celebrated_on(date.max, "after", [1]) == date.max
