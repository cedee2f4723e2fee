from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

NOT_YET_ISSUED = text(
    "SELECT p.external_id, p.id AS person_id, m.cell_ordinal, m.is_issued, p.email IS NOT NULL AS has_address"
    " FROM survey_members m JOIN people p ON p.organization_id = m.organization_id AND p.id = m.person_id"
    " WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id AND NOT m.is_issued"
)
MEMBERS_NAMED = text(
    "SELECT wanted.external_id, p.id AS person_id, m.cell_ordinal, m.is_issued,"
    "  p.email IS NOT NULL AS has_address"
    " FROM unnest(CAST(:external_ids AS text[])) AS wanted (external_id)"
    " CROSS JOIN LATERAL (SELECT id, email FROM people"
    "  WHERE organization_id = :organization_id AND external_id = wanted.external_id LIMIT 1) p"
    " CROSS JOIN LATERAL (SELECT cell_ordinal, is_issued FROM survey_members"
    "  WHERE organization_id = :organization_id AND survey_id = :survey_id AND person_id = p.id LIMIT 1) m"
)
MARK_ISSUED = text(
    "UPDATE survey_members SET is_issued = :is_issued"
    " WHERE organization_id = :organization_id AND survey_id = :survey_id"
    "  AND person_id = ANY(CAST(:people AS uuid[]))"
)
FORGET_KEYS = text(
    "DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id"
    " AND respondent_key = ANY(CAST(:respondent_keys AS uuid[]))"
)
REMEMBER = text(
    "WITH older AS (DELETE FROM invitations"
    "  WHERE organization_id = :organization_id AND survey_id = :survey_id"
    "   AND cell_ordinal = ANY(CAST(:mixed_cells AS int[]))"
    "  RETURNING token_hash, cell_ordinal, respondent_key)"
    " INSERT INTO invitations (organization_id, survey_id, token_hash, cell_ordinal, respondent_key)"
    " SELECT :organization_id, :survey_id, i.* FROM ("
    "  SELECT * FROM older UNION ALL SELECT * FROM unnest(CAST(:token_hashes AS bytea[]),"
    "   CAST(:cell_ordinals AS int[]), CAST(:respondent_keys AS uuid[]))) AS i"
    " ORDER BY random()"
)
USE = text(
    "DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id"
    " AND token_hash = :token_hash RETURNING cell_ordinal, respondent_key"
)
IS_UNUSED = text(
    "SELECT EXISTS (SELECT FROM invitations WHERE organization_id = :organization_id"
    " AND survey_id = :survey_id AND token_hash = :token_hash)"
)
FORGET_ALL = text(
    "DELETE FROM invitations WHERE organization_id = :organization_id AND survey_id = :survey_id"
)
CELLS = text(
    "SELECT c.ordinal, nullif(g.external_id, '') AS team, c.segments FROM survey_cells c"
    " JOIN survey_groups g ON g.organization_id = c.organization_id AND g.survey_id = c.survey_id"
    "  AND g.ordinal = c.group_ordinal"
    " WHERE c.organization_id = :organization_id AND c.survey_id = :survey_id"
    "  AND c.ordinal = ANY(CAST(:ordinals AS int[]))"
)
REMEMBER_MAILS = text(
    "INSERT INTO invitation_mails (organization_id, survey_id, person_id, nonce)"
    " SELECT :organization_id, :survey_id, m.*"
    " FROM unnest(CAST(:people AS uuid[]), CAST(:nonces AS bytea[])) AS m"
    " ON CONFLICT (organization_id, survey_id, person_id) DO UPDATE SET nonce = excluded.nonce"
)
FORGET_MAILS = text(
    "DELETE FROM invitation_mails WHERE organization_id = :organization_id AND survey_id = :survey_id"
    " AND person_id = ANY(CAST(:people AS uuid[]))"
)
FORGET_ALL_MAILS = text(
    "DELETE FROM invitation_mails WHERE organization_id = :organization_id AND survey_id = :survey_id"
)
FORGET_MAIL = text(
    "DELETE FROM invitation_mails WHERE organization_id = :organization_id AND survey_id = :survey_id"
    " AND person_id = :person_id AND nonce = :nonce RETURNING person_id"
)
NEXT_MAILS = text(
    "SELECT m.person_id, m.nonce, p.email, p.locale FROM invitation_mails m"
    " JOIN people p ON p.organization_id = m.organization_id AND p.id = m.person_id"
    " WHERE m.organization_id = :organization_id AND m.survey_id = :survey_id"
    "  AND (CAST(:after AS uuid) IS NULL OR m.person_id > :after)"
    " ORDER BY m.person_id LIMIT :limit"
)
SURVEYS_WITH_MAILS = text(
    "SELECT DISTINCT survey_id FROM invitation_mails WHERE organization_id = :organization_id"
)


