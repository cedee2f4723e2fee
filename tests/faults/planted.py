"""The service with a mistake put into it: it acknowledges before it commits. The suite must find that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from app.cli import main
from app.core.database import Database, TenantSession

LATER = 0.3
committing: set[asyncio.Task[None]] = set()


MARK = "planted"
"""A file beside the service's data folder: from when it is there the mistake is."""
in_order = Database.tenant_session


@asynccontextmanager
async def acknowledged_first(self: Database, organization_id: UUID) -> AsyncIterator[TenantSession]:
    if not self.settings.data_dir.with_name(MARK).exists():
        async with in_order(self, organization_id) as session:
            yield session
        return
    session = TenantSession(self.engine, organization_id)
    transaction = await session.begin()
    await self._enter(session)
    try:
        yield session
    except BaseException:
        await session.close()
        raise

    async def commit() -> None:
        await asyncio.sleep(LATER)
        await transaction.commit()
        await session.close()

    task = asyncio.create_task(commit())
    committing.add(task)
    task.add_done_callback(committing.discard)


if __name__ == "__main__":
    Database.tenant_session = acknowledged_first  # type: ignore[method-assign]
    main()
