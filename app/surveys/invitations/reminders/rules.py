"""When people are reminded. Pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.mail.windows import local_day, window


def closing_day(closes_at: datetime, time_zone: str) -> date:
    """The last day on which one can take part: of midnight, the day before."""
    return (closes_at.astimezone(ZoneInfo(time_zone)) - timedelta(microseconds=1)).date()


def due_before_close(days: int, closes_at: datetime, at: str, time_zone: str) -> datetime:
    return window(closing_day(closes_at, time_zone) - timedelta(days), at, time_zone).send_at


def due_after_invitation(days: int, invited_at: datetime, at: str, time_zone: str) -> datetime:
    return window(local_day(invited_at, time_zone) + timedelta(days), at, time_zone).send_at