async def members_not_yet_issued(
    session: AsyncSession, organization_id: UUID, survey_id: UUID
) -> Sequence[Row[Any]]:
    """External id, person, cell, is_issued and has_address of who has not been sent a token."""
    scope = {"organization_id": organization_id, "survey_id": survey_id}
    return (await session.execute(NOT_YET_ISSUED, scope)).all()


async def members_named(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, external_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    """The same of those named, as far as they were invited."""
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "external_ids": list(external_ids),
    }
    return (await session.execute(MEMBERS_NAMED, parameters)).all()


async def mark_issued(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, people: Sequence[UUID], is_issued: bool
) -> None:
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "people": list(people),
        "is_issued": is_issued,
    }
    await session.execute(MARK_ISSUED, parameters)


async def forget_keys(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, respondent_keys: Sequence[UUID]
) -> None:
    """Drops the unused invitations of these respondents."""
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "respondent_keys": list(respondent_keys),
    }
    await session.execute(FORGET_KEYS, parameters)


async def remember(
    session: AsyncSession,
    organization_id: UUID,
    survey_id: UUID,
    invitations: Sequence[tuple[bytes, int, UUID | None]],
    mixed_cells: Sequence[int],
) -> None:
    """Stores (token hash, cell, respondent key) in random order. The unused invitations of `mixed_cells` are
    written anew among them, so that no row tells by its transaction when it was issued."""
    token_hashes, cell_ordinals, respondent_keys = zip(*invitations, strict=True)
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "token_hashes": list(token_hashes),
        "cell_ordinals": list(cell_ordinals),
        "respondent_keys": list(respondent_keys),
        "mixed_cells": list(mixed_cells),
    }
    await session.execute(REMEMBER, parameters)


async def use(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, token_hash: bytes
) -> tuple[int, UUID | None] | None:
    """Deletes the invitation: its cell and respondent key; None where there is none. A second user waits."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "token_hash": token_hash}
    row = (await session.execute(USE, parameters)).first()
    return None if row is None else (row.cell_ordinal, row.respondent_key)


async def is_unused(session: AsyncSession, organization_id: UUID, survey_id: UUID, token_hash: bytes) -> bool:
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "token_hash": token_hash}
    return bool(await session.scalar(IS_UNUSED, parameters))


async def forget_all(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> None:
    """Drops what invitations and mails are left of a survey that has closed."""
    scope = {"organization_id": organization_id, "survey_id": survey_id}
    await session.execute(FORGET_ALL, scope)
    await session.execute(FORGET_ALL_MAILS, scope)


async def cells(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, ordinals: Sequence[int]
) -> dict[int, tuple[str | None, Mapping[str, str]]]:
    """Ordinal -> (team, segments)."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "ordinals": list(ordinals)}
    return {row.ordinal: (row.team, row.segments) for row in await session.execute(CELLS, parameters)}


async def remember_mails(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, mails: Sequence[tuple[UUID, bytes]]
) -> None:
    """Mails to be sent, as (person, nonce); a newer one takes the place of an older."""
    people, nonces = zip(*mails, strict=True)
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "people": list(people),
        "nonces": list(nonces),
    }
    await session.execute(REMEMBER_MAILS, parameters)


async def forget_mails(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, people: Sequence[UUID]
) -> None:
    """Drops mails that would bring a token that is replaced."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "people": list(people)}
    await session.execute(FORGET_MAILS, parameters)


async def forget_mail(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, person_id: UUID, nonce: bytes
) -> bool:
    """Whether this very mail was still to be sent."""
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "person_id": person_id,
        "nonce": nonce,
    }
    return (await session.execute(FORGET_MAIL, parameters)).first() is not None


async def next_mails(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Person, nonce, email and locale of mails to be sent, by person, from the one after `after` on."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "after": after, "limit": limit}
    return (await session.execute(NEXT_MAILS, parameters)).all()


async def surveys_with_mails(session: AsyncSession, organization_id: UUID) -> Sequence[UUID]:
    return (await session.scalars(SURVEYS_WITH_MAILS, {"organization_id": organization_id})).all()
