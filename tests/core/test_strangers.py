"""What somebody without a key can make the service do: read little, unpack less, and wait for nobody."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.core import bodies, connections, strict_json
from app.core.bodies import Body, BodyLimits
from app.core.errors import PayloadTooLarge
from app.core.strict_json import SMALL
from app.serving import OPTIONS
from tests.conftest import Tenant, client_for
from tests.contract import ContractClient
from tests.scim.client import scim_for
from tests.waiting import PATIENCE, until

BOMB = gzip.compress(b" " * 52 * 2**20)
GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
OPEN = ["/v1/respond", "/v1/recognitions/slack", "/v1/recognitions/teams"]
CONNECTION = "?connection=0198f0f2-6c7d-7b21-8c55-2f9d3a1b4e60"


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of every piece that is unpacked while the test runs."""
    sizes: list[int] = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, **options: Any) -> None:
            self.stream = real(**options)

        def decompress(self, chunk: bytes, most: int) -> bytes:
            plain = self.stream.decompress(chunk, most)
            sizes.append(len(plain))
            return plain

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    monkeypatch.setattr("app.core.bodies.zlib.decompressobj", Counting)
    return sizes


@pytest.mark.parametrize("key", [None, "made-up", "btk_" + "a" * 43])
async def test_nothing_is_unpacked_for_who_has_no_key(
    key: str | None, app: FastAPI, unpacked: list[int]
) -> None:
    for path in ("/v1/people/batch", "/v1/recognitions/batch", "/v1/imports"):
        answer = await client_for(app, key).post(path, content=BOMB, headers=GZIP)
        assert answer.status_code == 401, path
        assert answer.headers["connection"] == "close"
    assert (await scim_for(app, key or "none").post("/Users", content=BOMB, headers=GZIP)).status_code == 401
    assert sum(unpacked) == 0


async def test_nor_for_a_key_that_was_deleted(api: ContractClient, acme: Tenant, unpacked: list[int]) -> None:
    gone = await acme.client_with("people:write", "keys:manage")
    me = (await gone.get("/v1/me")).json()["subject"]
    assert (await api.delete(f"/v1/api-keys/{me}")).status_code == 204
    assert (await gone.post("/v1/people/batch", content=BOMB, headers=GZIP)).status_code == 401
    assert sum(unpacked) == 0


@pytest.mark.parametrize("path", OPEN)
async def test_where_no_key_is_asked_for_little_is_unpacked(
    path: str, anonymous: ContractClient, unpacked: list[int]
) -> None:
    answer = await anonymous.post(path + CONNECTION, content=BOMB, headers=GZIP)
    assert answer.status_code == 413
    assert sum(unpacked) <= bodies.PIECE


