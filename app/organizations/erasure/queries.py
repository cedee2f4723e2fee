"""Everything of one organisation, and then itself, in one transaction."""

from sqlalchemy import text

from app.core.database import TenantSession
from app.tables.base import METADATA

LONGEST_STATEMENT = "10min"
BEGIN = text("""
SELECT set_config('role', 'none', true), set_config('statement_timeout', :longest, true)
""")
"""As the login itself: the acting role may delete neither entries of the audit log nor an organisation."""
HOLD = text("""SELECT id FROM organizations WHERE id = :organization_id FOR UPDATE""")
"""Nobody adds anything from now on."""
KEYS = text("""SELECT id FROM api_keys WHERE organization_id = :organization_id""")
TABLES = [
    table.name
    for table in reversed(METADATA.sorted_tables)
    if "organization_id" in table.columns and table.name != "credentials"
]
"""What refers to another comes before it. Credentials go with the organisation, by their foreign key."""
DELETIONS = [
    text(f"""DELETE FROM {table} WHERE organization_id = :organization_id""")  # noqa: S608 the name is ours
    for table in TABLES
]
DELETE_JOBS = text("""
DELETE FROM pgqueuer WHERE position(convert_to(CAST(:own AS text), 'UTF8') IN payload) > 0
""")
DELETE_ORGANIZATION = text("""DELETE FROM organizations WHERE id = :organization_id""")


async def erase_organization(session: TenantSession) -> list[object]:
    """The ids of the keys that open nothing from now on."""
    await session.execute(BEGIN, {"longest": LONGEST_STATEMENT})
    await session.execute(HOLD)
    keys = list(await session.scalars(KEYS))
    await session.execute(DELETE_JOBS, {"own": str(session.organization_id)})
    for deletion in DELETIONS:
        await session.execute(deletion)
    await session.execute(DELETE_ORGANIZATION)
    return keys
