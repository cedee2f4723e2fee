"""Forgetting what is kept for a while only."""

from app.core.database import Database
from app.core.idempotency import forget_old_records
from app.organizations import queries


async def forget(database: Database) -> None:
    """Drops idempotency records after 24 hours and tombstones after 30 days, in every organisation."""
    async with database.system_session(reason="list the organisations") as session:
        everyone = await queries.organization_ids(session)
    for organization_id in everyone:
        async with database.tenant_session(organization_id) as session:
            await forget_old_records(session)
            await queries.forget_old_tombstones(session)
