"""A key is remembered as long as its end would be heard of, by every process and within a second."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from app.auth import dependencies
from app.core import memory as remembering
from app.core.database import Database
from app.core.memory import TELLING, TOLD, Memory
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant, client_for
from tests.waiting import until

LOOK_UPS = ("proof_of_key", "principal_of_key")


def own_memory(app: FastAPI) -> Memory:
    database: Database = app.state.database
    return database.memory


async def sure(app: FastAPI) -> None:
    await until(own_memory(app).is_sure)


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    def counted(name: str, look_up: Any) -> Any:
        def looked_up(*given: Any) -> Any:
            made.append(name)
            return look_up(*given)

        return looked_up

    for name in LOOK_UPS:
        monkeypatch.setattr(dependencies, name, counted(name, getattr(dependencies, name)))
    return made


async def test_a_key_is_looked_up_once(
    acme: Tenant, look_ups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sure(acme.app)
    monkeypatch.setattr(own_memory(acme.app), "is_sure", lambda: True)  # however busy the machine is
    own = client_for(acme.app, await acme.key())
    for _ in range(2):
        assert (await own.get("/v1/me")).status_code == 200
    assert look_ups == [*LOOK_UPS]


async def test_a_process_that_does_not_hear_reads_a_key_each_time(
    acme: Tenant, look_ups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "SURE_SECONDS", -1)
    own = client_for(acme.app, await acme.key())
    for _ in range(2):
        assert (await own.get("/v1/me")).status_code == 200
    assert look_ups == [*LOOK_UPS, LOOK_UPS[1]]


async def test_a_deleted_key_opens_nothing_at_once(acme: Tenant) -> None:
    created = (await acme.client.post("/v1/api-keys", json={"name": "x", "scopes": ["people:read"]})).json()
    gone = client_for(acme.app, created["key"])
    assert (await gone.get("/v1/people")).status_code == 200
    assert (await acme.client.delete(f"/v1/api-keys/{created['id']}")).status_code == 204
    assert (await gone.get("/v1/people")).status_code == 401


@pytest.mark.parametrize(
    "change", ["DELETE FROM api_keys WHERE id = $1", "UPDATE api_keys SET scopes = '{}' WHERE id = $1"]
)
async def test_a_change_reaches_other_processes_within_a_second(
    acme: Tenant, database_url: str, settings: Settings, owner: asyncpg.Connection, change: str
) -> None:
    """Whoever makes it, and without anything else happening there."""
    created = (await acme.client.post("/v1/api-keys", json={"name": "x", "scopes": ["people:read"]})).json()
    another = create_app(settings, database_url)
    async with another.router.lifespan_context(another):
        await sure(another)
        there = client_for(another, created["key"])
        assert (await there.get("/v1/people")).status_code == 200
        assert UUID(created["id"]) in own_memory(another)._things
        await owner.execute(change, UUID(created["id"]))
        await until(lambda: UUID(created["id"]) not in own_memory(another)._things)
        assert (await there.get("/v1/people")).status_code in (401, 403)


async def test_whoever_lost_the_line_knows_nothing_and_listens_again(
    database_url: str, settings: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "PAUSE", 0.01)
    lines: list[asyncpg.Connection] = []

    class Told(Database):
        async def connect_directly(self) -> asyncpg.Connection:
            lines.append(await super().connect_directly())
            return lines[-1]

    database = Told(database_url, settings)
    memory, thing = database.memory, uuid4()
    listening = asyncio.create_task(memory.listen())
    await until(memory.is_sure)
    assert await recalled(memory, thing, "old") == "old"
    assert await recalled(memory, thing, "new") == "old"
    await owner.execute("SELECT pg_terminate_backend($1)", lines[0].get_server_pid())
    await until(lambda: len(lines) == 2 and memory.is_sure())
    assert await recalled(memory, thing, "new") == "new"
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert not memory.is_sure()
    assert await recalled(memory, thing, "newest") == "newest"
    await database.close()


@pytest.mark.parametrize(("name", "table"), TELLING)
async def test_where_a_trigger_is_off_nothing_is_remembered(
    app: FastAPI, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, name: str, table: str
) -> None:
    monkeypatch.setattr(remembering, "PAUSE", 0.01)
    monkeypatch.setattr(remembering, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(remembering, "TRIGGERS_EVERY", 0.01)
    memory, thing = own_memory(app), uuid4()
    await sure(app)
    assert await recalled(memory, thing, "old") == "old"
    await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        await until(lambda: not memory._things)
        await asyncio.sleep(0.1)
        assert not memory.is_sure()
    finally:
        await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
    await sure(app)


async def test_a_transaction_that_changed_nothing_hinders_no_memory(app: FastAPI) -> None:
    memory, thing = own_memory(app), uuid4()
    await sure(app)

    async def read() -> str:
        memory.forget()
        return "read"

    assert await memory.recall(thing, read) == "read"
    assert memory.known(thing) == "read"


async def recalled(memory: Memory, thing: UUID, value: str | None) -> str | None:
    async def read() -> str | None:
        return value

    return await memory.recall(thing, read)


async def test_what_changes_while_it_is_read_is_not_remembered(app: FastAPI) -> None:
    memory, thing = own_memory(app), uuid4()
    await sure(app)

    async def read() -> str:
        memory.forget(thing)
        return "old"

    assert await memory.recall(thing, read) == "old"
    assert await recalled(memory, thing, "new") == "new"


async def test_what_is_not_there_is_not_remembered(app: FastAPI) -> None:
    memory, thing = own_memory(app), uuid4()

    assert await recalled(memory, thing, None) is None
    assert await recalled(memory, thing, "there") == "there"


async def test_behind_a_pooler_nothing_is_remembered(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It gives its clients numbers of its own."""
    monkeypatch.setattr("app.core.lines.OWN_NUMBER", "SELECT pg_backend_pid() + 1")
    database = Database(database_url, settings)
    memory = database.memory
    listening = asyncio.create_task(memory.listen())
    await until(lambda: "changes_not_heard" in caplog.text)
    assert not memory.is_sure()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await database.close()


async def test_each_table_that_is_told_of_has_a_trigger(owner: asyncpg.Connection) -> None:
    found = await owner.fetch(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'tell_of_change'"
    )
    assert {one[0] for one in found} == set(TOLD)
