import asyncio
import logging
import signal
import socket
from contextlib import nullcontext, suppress

from app.cli.options import alone
from app.cli.running import with_database
from app.core.database import Database
from app.core.secrets import require_secret
from app.core.settings import Settings
from app.core.tracing import start_tracing
from app.core.watching import own_version
from app.main import create_worker, create_worker_app
from app.serving import answering, open_door, url_of

log = logging.getLogger("betrokken")
cli = alone()


@cli.command()
def worker() -> None:
    """Do the background jobs, without serving the API. SIGTERM lets those in hand finish."""

    async def work(database: Database) -> None:
        worker = create_worker(database)
        async with answering(door, create_worker_app(database, worker)) if door else nullcontext():
            work = asyncio.create_task(worker.run())

            def drain() -> None:
                log.info("draining")
                work.cancel()

            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, drain)
            log.info("ready")
            with suppress(asyncio.CancelledError):
                await work
        log.info("stopped")

    settings = Settings()
    require_secret(settings)
    start_tracing(settings.otlp_url)
    log.info("starting", extra={"version": own_version()})
    door = opened(settings.worker_listen)
    with_database(settings, work, settings.database_wait)


def opened(where: str | None) -> socket.socket | None:
    if where is None:
        return None
    host, _, port = where.rpartition(":")
    door = open_door(host.strip("[]") or "127.0.0.1", int(port), "BETROKKEN_WORKER_LISTEN=")
    log.info("working", extra={"url": url_of(door)})
    return door
