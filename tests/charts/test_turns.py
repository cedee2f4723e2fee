"""Whoever waits for a drawing keeps nobody else waiting."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from app.auth.limits import KNOWN, RateLimitMiddleware
from app.charts import service
from app.core.press import Press, Unprinted, Unstarted
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant, new_tenant
from tests.metrics.test_release import released, staff
from tests.waiting import until


class SlowHand:
    """Notes what it is ordered, and makes it when it is let."""

    def __init__(self) -> None:
        self.orders: list[bytes] = []
        self.made = base64.b64encode(b"<svg/>") + b"\n"
        self.may_go_on = threading.Event()

    def make(self, order: bytes) -> bytes:
        self.orders.append(order)
        self.may_go_on.wait()
        return self.made


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Iterator[Press]:
    """The press of charts, with nothing kept, whose work lasts until it may go on."""
    own = Press("app.charts.drawing", hands=1)
    monkeypatch.setattr(own, "hand", SlowHand())
    monkeypatch.setattr(service, "PRESS", own)
    monkeypatch.setattr(service, "kept", service.Kept())
    yield own
    own.hand.may_go_on.set()  # type: ignore[attr-defined]


def hand_of(press: Press) -> SlowHand:
    assert isinstance(press.hand, SlowHand)
    return press.hand


def waiting(press: Press) -> int:
    return sum(map(len, press.turns.waiting.values()))


async def test_organizations_take_turns(press: Press) -> None:
    """However many drawings the one has ordered before."""
    loud, quiet = uuid4(), uuid4()
    orders = [asyncio.create_task(press.make(b"loud", loud)) for _ in range(14)]
    await until(lambda: waiting(press) == 13)
    orders.append(asyncio.create_task(press.make(b"quiet", quiet)))
    await until(lambda: waiting(press) == 14)
    hand_of(press).may_go_on.set()
    await asyncio.gather(*orders)
    assert hand_of(press).orders.index(b"quiet") <= 2
    assert len(hand_of(press).orders) == 15


@pytest.fixture
async def narrow(settings: Settings, database_url: str) -> AsyncIterator[FastAPI]:
    """A service that works on two requests of an organisation at once."""
    own = settings.model_copy(update={"organization_concurrency": 2, "database_pool_size": 2})
    app = create_app(own, database_url)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def acme(narrow: FastAPI) -> Tenant:
    tenant = await new_tenant(narrow, "Acme")
    await staff(tenant.client, {"sales": 6})
    await released(tenant, [f"sales-{number}" for number in range(6)], pay=3)
    return tenant


@pytest.mark.nightly
async def test_who_waits_for_a_drawing_holds_no_place_and_no_transaction(
    acme: Tenant, narrow: FastAPI, press: Press
) -> None:
    widths = range(400, 406)
    drawings = [
        asyncio.create_task(acme.client.get(f"/v1/charts/gap?format=png&width={width}")) for width in widths
    ]
    await until(lambda: waiting(press) == len(widths) - 1)
    assert narrow.state.database.engine.pool.checkedout() == 0
    assert (await acme.client.get("/v1/me")).status_code == 200
    assert not any(one.done() for one in drawings)
    hand_of(press).may_go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*drawings)} == {200}


async def test_of_one_organization_no_more_than_a_few_wait(
    acme: Tenant, narrow: FastAPI, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is refused at once, while another organisation's is taken."""
    monkeypatch.setattr("app.core.press.MOST_WAITING", 3)
    address = "/v1/charts/gap?format=png&width={}"
    drawings = [asyncio.create_task(acme.client.get(address.format(width))) for width in range(400, 404)]
    await until(lambda: waiting(press) == 3)
    refused = await acme.client.get(address.format(404))
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "5"
    press.refuse_crowd(uuid4())
    hand_of(press).may_go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*drawings)} == {200}


TEMPLATE = {
    "kind": "birthday",
    "language": "en",
    "subject": "Happy birthday, {{ name }}",
    "html": "<mjml><mj-body><mj-section><mj-column><mj-text>{{ name }}</mj-text></mj-column></mj-section>"
    "</mj-body></mjml>",
    "text": "{{ name }}",
    "picture": None,
}


