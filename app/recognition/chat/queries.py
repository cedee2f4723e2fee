from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_

from app.auth.rules import PROVEN
from app.core.database import TenantSession
from app.tables import ChatConnection, ChatIdentity

ADD_CONNECTION = text("""
INSERT INTO chat_connections (organization_id, id, product, name, sealed_secret)
VALUES (:organization_id, :id, :product, :name, :sealed_secret)
RETURNING id, product, name, created_at
""")
DELETE_CONNECTION = text("""
DELETE FROM chat_connections WHERE organization_id = :organization_id AND id = :id RETURNING id
""")
SECRETS_TO_RESEAL = text("""
SELECT id, sealed_secret AS sealed FROM chat_connections
WHERE organization_id = :organization_id AND substr(sealed_secret, 1, 5) <> CAST(:mark AS bytea)
    AND (CAST(:id AS uuid) IS NULL OR id > CAST(:id AS uuid))
ORDER BY id LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_SECRET = text("""
UPDATE chat_connections SET sealed_secret = :sealed WHERE organization_id = :organization_id AND id = :id
""")
PUT_IDENTITY = text("""
INSERT INTO chat_identities AS i (organization_id, product, chat_id, email, is_vouched)
VALUES (:organization_id, :product, :chat_id, :email, :is_vouched)
ON CONFLICT (organization_id, product, chat_id) DO UPDATE
SET email = excluded.email, is_vouched = excluded.is_vouched, updated_at = excluded.updated_at
WHERE i.email <> excluded.email OR excluded.is_vouched > i.is_vouched
RETURNING chat_id
""")
LEARN_IDENTITY = text("""
INSERT INTO chat_identities AS i (organization_id, product, chat_id, email, is_vouched, updated_at)
SELECT k.organization_id, k.product, :chat_id, k.email, k.is_vouched, k.updated_at FROM chat_identities k
WHERE k.organization_id = :organization_id AND k.product = :product
  AND k.chat_id = ANY (CAST(:others AS text[]))
ORDER BY k.updated_at DESC LIMIT 1
ON CONFLICT (organization_id, product, chat_id) DO UPDATE
SET email = excluded.email, is_vouched = excluded.is_vouched, updated_at = excluded.updated_at
WHERE i.email <> excluded.email AND i.updated_at < excluded.updated_at
RETURNING chat_id
""")
DELETE_IDENTITY = text("""
DELETE FROM chat_identities
WHERE organization_id = :organization_id AND product = :product AND chat_id = :chat_id
RETURNING chat_id
""")
PEOPLE_OF_HANDLES = text("""
WITH handles AS (
    SELECT chat_id AS handle, email, updated_at, is_vouched FROM chat_identities
    WHERE organization_id = :organization_id AND product = :product
        AND chat_id = ANY(CAST(:chat_ids AS text[]))
    UNION
    SELECT email, email, now(), true FROM unnest(CAST(:emails AS text[])) AS e (email)
)
SELECT h.handle, min(p.external_id) AS external_id, min(p.name) AS name, min(p.locale) AS locale,
    bool_and(CASE WHEN h.is_vouched
        THEN p.email_since <= greatest(h.updated_at, o.long_ago)
        ELSE greatest(p.email_since, h.updated_at) <= greatest(o.connected_at, o.long_ago)
    END) AS is_known
FROM handles h
JOIN people p ON p.organization_id = :organization_id AND lower(p.email) = lower(h.email)
CROSS JOIN (
    SELECT min(created_at) AS connected_at, now() - CAST(:proven AS interval) AS long_ago
    FROM chat_connections WHERE organization_id = :organization_id AND product = :product
) o
GROUP BY h.handle
HAVING count(*) = 1
""")
"""An address of two people is nobody's."""


@dataclass(frozen=True)
class Colleague:
    external_id: str
    name: str
    locale: str | None
    is_known: bool
    """Whether the address that leads to them is known to be theirs (R14)."""


async def connection(session: TenantSession, connection_id: UUID) -> ChatConnection | None:
    return await session.get(ChatConnection, (session.organization_id, connection_id))


async def add_connection(session: AsyncSession, values: Mapping[str, Any]) -> Row[Any]:
    return (await session.execute(ADD_CONNECTION, values)).one()


async def connections_before(
    session: TenantSession, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ChatConnection]:
    """Newest first, from the connection after `after` on."""
    query = select(ChatConnection).where(col(ChatConnection.organization_id) == session.organization_id)
    if after is not None:
        query = query.where(tuple_(col(ChatConnection.created_at), col(ChatConnection.id)) < after)
    newest_first = query.order_by(col(ChatConnection.created_at).desc(), col(ChatConnection.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def delete_connection(session: TenantSession, connection_id: UUID) -> bool:
    """Whether there was one. Its address stays behind as a hash that opens nothing."""
    parameters = {"id": connection_id}
    return (await session.execute(DELETE_CONNECTION, parameters)).first() is not None


async def identity(session: AsyncSession, key: tuple[UUID, str, str]) -> ChatIdentity | None:
    return await session.get(ChatIdentity, key, populate_existing=True)


async def put_identity(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Whether it is new, or another."""
    return (await session.execute(PUT_IDENTITY, values)).first() is not None


async def learn_identity(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """What was last said of another id of the same user holds for this one; whether that is new."""
    return (await session.execute(LEARN_IDENTITY, values)).first() is not None


async def delete_identity(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Whether there was one."""
    return (await session.execute(DELETE_IDENTITY, values)).first() is not None


async def identities_after(
    session: TenantSession, product: str, after: str, limit: int
) -> Sequence[ChatIdentity]:
    chat_id = col(ChatIdentity.chat_id).collate("C")
    query = select(ChatIdentity).where(
        col(ChatIdentity.organization_id) == session.organization_id,
        col(ChatIdentity.product) == product,
        chat_id > after,
    )
    return (await session.scalars(query.order_by(chat_id).limit(limit))).all()


async def people_of_handles(
    session: TenantSession,
    product: str,
    chat_ids: Collection[str],
    emails: Collection[str],
) -> dict[str, Colleague]:
    """Who goes by a chat id or an e-mail address, of those that lead to one person."""
    parameters = {"product": product, "chat_ids": list(chat_ids), "emails": list(emails), "proven": PROVEN}
    rows = await session.execute(PEOPLE_OF_HANDLES, {**parameters})
    return {row.handle: Colleague(row.external_id, row.name, row.locale, row.is_known) for row in rows}
