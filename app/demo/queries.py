from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession
from app.tables import Organization


async def keep_organization(session: AsyncSession, values: dict[str, object]) -> None:
    """Creates the organisation unless it is there; called with a system session."""
    await session.execute(insert(Organization).values(**values).on_conflict_do_nothing())


BACKDATE_SURVEYS = text("""
UPDATE surveys SET created_at = opened_at - interval '7 days'
WHERE organization_id = :organization_id
""")
BACKDATE_PEOPLE = text("""
UPDATE people SET email_since = :since, manager_since = :since WHERE organization_id = :organization_id
""")
BACKDATE_TEAMS = text("""UPDATE teams SET lead_since = :since WHERE organization_id = :organization_id""")


async def backdate_surveys(session: TenantSession) -> None:
    """Drafted a week before they opened, so that lists show the newest first."""
    await session.execute(BACKDATE_SURVEYS)


async def backdate_doors(session: TenantSession, since: datetime) -> None:
    """Addresses, managers and leads have stood since before the first survey opened."""
    for statement in (BACKDATE_PEOPLE, BACKDATE_TEAMS):
        await session.execute(statement, {"since": since})
