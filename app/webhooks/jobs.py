"""Deliveries: at once after the change, again after each pause, and forgotten after a month."""

from datetime import timedelta
from uuid import UUID

from app.core import telemetry
from app.core.database import Clock, Database, transaction_time
from app.core.jobs import enqueue
from app.core.outbox import DELIVER_JOB
from app.organizations.jobs import in_every_organization
from app.webhooks import queries, rules
from app.webhooks.delivery import Round


async def deliver_webhook(
    database: Database, organization_id: UUID, webhook_id: UUID, clock: Clock = transaction_time
) -> None:
    keyring = database.keyring
    await Round(database, keyring, organization_id, webhook_id, clock).run()


async def wake_webhooks(database: Database) -> None:
    """For what is to be tried again, and what a worker left behind."""
    waited = timedelta()

    async def wake(database: Database, organization_id: UUID) -> None:
        nonlocal waited
        waited = max(waited, await wake_in(database, organization_id))

    await in_every_organization(database, "wake_webhooks", wake)
    telemetry.WEBHOOK_LAG.set(waited.total_seconds())


async def wake_in(database: Database, organization_id: UUID) -> timedelta:
    """How long the oldest event has waited."""
    async with database.tenant_session(organization_id) as session:
        now = await transaction_time(session)
        due = await queries.webhooks_with_due(session, now)
        for webhook_id in due:
            await enqueue(session, DELIVER_JOB, organization_id, webhook_id, is_single=True)
    return now - min(due.values(), default=now)


async def forget_deliveries(database: Database, clock: Clock = transaction_time) -> None:
    async def forget_in(database: Database, organization_id: UUID) -> None:
        async with database.tenant_session(organization_id) as session:
            before = await clock(session) - timedelta(days=rules.KEPT_DAYS)
            await queries.forget_deliveries(session, before)

    await in_every_organization(database, "forget_deliveries", forget_in)
