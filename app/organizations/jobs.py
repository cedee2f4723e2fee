"""What is done in every organisation, and forgetting what is kept for a while only."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from app.core.database import Database
from app.core.idempotency import forget_old_records
from app.core.jobs import for_each
from app.organizations import queries
from app.organizations.setup.queries import forget_links


async def in_every_organization(
    database: Database, job: str, work: Callable[[Database, UUID], Awaitable[None]]
) -> None:
    async with database.system_session(reason="list the organisations") as session:
        everyone = await queries.organization_ids(session)
    await for_each(everyone, job, partial(work, database))


async def forget(database: Database) -> None:
    """Drops idempotency records after 24 hours and tombstones after 30 days."""
    async with database.system_session(reason="forget old links to set up") as session:
        await forget_links(session)
    await in_every_organization(database, "forget", forget_in)


async def forget_in(database: Database, organization_id: UUID) -> None:
    async with database.tenant_session(organization_id) as session:
        await forget_old_records(session)
        await queries.forget_old_tombstones(session)
