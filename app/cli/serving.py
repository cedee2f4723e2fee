import asyncio
from typing import Annotated

import scim2_models  # noqa: F401 as in app.main: it loads in a third of the time before the rest
import typer

from app.cli.options import Host, Port, alone
from app.cli.running import bring_up_to_date, database_url
from app.core.database import Database
from app.core.reaching import reach
from app.core.settings import Settings
from app.serving import open_door, serve_through

cli = alone()


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer requests.")] = 1,
) -> None:
    """Serve the API, and do the background jobs unless BETROKKEN_WORKER_ENABLED is false.

    With the bundled PostgreSQL the schema is brought up to date first; with DATABASE_URL run
    `betrokken migrate` yourself.
    """
    settings = Settings()
    with open_door(host, port) as door, database_url(settings) as url:
        asyncio.run(brought_up_to_date(url, settings))
        serve_through(door, settings, url, workers)


async def brought_up_to_date(url: str, settings: Settings) -> None:
    database = Database(url, settings)
    try:
        await reach(database, settings.database_wait)
        await bring_up_to_date(database, settings)
    finally:
        await database.close()
