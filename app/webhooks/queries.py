from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import col, select, tuple_

from app.core.database import TenantSession
from app.tables import Webhook, WebhookDelivery

CLAIM = text("""
UPDATE webhooks SET busy_until = :busy_until
WHERE organization_id = :organization_id AND id = :id AND disabled_at IS NULL
    AND coalesce(busy_until <= :now, true)
RETURNING id
""")
KEEP_CLAIM = text("""
UPDATE webhooks SET busy_until = :busy_until
WHERE organization_id = :organization_id AND id = :id AND disabled_at IS NULL
RETURNING url, sealed_secret, earlier_secret, earlier_until
""")
RELEASE = text("""
UPDATE webhooks SET busy_until = NULL WHERE organization_id = :organization_id AND id = :id
""")
DUE = text("""
SELECT id, event, data, attempts, created_at FROM webhook_deliveries
WHERE organization_id = :organization_id AND webhook_id = :webhook_id
    AND status = 'pending' AND due_at <= :now
ORDER BY due_at, id LIMIT :limit
""")
NOTE = text("""
UPDATE webhook_deliveries d SET status = n.status, attempts = d.attempts + 1, attempted_at = :now,
    status_code = n.status_code, error = n.error, due_at = coalesce(n.due_at, d.due_at),
    delivered_at = CASE WHEN n.status = 'delivered' THEN CAST(:now AS timestamptz) END,
    data = CASE WHEN n.status = 'delivered' AND d.event = 'person.erased' THEN '{}' ELSE d.data END
FROM unnest(CAST(:id AS uuid[]), CAST(:status AS text[]), CAST(:status_code AS int[]), CAST(:error AS text[]),
            CAST(:due_at AS timestamptz[])) AS n (id, status, status_code, error, due_at)
WHERE d.organization_id = :organization_id AND d.id = n.id
""")
NOTE_HEALTH = text("""
UPDATE webhooks SET failing_since = CASE WHEN :is_well THEN NULL ELSE coalesce(failing_since, :now) END
WHERE organization_id = :organization_id AND id = :id
RETURNING failing_since
""")
DISABLE = text("""
WITH disabled AS (
    UPDATE webhooks SET disabled_at = :now, disabled_reason = :reason, updated_at = :now
    WHERE organization_id = :organization_id AND id = :id AND disabled_at IS NULL
    RETURNING id
)
UPDATE webhook_deliveries d SET status = 'failed', error = coalesce(d.error, 'webhook_disabled')
FROM disabled
WHERE d.organization_id = :organization_id AND d.webhook_id = disabled.id AND d.status = 'pending'
""")
SECRETS_TO_RESEAL = text("""
SELECT id, sealed_secret AS sealed FROM webhooks
WHERE organization_id = :organization_id AND substr(sealed_secret, 1, 5) <> CAST(:mark AS bytea)
    AND (CAST(:id AS uuid) IS NULL OR id > CAST(:id AS uuid))
ORDER BY id LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_SECRET = text("""
UPDATE webhooks SET sealed_secret = :sealed WHERE organization_id = :organization_id AND id = :id
""")
EARLIER_SECRETS_TO_RESEAL = text("""
SELECT id, earlier_secret AS sealed FROM webhooks
WHERE organization_id = :organization_id AND substr(earlier_secret, 1, 5) <> CAST(:mark AS bytea)
    AND (CAST(:id AS uuid) IS NULL OR id > CAST(:id AS uuid))
ORDER BY id LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_EARLIER_SECRET = text("""
UPDATE webhooks SET earlier_secret = :sealed WHERE organization_id = :organization_id AND id = :id
""")
FORGET_DELIVERED = text("""
DELETE FROM webhook_deliveries
WHERE organization_id = :organization_id AND webhook_id = :webhook_id AND event = :event
    AND status = 'delivered'
""")
WITH_DUE = text("""
SELECT webhook_id, min(due_at) AS due_at FROM webhook_deliveries
WHERE organization_id = :organization_id AND status = 'pending' AND due_at <= :now
GROUP BY webhook_id
""")


async def webhook(session: TenantSession, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
    query = select(Webhook).where(
        col(Webhook.organization_id) == session.organization_id, col(Webhook.id) == webhook_id
    )
    query = query.with_for_update(key_share=True) if lock else query
    return (await session.scalars(query)).one_or_none()


DELETE_WEBHOOK = text("""
DELETE FROM webhooks WHERE organization_id = :organization_id AND id = :id RETURNING id
""")


async def delete_webhook(session: TenantSession, webhook_id: UUID) -> bool:
    """Whether there was such a webhook."""
    gone = await session.execute(DELETE_WEBHOOK, {"id": webhook_id})
    return gone.first() is not None


async def deliveries_before(
    session: TenantSession,
    webhook_id: UUID,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[WebhookDelivery]:
    """Newest first, from the delivery after `after` on."""
    row = WebhookDelivery
    query = select(row).where(
        col(row.organization_id) == session.organization_id, col(row.webhook_id) == webhook_id
    )
    if status is not None:
        query = query.where(col(row.status) == status)
    if after is not None:
        query = query.where(tuple_(col(row.created_at), col(row.id)) < after)
    newest_first = query.order_by(col(row.created_at).desc(), col(row.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def delivery(session: TenantSession, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery | None:
    query = select(WebhookDelivery).where(
        col(WebhookDelivery.organization_id) == session.organization_id,
        col(WebhookDelivery.webhook_id) == webhook_id,
        col(WebhookDelivery.id) == delivery_id,
    )
    return (await session.scalars(query.with_for_update())).one_or_none()


# ---------------------------------------------------------------------------------------- on the way


async def claim(session: TenantSession, webhook_id: UUID, now: datetime, busy_until: datetime) -> bool:
    """Whether nobody else delivers to this webhook now, and it is enabled."""
    where = {"id": webhook_id, "now": now, "busy_until": busy_until}
    return (await session.execute(CLAIM, where)).first() is not None


async def keep_claim(session: TenantSession, webhook_id: UUID, busy_until: datetime) -> Row[Any] | None:
    """Where to send and what signs it; None where the webhook was deleted or disabled since."""
    where = {"id": webhook_id, "busy_until": busy_until}
    return (await session.execute(KEEP_CLAIM, where)).one_or_none()


async def release(session: TenantSession, webhook_id: UUID) -> None:
    await session.execute(RELEASE, {"id": webhook_id})


async def due(session: TenantSession, webhook_id: UUID, now: datetime, limit: int) -> Sequence[Row[Any]]:
    where = {"webhook_id": webhook_id, "now": now, "limit": limit}
    return (await session.execute(DUE, where)).all()


async def note_attempts(session: TenantSession, now: datetime, columns: dict[str, list[Any]]) -> None:
    await session.execute(NOTE, {"now": now, **columns})


async def note_health(
    session: TenantSession, webhook_id: UUID, now: datetime, *, is_well: bool
) -> datetime | None:
    """Since when it has been failing."""
    where = {"id": webhook_id, "now": now, "is_well": is_well}
    since: datetime | None = await session.scalar(NOTE_HEALTH, where)
    return since


async def disable(session: TenantSession, webhook_id: UUID, now: datetime, reason: str) -> None:
    """What is still on its way fails with it."""
    where = {"id": webhook_id, "now": now, "reason": reason}
    await session.execute(DISABLE, where)


async def webhooks_with_due(session: TenantSession, now: datetime) -> dict[UUID, datetime]:
    """Since when each has had something to send."""
    found = await session.execute(WITH_DUE, {"now": now})
    return {row.webhook_id: row.due_at for row in found}


async def forget_delivered(session: TenantSession, webhook_id: UUID, event: str) -> None:
    where = {"webhook_id": webhook_id, "event": event}
    await session.execute(FORGET_DELIVERED, where)


FORGET_DELIVERIES = text("""
DELETE FROM webhook_deliveries WHERE organization_id = :organization_id AND created_at < :before
""")


async def forget_deliveries(session: TenantSession, before: datetime) -> None:
    await session.execute(FORGET_DELIVERIES, {"before": before})
