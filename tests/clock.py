"""What day it is, where a test cannot choose it. Asked for when needed: a run may last past midnight."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Clock, transaction_time
from app.organizations.service import DEFAULTS

A_NEW_DAY = timedelta(hours=26)
"""After so long it is another day: the one on which clocks are put back has 25 hours."""


def now() -> datetime:
    return datetime.now(UTC)


def today() -> date:
    """In an organisation that has set no time zone."""
    return now().astimezone(ZoneInfo(DEFAULTS["time_zone"])).date()


def next_year() -> int:
    """A day in its February is weeks ahead, whatever day it is today."""
    return today().year + 1


def at(moment: datetime) -> Clock:
    """The database's clock, standing still."""

    async def clock(_: AsyncSession) -> datetime:
        return moment

    return clock


def later(by: timedelta) -> Clock:
    """The database's clock, running ahead."""

    async def clock(session: AsyncSession) -> datetime:
        return await transaction_time(session) + by

    return clock
