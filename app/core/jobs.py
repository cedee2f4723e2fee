"""Jobs on PostgreSQL: enqueued inside our own transaction, done at least once."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from pgqueuer import AsyncpgDriver, PgQueuer, Queries
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job, Schedule
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import logging as app_logging
from app.core import telemetry
from app.core.database import Database, raw_connection

log = logging.getLogger("betrokken.jobs")

JobFunction = Callable[[Database, UUID, UUID], Awaitable[None]]
ScheduleFunction = Callable[[Database], Awaitable[None]]
LONGEST_PAUSE = 30
LONGEST_RETRY_PAUSE = 300
MOST_ATTEMPTS = 300
"""About a day."""


class GivenUp(RuntimeError):
    """A job failed for the last time."""


async def enqueue(
    session: AsyncSession,
    job: str,
    organization_id: UUID,
    thing_id: UUID,
    *,
    after: timedelta | None = None,
    is_single: bool = False,
) -> None:
    """Do `job` for a thing of the organisation once this transaction has committed, `after` that long.

    A single one is not queued again while it waits or runs.
    """
    payload = json.dumps({"organization_id": str(organization_id), "id": str(thing_id)}).encode()
    queries = Queries(AsyncpgDriver(await raw_connection(session)))
    key = f"{job}/{thing_id}" if is_single else None
    await queries.enqueue(job, payload, execute_after=after, dedupe_key=key, on_conflict="skip")


class Worker:
    """Does jobs until cancelled, and comes back by itself when the database was away."""

    def __init__(
        self,
        database: Database,
        jobs: dict[str, JobFunction],
        schedules: dict[str, tuple[str, ScheduleFunction]],
    ) -> None:
        self.database = database
        self.jobs = jobs
        self.schedules = schedules

    async def run(self) -> None:
        pause = 1
        while True:
            try:
                await self._run_once()
                pause = 1
            except Exception as error:
                log.warning("worker_interrupted", extra=app_logging.describe(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _run_once(self) -> None:
        connection = await self.database.connect()
        try:
            queue = PgQueuer.from_asyncpg_connection(connection)
            self._register(queue)
            await queue.run(dequeue_timeout=timedelta(seconds=5), shutdown_on_listener_failure=True)
        finally:
            with suppress(Exception):
                await connection.close(timeout=5)

    def _register(self, queue: PgQueuer) -> None:
        for name, function in self.jobs.items():
            queue.entrypoint(name)(self._job(name, function))
        for name, (expression, scheduled) in self.schedules.items():
            queue.schedule(name, expression, clean_old=True)(self._schedule(name, scheduled))

    def _job(self, name: str, function: JobFunction) -> Callable[[Job], Awaitable[None]]:
        async def run(job: Job) -> None:
            payload: dict[str, Any] = json.loads(job.payload or b"{}")
            work = function(self.database, UUID(payload["organization_id"]), UUID(payload["id"]))
            try:
                await self._observed(name, work)
            except (Exception, asyncio.CancelledError) as error:
                raise _verdict(error, job.attempts) from None

        return run

    def _schedule(self, name: str, function: ScheduleFunction) -> Callable[[Schedule], Awaitable[None]]:
        async def run(_: Schedule) -> None:
            await self._observed(name, function(self.database))

        return run

    @staticmethod
    async def _observed(name: str, work: Awaitable[None]) -> None:
        outcome = "failed"
        try:
            await work
            outcome = "done"
        except Exception as error:
            log.error("job_failed", extra={"job": name, **app_logging.describe(error)})
            raise
        finally:
            telemetry.JOBS.labels(name, outcome).inc()


def _verdict(error: BaseException, attempts: int) -> Exception:
    """Repeat the job after a growing pause, or give it up.

    pgqueuer keeps the text of what is raised in a table, so it has the error's kind and not its message.
    It would drop a job that is cancelled, by a process in a hurry to end: that one is repeated like others.
    """
    kind = type(error).__name__
    if attempts >= MOST_ATTEMPTS:
        return GivenUp(kind)
    pause = min(2 ** min(attempts, 10), LONGEST_RETRY_PAUSE)
    return RetryRequested(timedelta(seconds=pause), kind)
