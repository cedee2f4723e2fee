"""Jobs are done at least once: whatever interrupts a worker, another does the job."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import asyncpg

from app.core.database import Database
from app.core.jobs import JobFunction, Worker, enqueue
from tests.conftest import Tenant
from tests.waiting import PATIENCE


async def put(tenant: Tenant, name: str) -> None:
    async with tenant.database.tenant_session(tenant.id) as session:
        await enqueue(session, name, tenant.id, uuid4())


async def work_until(database: Database, jobs: dict[str, JobFunction], done: Callable[[], bool]) -> None:
    worker = asyncio.create_task(Worker(database, jobs, schedules={}).run())
    try:
        async with asyncio.timeout(PATIENCE):
            while not done():  # noqa: ASYNC110 the other side is a database
                await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_job_in_hand_when_the_worker_is_told_to_stop_is_done_all_the_same(
    acme: Tenant, database: Database
) -> None:
    started, finished = [], []

    async def slow(_: Database, __: UUID, thing: UUID) -> None:
        started.append(thing)
        await asyncio.sleep(1)
        finished.append(thing)

    await put(acme, "slow_job")
    await work_until(database, {"slow_job": slow}, lambda: bool(started))
    if not finished:
        await work_until(database, {"slow_job": slow}, lambda: bool(finished))
    assert len(finished) == 1


async def test_a_job_that_fails_holds_up_no_other_and_is_repeated_without_keeping_what_the_error_says(
    acme: Tenant, database: Database, owner: asyncpg.Connection
) -> None:
    tries, others = [], []

    async def poison(_: Database, __: UUID, thing: UUID) -> None:
        tries.append(thing)
        if len(tries) < 3:
            raise LookupError("Key (name)=(Secret Name) already exists")

    async def healthy(_: Database, __: UUID, thing: UUID) -> None:
        others.append(thing)

    for name in ("poison_job", "healthy_job", "healthy_job"):
        await put(acme, name)
    await work_until(
        database, {"poison_job": poison, "healthy_job": healthy}, lambda: len(tries) == 3 and len(others) == 2
    )
    kept = await owner.fetchval("SELECT string_agg(to_jsonb(l)::text, '') FROM pgqueuer_log l")
    assert "LookupError" in kept
    assert "Secret Name" not in kept


async def test_a_job_that_is_cancelled_is_repeated(acme: Tenant, database: Database) -> None:
    tries = []

    async def hurried(_: Database, __: UUID, thing: UUID) -> None:
        tries.append(thing)
        if len(tries) == 1:
            raise asyncio.CancelledError

    await put(acme, "hurried_job")
    await work_until(database, {"hurried_job": hurried}, lambda: len(tries) == 2)
    assert tries[0] == tries[1]
