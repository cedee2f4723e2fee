"""When a mail about a day goes out, where its receiver is. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LEAST_PATIENCE = timedelta(hours=6)
"""How long a mail is still sent when its time has passed, even where the day has ended meanwhile."""


@dataclass(frozen=True)
class Window:
    send_at: datetime
    expires_at: datetime


@lru_cache(maxsize=10_000)
def window(day: date, at: str, time_zone: str) -> Window:
    """From that time of day until the day ends there. A time that a clock change skips is that much later."""
    zone = ZoneInfo(time_zone)
    send_at = datetime.combine(day, time.fromisoformat(at), zone).astimezone(UTC)
    day_ends_at = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    return Window(send_at, max(day_ends_at, send_at + LEAST_PATIENCE))


def local_day(now: datetime, time_zone: str) -> date:
    return now.astimezone(ZoneInfo(time_zone)).date()


def days_somewhere(now: datetime) -> tuple[date, date]:
    """The first and the last date it is anywhere on earth."""
    return (now - timedelta(hours=12)).date(), (now + timedelta(hours=14)).date()
