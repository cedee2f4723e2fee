"""Idempotency-Key: a repeated POST is answered, not done again.

The scope of a key is organisation, operation and key. The record commits with the effect, so a
failure frees the key. What is kept: MACs of key and body, and the answer. A secret's answer is not kept;
of a secret that nobody could make anew it is, sealed so that only who has the key can open it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hmac import compare_digest
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row, text
from starlette.responses import Response

from app.core import audit, telemetry
from app.core.ciphers import Secret
from app.core.conditional import NO_STORE
from app.core.database import TenantSession, once_committed
from app.core.errors import AppError, Conflict, Unprocessable
from app.core.secrets import Keyring

KEPT_HOURS = 24
JSON = {"Content-Type": "application/json"}
REPLAYED = {"Idempotent-Replayed": "true"}
SEAL = "idempotency-answer"
Model = TypeVar("Model", bound=BaseModel)
TAKE_LOCKS = text("""
SELECT lock, pg_try_advisory_xact_lock(lock) FROM unnest(CAST(:locks AS bigint[])) AS each (lock)
""")
FIND_RECORDS = text("""
SELECT key_mac, body_mac, status, headers, answer FROM idempotency_records
WHERE organization_id = :organization_id AND operation = :operation
  AND key_mac = ANY(CAST(:key_macs AS bytea[]))
""")
KEEP_RECORDS = text("""
INSERT INTO idempotency_records
(organization_id, operation, key_mac, body_mac, status, headers, answer)
SELECT :organization_id, :operation, each.* FROM unnest(
  CAST(:key_macs AS bytea[]), CAST(:body_macs AS bytea[]), CAST(:statuses AS integer[]),
  CAST(:headers AS text[]), CAST(:answers AS bytea[])
) AS each
""")
FORGET_RECORDS = text("""
DELETE FROM idempotency_records
WHERE organization_id = :organization_id AND created_at < now() - make_interval(hours => :hours)
""")


class KeyReused(Unprocessable):
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for a different request: send a new key with a new request."


class InProgress(Conflict):
    code = "idempotency_in_progress"
    detail = "A request with this Idempotency-Key is still being handled: wait, then repeat it."


class SecretAlreadyShown(Conflict):
    code = "secret_already_shown"
    detail = "This was done before, and its secret was shown then, once: create a new one if it is lost."


class Replay(AppError):
    """Not an error: leaves the endpoint early with the answer that was given before.

    Counted as it is answered: it is looked up again where others that were done with it broke.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer

    def response(self, instance: str | None) -> Response:
        telemetry.REPLAYS.labels("request").inc()
        self.answer.headers.update(REPLAYED)
        return self.answer


