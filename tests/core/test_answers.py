"""HEAD wherever GET is, and answers packed for who takes them so."""

import asyncio
import gzip
from time import process_time
from typing import Any

import pytest

from app.core.answers import PackingMiddleware, takes_gzip
from tests.conftest import Tenant
from tests.contract import Operation, operations
from tests.test_bad_input import Wire, server, wire

__all__ = ["server", "wire"]
READS = [operation for operation in operations() if operation.method == "get"]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
async def test_head_is_get_without_its_body(operation: Operation, acme: Tenant) -> None:
    got, asked = [await acme.client.request(method, operation.url()) for method in ("GET", "HEAD")]
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    for name in ("content-type", "etag", "cache-control", "content-encoding"):
        assert asked.headers.get(name) == got.headers.get(name), name


async def test_head_is_answered_under_scim_too(acme: Tenant) -> None:
    for path in ("/scim/v2/Users", "/scim/v2/ServiceProviderConfig"):
        answer = await acme.client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


async def test_what_has_no_get_has_no_head(acme: Tenant) -> None:
    answer = await acme.client.head("/v1/people/batch")
    assert answer.status_code == 404, "that is a person named batch"
    answer = await acme.client.head("/v1/surveys/0198f0c2-7a54-7cc1-9b0e-5d2c1c7a9f10/open")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    allowed = await acme.client.request("DELETE", "/v1/me")
    assert allowed.headers["allow"] == "HEAD, GET"


async def test_the_line_lives_on_after_a_head(wire: Wire) -> None:
    """On a real connection: a length is told of that does not come, and the next answer is whole."""
    head = b"HEAD /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n"
    get = b"GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head + get)
    said = await reader.read()
    writer.close()
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("br", False),
        ("gzip;Q=1.0", True),
        ("x-gzip", True),
        ("gzip;q=high", False),
        ("gzip;q=1.2.3", False),
        ("xgzip", False),
    ],
)
def test_who_takes_gzip(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


@pytest.mark.parametrize("accepted", ["gzip" + " " * 60_000 + "x", " " * 60_000, "gzip;q=1," * 6_000])
def test_a_long_head_is_read_in_proportion_to_its_length(accepted: str) -> None:
    """The first took half a minute, of whoever asked, and everybody waited."""
    started = process_time()
    takes_gzip(accepted)
    assert process_time() - started < 1


async def test_a_long_text_is_packed_for_who_takes_it(acme: Tenant) -> None:
    plain = await acme.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = await acme.client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.content == plain.content, "which httpx unpacks"
    assert "Accept-Encoding" in packed.headers["vary"]
    short = await acme.client.get("/health/live", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers


async def packed_of(
    *pieces: bytes, kind: bytes = b"text/plain", **head: bytes
) -> tuple[dict[Any, Any], bytes]:
    """What goes out of an answer in pieces."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind), *((name.encode(), value) for name, value in head.items())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for place, piece in enumerate(pieces, 1):
            more = place < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"accept-encoding", b"gzip")]}
    await PackingMiddleware(app)(scope, None, send)  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["http.response.start"] + ["http.response.body"] * len(
        pieces
    )
    return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


async def test_a_stream_is_packed_as_it_goes() -> None:
    headers, body = await packed_of(b"a" * 10, b"b" * 100_000, b"")
    assert headers[b"content-encoding"] == b"gzip"
    assert gzip.decompress(body) == b"a" * 10 + b"b" * 100_000


async def test_what_is_packed_already_or_no_text_goes_as_it_is() -> None:
    for kind in (b"image/png", b"application/octet-stream"):
        headers, body = await packed_of(b"a" * 5000, kind=kind)
        assert b"content-encoding" not in headers
        assert body == b"a" * 5000
