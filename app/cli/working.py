import asyncio
import signal
from contextlib import suppress

import scim2_models  # noqa: F401 as in app.main: it loads in a third of the time before the rest

from app.cli.options import alone
from app.cli.running import with_database
from app.core.database import Database
from app.core.settings import Settings
from app.main import create_worker

cli = alone()


@cli.command()
def worker() -> None:
    """Do the background jobs, without serving the API. SIGTERM lets those in hand finish."""

    async def work(database: Database) -> None:
        work = asyncio.create_task(create_worker(database).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        with suppress(asyncio.CancelledError):
            await work

    settings = Settings()
    with_database(settings, work, settings.database_wait)
