"""Delivers what is due to one webhook: take a lease, send, note.

The lease keeps a second worker away, so that a slow receiver holds one place in the queue and not all of
them. No transaction is open while something is sent. A worker that dies between an answer and the note leaves
the event pending: it is sent again, under the same webhook-id.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx

from app.core import outbound, telemetry
from app.core.database import Clock, Database, Row, TenantSession, once_committed
from app.core.outbox import announce
from app.core.secrets import Keyring
from app.webhooks import queries, rules
from app.webhooks.service import SEAL

log = logging.getLogger("betrokken.webhooks")

AT_ONCE = 8
UNREADABLE_SECRET = "unreadable_secret"  # noqa: S105 the name of an error
LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Attempt:
    delivery: Row[Any]
    status_code: int | None
    error: str | None
    retry_after: str | None = None

    def noted(self, now: datetime) -> tuple[str, datetime | None]:
        """What becomes of the delivery, and when it is tried again."""
        if self.error is None:
            return "delivered", None
        pause = rules.pause_after(self.delivery.attempts + 1, random.random())  # noqa: S311 jitter
        if pause is None:
            return "failed", None
        return "pending", now + max(pause, rules.asked_pause(self.retry_after, now))


def count(status: str, seconds: float) -> None:
    telemetry.WEBHOOKS.labels("deferred" if status == "pending" else status).inc()
    if status == "delivered":
        telemetry.WEBHOOK_DELAY.observe(seconds)


@dataclass(frozen=True)
class Round:
    database: Database
    keyring: Keyring
    organization_id: UUID
    webhook_id: UUID
    clock: Clock

    async def run(self) -> None:
        if not await self._claim():
            return
        try:
            async with outbound.client() as client:
                while await self._send_some(client):
                    pass
        finally:
            await self._release()

    async def _claim(self) -> bool:
        async with self.database.tenant_session(self.organization_id) as session:
            now = await self.clock(session)
            return await queries.claim(session, self.webhook_id, now, now + LEASE)

    async def _release(self) -> None:
        async with self.database.tenant_session(self.organization_id) as session:
            await queries.release(session, self.webhook_id)

    async def _send_some(self, client: httpx.AsyncClient) -> bool:
        """Whether to go on: there may be more, and the receiver takes some of it."""
        async with self.database.tenant_session(self.organization_id) as session:
            now = await self.clock(session)
            target = await queries.keep_claim(session, self.webhook_id, now + LEASE)
            due = await queries.due(session, self.webhook_id, now, AT_ONCE)
        if target is None or not due:
            return False
        secrets = self._secrets(target, now)
        attempt = partial(self._attempt, client, target.url, secrets, now)
        attempts = await asyncio.gather(*map(attempt, due))
        async with self.database.tenant_session(self.organization_id) as session:
            await self._note(session, attempts)
        return any(attempt.error is None for attempt in attempts)

    def _secrets(self, target: Row[Any], now: datetime) -> list[str]:
        sealed = [target.sealed_secret]
        if target.earlier_until is not None and target.earlier_until > now:
            sealed.append(target.earlier_secret)
        opened = [self.keyring.unseal(self.organization_id, SEAL, one) for one in sealed]
        return [secret.decode() for secret in opened if secret is not None]

    async def _attempt(
        self,
        client: httpx.AsyncClient,
        url: str,
        secrets: Sequence[str],
        now: datetime,
        delivery: Row[Any],
    ) -> Attempt:
        if not secrets:
            return Attempt(delivery, None, UNREADABLE_SECRET)
        text = rules.message(delivery.event, delivery.created_at, delivery.data)
        headers = rules.signed_headers(secrets, delivery.id, now, text)
        may_be_private = self.database.settings.webhooks_private
        try:
            reply = await outbound.post(client, url, text.encode(), headers, may_be_private=may_be_private)
        except outbound.NotSent as refusal:
            return Attempt(delivery, None, refusal.reason)
        return Attempt(delivery, reply.status, rules.error_of(reply.status), reply.retry_after)

    async def _note(self, session: TenantSession, attempts: Sequence[Attempt]) -> None:
        now = await self.clock(session)
        noted = [attempt.noted(now) for attempt in attempts]
        columns: dict[str, list[Any]] = {
            "id": [attempt.delivery.id for attempt in attempts],
            "status": [status for status, _ in noted],
            "status_code": [attempt.status_code for attempt in attempts],
            "error": [attempt.error for attempt in attempts],
            "due_at": [due_at for _, due_at in noted],
        }
        await queries.note_attempts(session, now, columns)
        await queries.forget_delivered(session, self.webhook_id, rules.FORGOTTEN_EVENT)
        for attempt, (status, _) in zip(attempts, noted, strict=True):
            once_committed(session, count, status, (now - attempt.delivery.created_at).total_seconds())
        is_well = any(attempt.error is None for attempt in attempts)
        failing_since = await queries.note_health(session, self.webhook_id, now, is_well=is_well)
        statuses = [attempt.status_code for attempt in attempts]
        reason = rules.reason_to_disable(statuses, failing_since, now)
        if reason is not None:
            await self._disable(session, now, reason)

    async def _disable(self, session: TenantSession, now: datetime, reason: str) -> None:
        await queries.disable(session, self.webhook_id, now, reason)
        told = {"webhook_id": self.webhook_id, "reason": reason}
        await announce(session, "webhook.disabled", told)
        log.warning("webhook_disabled", extra={"webhook_id": str(self.webhook_id), "reason": reason})
