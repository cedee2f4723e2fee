from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession

MEMBERS = text("""
SELECT p.external_id, m.person_id, m.cell_ordinal, p.has_address FROM survey_members m
CROSS JOIN LATERAL (SELECT external_id, email IS NOT NULL AS has_address FROM people
WHERE organization_id = :organization_id AND id = m.person_id LIMIT 1) p
WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id
""")
"""The limits keep it at an index look-up a row: before statistics exist the planner would rather compare
every row with every other (measured with 100,000: over a minute)."""


async def members(session: TenantSession, survey_id: UUID) -> Sequence[Row[Any]]:
    """External id, person, cell and has_address of everybody invited when the survey opened."""
    scope = {"survey_id": survey_id}
    return (await session.execute(MEMBERS, scope)).all()


MEMBERS_NAMED = text("""
SELECT wanted.external_id, p.id AS person_id, m.cell_ordinal, p.email IS NOT NULL AS has_address
FROM unnest(CAST(:external_ids AS text[])) AS wanted (external_id)
CROSS JOIN LATERAL (SELECT id, email FROM people
WHERE organization_id = :organization_id AND external_id = wanted.external_id LIMIT 1) p
CROSS JOIN LATERAL (SELECT cell_ordinal FROM survey_members
WHERE organization_id = :organization_id AND survey_id = :survey_id AND person_id = p.id LIMIT 1) m
""")


