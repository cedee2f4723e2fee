"""Behind PgBouncer in transaction mode: limits hold in each transaction; who listens is elsewhere."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.core import jobs
from app.core.database import Database, DBAPIError
from app.core.jobs import Worker, enqueue
from app.core.settings import Settings
from tests import pgbouncer
from tests.acceptance.process import environment_of, run, serving
from tests.conftest import Tenant, new_tenant
from tests.waiting import until

LIMITS = text("SELECT current_setting('statement_timeout'), current_setting('jit')")
needs_pgbouncer = pytest.mark.skipif(pgbouncer.PROGRAM is None, reason="pgbouncer is not installed")


async def test_limits_are_of_each_transaction_and_not_of_the_session(acme: Tenant) -> None:
    async with acme.database.tenant_session(acme.id) as session:
        assert (await session.execute(LIMITS)).one() == ("1min", "off")
    async with acme.database.system_session(reason="test") as session:
        assert (await session.execute(LIMITS)).one() == ("1min", "off")
    line = await acme.database.connect()
    other = await acme.database.connect_directly()
    shown = [await each.fetchval("SHOW statement_timeout") for each in (line, other)]
    await asyncio.gather(line.close(), other.close())
    assert shown == ["0", "1min"]


async def test_who_listens_takes_the_direct_address(database_url: str, settings: Settings) -> None:
    elsewhere = "postgresql://nobody@127.0.0.1:1/nothing"
    apart = settings.model_copy(update={"database_direct_url": SecretStr(database_url)})
    database = Database(elsewhere, apart)
    line = await database.connect_directly()
    assert await line.fetchval("SELECT 1") == 1
    await line.close()
    hearing = asyncio.create_task(database.memory.listen())
    await until(database.memory.is_sure)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    with pytest.raises(ConnectionError):
        await database.connect()
    await database.close()


@pytest.fixture
async def through(
    acme: Tenant, database_url: str, settings: Settings, tmp_path: Path
) -> AsyncIterator[Tenant]:
    apart = {
        "database_direct_url": SecretStr(database_url),
        "database_statement_cache_size": 0,
        "database_statement_timeout": 1,
    }
    with pgbouncer.pooled(database_url, tmp_path) as url:
        database = Database(url, settings.model_copy(update=apart))
        yield replace(acme, database=database)
        await database.close()


@pytest.mark.nightly
@needs_pgbouncer
async def test_a_statement_that_takes_too_long_is_cancelled_there_too(through: Tenant) -> None:
    for _ in range(3):
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with through.database.tenant_session(through.id) as session:
                await session.execute(text("SELECT pg_sleep(30)"))
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with through.database.system_session(reason="test") as session:
                await session.execute(text("SELECT pg_sleep(30)"))


@pytest.mark.nightly
@needs_pgbouncer
async def test_organisations_that_share_sessions_see_their_own(through: Tenant) -> None:
    other = await new_tenant(through.app, "Globex")

    async def own(organization_id: UUID) -> set[UUID]:
        async with through.database.tenant_session(organization_id) as session:
            found = await session.scalars(text("SELECT id FROM organizations"))
            await session.execute(text("SELECT pg_sleep(0.001)"))
            return set(found)

    wanted = [through.id, other.id] * 100
    assert await asyncio.gather(*map(own, wanted)) == [{each} for each in wanted]


@pytest.mark.nightly
@needs_pgbouncer
async def test_jobs_are_done_once_by_workers_that_are_never_interrupted(
    through: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "LISTENS_EVERY", 0.2)
    monkeypatch.setattr(jobs, "LONGEST_SILENCE", 5)
    things, done = [uuid4() for _ in range(40)], Counter[UUID]()

    async def count(database: Database, organization_id: UUID, thing: UUID) -> None:
        async with database.tenant_session(organization_id) as session:
            await session.execute(text("SELECT pg_sleep(0.01)"))
        done[thing] += 1

    workers = [Worker(through.database, {"counted_job": count}, schedules={}) for _ in range(2)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    began = max(worker.heard_at for worker in workers)
    with caplog.at_level(logging.WARNING):
        async with through.database.tenant_session(through.id) as session:
            for thing in things:
                await enqueue(session, "counted_job", through.id, thing)
        await until(lambda: len(done) == len(things))
        await until(lambda: min(worker.heard_at for worker in workers) > began + 2)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert set(done.values()) == {1}
    assert not caplog.records


@pytest.mark.nightly
@needs_pgbouncer
async def test_a_worker_that_hears_nothing_through_it_says_what_to_set(
    through: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    deaf = Database(
        through.database.url, through.database.settings.model_copy(update={"database_direct_url": None})
    )
    running = asyncio.create_task(Worker(deaf, {}, schedules={}).run())
    await until(lambda: "DATABASE_DIRECT_URL" in str([vars(each) for each in caplog.records]))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await deaf.close()


@pytest.mark.nightly
@needs_pgbouncer
def test_the_service_starts_and_serves_as_the_guide_says(module_database: str, tmp_path: Path) -> None:
    with pgbouncer.pooled(module_database, tmp_path) as url:
        environment = environment_of(url) | {
            "DATABASE_DIRECT_URL": module_database,
            "BETROKKEN_DATABASE_STATEMENT_CACHE_SIZE": "0",
        }
        run(environment, "migrate")
        log = tmp_path / "service.log"
        with serving(environment, log) as address:
            answers = [httpx.get(f"{address}/health/ready", timeout=60) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "interrupted" not in log.read_text()
