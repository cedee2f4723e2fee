"""Over a real socket: what fails inside is answered like anything else, and the connection goes on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, StreamingResponse

from app.auth.limits import RateLimitMiddleware
from app.core.errors import problem_of
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant

ORIGIN = "https://dashboard.example"
SECRET_TEXT = "Noor de Wit answered 2"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, path: str, **headers: str) -> Reply:
        lines = [f"GET {path} HTTP/1.1", "Host: test", f"Origin: {ORIGIN}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)).decode()
        first, *rest = head.strip().split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        body = await self.reader.readexactly(int(found["content-length"]))
        return Reply(int(first.split()[1]), found, json.loads(body))


@pytest.fixture(scope="module")
async def served(settings: Settings, database_url: str) -> AsyncIterator[tuple[FastAPI, int]]:
    """An application of its own, with routes that fail in their own way."""
    own = settings.model_copy(update={"cors_origins": [ORIGIN], "rate_limit": "1000/minute"})
    app = create_app(own, database_url)

    async def unforeseen() -> None:
        raise RuntimeError(SECRET_TEXT)

    async def unreachable() -> None:
        raise ConnectionRefusedError(SECRET_TEXT)

    async def cut_off() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError(SECRET_TEXT)

        return StreamingResponse(pieces())

    async def afterwards() -> JSONResponse:
        async def fail() -> None:
            raise RuntimeError(SECRET_TEXT)

        return JSONResponse({}, background=BackgroundTask(fail))

    for name, endpoint in {
        "unforeseen": unforeseen,
        "unreachable": unreachable,
        "cut-off": cut_off,
        "afterwards": afterwards,
    }.items():
        app.add_api_route(f"/fails/{name}", endpoint, response_model=None)
    options: dict[str, Any] = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **options))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield app, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True  # by force it would leave the application's own end undone
    await task


@pytest.fixture
async def line(served: tuple[FastAPI, int]) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served[1])
    yield Line(reader, writer)
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def assert_answered(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "x-request-id" in reply.headers["access-control-expose-headers"].lower()
    assert reply.headers["x-request-id"] == reply.body["request_id"]
    assert reply.headers.get("connection", "keep-alive") == "keep-alive"
    assert reply.body["code"] == code
    assert SECRET_TEXT not in json.dumps(reply.body)


async def assert_lives(line: Line) -> None:
    """The next request, on the same connection."""
    assert (await line.get("/health/live")).status == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/fails/unforeseen", 500, "internal_error"), ("/fails/unreachable", 503, "unavailable")],
)
async def test_a_failure_is_answered_with_all_headers_and_the_connection_lives(
    line: Line, path: str, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "betrokken.http"):
        assert_answered(await line.get(path), status, code)
    assert [record.getMessage() for record in caplog.records if record.name == "betrokken.http"] == [
        "unexpected_error" if status == 500 else "database_unavailable"
    ]
    await assert_lives(line)


async def test_so_is_a_failing_dependency_of_a_real_address(
    line: Line, served: tuple[FastAPI, int], acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET_TEXT)

    authorization = f"Bearer {await acme.key()}"
    with monkeypatch.context() as failing:
        failing.setattr(served[0].state.database, "tenant_session", broken)
        assert_answered(await line.get("/v1/me", Authorization=authorization), 500, "internal_error")
    assert (await line.get("/v1/me", Authorization=authorization)).status == 200


async def test_so_is_a_failure_within_a_middleware(
    line: Line, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError(SECRET_TEXT)

    authorization = f"Bearer {await acme.key()}"
    with monkeypatch.context() as failing:
        failing.setattr(RateLimitMiddleware, "told", broken)
        assert_answered(await line.get("/v1/me", Authorization=authorization), 500, "internal_error")
    assert (await line.get("/v1/me", Authorization=authorization)).status == 200


async def test_under_scim_it_is_an_error_of_scim(
    line: Line, served: tuple[FastAPI, int], acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET_TEXT)

    authorization = f"Bearer {await acme.key()}"
    with monkeypatch.context() as failing:
        failing.setattr(served[0].state.database, "tenant_session", broken)
        reply = await line.get("/scim/v2/Users", Authorization=authorization)
    assert (reply.status, reply.headers["content-type"]) == (500, "application/scim+json")
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    await assert_lives(line)


async def test_what_fails_after_the_answer_is_logged_and_the_connection_lives(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "betrokken.http"):
        assert (await line.get("/fails/afterwards")).status == 200
        await assert_lives(line)
    assert [record.getMessage() for record in caplog.records if record.name == "betrokken.http"] == [
        "unexpected_error"
    ]


async def test_an_answer_that_breaks_off_is_no_whole_one(line: Line) -> None:
    """Nothing can be added to it: its reader must see that it is not all."""
    line.writer.write(b"GET /fails/cut-off HTTP/1.1\r\nHost: test\r\n\r\n")
    received = await asyncio.wait_for(line.reader.read(), 60)
    assert b"half" in received
    assert not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (asyncpg.AdminShutdownError(), 503),
        (asyncpg.InterfaceError("connection is closed"), 503),
        (asyncpg.UniqueViolationError(), 409),
        (asyncpg.UndefinedColumnError(), 500),
        (RuntimeError(), 500),
    ],
)
def test_the_driver_is_understood_where_it_speaks_for_itself(error: Exception, status: int) -> None:
    assert problem_of(error).status == status
