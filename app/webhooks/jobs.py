"""Deliveries: at once after the change, again after each pause, and forgotten after a month."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.core.database import Database
from app.core.jobs import enqueue
from app.core.outbox import DELIVER_JOB
from app.core.secrets import Keyring, load_secret
from app.organizations import queries as organizations
from app.webhooks import queries, rules
from app.webhooks.delivery import Clock, Round


def utc_now() -> datetime:
    return datetime.now(UTC)


async def deliver_webhook(
    database: Database, organization_id: UUID, webhook_id: UUID, clock: Clock = utc_now
) -> None:
    keyring = Keyring(load_secret(database.settings))
    await Round(database, keyring, organization_id, webhook_id, clock).run()


async def wake_webhooks(database: Database, clock: Clock = utc_now) -> None:
    """For what is to be tried again, and what a worker left behind."""
    for organization_id in await everyone(database):
        async with database.tenant_session(organization_id) as session:
            for webhook_id in await queries.webhooks_with_due(session, clock()):
                await enqueue(session, DELIVER_JOB, organization_id, webhook_id, is_single=True)


async def forget_deliveries(database: Database, clock: Clock = utc_now) -> None:
    before = clock() - timedelta(days=rules.KEPT_DAYS)
    for organization_id in await everyone(database):
        async with database.tenant_session(organization_id) as session:
            await queries.forget_deliveries(session, before)


async def everyone(database: Database) -> list[UUID]:
    async with database.system_session(reason="list the organisations") as session:
        return list(await organizations.organization_ids(session))
