from datetime import UTC, datetime
from uuid import UUID

from app.core.database import Database
from app.imports import queries
from app.imports.run import runner as running
from app.organizations.jobs import in_every_organization


def utc_now() -> datetime:
    return datetime.now(UTC)


async def run_import(database: Database, organization_id: UUID, import_id: UUID) -> None:
    keyring = database.keyring
    await running.run(database, organization_id, import_id, keyring, utc_now)


async def forget_imports(database: Database) -> None:
    """Drops imports after 30 days and files that never came whole after one."""
    await in_every_organization(database, "forget_imports", forget_in)


async def forget_in(database: Database, organization_id: UUID) -> None:
    async with database.tenant_session(organization_id) as session:
        await queries.forget_old(session)
