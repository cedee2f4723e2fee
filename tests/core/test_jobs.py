"""Jobs are done at least once: whatever interrupts a worker, another does the job."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.core import jobs
from app.core.database import Database
from app.core.jobs import JobFunction, ScheduleFunction, Worker, enqueue, for_each, on_demand
from tests.conftest import Tenant
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
async def nothing_left(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """No worker but this file's knows these jobs, so none would ever do what is left of them."""
    yield
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint LIKE '%_job'")


async def put(tenant: Tenant, name: str) -> None:
    async with tenant.database.tenant_session(tenant.id) as session:
        await enqueue(session, name, tenant.id, uuid4())


async def work_until(
    database: Database,
    jobs: dict[str, JobFunction],
    done: Callable[[], bool],
    schedules: dict[str, tuple[str, ScheduleFunction]] | None = None,
) -> None:
    worker = asyncio.create_task(Worker(database, jobs, schedules or {}).run())
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


@pytest.mark.nightly
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


async def test_what_fails_with_one_holds_up_no_other() -> None:
    done = []

    async def act(number: int) -> None:
        if number == 2:
            raise LookupError
        done.append(number)

    await for_each([1, 2, 3], "some_job", act)
    assert done == [1, 3]


async def test_a_periodic_job_missed_while_no_worker_ran_is_done_by_the_next(
    acme: Tenant, database: Database, owner: asyncpg.Connection
) -> None:
    done, sought = [], []

    async def yearly(_: Database) -> None:
        done.append("yearly")

    async def seek(_: Database, __: UUID, thing: UUID) -> None:
        sought.append(thing)

    async def a_worker_comes_and_goes(until: Callable[[], bool]) -> None:
        sought.clear()
        await put(acme, "seek_job")
        await work_until(database, {"seek_job": seek}, until, {"yearly_job": ("0 0 1 1 *", yearly)})

    row = "pgqueuer_schedules WHERE entrypoint = 'yearly_job'"
    while not await owner.fetchval(f"SELECT count(*) FROM {row}"):
        await a_worker_comes_and_goes(lambda: bool(sought))
    assert not done
    await owner.execute(
        "UPDATE pgqueuer_schedules SET next_run = now() - interval '1 day' WHERE entrypoint = 'yearly_job'"
    )
    await a_worker_comes_and_goes(lambda: bool(done))
    assert await owner.fetchval(f"SELECT next_run > now() FROM {row}")


async def test_a_job_in_the_hands_of_a_worker_that_was_killed_is_done_by_another(
    acme: Tenant, database: Database, owner: asyncpg.Connection
) -> None:
    """Nobody lets go of it: it is known by its heart, which beats no more."""
    done = []

    async def orphan(_: Database, __: UUID, thing: UUID) -> None:
        done.append(thing)

    await put(acme, "orphan_job")
    await owner.execute(
        "UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(),"
        " heartbeat = now() - interval '1 minute' WHERE entrypoint = 'orphan_job'"
    )
    await work_until(database, {"orphan_job": orphan}, lambda: bool(done))
    assert len(done) == 1


async def test_what_the_queue_notes_of_jobs_is_kept_for_a_week(
    acme: Tenant, database: Database, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "NOTES_AT_ONCE", 2)
    for days in (6, 8, 9, 10):
        await owner.execute(
            "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
            " VALUES (now() - make_interval(days => $1), 1, 'successful', 0, 'old_job')",
            days,
        )
        await owner.execute(
            "INSERT INTO pgqueuer_statistics (created, count, priority, status, entrypoint)"
            " VALUES (now() - make_interval(days => $1), 1, 0, 'successful', 'old_job')",
            days,
        )
    await jobs.forget_jobs(database)
    for table in ("pgqueuer_log", "pgqueuer_statistics"):
        kept = await owner.fetchval(f"SELECT count(*) FROM {table} WHERE entrypoint = 'old_job'")
        assert kept == 1, table


async def test_many_jobs_of_a_kind_leave_connections_to_others(acme: Tenant, database: Database) -> None:
    at_once, most, done = 0, 0, []

    async def heavy(_: Database, __: UUID, thing: UUID) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        done.append(thing)

    for _ in range(30):
        await put(acme, "heavy_job")
    await work_until(database, {"heavy_job": heavy}, lambda: len(set(done)) == 30)
    assert most == jobs.AT_ONCE < database.settings.database_pool_size


class Tapped(Database):
    """Knows the connections it made."""

    made: list[asyncpg.Connection]

    async def connect_directly(self) -> asyncpg.Connection:
        self.made.append(await super().connect_directly())
        return self.made[-1]


@pytest.mark.nightly
async def test_a_connection_that_brings_nothing_any_more_is_noticed(
    acme: Tenant, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a cable is cut: the worker's connection stays open, and no byte comes."""
    monkeypatch.setattr(jobs, "LISTENS_EVERY", 0.1)
    monkeypatch.setattr(jobs, "LONGEST_SILENCE", 2)
    tapped = Tapped(database.url, database.settings)
    tapped.made = []
    done = []

    async def quick(_: Database, __: UUID, thing: UUID) -> None:
        done.append(thing)
        tapped.made[0]._transport.pause_reading()
        await put(acme, "quick_job")

    await put(acme, "quick_job")
    await work_until(tapped, {"quick_job": quick}, lambda: len(set(done)) > 1)
    assert tapped.made[0].is_closed()
    await tapped.close()


async def test_a_job_waits_for_its_module_where_another_thread_has_begun_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half loaded, it lacks what is asked of it."""
    (tmp_path / "half_loaded.py").write_text(
        "import builtins\n"
        "builtins.begun.set()\nbuiltins.may_end.wait(60)\n"
        "done = []\n\n\nasync def work():\n    done.append(1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    begun, may_end = threading.Event(), threading.Event()
    monkeypatch.setattr("builtins.begun", begun, raising=False)
    monkeypatch.setattr("builtins.may_end", may_end, raising=False)
    loading = asyncio.create_task(asyncio.to_thread(import_module, "half_loaded"))
    await asyncio.to_thread(begun.wait)
    working = asyncio.create_task(on_demand("half_loaded", "work")())
    await asyncio.sleep(0)
    may_end.set()
    await working
    assert (await loading).done == [1]
    monkeypatch.delitem(sys.modules, "half_loaded")
