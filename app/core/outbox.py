"""Events for webhooks, kept in the transaction of the change they tell of, and delivered after it.

What lies here is kept for weeks and leaves the house, so an event names things; what they are is read through
the API. Not for a transaction that stores an anonymous response: rows of one transaction betray each other.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.core.database import TenantSession
from app.core.jobs import enqueue

DELIVER_JOB = "deliver_webhook"
SUBSCRIBERS = text("""
SELECT id FROM webhooks
WHERE organization_id = :organization_id AND disabled_at IS NULL AND :event = ANY(events)
FOR KEY SHARE
""")
ADD_DELIVERIES = text("""
INSERT INTO webhook_deliveries
    (organization_id, id, webhook_id, event, once_key, data, status, attempts, due_at)
SELECT :organization_id, gen_random_uuid(), w.id, :event, (CAST(:once_keys AS text[]))[d.position], d.data,
    'pending', 0, now()
FROM unnest(CAST(:webhook_ids AS uuid[])) AS w (id)
CROSS JOIN jsonb_array_elements(CAST(:items AS jsonb)) WITH ORDINALITY AS d (data, position)
ON CONFLICT (organization_id, webhook_id, event, once_key) DO NOTHING
RETURNING webhook_id, id
""")


async def announce(session: TenantSession, event: str, data: Mapping[str, Any]) -> None:
    """Tells those who subscribed, once this transaction has committed. One cheap statement if nobody did."""
    await announce_each(session, event, [data])


async def announce_each(
    session: TenantSession,
    event: str,
    items: Sequence[Mapping[str, Any]],
    once_keys: Sequence[str] = (),
) -> None:
    """An event for each of `items`, in a constant number of statements; under the same key only once."""
    webhook_ids = await subscribers(session, event) if items else ()
    if webhook_ids:
        await add_deliveries(session, webhook_ids, event, items, once_keys)


async def subscribers(session: TenantSession, event: str) -> Sequence[UUID]:
    found = await session.scalars(SUBSCRIBERS, {"event": event})
    return found.all()


async def add_deliveries(
    session: TenantSession,
    webhook_ids: Sequence[UUID],
    event: str,
    items: Sequence[Mapping[str, Any]],
    once_keys: Sequence[str] = (),
) -> Sequence[UUID]:
    """For these webhooks, whatever they subscribed to; the ids under which the events are sent."""
    values = {
        "webhook_ids": list(webhook_ids),
        "event": event,
        "once_keys": list(once_keys),
        "items": json.dumps([dict(item) for item in items], default=str),
    }
    added = (await session.execute(ADD_DELIVERIES, values)).all()
    for webhook_id in {row.webhook_id for row in added}:
        await enqueue(session, DELIVER_JOB, session.organization_id, webhook_id)
    return [row.id for row in added]
