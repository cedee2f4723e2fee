"""Tells webhooks of the days that have come, each where its person is."""

from datetime import datetime

from app.calendar import rules
from app.calendar.queries import PageStart, occurrences_after
from app.core.database import TenantSession
from app.core.outbox import announce_each, subscribers
from app.mail import windows
from app.organizations.queries import organization as find_organization

EVENT = "occasion.due"


async def tell_of_due(session: TenantSession, now: datetime) -> None:
    """Once for each person, key and day, however often it is called."""
    if not await subscribers(session, EVENT):
        return
    organization = await find_organization(session)
    first, last = windows.days_somewhere(now)
    days = rules.kept_days(first, last)
    rows = await occurrences_after(session, organization, days, None, PageStart(first), None)
    due = [row for row in rows if row.kept_on == windows.local_day(now, row.time_zone)]
    told = [{"person": row.external_id, "key": row.key, "on": row.kept_on} for row in due]
    keys = [f"{row.person_id}/{row.key}/{row.kept_on}" for row in due]
    await announce_each(session, EVENT, told, keys)
