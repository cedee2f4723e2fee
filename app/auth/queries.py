"""Credentials, keys and what a person leads: what must be known of who is asking."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_

from app.core.database import TenantSession
from app.tables import ApiKey, Credential, Organization

TEAMS_LED_BY = text("""
SELECT t.external_id, t.lead_since
FROM teams t
JOIN people p ON p.organization_id = t.organization_id AND p.external_id = t.lead
JOIN organizations o ON o.id = p.organization_id
WHERE t.organization_id = :organization_id AND t.lead = :person AND p.is_active
    AND CAST(now() AT TIME ZONE o.time_zone AS date)
        BETWEEN coalesce(p.starts_on, '-infinity') AND coalesce(p.ends_on, 'infinity')
ORDER BY t.external_id
""")


async def credential_of(session: AsyncSession, token_hash: bytes) -> Credential | None:
    return await session.get(Credential, token_hash)


async def api_key(session: TenantSession, key_id: UUID) -> ApiKey | None:
    return await session.get(ApiKey, (session.organization_id, key_id))


async def is_organization(session: TenantSession) -> bool:
    return await session.get(Organization, session.organization_id) is not None


async def teams_led_by(session: TenantSession, person: str) -> dict[str, datetime]:
    """Of somebody who works here today, each with since when they lead it."""
    led = await session.execute(TEAMS_LED_BY, {"person": person})
    return {team: since for team, since in led}


async def api_keys_before(
    session: TenantSession, after: tuple[datetime, UUID] | None, limit: int | None
) -> Sequence[ApiKey]:
    """Newest first, from the key after `after` on."""
    query = select(ApiKey).where(col(ApiKey.organization_id) == session.organization_id)
    if after is not None:
        query = query.where(tuple_(col(ApiKey.created_at), col(ApiKey.id)) < after)
    newest_first = query.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


ADD_CREDENTIAL = text("""
INSERT INTO credentials (token_hash, organization_id, kind, credential_id)
VALUES (:token_hash, :organization_id, :kind, :credential_id)
""")


async def add_credential(session: AsyncSession, credential: dict[str, object]) -> None:
    """A plain INSERT: the acting role may write tokens but not read them."""
    await session.execute(ADD_CREDENTIAL, credential)


ADD_CREDENTIALS = text("""
INSERT INTO credentials (token_hash, organization_id, kind, credential_id)
SELECT unnest(CAST(:token_hashes AS bytea[])), :organization_id, :kind, :credential_id
""")


async def add_credentials(
    session: AsyncSession, kind: str, credential_id: UUID, token_hashes: Sequence[bytes]
) -> None:
    """Many that lead to one thing, in the order of their hashes."""
    of = {"kind": kind, "credential_id": credential_id}
    await session.execute(ADD_CREDENTIALS, {**of, "token_hashes": sorted(token_hashes)})


DELETE_API_KEY = text("""
DELETE FROM api_keys WHERE organization_id = :organization_id AND id = :id RETURNING id
""")


async def delete_api_key(session: TenantSession, key_id: UUID) -> bool:
    """Whether there was such a key. Its token stays behind as a hash that opens nothing."""
    gone = await session.execute(DELETE_API_KEY, {"id": key_id})
    return gone.first() is not None
