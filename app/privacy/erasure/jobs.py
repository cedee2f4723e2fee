from datetime import datetime, timedelta
from uuid import UUID

from app.core.database import Database, transaction_time
from app.core.jobs import TooEarly
from app.privacy.erasure import queries
from app.surveys.service import A_WHILE

LONGEST_SAMPLING = 3600
"""Seconds a table."""


async def forget_statistics(database: Database, organization_id: UUID, _: UUID) -> None:
    """What the planner remembers of texts is of all organisations, so it is done once for many erasures.

    For those that came meanwhile it puts itself back.
    """
    async with database.tenant_session(organization_id) as session:
        started = await transaction_time(session)
    await sample_again(database, started)
    async with database.tenant_session(organization_id) as session:
        newest = await queries.newest_loss(session)
        if newest is not None and newest + A_WHILE > started:
            now = await transaction_time(session)
            raise TooEarly(max(newest + A_WHILE - now, timedelta(0)))


async def sample_again(database: Database, moment: datetime) -> None:
    """Each table in a transaction of its own: no lock is held longer than its table takes."""
    patient = database.for_long_statements(LONGEST_SAMPLING)
    try:
        async with patient.system_session(reason="tables with samples of who was erased") as session:
            tables = await queries.tables_sampled_before(session, moment)
        for table in tables:
            async with patient.system_session(reason="samples without whom was erased") as session:
                await queries.sample_anew(session, table)
    finally:
        await patient.close()