@pytest.mark.parametrize("path", OPEN)
async def test_nor_is_more_than_a_little_read(path: str, anonymous: ContractClient) -> None:
    async def many() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (SMALL // 2)

    json = {"Content-Type": "application/json"}
    assert (await anonymous.post(path + CONNECTION, content=many(), headers=json)).status_code == 413


async def test_one_thing_is_no_batch(api: ContractClient) -> None:
    large = b'{"name": "' + b"x" * 3 * 2**20 + b'"}'
    answer = await api.put("/v1/people/E-1", content=large, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("Here a body may have 2 MiB as it is sent and 2 MiB unpacked")


async def test_a_known_sender_unpacks_no_more_than_a_hundredfold(
    api: ContractClient, unpacked: list[int]
) -> None:
    answer = await api.post("/v1/people/batch", content=BOMB, headers=GZIP)
    assert answer.status_code == 413
    assert sum(unpacked) <= 100 * len(BOMB) + bodies.PIECE


def messages_of(*parts: bytes) -> Any:
    waiting = list(parts)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    return receive


async def test_a_body_that_stops_coming_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    body = Body(bodies.Headers({}), messages_of(b"{", b'"na'), BodyLimits(1000, 1000))
    with pytest.raises(bodies.RequestTimeout):
        async with asyncio.timeout(PATIENCE):
            [piece async for piece in body.pieces()]


@pytest.fixture
async def port(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    async with served(app) as port:
        yield port


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """The port at which it listens meanwhile."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", **OPTIONS))
    serving = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return server.started

    await until(is_up)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


HALVES = {
    "nothing": b"",
    "half a line": b"GET /v1/m",
    "half a head": b"POST /v1/respond HTTP/1.1\r\nHost: test\r\nX-",
    "half a body": b"POST /v1/respond HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": b"POST /v1/respond HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    "empty lines": b"\r\n\r\n",
    "one, then half": b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\nGET /hea",
}


@pytest.mark.nightly
@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES.keys())
async def test_a_connection_that_sends_half_is_ended(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
    if sent.startswith(b"POST") and b"\r\n\r\n" in sent:
        assert answer.startswith(b"HTTP/1.1 408"), answer
    writer.close()


LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n"
CHUNKED = b"POST /v1/respond HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE_HEADS = {
    "a long value": LIVE + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "many lines": LIVE + b"x:\r\n" * 200 + b"\r\n",
    "many that are long together": LIVE + b"".join(b"X%d: %b\r\n" % (one, b"a" * 7_000) for one in range(10)),
    "a long address": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n",
    "an address without end": b"GET /" + b"a" * 70_000,
    "a value without end": LIVE + b"X: " + b"a" * 70_000,
    "a name without end": LIVE + b"a" * 70_000,
    "what follows a body": CHUNKED + b"1\r\n{\r\n0\r\n" + b"x:\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("sent", LARGE_HEADS.values(), ids=LARGE_HEADS.keys())
async def test_a_head_that_is_too_large_is_refused_as_it_comes(app: FastAPI, sent: bytes) -> None:
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        writer.close()
    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in answer
    assert b"x-content-type-options: nosniff" in answer


ENDLESS = {
    "the second": LIVE + b"\r\n" + LIVE + b"X: " + b"a" * 400_000,
    "what follows a body, without end": CHUNKED + b"1\r\n{\r\n0\r\nX: " + b"a" * 400_000,
    "what is said of a chunk": CHUNKED + b"1;" + b"a" * 400_000,
}


@pytest.mark.parametrize("sent", ENDLESS.values(), ids=ENDLESS.keys())
async def test_what_never_ends_is_ended_for_its_size(
    app: FastAPI, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever still sends may not get to read why."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 100 * PATIENCE)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 100 * PATIENCE)
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            await all_of(reader)
        writer.close()


@pytest.mark.nightly
async def test_a_head_of_every_day_and_a_body_of_many_pieces_are_read(app: FastAPI) -> None:
    """Cookies of a company may be long; what a body has is counted by its own limits."""
    pieces = b"".join(b"1\r\n \r\n" for _ in range(60_000))
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LIVE + b"Cookie: " + b"a" * 16_000 + b"\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.write(CHUNKED + pieces + b"0\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            answers = await reader.read()
        writer.close()
    assert b"HTTP/1.1 4" in answers
    assert b"HTTP/1.1 431" not in answers


async def all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.nightly
async def test_five_hundred_halves_are_ended_and_others_served_meanwhile(
    app: FastAPI, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of strangers and of who has a key, of heads and of bodies; then five hundred more."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 10)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 10)
    key = acme.client.headers["authorization"]
    known = f"PUT /v1/people/E-1 HTTP/1.1\r\nHost: test\r\nAuthorization: {key}\r\n".encode()
    typed = b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    halves = [*HALVES.values(), known, known + typed]
    async with served(app) as port:
        for _ in range(2):
            open_ones = []
            for number in range(500):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(halves[number % len(halves)])
                open_ones.append((reader, writer))
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as other:
                for _ in range(20):
                    answer = await other.get("/v1/me", headers={"Authorization": key})
                    assert answer.status_code == 200
            async with asyncio.timeout(PATIENCE):
                answers = await asyncio.gather(*(all_of(reader) for reader, _ in open_ones))
            ended = [answer.split(b"\r\n")[0] for answer in answers]
            assert ended.count(b"HTTP/1.1 408 Request Timeout") > 100
            for _, writer in open_ones:
                writer.close()


async def test_a_large_number_in_a_long_body_is_found_whatever_surrounds_it() -> None:
    for number in ("1e309", "1E+0999", "9" * 310 + ".0", "-1e999"):
        with pytest.raises(strict_json.MalformedJson):
            strict_json.parse_json(f'{{"a": "e12", "b": [{number}]}}'.encode())
    with pytest.raises(PayloadTooLarge):
        strict_json.parse_json(b"[" + b"1," * strict_json.MOST_VALUES + b"1]")
