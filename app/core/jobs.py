"""Jobs on PostgreSQL: enqueued inside our own transaction, done at least once."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from pgqueuer import AsyncpgDriver, PgQueuer, Queries
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import Job, Schedule
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import logging as app_logging
from app.core import telemetry, tracing
from app.core.database import Database, raw_connection, transaction_time
from app.core.lines import is_pooled

log = logging.getLogger("betrokken.jobs")

Thing = TypeVar("Thing")
JobFunction = Callable[[Database, UUID, UUID], Awaitable[None]]
ScheduleFunction = Callable[[Database], Awaitable[None]]
LONGEST_PAUSE = 30
AT_ONCE = 4
"""Jobs of a kind that a worker does at once: those due at the same minute wait for each other, and leave
connections to the rest, instead of waiting in vain for one."""
LISTENS_EVERY, LONGEST_SILENCE = 10, 20
LONGEST_DEAFNESS = 120
"""Seconds; to notice a silence, to dial again after the longest pause, and to be heard takes 70 at most."""
LONGEST_RETRY_PAUSE = 300
MOST_ATTEMPTS = 300
"""About a day."""

PAST_IT = "in transaction mode it hears nothing: set DATABASE_DIRECT_URL to an address past the pooler"
NOTES_KEPT_DAYS, NOTES_AT_ONCE = 7, 10_000
FORGET = [
    text(f"""
DELETE FROM {table} WHERE id = ANY(ARRAY(
    SELECT id FROM {table} WHERE created < now() - make_interval(days => :days) LIMIT :limit
))
RETURNING id
""")  # noqa: S608
    for table in ("pgqueuer_log", "pgqueuer_statistics")
]


class GivenUp(RuntimeError):
    """A job failed for the last time."""


class TooEarly(Exception):
    """Not an error: a job's time comes after `pause`, and it is put back till then."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__()
        self.pause = pause


async def wait_for(session: AsyncSession, moment: datetime) -> None:
    """Puts the job in hand back if the moment has not come by the database's clock."""
    pause = moment - await transaction_time(session)
    if pause > timedelta(0):
        raise TooEarly(pause)


async def enqueue(
    session: AsyncSession,
    job: str,
    organization_id: UUID,
    thing_id: UUID,
    *,
    at: datetime | None = None,
    is_single: bool = False,
) -> None:
    """Do `job` for a thing of the organisation once this transaction has committed, and not before `at`.

    A single one is not queued again while it waits or runs.
    """
    payload = {"organization_id": str(organization_id), "id": str(thing_id)}
    if (traceparent := tracing.current.get()) is not None:
        payload["traceparent"] = traceparent
    queries = Queries(AsyncpgDriver(await raw_connection(session)))
    key = f"{job}/{thing_id}" if is_single else None
    after = None if at is None else max(at - await transaction_time(session), timedelta(0))
    await queries.enqueue(
        job, json.dumps(payload).encode(), execute_after=after, dedupe_key=key, on_conflict="skip"
    )


def is_loading(module: ModuleType) -> bool:
    """Whether another thread has begun with it: what it is to have may not be there yet."""
    return bool(getattr(module.__spec__, "_initializing", False))


def on_demand(module: str, name: str) -> Callable[..., Awaitable[None]]:
    """What a job needs is loaded when one is first done: who serves does not wait for it."""

    async def run(*arguments: Any) -> None:
        loaded = sys.modules.get(module)
        if loaded is None or is_loading(loaded):
            loaded = await asyncio.to_thread(import_module, module)
        await getattr(loaded, name)(*arguments)

    run.target = lambda: getattr(import_module(module), name)  # type: ignore[attr-defined]
    return run


async def for_each(things: Iterable[Thing], job: str, act: Callable[[Thing], Awaitable[None]]) -> None:
    """What fails with one holds up no other; it has its turn when the job comes again."""
    for thing in things:
        try:
            await act(thing)
        except Exception as error:
            telemetry.JOBS.labels(job, "failed").inc()
            log.error("job_failed", extra={"job": job, **app_logging.describe(error)})