async def test_while_a_card_template_is_tried_no_transaction_is_open(
    acme: Tenant, narrow: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Press("app.calendar.cards.press", hands=1)
    hand = SlowHand()
    monkeypatch.setattr(
        hand, "made", json.dumps({"code": "template_syntax", "message": "no"}).encode() + b"\n"
    )
    monkeypatch.setattr(own, "hand", hand)
    monkeypatch.setattr("app.calendar.cards.press.PRESS", own)
    putting = asyncio.create_task(acme.client.put("/v1/card-templates/own", json=TEMPLATE))
    await until(lambda: len(hand.orders) == 1)
    assert narrow.state.database.engine.pool.checkedout() == 0
    hand.may_go_on.set()
    assert (await putting).status_code == 422
    assert (await acme.client.get("/v1/card-templates/own")).status_code == 404
    monkeypatch.undo()
    assert (await acme.client.put("/v1/card-templates/own", json=TEMPLATE)).status_code == 201
    log = (await acme.client.get("/v1/audit", params={"action": "put_card_template"})).json()["items"]
    assert [entry["target"] for entry in log] == ["own"], "once, by the transaction that stored it"


async def test_a_process_that_does_not_start_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(module: str) -> None:
        raise BlockingIOError

    own = Press("tests.charts.echo", hands=1)
    with monkeypatch.context() as patched:
        patched.setattr("app.core.press.started", full)
        with pytest.raises(Unstarted):
            await own.make(b"one", uuid4())
    assert await own.make(b"two", uuid4()) == b"two\n"


async def test_where_no_process_starts_a_chart_waits_and_a_card_template_is_not_blamed(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(module: str) -> None:
        raise BlockingIOError

    monkeypatch.setattr("app.core.press.started", full)
    monkeypatch.setattr(service, "PRESS", Press("app.charts.drawing", hands=1))
    monkeypatch.setattr("app.calendar.cards.press.PRESS", Press("app.calendar.cards.press", hands=1))
    drawn = await acme.client.get("/v1/charts/gap?format=svg&width=311")
    assert (drawn.status_code, drawn.json()["code"]) == (503, "unavailable")
    put = await acme.client.put("/v1/card-templates/own", json=TEMPLATE)
    assert (put.status_code, put.json()["code"]) == (503, "unavailable")


def test_what_cannot_be_drawn_costs_the_process_nothing() -> None:
    pytest.importorskip("vl_convert")
    drawing = import_module("app.charts.drawing")
    wrong = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "mark": {"type": "no such mark"}}
    right = {"title": {"text": ["T"]}, "description": "D", "mark": "point", "data": {"values": [{}]}}
    orders = [json.dumps([one, "svg", "c0"]).encode() + b"\n" for one in (wrong, right)]
    answers = BytesIO()
    drawing.main(orders, answers, lambda: None)
    first, second = answers.getvalue().splitlines()
    assert first == b""
    assert base64.b64decode(second).startswith(b"<svg")


async def test_what_the_library_refuses_is_not_drawn_again(press: Press) -> None:
    hand = hand_of(press)
    hand.made = b"\n"
    hand.may_go_on.set()
    with pytest.raises(service.Undrawn):
        await service.picture({}, "svg", uuid4())
    assert len(hand.orders) == 1
    assert not service.kept


class DyingHand(SlowHand):
    """Dies over its first orders."""

    def __init__(self, deaths: int) -> None:
        super().__init__()
        self.may_go_on.set()
        self.deaths = deaths

    def make(self, order: bytes) -> bytes:
        made = super().make(order)
        if len(self.orders) <= self.deaths:
            raise Unprinted
        return made


async def test_an_order_over_which_the_press_died_is_made_once_more(
    acme: Tenant, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    for deaths, status in ((1, 200), (2, 503)):
        monkeypatch.setattr(press, "hand", DyingHand(deaths))
        answer = await acme.client.get(f"/v1/charts/gap?format=svg&width={300 + deaths}")
        assert answer.status_code == status
        assert len(hand_of(press).orders) == 2
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["retry-after"] == "5"


def answered(kind: str) -> float:
    labels = {"operation": "get_chart", "status_class": kind}
    return REGISTRY.get_sample_value("betrokken_http_requests_total", labels) or 0


async def test_what_is_ordered_and_not_waited_for_counts_for_the_limit_of_its_key() -> None:
    async def leaves(scope: Scope, receive: Receive, send: Send) -> None:
        scope[KNOWN] = True

    async def nothing(_: Any = None) -> Message:
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    limited = RateLimitMiddleware(leaves, "3/minute")
    scope = {"type": "http", "path": "/v1/me", "headers": [(b"authorization", b"Bearer btk_test_x")]}
    for _ in range(3):
        await limited(dict(scope), nothing, send)
    assert sent == []
    await limited(dict(scope), nothing, send)
    assert sent[0]["status"] == 429


async def test_what_nobody_waits_for_any_more_is_not_drawn(
    acme: Tenant, narrow: FastAPI, press: Press
) -> None:
    first = asyncio.create_task(acme.client.get("/v1/charts/gap?format=svg&width=300"))
    await until(lambda: len(hand_of(press).orders) == 1)
    hangs_up, sent = asyncio.Event(), []
    coming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await hangs_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/charts/gap",
        "raw_path": b"/v1/charts/gap",
        "query_string": b"format=svg&width=301",
        "headers": [(b"host", b"test"), (b"authorization", acme.client.headers["authorization"].encode())],
        "client": ("192.0.2.1", 4711),
        "server": ("test", 80),
    }
    before = {kind: answered(kind) for kind in ("4xx", "5xx")}
    asking = asyncio.create_task(narrow(scope, receive, send))
    await until(lambda: waiting(press) == 1)
    hangs_up.set()
    await asking
    assert (waiting(press), sent) == (0, [])
    assert {kind: answered(kind) - before[kind] for kind in before} == {"4xx": 1, "5xx": 0}
    hand_of(press).may_go_on.set()
    assert (await first).status_code == 200
    assert len(hand_of(press).orders) == 1
