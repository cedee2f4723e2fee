from datetime import timedelta
from uuid import UUID

from app.core.database import Database, transaction_time
from app.core.jobs import wait_for
from app.privacy.erasure import queries
from app.surveys.service import A_WHILE

LONGEST_ERASURE = timedelta(minutes=1)


async def forget_statistics(database: Database, organization_id: UUID, _: UUID) -> None:
    """What the planner remembers of texts is of all organisations, so it is done once for many erasures.

    For those that came meanwhile it puts itself back.
    """
    async with database.system_session(reason="samples without whom was erased") as session:
        started = await transaction_time(session)
        await queries.forget_samples(session)
    async with database.tenant_session(organization_id) as tenant:
        newest = await queries.newest_erasure(tenant)
        if newest is not None and newest > started - LONGEST_ERASURE:
            await wait_for(tenant, newest + A_WHILE)
