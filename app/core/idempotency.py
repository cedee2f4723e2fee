"""Idempotency-Key: a repeated POST is answered, not done again.

The scope of a key is organisation, operation and key. The record commits with the effect, so a
failure frees the key. What is kept: MACs of key and body, and the answer. A secret's answer is not kept;
of a secret that nobody could make anew it is, sealed so that only who has the key can open it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.core import audit, telemetry
from app.core.ciphers import Secret
from app.core.conditional import NO_STORE
from app.core.database import TenantSession
from app.core.errors import AppError, Conflict, Unprocessable
from app.core.secrets import Keyring

KEPT_HOURS = 24
REPLAYED = {"Idempotent-Replayed": "true"}
SEAL = "idempotency-answer"
Model = TypeVar("Model", bound=BaseModel)
TAKE_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
FIND_RECORD = text("""
SELECT body_mac, status, headers, answer FROM idempotency_records
WHERE organization_id = :organization_id AND operation = :operation AND key_mac = :key_mac
""")
KEEP_RECORD = text("""
INSERT INTO idempotency_records
(organization_id, operation, key_mac, body_mac, status, headers, answer)
VALUES (:organization_id, :operation, :key_mac, :body_mac, :status, :headers, :answer)
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
    """Not an error: leaves the endpoint early with the answer that was given before."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer

    def response(self, instance: str | None) -> Response:
        self.answer.headers.update(REPLAYED)
        return self.answer


@dataclass
class Once:
    """The Idempotency-Key of one POST to `target`; without a key it only builds the answer."""

    session: AsyncSession
    organization_id: UUID
    operation: str
    keyring: Keyring
    key: str | None
    target: str
    body: bytes
    _macs: tuple[bytes, bytes] = field(init=False, default=(b"", b""))
    _opened: bytes | None = field(init=False, default=None)

    async def begin(self) -> None:
        """Raises Replay where the key has an answer, InProgress where another request holds it.

        An answer that was sealed is for the endpoint to give again (`before`).
        """
        if self.key is None:
            return
        operation = self.operation.encode()
        self._macs = (
            self.keyring.mac(self.organization_id, "idempotency-key", operation, self.key.encode()),
            self.keyring.mac(self.organization_id, "idempotency-body", self.target.encode(), self.body),
        )
        lock = int.from_bytes(self._macs[0][:8], "big", signed=True)
        if not await self.session.scalar(TAKE_LOCK, {"lock": lock}):
            raise InProgress
        record = (await self.session.execute(FIND_RECORD, self._place())).first()
        if record is not None:
            self._opened = self._sealed_answer(record)
            if self._opened is None:
                raise self._replay(record)

    def before(self, model: type[Model]) -> Model | None:
        """What was answered to this key under seal."""
        return None if self._opened is None else model.model_validate_json(self._opened)

    def _seal(self) -> Secret:
        key = (self.key or "").encode()
        return Secret(self.keyring.mac(self.organization_id, SEAL, self.operation.encode(), key).hex())

    def _sealed_answer(self, record: Row[Any]) -> bytes | None:
        if record.answer is None or not compare_digest(record.body_mac, self._macs[1]):
            return None
        return self._seal().opened(self.organization_id, SEAL, record.answer)

    def _place(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "key_mac": self._macs[0],
        }

    def _replay(self, record: Row[Any]) -> AppError:
        if not compare_digest(record.body_mac, self._macs[1]):
            return KeyReused()
        if record.answer is None:
            return SecretAlreadyShown()
        telemetry.REPLAYS.labels("request").inc()
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
        sent = {"Content-Type": "application/json", **headers}
        if self._opened is not None:
            return Response(self._opened, status, sent | REPLAYED)
        if self.key is not None and is_kept:
            record = {
                "body_mac": self._macs[1],
                "status": status,
                "headers": json.dumps(sent),
                "answer": self._kept(body, is_secret=is_secret, is_sealed=is_sealed),
            }
            await self.session.execute(KEEP_RECORD, self._place() | record)
        return Response(body, status, sent)

    def _kept(self, body: bytes, *, is_secret: bool, is_sealed: bool) -> bytes | None:
        if is_sealed:
            return self._seal().seal(self.organization_id, SEAL, body)
        return None if is_secret else body


async def forget_old_records(session: TenantSession) -> None:
    """Drop the current organisation's records of more than 24 hours ago."""
    await session.execute(FORGET_RECORDS, {"hours": KEPT_HOURS})
