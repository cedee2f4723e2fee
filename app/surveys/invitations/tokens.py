"""Invitation tokens: `bti_`, then in URL-safe base64 organisation, survey, 16 random bytes and their MAC.

The MAC proves that a token is one of ours, and the ids in it say whose: it needs no credential's row, and one
that was used is known from one that never was.

A code is typed, so it is short and says nothing: a credential's row leads from its MAC to its survey, and
stays. That MAC is under the secret of the installation, as nobody knows yet whose code it is; the invitation
has another, under the key of the organisation. Neither tells the code, though one could try all there are.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from hmac import compare_digest
from uuid import UUID

from app.auth.queries import credential_of
from app.core.database import Database
from app.core.secrets import Keyring, KeyUnknown, token_hash
from app.core.short_codes import is_well_spelt, typed

PREFIX = "bti_"
PART = 16
SEAL = "invitation person"
CODE = "survey_code"
"""The kind of its credential."""


class PersonUnreadable(LookupError):
    """No secret that is given opens whom a mail is for."""


def new_nonce() -> bytes:
    return secrets.token_bytes(PART)


@dataclass(frozen=True)
class Invited:
    """What a genuine token or code says; its invitation is kept under that hash."""

    organization_id: UUID
    survey_id: UUID
    token_hash: bytes


def token_of(keyring: Keyring, organization_id: UUID, survey_id: UUID, nonce: bytes) -> str:
    mac = keyring.mac(organization_id, "invitation", survey_id.bytes, nonce)[:PART]
    parts = organization_id.bytes + survey_id.bytes + nonce + mac
    return PREFIX + base64.urlsafe_b64encode(parts).decode().rstrip("=")


async def genuine(database: Database, token: str) -> Invited | None:
    """`read_token`, whether or not this process has met the organisation; or what a code says."""
    code = typed(token)
    if code is not None:
        return await read_code(database, code) if is_well_spelt(code) else None
    organization_id, _, _ = _parts(token)
    return read_token(await database.meet(organization_id), token)


async def read_code(database: Database, code: str) -> Invited | None:
    async with database.system_session(reason="find the survey of a code") as session:
        for mac in credentials_of(database.keyring, code):
            found = await credential_of(session, mac)
            if found is not None and found.kind == CODE:
                break
        else:
            return None
    keyring = await database.meet(found.organization_id)
    mac = code_hash(keyring, found.organization_id, code)
    return Invited(found.organization_id, found.credential_id, mac)


def credentials_of(keyring: Keyring, code: str) -> list[bytes]:
    """What may lead to it; the first is that of codes made now."""
    return keyring.common_macs("survey-code", code.encode())


def code_hash(keyring: Keyring, organization_id: UUID, code: str) -> bytes:
    return keyring.mac(organization_id, "survey-code", code.encode())


def read_token(keyring: Keyring, token: str) -> Invited | None:
    """None where it is not genuine: also where only its spelling differs."""
    organization_id, survey_id, nonce = _parts(token)
    try:
        own = token_of(keyring, organization_id, survey_id, nonce)
    except KeyUnknown:
        return None
    is_genuine = compare_digest(own.encode(), token.encode())
    return Invited(organization_id, survey_id, token_hash(token)) if is_genuine else None


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
