"""Every day of two years, on both edges of the date line and across every change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.windows import LEAST_PATIENCE, days_somewhere, local_day, window

ZONES = ("Pacific/Kiritimati", "Europe/Amsterdam", "America/St_Johns", "Pacific/Pago_Pago")
DAYS = [date(2027, 1, 1) + timedelta(days=number) for number in range(731)]


@pytest.mark.parametrize("zone", ZONES)
def test_a_mail_goes_out_at_eight_on_the_day_itself(zone: str) -> None:
    assert DAYS[-1] == date(2028, 12, 31)
    for day in DAYS:
        found = window(day, "08:00", zone)
        local = found.send_at.astimezone(ZoneInfo(zone))
        assert (local.date(), local.time()) == (day, time(8))
        ends = found.expires_at.astimezone(ZoneInfo(zone))
        assert (ends.date(), ends.time()) == (day + timedelta(days=1), time(0))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:30", "23:59"])
def test_no_day_is_left_out_or_comes_twice(zone: str, at: str) -> None:
    windows = [window(day, at, zone) for day in DAYS]
    gaps = [later.send_at - earlier.send_at for earlier, later in pairwise(windows)]
    assert all(timedelta(hours=22) <= gap <= timedelta(hours=26) for gap in gaps)
    for day, found in zip(DAYS, windows, strict=True):
        assert local_day(found.send_at, zone) == day
        assert found.expires_at - found.send_at >= LEAST_PATIENCE


def test_the_clocks_do_change_in_two_of_these_zones() -> None:
    """The control: without a change the tests above would prove little."""
    lengths = {zone: {window(day, "08:00", zone).send_at.hour for day in DAYS} for zone in ZONES}
    assert [len(lengths[zone]) for zone in ZONES] == [1, 2, 2, 1]
    assert window(date(2027, 1, 1), "08:00", ZONES[0]).send_at == datetime(2026, 12, 31, 18, tzinfo=UTC)
    assert window(date(2027, 1, 1), "08:00", ZONES[3]).send_at == datetime(2027, 1, 1, 19, tzinfo=UTC)


@given(st.integers(0, 731 * 24 * 60), st.sampled_from(ZONES))
def test_what_day_it_is_somewhere_holds_what_day_it_is_there(minutes: int, zone: str) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    first, last = days_somewhere(now)
    assert first <= local_day(now, zone) <= last