@dataclass
class Once:
    """The Idempotency-Key of one POST to `target`; without a key it only builds the answer."""

    session: TenantSession
    organization_id: UUID
    operation: str
    keyring: Keyring
    key: str | None
    target: str
    body: bytes
    _opened: bytes | None = field(init=False, default=None)

    async def begin(self) -> None:
        """Raises Replay where the key has an answer, InProgress where another request holds it.

        An answer that was sealed is for the endpoint to give again (`before`).
        """
        (refused,) = await begin_all(self.session, [self])
        if refused is not None:
            raise refused

    @cached_property
    def key_mac(self) -> bytes:
        parts = self.operation.encode(), (self.key or "").encode()
        return self.keyring.mac(self.organization_id, "idempotency-key", *parts)

    @cached_property
    def body_mac(self) -> bytes:
        return self.keyring.mac(self.organization_id, "idempotency-body", self.target.encode(), self.body)

    @property
    def lock(self) -> int:
        return int.from_bytes(self.key_mac[:8], "big", signed=True)

    def again(self, record: Row[Any]) -> AppError | None:
        """What was answered before; None where it was sealed."""
        self._opened = self._sealed_answer(record)
        return self._replay(record) if self._opened is None else None

    def before(self, model: type[Model]) -> Model | None:
        """What was answered to this key under seal."""
        return None if self._opened is None else model.model_validate_json(self._opened)

    def _seal(self) -> Secret:
        key = (self.key or "").encode()
        return Secret(self.keyring.mac(self.organization_id, SEAL, self.operation.encode(), key).hex())

    def _sealed_answer(self, record: Row[Any]) -> bytes | None:
        if record.answer is None or not compare_digest(record.body_mac, self.body_mac):
            return None
        return self._seal().opened(self.organization_id, SEAL, record.answer)

    def _replay(self, record: Row[Any]) -> AppError:
        if not compare_digest(record.body_mac, self.body_mac):
            return KeyReused()
        if record.answer is None:
            return SecretAlreadyShown()
        return Replay(Response(record.answer, record.status, json.loads(record.headers)))

    async def answer(
        self,
        status: int,
        model: BaseModel,
        headers: Mapping[str, str] = NO_STORE,
        *,
        is_secret: bool = False,
        is_sealed: bool = False,
        is_kept: bool = True,
    ) -> Response:
        """The response, recorded under the key in the transaction of the effect.

        A secret's answer is not kept, or sealed (`is_sealed`). `is_kept=False` writes no record at all:
        for the one case in which a row beside the effect would betray who caused it.
        """
        if hasattr(model, "id"):
            audit.tell_more(self.session, target=str(model.id))
        body = model.model_dump_json().encode()
        sent = {**JSON, **headers}
        if self._opened is not None:
            once_committed(self.session, telemetry.REPLAYS.labels("request").inc)
            return Response(self._opened, status, sent | REPLAYED)
        if is_kept:
            kept = Answer(self, status, sent, self._kept(body, is_secret=is_secret, is_sealed=is_sealed))
            await keep_all(self.session, [kept])
        return Response(body, status, sent)

    def _kept(self, body: bytes, *, is_secret: bool, is_sealed: bool) -> bytes | None:
        if is_sealed:
            return self._seal().seal(self.organization_id, SEAL, body)
        return None if is_secret else body


@dataclass(frozen=True)
class Answer:
    """What is kept of one; no body of one that shows a secret."""

    once: Once
    status: int
    headers: Mapping[str, str]
    body: bytes | None


async def begin_all(session: TenantSession, attempts: Sequence[Once]) -> list[AppError | None]:
    """For each what `begin` would raise. They are of one operation.

    What is kept under a key is told to any number at once. Where nothing is yet, the second of two with the
    same key is in progress with the first.
    """
    keyed = {one.lock: one for one in reversed(attempts) if one.key is not None}
    if not keyed:
        return [None] * len(attempts)
    taken = {lock for lock, is_taken in await session.execute(TAKE_LOCKS, {"locks": [*keyed]}) if is_taken}
    macs = [one.key_mac for one in keyed.values()]
    where = {"operation": attempts[0].operation, "key_macs": macs}
    records = {record.key_mac: record for record in await session.execute(FIND_RECORDS, where)}

    def begun(one: Once) -> AppError | None:
        if one.key is None:
            return None
        if one.key_mac in records:
            return one.again(records[one.key_mac])
        return None if one.lock in taken and keyed[one.lock] is one else InProgress()

    return [begun(one) for one in attempts]


async def keep_all(session: TenantSession, answers: Sequence[Answer]) -> None:
    """Of one operation, in the transaction of their effects."""
    keyed = [one for one in answers if one.once.key is not None]
    if keyed:
        records = {
            "operation": keyed[0].once.operation,
            "key_macs": [one.once.key_mac for one in keyed],
            "body_macs": [one.once.body_mac for one in keyed],
            "statuses": [one.status for one in keyed],
            "headers": [json.dumps(one.headers) for one in keyed],
            "answers": [one.body for one in keyed],
        }
        await session.execute(KEEP_RECORDS, records)


async def forget_old_records(session: TenantSession) -> None:
    """Drop the current organisation's records of more than 24 hours ago."""
    await session.execute(FORGET_RECORDS, {"hours": KEPT_HOURS})
