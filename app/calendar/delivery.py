"""Sends what is planned: claim, write, send, note. Cards, reminders and newsletters alike.

A claim is a lease that commits before anything is sent, so two workers never hold the same mail; no
transaction is open while the mail server is spoken to. A worker that dies between the server's acceptance and
the note leaves the mail `sending`; when the lease ends it is sent again, under the same Message-ID. That is
at least once: a card twice is a smaller harm than a birthday forgotten, and a mailbox can tell by the
Message-ID.

What is due and when a lease ends is told by the database's clock. A lease is longer than an hour, so that a
clock set wrong by as much makes no two workers share a mail.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import aiosmtplib
from sqlalchemy import Row, text

from app.core import logging as app_logging
from app.core import telemetry
from app.core.database import Clock, Database, TenantSession
from app.core.mail import Mail, Outcome, post_or_folder
from app.core.outbox import announce

log = logging.getLogger("betrokken.calendar")

LEASE = timedelta(minutes=90)
LONGEST_PAUSE = timedelta(minutes=30)


class Kind(StrEnum):
    """Also the name of the table."""

    CARDS = "cards"
    DIGESTS = "digests"
    NEWSLETTERS = "newsletters"


class Undeliverable(Exception):
    """This mail is not sent; `status` says what becomes of it, `reason` why."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


Compose = Callable[[TenantSession, Row[Any]], Awaitable[Mail]]

TABLES = {kind: kind.value for kind in Kind}
DUE = """
    organization_id = :organization_id AND status IN ('planned', 'sending') AND send_at <= :now
    AND expires_at > :now AND coalesce(held_until <= :now, true)
"""
COUNT_DUE = {kind: text(f"SELECT count(*) FROM {table} WHERE {DUE}") for kind, table in TABLES.items()}  # noqa: S608
CLAIM = {
    kind: text(f"""
UPDATE {table} SET status = 'sending', held_until = :held_until, attempts = attempts + 1
WHERE organization_id = :organization_id AND id = (
    SELECT id FROM {table} WHERE {DUE} ORDER BY send_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *, CAST(:now AS timestamptz) AS now
""")  # noqa: S608
    for kind, table in TABLES.items()
}
FINISH = {
    kind: text(f"""
UPDATE {table} SET status = :status, held_until = :held_until, sent_at = :sent_at, failure = :failure
WHERE organization_id = :organization_id AND id = :id AND status = 'sending'
RETURNING id
""")  # noqa: S608
    for kind, table in TABLES.items()
}
GIVE_UP = {
    kind: text(f"""
UPDATE {table} SET status = 'missed', held_until = NULL, failure = coalesce(failure, 'too_late')
WHERE organization_id = :organization_id AND expires_at <= :now
    AND (status IN ('planned', 'held') OR (status = 'sending' AND held_until <= :now))
RETURNING id
""")  # noqa: S608
    for kind, table in TABLES.items()
}


@dataclass(frozen=True)
class Round:
    """What is due of one kind in one organisation."""

    database: Database
    organization_id: UUID
    kind: Kind
    compose: Compose
    clock: Clock

    async def run(self) -> int:
        """How many were due."""
        due = await self._look()
        if due:
            await self._send_all()
        return due

    async def _send_all(self) -> None:
        async with post_or_folder(self.database.settings) as office:
            while (claimed := await self._claim()) is not None:
                mail = await self._written(claimed)
                if mail is None:
                    continue
                try:
                    outcome = await office.send(mail, claimed.now)
                except (aiosmtplib.SMTPException, OSError) as error:
                    await self._note(claimed, Outcome.DEFERRED)
                    log.warning("mail_server_failed", extra=app_logging.describe(error))
                    return
                await self._note(claimed, outcome)

    async def _look(self) -> int:
        """How many are due; those whose day has passed are given up."""
        async with self.database.tenant_session(self.organization_id) as session:
            where = {"now": await self.clock(session)}
            missed = len((await session.execute(GIVE_UP[self.kind], where)).all())
            due: int = await session.scalar(COUNT_DUE[self.kind], where)
        telemetry.CALENDAR_MAILS.labels(self.kind, "missed").inc(missed)
        return due

    async def _claim(self) -> Row[Any] | None:
        async with self.database.tenant_session(self.organization_id) as session:
            now = await self.clock(session)
            claim = {"now": now, "held_until": now + LEASE}
            return (await session.execute(CLAIM[self.kind], claim)).first()

    async def _written(self, claimed: Row[Any]) -> Mail | None:
        try:
            async with self.database.tenant_session(self.organization_id) as session:
                return await self.compose(session, claimed)
        except Undeliverable as refusal:
            await self._finish(claimed, refusal.status, failure=refusal.reason)
        except Exception as error:
            log.error("mail_not_written", extra={"kind": self.kind, **app_logging.describe(error)})
            await self._wait(claimed, "not_written")
        return None

    async def _note(self, claimed: Row[Any], outcome: Outcome) -> None:
        if outcome is Outcome.SENT:
            await self._finish(claimed, "sent")
            delay = (claimed.now - claimed.send_at).total_seconds()
            telemetry.CALENDAR_MAIL_DELAY.labels(self.kind).observe(delay)
        elif outcome is Outcome.REFUSED:
            await self._finish(claimed, "bounced", failure="refused_by_server")
        else:
            await self._wait(claimed, "deferred_by_server")

    async def _wait(self, claimed: Row[Any], failure: str) -> None:
        """Tried again after a growing pause."""
        pause = min(timedelta(minutes=2 ** min(claimed.attempts, 10)), LONGEST_PAUSE)
        await self._finish(claimed, "planned", pause=pause, failure=failure)

    async def _finish(
        self,
        claimed: Row[Any],
        status: str,
        *,
        pause: timedelta | None = None,
        failure: str | None = None,
    ) -> None:
        where = {"id": claimed.id, "status": status}
        async with self.database.tenant_session(self.organization_id) as session:
            now = await self.clock(session)
            values = {
                "sent_at": now if status == "sent" else None,
                "held_until": None if pause is None else now + pause,
                "failure": failure,
            }
            is_ours = (await session.execute(FINISH[self.kind], where | values)).first() is not None
            if is_ours and status == "sent" and self.kind is Kind.CARDS and claimed.visibility != "private":
                await announce(session, "card.sent", {"card_id": claimed.id})
        telemetry.CALENDAR_MAILS.labels(self.kind, status).inc()