async def forget_jobs(database: Database) -> None:
    """What the queue notes of jobs that ended is kept for a week."""
    for forget in FORGET:
        is_more = True
        while is_more:
            async with database.system_session(reason="forget what the queue noted of old jobs") as session:
                gone = await session.execute(forget, {"days": NOTES_KEPT_DAYS, "limit": NOTES_AT_ONCE})
                is_more = len(gone.all()) == NOTES_AT_ONCE


class Worker:
    """Does jobs until cancelled, and comes back by itself when the database was away."""

    def __init__(
        self,
        database: Database,
        jobs: dict[str, JobFunction],
        schedules: dict[str, tuple[str, ScheduleFunction]],
        unbounded: Collection[str] = (),
    ) -> None:
        """Of the `unbounded`, which hardly use the database, any number is done at once."""
        self.database = database
        self.jobs = jobs
        self.schedules = schedules
        self.heard_at = time.monotonic()
        self.places = {
            name: nullcontext() if name in unbounded else asyncio.Semaphore(AT_ONCE) for name in jobs
        }

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
        connection = await self.database.connect_directly()
        try:
            if await is_pooled(connection):
                log.warning("worker_behind_pooler", extra={"way_out": PAST_IT})
            queue = PgQueuer.from_asyncpg_connection(connection)
            self._register(queue)
            watch = asyncio.create_task(self._hang_up_when_silent(queue, connection))
            try:
                await queue.run(dequeue_timeout=timedelta(seconds=5))
            finally:
                watch.cancel()
        finally:
            with suppress(Exception):
                await connection.close(timeout=5)

    async def _hang_up_when_silent(self, queue: PgQueuer, connection: asyncpg.Connection) -> None:
        """Ends a connection that brings nothing any more though nobody closed it: whoever waits on it fails.

        Without it a command sent into the void is waited for without end, and so is every job that is due.
        """
        is_heard = True
        while is_heard:
            await asyncio.sleep(LISTENS_EVERY)
            try:
                async with asyncio.timeout(LONGEST_SILENCE):
                    await _hear(queue)
                self.heard_at = time.monotonic()
            except Exception as error:
                is_heard = False
                log.warning("worker_connection_silent", extra=app_logging.describe(error))
                connection.terminate()

    def is_heard(self) -> bool:
        """Whether the database has lately spoken to it; if not, nothing that is due is done here."""
        return time.monotonic() - self.heard_at < LONGEST_DEAFNESS

    def _register(self, queue: PgQueuer) -> None:
        for name, function in self.jobs.items():
            queue.entrypoint(name)(self._job(name, function))
        for name, (expression, scheduled) in self.schedules.items():
            queue.schedule(name, expression)(self._schedule(name, scheduled))

    def _job(self, name: str, function: JobFunction) -> Callable[[Job], Awaitable[None]]:
        async def run(job: Job) -> None:
            payload: dict[str, Any] = json.loads(job.payload or b"{}")
            try:
                async with self.places[name]:
                    work = function(self.database, UUID(payload["organization_id"]), UUID(payload["id"]))
                    with tracing.within(name, tracing.taken(payload.get("traceparent")), "CONSUMER"):
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
        except TooEarly:
            outcome = "too_early"
            raise
        except Exception as error:
            log.error("job_failed", extra={"job": name, **app_logging.describe(error)})
            raise
        finally:
            telemetry.JOBS.labels(name, outcome).inc()


async def _hear(queue: PgQueuer) -> None:
    """Asks again: what is asked before it listens is lost."""
    while True:
        with suppress(FailingListenerError):
            await queue.qm.listener_healthy(timedelta(seconds=1))
            return


def _verdict(error: BaseException, attempts: int) -> Exception:
    """Repeat the job at its time or after a growing pause, or give it up.

    pgqueuer keeps the text of what is raised in a table, so it has the error's kind and not its message.
    It would drop a job that is cancelled, by a process in a hurry to end: that one is repeated like others.
    """
    kind = type(error).__name__
    if isinstance(error, TooEarly):
        return RetryRequested(error.pause, kind)
    if attempts >= MOST_ATTEMPTS:
        return GivenUp(kind)
    pause = min(2 ** min(attempts, 10), LONGEST_RETRY_PAUSE)
    return RetryRequested(timedelta(seconds=pause), kind)
