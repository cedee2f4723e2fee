"""Mails planned for a moment, a row each, in the three tables that have the columns for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text

from app.core import telemetry
from app.core.database import TenantSession, once_committed
from app.mail.dispatcher import AGAIN, Draft, Lease, Verdict
from app.mail.message import Mail

LONGEST_PAUSE = timedelta(minutes=30)


class Kind(StrEnum):
    """Also the name of the table."""

    CARDS = "cards"
    DIGESTS = "digests"
    NEWSLETTERS = "newsletters"


Compose = Callable[[TenantSession, Row[Any]], Awaitable[Mail | Draft]]
TellOfSent = Callable[[TenantSession, Row[Any]], Awaitable[None]]

DUE = """
    organization_id = :organization_id AND status IN ('planned', 'sending') AND send_at <= :now
    AND expires_at > :now AND coalesce(held_until <= :now, true)
"""
COUNT_DUE = {kind: text(f"""SELECT count(*) FROM {kind.value} WHERE {DUE}""") for kind in Kind}  # noqa: S608
CLAIM = {
    kind: text(f"""
UPDATE {kind.value} SET status = 'sending', held_until = :held_until, attempts = attempts + 1
WHERE organization_id = :organization_id AND id = (
    SELECT id FROM {kind.value} WHERE {DUE} ORDER BY send_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *, CAST(:now AS timestamptz) AS now
""")  # noqa: S608
    for kind in Kind
}
FINISH = {
    kind: text(f"""
UPDATE {kind.value} SET status = :status, held_until = :held_until, sent_at = :sent_at, failure = :failure
WHERE organization_id = :organization_id AND id = :id AND status = 'sending'
RETURNING id
""")  # noqa: S608
    for kind in Kind
}
GIVE_UP = {
    kind: text(f"""
UPDATE {kind.value} SET status = 'missed', held_until = NULL, failure = coalesce(failure, 'too_late')
WHERE organization_id = :organization_id AND expires_at <= :now
    AND (status IN ('planned', 'held') OR (status = 'sending' AND held_until <= :now))
RETURNING id
""")  # noqa: S608
    for kind in Kind
}


async def tell_nobody(_: TenantSession, __: Row[Any]) -> None:
    pass


@dataclass(frozen=True)
class Planned:
    kind: Kind
    write: Compose
    tell_of_sent: TellOfSent = tell_nobody

    async def due(self, session: TenantSession, now: datetime) -> int:
        """How many are due; those whose day has passed are given up."""
        missed = len((await session.execute(GIVE_UP[self.kind], {"now": now})).all())
        once_committed(session, telemetry.CALENDAR_MAILS.labels(self.kind, "missed").inc, missed)
        return int(await session.scalar(COUNT_DUE[self.kind], {"now": now}))

    async def claim(self, session: TenantSession, lease: Lease) -> Row[Any] | None:
        """One that was tried is not due for a while."""
        parameters = {"now": lease.now, "held_until": lease.held_until}
        return (await session.execute(CLAIM[self.kind], parameters)).first()

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
        is_ours = (await session.execute(FINISH[self.kind], values)).first() is not None
        if is_ours and is_sent:
            await self.tell_of_sent(session, item)
        if is_sent:
            delay = (item.now - item.send_at).total_seconds()
            once_committed(session, telemetry.CALENDAR_MAIL_DELAY.labels(self.kind).observe, delay)
        once_committed(session, telemetry.CALENDAR_MAILS.labels(self.kind, verdict.status).inc)


def pause_after(attempts: int) -> timedelta:
    return min(timedelta(minutes=2 ** min(attempts, 10)), LONGEST_PAUSE)
