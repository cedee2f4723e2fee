"""Invitation tokens: `bti_`, then in URL-safe base64 organisation, survey, 16 random bytes and their MAC.

The MAC proves that a token is one of ours, and the ids in it say whose: it needs no credential's row, and one
that was used is known from one that never was.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from hmac import compare_digest
from uuid import UUID

from app.core.database import Database
from app.core.secrets import Keyring, KeyUnknown

PREFIX = "bti_"
PART = 16
SEAL = "invitation person"


class PersonUnreadable(LookupError):
    """No secret that is given opens whom a mail is for."""


def new_nonce() -> bytes:
    return secrets.token_bytes(PART)


@dataclass(frozen=True)
class Invited:
    """What a genuine token says."""

    organization_id: UUID
    survey_id: UUID
    token: str


def token_of(keyring: Keyring, organization_id: UUID, survey_id: UUID, nonce: bytes) -> str:
    mac = keyring.mac(organization_id, "invitation", survey_id.bytes, nonce)[:PART]
    parts = organization_id.bytes + survey_id.bytes + nonce + mac
    return PREFIX + base64.urlsafe_b64encode(parts).decode().rstrip("=")


async def genuine(database: Database, token: str) -> Invited | None:
    """`read_token`, whether or not this process has met the organisation."""
    organization_id, _, _ = _parts(token)
    return read_token(await database.meet(organization_id), token)


def read_token(keyring: Keyring, token: str) -> Invited | None:
    """None where it is not genuine: also where only its spelling differs."""
    organization_id, survey_id, nonce = _parts(token)
    try:
        own = token_of(keyring, organization_id, survey_id, nonce)
    except KeyUnknown:
        return None
    is_genuine = compare_digest(own.encode(), token.encode())
    return Invited(organization_id, survey_id, token) if is_genuine else None


def _parts(token: str) -> tuple[UUID, UUID, bytes]:
    """Whatever was sent, something to compare it with."""
    try:
        found = base64.b64decode(token.removeprefix(PREFIX) + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    padded = found[: 3 * PART].ljust(3 * PART, b"\0")
    return UUID(bytes=padded[:PART]), UUID(bytes=padded[PART : 2 * PART]), padded[2 * PART :]


def recipient_key(keyring: Keyring, organization_id: UUID, survey_id: UUID, person: UUID) -> UUID:
    """Whom a token was issued to: another key in each survey, and another than their response's."""
    return keyring.uuid(organization_id, "invitation-recipient", survey_id.bytes, person.bytes)


def sealed_person(keyring: Keyring, organization_id: UUID, person: UUID) -> bytes:
    return keyring.seal(organization_id, SEAL, person.bytes)


def opened_person(keyring: Keyring, organization_id: UUID, sealed: bytes) -> UUID:
    plain = keyring.unseal(organization_id, SEAL, sealed)
    if plain is None:
        raise PersonUnreadable
    return UUID(bytes=plain)


def padded_person(keyring: Keyring, organization_id: UUID, nonce: bytes, person: UUID) -> UUID:
    """Of before there were seals: under a pad that is used once. Padded again, it is the person."""
    pad = keyring.mac(organization_id, "invitation-person", nonce)[:PART]
    return UUID(bytes=bytes(left ^ right for left, right in zip(pad, person.bytes, strict=True)))
