import asyncio
import logging
from typing import Annotated

import typer

from app.cli.options import Host, Port, alone
from app.cli.running import bring_up_to_date, database_url
from app.core.database import Database
from app.core.reaching import reach
from app.core.secrets import require_secret
from app.core.settings import SETUP, Settings
from app.core.watching import own_version
from app.organizations.setup.service import Link, new_link
from app.serving import open_door, reached_at, serve_through, url_of

log = logging.getLogger("betrokken")
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
    require_secret(settings)
    log.info("starting", extra={"version": own_version()})
    with open_door(host, port) as door, database_url(settings) as url:
        link = asyncio.run(brought_up_to_date(url, settings))
        if link is not None:
            show(link, reached_at(settings, url_of(door)).public_url)
        serve_through(door, settings, url, workers)


async def brought_up_to_date(url: str, settings: Settings) -> Link | None:
    """Gives a link where there is nobody yet who could have a key, and a page for it."""
    database = Database(url, settings)
    try:
        await reach(database, settings.database_wait)
        await bring_up_to_date(database, settings)
        return await new_link(database) if settings.pages else None
    finally:
        await database.close()


def show(link: Link, public_url: str) -> None:
    """On the terminal alone: it is no line of the log."""
    print(
        "There is no organisation yet. Who opens this page makes the first one and receives its key:",
        "",
        f"  {public_url.rstrip('/')}{SETUP}#{link.token}",
        "",
        f"It works once, until {link.expires_at.astimezone():%H:%M}. The next start prints another one.",
        sep="\n",
        flush=True,
    )
