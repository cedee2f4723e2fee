"""Mails planned for a moment, a row each, in tables of the slices that plan them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.core import telemetry
from app.core.database import Row, TenantSession, once_committed
from app.mail.dispatcher import AGAIN, Draft, Lease, Verdict
from app.mail.message import Mail
from app.mail.queries import PlannedMails

LONGEST_PAUSE = timedelta(minutes=30)


Compose = Callable[[TenantSession, Row[Any]], Awaitable[Mail | Draft]]
TellOfSent = Callable[[TenantSession, Row[Any]], Awaitable[None]]


async def tell_nobody(_: TenantSession, __: Row[Any]) -> None:
    pass


@dataclass(frozen=True)
class Planned:
    mails: PlannedMails
    write: Compose
    tell_of_sent: TellOfSent = tell_nobody

    @property
    def kind(self) -> str:
        return self.mails.kind

    async def due(self, session: TenantSession, now: datetime) -> int:
        """How many are due; those whose day has passed are given up."""
        missed = len((await session.execute(self.mails.give_up, {"now": now})).all())
        once_committed(session, telemetry.CALENDAR_MAILS.labels(self.kind, "missed").inc, missed)
        return int(await session.scalar(self.mails.count_due, {"now": now}))

    async def claim(self, session: TenantSession, lease: Lease) -> Row[Any] | None:
        """One that was tried is not due for a while."""
        parameters = {"now": lease.now, "held_until": lease.held_until}
        return (await session.execute(self.mails.claim, parameters)).first()

    async def compose(self, session: TenantSession, item: Row[Any]) -> Mail | Draft:
        return await self.write(session, item)

    async def settle(self, session: TenantSession, item: Row[Any], verdict: Verdict, now: datetime) -> None:
        is_sent = verdict.status == "sent"
        is_later = verdict.status == AGAIN and not verdict.is_at_once
        values = {
            "id": item.id,
            "status": verdict.status,
            "sent_at": now if is_sent else None,
            "held_until": now + pause_after(item.attempts) if is_later else None,
            "failure": verdict.failure,
        }
        is_ours = (await session.execute(self.mails.finish, values)).first() is not None
        if is_ours and is_sent:
            await self.tell_of_sent(session, item)
        if is_sent:
            delay = (item.now - item.send_at).total_seconds()
            once_committed(session, telemetry.CALENDAR_MAIL_DELAY.labels(self.kind).observe, delay)
        once_committed(session, telemetry.CALENDAR_MAILS.labels(self.kind, verdict.status).inc)


def pause_after(attempts: int) -> timedelta:
    return min(timedelta(minutes=2 ** min(attempts, 10)), LONGEST_PAUSE)
