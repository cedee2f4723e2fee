"""The network falls silent: packets are dropped, nobody hangs up. Every wait has an end, and work goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core import jobs, lines
from app.core.database import Database
from app.core.errors import problem_of
from app.core.jobs import Worker, enqueue
from app.core.settings import Settings
from app.core.telemetry import POOL_IN_USE
from app.main import create_app
from tests.conftest import Tenant, client_for
from tests.silence import Way, way_to
from tests.waiting import PATIENCE, until


@pytest.fixture
async def way(module_database: str) -> AsyncIterator[Way]:
    async with way_to(module_database) as way:
        yield way


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MARGIN", "CANCEL_SECONDS", "PING_SECONDS"):
        monkeypatch.setattr(lines, name, 1)
    monkeypatch.setattr(lines, "FRESH_SECONDS", 0)
    monkeypatch.setattr(jobs, "LISTENS_EVERY", 0.1)


@pytest.fixture
async def app(way: Way, settings: Settings) -> AsyncIterator[FastAPI]:
    """On a database that the way leads to."""
    hasty = {"database_statement_timeout": 5, "database_pool_size": 2, "organization_concurrency": 4}
    own = settings.model_copy(update=hasty)
    app = create_app(own, way.url)
    async with app.router.lifespan_context(app):
        yield app
        way.come_back()


@pytest.fixture
def connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server is not waited for long; a busy one has as long as it needs."""
    monkeypatch.setattr(lines, "CONNECT_SECONDS", 2)


def in_use() -> float:
    found: float = POOL_IN_USE._value.get()
    return found


async def asked(tenant: Tenant) -> httpx.Response:
    async with asyncio.timeout(PATIENCE):
        return await tenant.client.get("/v1/people")


@pytest.mark.nightly
async def test_a_request_in_the_middle_of_a_command_is_answered(acme: Tenant, way: Way) -> None:
    """The server got the command, and its answer is lost."""

    async def in_a_transaction() -> None:
        async with acme.database.tenant_session(acme.id) as session:
            way.fall_silent()
            await session.execute(text("SELECT 1"))

    waiting = asyncio.create_task(in_a_transaction())
    await until(waiting.done)
    error = waiting.exception()
    assert isinstance(error, Exception)
    assert problem_of(error).status == 503
    way.come_back()
    assert (await asked(acme)).status_code == 200
    assert in_use() == 0


@pytest.mark.nightly
async def test_who_waits_for_a_ping_is_counted_and_answered(acme: Tenant, way: Way, connecting: None) -> None:
    assert (await asked(acme)).status_code == 200
    before = in_use()
    way.fall_silent()
    waiting = [asyncio.create_task(asked(acme)) for _ in range(3)]
    await until(lambda: in_use() - before == 3)
    for answer in await asyncio.gather(*waiting):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await client_for(acme.app, None).get("/health/ready")).status_code == 503
    assert in_use() == before
    way.come_back()
    await until(lambda: is_well(acme))


async def is_well(tenant: Tenant) -> bool:
    return (await asked(tenant)).status_code == 200


async def test_a_line_is_asked_for_signs_of_life(way: Way, settings: Settings) -> None:
    database = Database(way.url, settings)
    line = await database.connect()
    own = line._transport.get_extra_info("socket")
    assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    for name, value in lines.KEEPALIVE.items():
        if number := getattr(socket, name, None):
            assert own.getsockopt(socket.IPPROTO_TCP, number) == value
    await line.close()
    await database.close()


async def test_what_is_left_in_the_middle_of_a_transaction_lets_go(acme: Tenant) -> None:
    async with acme.database.tenant_session(acme.id) as session:
        shown = await session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert shown == "10min"


async def test_the_worker_is_missed_and_comes_back(
    acme: Tenant, way: Way, module_database: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LONGEST_SILENCE", 2)
    done: list[UUID] = []

    async def quick(_: Database, __: UUID, thing: UUID) -> None:
        done.append(thing)

    async def put() -> None:
        async with acme.database.tenant_session(acme.id) as session:
            await enqueue(session, "silence_job", acme.id, uuid4())

    through = Database(way.url, settings)
    worker = Worker(through, {"silence_job": quick}, {})
    near = create_app(settings, module_database)
    async with near.router.lifespan_context(near):
        near.state.worker = worker
        client: Any = client_for(near, None)
        working = asyncio.create_task(worker.run())
        await put()
        await until(lambda: len(done) == 1)
        way.fall_silent()
        monkeypatch.setattr(jobs, "LONGEST_DEAFNESS", 1)
        await until(lambda: not worker.is_heard())
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "worker_silent")
        await until(lambda: way.met > 0)
        monkeypatch.setattr(jobs, "LONGEST_DEAFNESS", PATIENCE)
        monkeypatch.setattr(jobs, "LONGEST_SILENCE", PATIENCE)
        heard = worker.heard_at
        way.come_back()
        await put()
        await until(lambda: len(set(done)) == 2)
        await until(lambda: worker.heard_at > heard)
        assert (await client.get("/health/ready")).status_code == 200
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    await through.close()
