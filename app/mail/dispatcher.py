"""Sends what waits, whatever it is: claim, write, send, note.

A claim is a lease that commits before anything is sent, so two workers never hold the same mail; no
transaction is open while the mail server is spoken to. Whatever fails gives the lease back. A worker that
dies between the server's acceptance and the note cannot: when the lease ends the mail is sent again, under
the same Message-ID. That is at least once: a card twice is a smaller harm than a birthday forgotten, and a
mailbox can tell by the Message-ID.

What is due and when a lease ends is told by the database's clock. A lease is longer than an hour, so that a
clock set wrong by as much makes no two workers share a mail.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from app.core import logging as app_logging
from app.core import telemetry
from app.core.database import Clock, Database, TenantSession, transaction_time
from app.mail.failures import Bounced, Refused, TryAgain, Unavailable
from app.mail.message import Mail
from app.mail.transport import Transport, can_send, open_transport

log = logging.getLogger("betrokken.mail")

LEASE = timedelta(minutes=90)
AT_ONCE = 100
"""Mails a connection: some servers take no more."""
NOTED_AGAIN_AFTER = (1, 5, 20)
"""Seconds."""
AGAIN = "planned"
OUTCOMES = {
    "sent": "sent",
    "refused_by_server": "refused",
    "deferred_by_server": "deferred",
    "not_sent": "deferred",
}
"""What is counted of mails offered to a server, by what became of them."""

Item = TypeVar("Item")


class Undeliverable(Exception):
    """This mail is not sent; `status` says what becomes of it, `reason` why."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class NotNeeded(Exception):
    """This mail is not sent, and noted and counted as one that was: who gets none is nobody's business."""


class MailsWait(RuntimeError):
    """Some are to be tried again: the job that sends them is done again."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mail: `sent`, `bounced`, AGAIN, or what Undeliverable says."""

    status: str
    failure: str | None = None
    is_at_once: bool = False
    """To be tried again without a pause: nothing was wrong with it."""
    is_way_open: bool = True
    came_back: bool = False
    """Bounced by an address that the server knows, or knew."""


@dataclass(frozen=True)
class Lease:
    now: datetime
    held_until: datetime
    started: datetime
    """When this round did: it tries nothing twice."""


Draft = Callable[[], Awaitable[Mail]]
"""What is left to be done for a mail once its transaction has ended, as none is held over what takes long."""


class Mails(Protocol[Item]):
    """What waits of one kind in one organisation. Each method is called in a transaction of its own."""

    @property
    def kind(self) -> str: ...

    async def due(self, session: TenantSession, now: datetime) -> int:
        """How many wait, and are not under lease."""

    async def claim(self, session: TenantSession, lease: Lease) -> Item | None:
        """Takes the lease of the next. Those that were tried before come last."""

    async def compose(self, session: TenantSession, item: Item) -> Mail | Draft:
        """As it is to be said now. Raises Undeliverable, or NotNeeded."""

    async def settle(self, session: TenantSession, item: Item, verdict: Verdict, now: datetime) -> None:
        """Notes what became of it, and ends its lease."""


@dataclass(frozen=True)
class Round(Generic[Item]):
    """All that waits of one kind in one organisation, each tried once."""

    database: Database
    organization_id: UUID
    mails: Mails[Item]
    clock: Clock = transaction_time

    async def run(self) -> int:
        """How many were due. Raises Unavailable where there is no way out."""
        due, started = await self._look()
        if due:
            await self._send_all(started)
        return due

    async def run_as_job(self) -> None:
        """Mails that never go into a folder; fails while some wait, so that the job is done again."""
        due, _ = await self._look()
        if due and not can_send(self.database.settings):
            raise Unavailable("mail is to be sent and there is no mail server: set BETROKKEN_SMTP_URL")
        await self.run()
        waiting, _ = await self._look()
        if waiting:
            raise MailsWait

    async def _look(self) -> tuple[int, datetime]:
        async with self.database.tenant_session(self.organization_id) as session:
            now = await self.clock(session)
            return await self.mails.due(session, now), now

    async def _send_all(self, started: datetime) -> None:
        is_more = True
        while is_more:
            async with open_transport(self.database.settings) as transport:
                is_more = await self._send_some(transport, started)

    async def _send_some(self, transport: Transport, started: datetime) -> bool:
        """Over one connection; whether to go on over another."""
        for _ in range(AT_ONCE):
            claimed = await self._claim(started)
            if claimed is None:
                return False
            verdict = await self._tried(transport, *claimed)
            await self._note(claimed[0], verdict)
            if not verdict.is_way_open:
                return False
        return True

    async def _claim(self, started: datetime) -> tuple[Item, datetime] | None:
        async with self.database.tenant_session(self.organization_id) as session:
            now = await self.clock(session)
            item = await self.mails.claim(session, Lease(now, now + LEASE, started))
        return None if item is None else (item, now)

    async def _tried(self, transport: Transport, item: Item, now: datetime) -> Verdict:
        try:
            written = await self._written(item)
            return written if isinstance(written, Verdict) else await self._sent(transport, written, now)
        except asyncio.CancelledError:
            await self._note(item, Verdict(AGAIN, is_at_once=True))
            raise

    async def _written(self, item: Item) -> Mail | Verdict:
        try:
            async with self.database.tenant_session(self.organization_id) as session:
                written = await self.mails.compose(session, item)
            return written if isinstance(written, Mail) else await written()
        except Undeliverable as refusal:
            return Verdict(refusal.status, refusal.reason)
        except NotNeeded:
            return Verdict("sent")
        except Exception as error:
            self._log("mail_not_written", error)
            return Verdict(AGAIN, "not_written")

    async def _sent(self, transport: Transport, mail: Mail, now: datetime) -> Verdict:
        try:
            await transport.send(mail, now)
        except Refused as error:
            return Verdict("bounced", "refused_by_server", came_back=isinstance(error, Bounced))
        except TryAgain:
            return Verdict(AGAIN, "deferred_by_server")
        except Unavailable as error:
            self._log("mail_server_failed", error.__cause__ or error)
            return Verdict(AGAIN, "deferred_by_server", is_way_open=False)
        except Exception as error:
            self._log("mail_not_sent", error)
            return Verdict(AGAIN, "not_sent")
        return Verdict("sent")

    def _log(self, event: str, error: BaseException) -> None:
        log.error(event, extra={"kind": self.mails.kind, **app_logging.describe(error)})

    async def _note(self, item: Item, verdict: Verdict) -> None:
        """To the end, also when told to stop meanwhile: what was accepted is not to be sent again."""
        noting = asyncio.ensure_future(self._settle_at_last(item, verdict))
        try:
            await asyncio.shield(noting)
        except asyncio.CancelledError:
            await noting
            raise

    async def _settle_at_last(self, item: Item, verdict: Verdict) -> None:
        """The database may be away for a moment: a note that is lost leaves the mail under its lease."""
        for pause in NOTED_AGAIN_AFTER:
            try:
                return await self._settle(item, verdict)
            except Exception as error:
                self._log("mail_not_noted", error)
                await asyncio.sleep(pause)
        await self._settle(item, verdict)

    async def _settle(self, item: Item, verdict: Verdict) -> None:
        async with self.database.tenant_session(self.organization_id) as session:
            await self.mails.settle(session, item, verdict, await self.clock(session))
        if outcome := OUTCOMES.get(verdict.failure or verdict.status):
            telemetry.MAILS.labels(outcome).inc()