async def members_named(
    session: TenantSession, survey_id: UUID, external_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    """The same of those named, as far as they were invited."""
    parameters = {
        "survey_id": survey_id,
        "external_ids": list(external_ids),
    }
    return (await session.execute(MEMBERS_NAMED, parameters)).all()


RECIPIENTS = text("""
SELECT recipient_key FROM invitation_deliveries
WHERE organization_id = :organization_id AND survey_id = :survey_id
""")


async def recipients(session: TenantSession, survey_id: UUID) -> set[UUID]:
    """The recipient keys of those who were issued a token."""
    scope = {"survey_id": survey_id}
    return set(await session.scalars(RECIPIENTS, scope))


REMEMBER = text("""
WITH older AS (DELETE FROM invitations
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND cell_ordinal = ANY(CAST(:mixed_cells AS int[]))
RETURNING token_hash, cell_ordinal, respondent_key)
INSERT INTO invitations (organization_id, survey_id, token_hash, cell_ordinal, respondent_key)
SELECT :organization_id, :survey_id, i.* FROM (
SELECT * FROM older UNION ALL SELECT * FROM unnest(CAST(:token_hashes AS bytea[]),
CAST(:cell_ordinals AS int[]), CAST(:respondent_keys AS uuid[]))) AS i
ORDER BY random()
  ON CONFLICT (organization_id, survey_id, respondent_key) DO UPDATE SET token_hash = excluded.token_hash
""")


async def remember(
    session: TenantSession,
    survey_id: UUID,
    invitations: Sequence[tuple[bytes, int, UUID | None]],
    mixed_cells: Sequence[int],
) -> None:
    """Stores (token hash, cell, respondent key) in random order; a respondent's newer token takes the place
    of the older. The unused invitations of `mixed_cells` are written anew among them, so that no row tells by
    its transaction when it was issued."""
    token_hashes, cell_ordinals, respondent_keys = zip(*invitations, strict=True)
    parameters = {
        "survey_id": survey_id,
        "token_hashes": list(token_hashes),
        "cell_ordinals": list(cell_ordinals),
        "respondent_keys": list(respondent_keys),
        "mixed_cells": list(mixed_cells),
    }
    await session.execute(REMEMBER, parameters)


USE = text("""
DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND token_hash = :token_hash RETURNING cell_ordinal, respondent_key
""")


async def use(session: TenantSession, survey_id: UUID, token_hash: bytes) -> tuple[int, UUID | None] | None:
    """Deletes the invitation: its cell and respondent key; None where there is none. A second user waits."""
    parameters = {"survey_id": survey_id, "token_hash": token_hash}
    row = (await session.execute(USE, parameters)).first()
    return None if row is None else (row.cell_ordinal, row.respondent_key)


IS_UNUSED = text("""
SELECT EXISTS (SELECT FROM invitations WHERE organization_id = :organization_id
  AND survey_id = :survey_id AND token_hash = :token_hash)
""")


async def is_unused(session: TenantSession, survey_id: UUID, token_hash: bytes) -> bool:
    parameters = {"survey_id": survey_id, "token_hash": token_hash}
    return bool(await session.scalar(IS_UNUSED, parameters))


FORGET_DELIVERIES = text(
    "DELETE FROM invitation_deliveries WHERE organization_id = :organization_id AND survey_id = :survey_id"
)
FORGET_INVITATIONS = text(
    "DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id"
)


async def forget_all(session: TenantSession, survey_id: UUID) -> None:
    """Of a survey that has closed nothing of its invitations is needed any more."""
    scope = {"survey_id": survey_id}
    await session.execute(FORGET_INVITATIONS, scope)
    await session.execute(FORGET_DELIVERIES, scope)


CELLS = text("""
SELECT c.ordinal, nullif(g.external_id, '') AS team, c.segments FROM survey_cells c
JOIN survey_groups g ON g.organization_id = c.organization_id AND g.survey_id = c.survey_id
  AND g.ordinal = c.group_ordinal
WHERE c.organization_id = :organization_id AND c.survey_id = :survey_id
  AND c.ordinal = ANY(CAST(:ordinals AS int[]))
""")


async def cells(
    session: TenantSession, survey_id: UUID, ordinals: Sequence[int]
) -> dict[int, tuple[str | None, Mapping[str, str]]]:
    """Ordinal -> (team, segments)."""
    parameters = {"survey_id": survey_id, "ordinals": list(ordinals)}
    return {row.ordinal: (row.team, row.segments) for row in await session.execute(CELLS, parameters)}


REMEMBER_DELIVERIES = text("""
INSERT INTO invitation_deliveries (organization_id, survey_id, recipient_key, nonce, sealed_person)
SELECT :organization_id, :survey_id, d.* FROM unnest(CAST(:recipient_keys AS uuid[]),
CAST(:nonces AS bytea[]), CAST(:sealed_people AS uuid[])) AS d (recipient_key, nonce, sealed_person)
ORDER BY d.recipient_key
  ON CONFLICT (organization_id, survey_id, recipient_key) DO UPDATE
SET nonce = excluded.nonce, sealed_person = excluded.sealed_person
""")


async def remember_deliveries(
    session: TenantSession,
    survey_id: UUID,
    deliveries: Sequence[tuple[UUID, bytes | None, UUID | None]],
) -> None:
    """Stores (recipient key, nonce, sealed person), the last two null where nothing is to be mailed. What was
    to be mailed to the same before is not any more."""
    recipient_keys, nonces, sealed_people = zip(*deliveries, strict=True)
    parameters = {
        "survey_id": survey_id,
        "recipient_keys": list(recipient_keys),
        "nonces": list(nonces),
        "sealed_people": list(sealed_people),
    }
    await session.execute(REMEMBER_DELIVERIES, parameters)


NEXT_MAILS = text("""
SELECT recipient_key, nonce, sealed_person FROM invitation_deliveries
WHERE organization_id = :organization_id AND survey_id = :survey_id AND nonce IS NOT NULL
  AND (CAST(:after AS uuid) IS NULL OR recipient_key > :after)
ORDER BY recipient_key LIMIT :limit
""")


async def next_mails(
    session: TenantSession, survey_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Recipient key, nonce and sealed person of mails to be sent, from the key after `after` on."""
    parameters = {"survey_id": survey_id, "after": after, "limit": limit}
    return (await session.execute(NEXT_MAILS, parameters)).all()


ADDRESSES = text("""
SELECT id, email, locale, time_zone FROM people
WHERE organization_id = :organization_id AND id = ANY(CAST(:people AS uuid[]))
""")


async def addresses(
    session: TenantSession, people: Sequence[UUID]
) -> dict[UUID, tuple[str | None, str | None, str | None]]:
    """Person -> (e-mail address, locale, time zone)."""
    rows = await session.execute(ADDRESSES, {"people": list(people)})
    return {row.id: (row.email, row.locale, row.time_zone) for row in rows}


MAILED = text("""
UPDATE invitation_deliveries SET nonce = NULL, sealed_person = NULL
WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce
""")


async def mark_mailed(session: TenantSession, survey_id: UUID, recipient_key: UUID, nonce: bytes) -> None:
    """Unless another token has to be mailed to them since."""
    parameters = {
        "survey_id": survey_id,
        "recipient_key": recipient_key,
        "nonce": nonce,
    }
    await session.execute(MAILED, parameters)


TAKE_BACK = text("""
DELETE FROM invitation_deliveries WHERE organization_id = :organization_id AND survey_id = :survey_id
  AND recipient_key = :recipient_key AND nonce = :nonce
""")


async def take_back(session: TenantSession, survey_id: UUID, recipient_key: UUID, nonce: bytes) -> None:
    """Nothing was issued to them, unless another token was since."""
    parameters = {
        "survey_id": survey_id,
        "recipient_key": recipient_key,
        "nonce": nonce,
    }
    await session.execute(TAKE_BACK, parameters)


SURVEYS_WITH_MAILS = text("""
SELECT DISTINCT survey_id FROM invitation_deliveries
WHERE organization_id = :organization_id AND nonce IS NOT NULL
""")


async def surveys_with_mails(session: TenantSession) -> Sequence[UUID]:
    return (await session.scalars(SURVEYS_WITH_MAILS)).all()
