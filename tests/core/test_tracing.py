"""A trace goes on through jobs and webhooks, and holds nobody."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.core import tracing
from app.core.jobs import Worker, enqueue
from app.core.outbound import client, post
from tests import secrecy
from tests.conftest import Tenant
from tests.waiting import until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
export = pytest.importorskip("opentelemetry.sdk.trace.export", reason="the extra tracing is not installed")


@pytest.fixture
def spans() -> Iterator[Any]:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415 an extra
        InMemorySpanExporter,
    )

    exporter = InMemorySpanExporter()
    tracing.trace_with(export.SimpleSpanProcessor(exporter))
    yield exporter
    for span in exporter.get_finished_spans():
        secrecy.told.hear("span", {"name": span.name, **span.attributes})
    tracing.stop_tracing()


@pytest.mark.parametrize(
    "offered",
    [
        None,
        "",
        "x",
        TRACEPARENT.upper(),
        f"00-{'0' * 32}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"{TRACEPARENT}-x",
    ],
)
def test_what_is_no_traceparent_is_not_passed_on(offered: str | None) -> None:
    assert tracing.taken(offered) is None


@pytest.mark.parametrize("is_collected", [True, False])
async def test_it_goes_from_a_request_to_its_job(
    is_collected: bool, lone: Tenant, request: pytest.FixtureRequest
) -> None:
    if is_collected:
        request.getfixturevalue("spans")
    with tracing.within("request", TRACEPARENT):
        async with lone.database.tenant_session(lone.id) as session:
            await enqueue(session, "noted", lone.id, lone.id)
    heard: list[str | None] = []

    async def note(*_: Any) -> None:
        heard.append(tracing.current.get())

    working = asyncio.create_task(Worker(lone.database, {"noted": note}, {}).run())
    await until(lambda: bool(heard))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert heard[0] is not None
    assert heard[0].split("-")[1] == TRACE
    assert (heard[0] == TRACEPARENT) is not is_collected, "a span of its own, where spans are made"


async def test_it_goes_on_to_a_webhook() -> None:
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, client() as outside:
        with tracing.within("job", TRACEPARENT):
            await post(outside, url, b"{}", {}, may_be_private=True)
        await post(outside, url, b"{}", {}, may_be_private=True)
    assert [TRACEPARENT.encode() in head for head in received] == [True, False]


async def test_a_request_is_a_span_without_its_address(acme: Tenant, spans: Any) -> None:
    await acme.client.get("/v1/people/somebody@example.com", headers={"traceparent": TRACEPARENT})
    [span] = spans.get_finished_spans()
    assert (span.name, span.kind.name) == ("get_person", "SERVER")
    assert (format(span.context.trace_id, "032x"), format(span.parent.span_id, "016x")) == (TRACE, SPAN)
    assert dict(span.attributes) == {
        "http.response.status_code": 404,
        "betrokken.organization_id": str(acme.id),
    }
    assert not span.events


async def test_an_error_is_told_by_its_kind_alone(spans: Any) -> None:
    with pytest.raises(ValueError, match="Noor"), tracing.within("job", None):
        raise ValueError("Noor de Wit is not there")
    [span] = spans.get_finished_spans()
    assert span.attributes == {"error.type": "ValueError"}
    assert "Noor" not in span.to_json()


async def test_without_a_trace_a_job_is_as_it_was(lone: Tenant) -> None:
    async with lone.database.tenant_session(lone.id) as session:
        await enqueue(session, "noted", lone.id, lone.id)
    async with lone.database.system_session(reason="test") as session:
        [payload] = await session.scalars(text("SELECT payload FROM pgqueuer"))
    assert json.loads(payload).keys() == {"organization_id", "id"}
