"""Work on the database, whichever it is."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.core import migrations
from app.core.database import Database, DBAPIError
from app.core.errors import is_passing
from app.core.reaching import reach
from app.core.rotation import prepare_keys
from app.core.secrets import has_secret
from app.core.settings import Settings
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.room import is_short
from app.embedded.server import embedded_postgres

T = TypeVar("T")


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database of DATABASE_URL, or the bundled PostgreSQL of the data folder while it is needed."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        try:
            with embedded_postgres(settings.data_dir) as url:
                yield url
        except DBAPIError as error:
            if is_passing(error) and is_short(settings.data_dir):
                raise EmbeddedUnavailable(
                    f"the disk of the data folder {settings.data_dir} is full: make room, then start again"
                ) from error
            raise


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]], patience: float = 0.0) -> T:
    """Runs `work` on a database with this version's schema; one that is away is waited for that long."""

    async def once_up_to_date(database: Database) -> T:
        await bring_up_to_date(database, settings)
        return await work(database)

    return on_database(settings, once_up_to_date, patience)


def on_database(settings: Settings, work: Callable[[Database], Awaitable[T]], patience: float = 0.0) -> T:
    """Runs `work` on a database as it is."""

    async def run(url: str) -> T:
        database = Database(url, settings)
        try:
            await reach(database, patience)
            return await work(database)
        finally:
            await database.close()

    with database_url(settings) as url:
        return asyncio.run(run(url))


async def bring_up_to_date(database: Database, settings: Settings) -> None:
    """Migrates the bundled PostgreSQL; of a given one only checks that somebody has."""
    if settings.database_url is None:
        await migrations.migrate(database)
    else:
        await migrations.require_migrated(database)
    if has_secret(settings):
        await prepare_keys(database)
