"""What is measured and not counted: the queue when Prometheus asks, and the process once a second."""

import asyncio
import gc
import logging
import os
import platform
import time
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import Counter
from sqlalchemy import Row, text

from app.core import logging as app_logging
from app.core import telemetry
from app.core.database import Database
from app.core.errors import OUT_OF_REACH

log = logging.getLogger("betrokken.database")

LONGEST_SECONDS = 3
"""Prometheus waits for ten."""
BEAT_SECONDS = 1
QUEUE = text("""
SELECT entrypoint AS job,
    count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS due,
    count(*) FILTER (WHERE status = 'queued' AND execute_after > now()) AS later,
    count(*) FILTER (WHERE status = 'picked') AS running,
    extract(epoch FROM now() - min(execute_after) FILTER (WHERE status = 'queued')) AS age
FROM pgqueuer GROUP BY entrypoint
""")
STATES = ("due", "later", "running")


async def measure(database: Database, jobs: Collection[str], release_job: str) -> None:
    """The queue; while the database is away, what it was."""
    try:
        async with (
            asyncio.timeout(LONGEST_SECONDS),
            database.system_session(reason="measure the queue") as session,
        ):
            found = (await session.execute(QUEUE)).all()
    except OUT_OF_REACH as error:
        telemetry.DATABASE_ANSWERS.set(0)
        log.warning("queue_not_measured", extra=app_logging.describe(error))
    else:
        telemetry.DATABASE_ANSWERS.set(1)
        show(found, jobs, release_job)


def show(found: Iterable[Row[tuple[object, ...]]], jobs: Collection[str], release_job: str) -> None:
    """Every job that there is, so that none stays as it was in another process."""
    rows = {row.job: row for row in found}
    for job in jobs:
        row = rows.get(job)
        for state in STATES:
            telemetry.JOBS_QUEUED.labels(job, state).set(getattr(row, state, 0))
        telemetry.OLDEST_JOB.labels(job).set(max(0, getattr(row, "age", None) or 0))
    pending = rows.get(release_job)
    telemetry.RELEASES_PENDING.set(pending.due + pending.running if pending else 0)


@asynccontextmanager
async def watched(database: Database) -> AsyncIterator[None]:
    """While a process serves or works."""
    telemetry.BUILD_INFO.labels(own_version(), platform.python_version()).set(1)
    telemetry.POOL_LIMIT.set(2 * database.settings.database_pool_size)
    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


def own_version() -> str:
    try:
        return version("betrokken")
    except PackageNotFoundError:
        return "unknown"


async def beat() -> None:
    collections = Collections() if "PROMETHEUS_MULTIPROC_DIR" in os.environ else None
    while True:
        before = time.monotonic()
        await asyncio.sleep(BEAT_SECONDS)
        telemetry.LOOP_LAG.observe(max(0, time.monotonic() - before - BEAT_SECONDS))
        if collections is not None:
            collections.note()


class Collections:
    """Of garbage: Python's own collector for Prometheus knows one process alone."""

    NAMES = {
        "collections": ("python_gc_collections", "Number of times this generation was collected"),
        "collected": ("python_gc_objects_collected", "Objects collected during gc"),
        "uncollectable": ("python_gc_objects_uncollectable", "Uncollectable objects found during GC"),
    }

    def __init__(self) -> None:
        self.counters = {
            kind: Counter(name, words, ["generation"], registry=None)
            for kind, (name, words) in self.NAMES.items()
        }
        self.seen = [dict.fromkeys(self.NAMES, 0) for _ in gc.get_stats()]

    def note(self) -> None:
        for generation, (seen, stats) in enumerate(zip(self.seen, gc.get_stats(), strict=True)):
            for kind, counter in self.counters.items():
                counter.labels(str(generation)).inc(stats[kind] - seen[kind])
                seen[kind] = stats[kind]
