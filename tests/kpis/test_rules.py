import re
from datetime import date

import pytest

from app.kpis.rules import PERIOD, first_after, first_day


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("2026", date(2026, 1, 1)),
        ("2026-Q1", date(2026, 1, 1)),
        ("2026-Q4", date(2026, 10, 1)),
        ("2026-01", date(2026, 1, 1)),
        ("2026-12", date(2026, 12, 1)),
    ],
)
def test_a_period_begins(period: str, day: date) -> None:
    assert re.fullmatch(PERIOD, period)
    assert first_day(period) == day


@pytest.mark.parametrize("text", ["0999", "26", "2026-Q5", "2026-13", "2026-00", "2026-1", "2026-Q", "2026-"])
def test_other_texts_are_no_periods(text: str) -> None:
    assert not re.fullmatch(PERIOD, text)


def test_the_first_period_after_a_day_begins_later_and_of_several_is_the_shortest() -> None:
    periods = ["2027", "2026-12", "2027-Q1", "2027-02", "2026-Q4", "2027-01"]
    assert first_after(periods, date(2026, 11, 30)) == "2026-12"
    assert first_after(periods, date(2026, 12, 1)) == "2027-01"
    assert first_after(periods[:3], date(2026, 12, 1)) == "2027-Q1"
    assert first_after(periods, date(2027, 2, 1)) is None
