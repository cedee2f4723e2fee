"""Who has few requests in hand comes first, whoever else waits."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import fairness
from app.core.bodies import LARGE_AT_ONCE, BodyLimits, BodyMiddleware
from app.core.fairness import SLICE, FairMiddleware, FairQueue, in_turns, lane_within, organization_of
from app.core.settings import Settings
from app.core.short_codes import in_groups
from app.core.strict_json import SMALL
from app.main import create_app
from tests.conftest import Tenant, new_tenant
from tests.surveys.inviting import ask, at_the_door, tokens
from tests.surveys.test_surveys import BYSTANDERS, hire, opened
from tests.waiting import PATIENCE, until


class Crowd:
    """Visitors of a queue, who stay until they are told to go."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.inside: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def arrive(self, *names: str) -> None:
        for name in names:
            self.doors[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self.visit(name))
        await settle()

    async def visit(self, name: str) -> None:
        async with self.queue.place(name[0]):
            self.inside.append(name)
            await self.doors[name].wait()
            self.inside.remove(name)

    async def go(self, *names: str) -> None:
        for name in names:
            self.doors[name].set()
            await settle()

    async def give_up(self, name: str) -> None:
        self.tasks[name].cancel()
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lane_has_its_places_and_no_more() -> None:
    crowd = Crowd(FairQueue(places=5, each=2))
    await crowd.arrive("a1", "a2", "a3", "b1")
    assert crowd.inside == ["a1", "a2", "b1"]
    await crowd.go("a1")
    assert crowd.inside == ["a2", "b1", "a3"]


async def test_a_place_goes_to_who_has_the_fewest_then_to_who_waited_longest() -> None:
    crowd = Crowd(FairQueue(places=2, each=2))
    await crowd.arrive("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert crowd.inside == ["a1", "a2"]
    await crowd.go("a1")
    assert crowd.inside == ["a2", "b1"]
    await crowd.go("a2")
    assert crowd.inside == ["b1", "a3"], "none has one in hand: the first lane that waits"
    await crowd.go("a3")
    assert crowd.inside == ["b1", "c1"]
    await crowd.go("b1", "c1", "a4", "b2")
    assert crowd.inside == []
    assert (crowd.queue.free, dict(crowd.queue.taken), dict(crowd.queue.waiting)) == (2, {}, {})


class Respondents(Crowd):
    """Whose lanes are those of one organisation, `a`; who is another has another letter."""

    async def visit(self, name: str) -> None:
        lane = lane_within("a", name[1]) if name[0] == "r" else name[0]
        async with self.queue.place(lane):
            self.inside.append(name)
            await self.doors[name].wait()
            self.inside.remove(name)


async def test_respondents_have_lanes_of_their_own_and_together_half_of_all_places() -> None:
    crowd = Respondents(FairQueue(places=8, each=2))
    await crowd.arrive("r1-", "r1+", "r1*", "r2-", "r3-", "r4-")
    assert crowd.inside == ["r1-", "r1+", "r2-", "r3-"], "one has two at most, and all of them four"
    await crowd.arrive("b1", "c1")
    assert crowd.inside[4:] == ["b1", "c1"], "whatever they send, others find room"
    await crowd.go("r2-")
    assert crowd.inside == ["r1-", "r1+", "r3-", "b1", "c1", "r4-"], "who has none in hand comes first"
    await crowd.go("r1-", "r1+", "r3-", "b1", "c1", "r4-", "r1*")
    queue = crowd.queue
    assert (queue.free, dict(queue.taken), dict(queue.taken_within), dict(queue.waiting)) == (8, {}, {}, {})


async def test_who_was_invited_is_told_from_their_neighbour(acme: Tenant) -> None:
    await hire(acme.client, *BYSTANDERS)
    survey_id = await opened(acme.client)
    links = await tokens(acme.client, survey_id, *BYSTANDERS[:2])
    made = await ask(acme.client, survey_id, form="codes", people=BYSTANDERS[2:4])
    codes = [one["token"] for one in made.json()["invitations"]]

    def lanes(*sent: str) -> list[str]:
        head = {"type": "http", "path": "/v1/respond", "method": "GET", "client": ("192.0.2.1", 4711)}
        scopes = [{**head, "headers": [(b"authorization", f"Bearer {one}".encode())]} for one in sent]
        return [acme.app.state.known_keys.whose(scope) for scope in scopes]

    assert lanes("made-up", *codes) == ["192.0.2.1"] * 3, "of a code nobody knows whose it is"
    for code in codes:
        assert (await at_the_door(acme, code).get("/v1/respond")).status_code == 200
    found = lanes(*links, *codes, in_groups(codes[0]).lower())
    assert {organization_of(lane) for lane in found} == {str(acme.id)}
    assert len(set(found)) == 4
    assert found[4] == found[2]
    assert not any(secret in lane for lane in found for secret in [*links, *codes])


async def test_who_gives_up_leaves_no_hole() -> None:
    crowd = Crowd(FairQueue(places=1, each=1))
    await crowd.arrive("a1", "a2", "b1", "c1")
    await crowd.give_up("b1")
    crowd.doors["a1"].set()
    await crowd.give_up("a1")
    await crowd.give_up("a2")
    await crowd.go("c1")
    assert (crowd.queue.free, dict(crowd.queue.taken), dict(crowd.queue.waiting)) == (1, {}, {})


async def test_who_is_cancelled_as_they_are_called_passes_the_place_on() -> None:
    crowd = Crowd(FairQueue(places=1, each=1))
    await crowd.arrive("a1", "b1", "c1")
    crowd.doors["a1"].set()
    while crowd.inside:  # noqa: ASYNC110 until a1 has gone and b1 is called, and no longer
        await asyncio.sleep(0)
    await crowd.give_up("b1")
    assert crowd.inside == ["c1"]


@pytest.mark.parametrize("leaving", ["b1", "b2"])
async def test_who_is_cancelled_before_they_are_called_loses_no_place(leaving: str) -> None:
    """They have not run since, so the queue still has their turn when a place becomes free."""
    crowd = Crowd(FairQueue(places=1, each=1))
    await crowd.arrive("a1", "b1", "b2", "c1")
    crowd.tasks[leaving].cancel()
    await crowd.go("a1")
    staying = {"b1": "b2", "b2": "b1"}[leaving]
    assert crowd.inside == [staying]
    await crowd.go(staying)
    assert crowd.inside == ["c1"]
    await crowd.go("c1")
    assert crowd.tasks[leaving].cancelled()
    assert (crowd.queue.free, dict(crowd.queue.taken), dict(crowd.queue.waiting)) == (1, {}, {})


async def test_all_who_wait_are_cancelled_as_a_place_becomes_free() -> None:
    queue = FairQueue(places=1, each=1)
    crowd = Crowd(queue)
    await crowd.arrive("a1", "a2", "b1")
    for name in ("a2", "b1"):
        crowd.tasks[name].cancel()
    queue._leave("a")
    assert (queue.free, dict(queue.taken), dict(queue.waiting)) == (1, {}, {})
    await settle()
    assert crowd.tasks["a2"].cancelled()
    assert crowd.tasks["b1"].cancelled()
    queue._take("a")
    await crowd.go("a1")


async def test_others_have_their_turn_within_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose items take longer than a turn."""
    monkeypatch.setattr(fairness, "TURN_SECONDS", 0)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    made = await in_turns(str, list(range(10 * SLICE)))
    task.cancel()
    assert made == [str(number) for number in range(10 * SLICE)]
    assert turns >= 9


@pytest.fixture
async def narrow(settings: Settings, database_url: str) -> AsyncIterator[FastAPI]:
    """A service that works on two requests of an organisation at once, with few connections."""
    own = settings.model_copy(update={"organization_concurrency": 2, "database_pool_size": 2})
    app = create_app(own, database_url)
    async with app.router.lifespan_context(app):
        yield app


async def test_a_loud_organization_is_waited_for_by_itself_alone(
    narrow: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loud one's requests hang in the database, more than there are places."""
    loud, quiet = await new_tenant(narrow, "Loud"), await new_tenant(narrow, "Quiet")
    for tenant in (loud, quiet):
        assert (await tenant.client.get("/v1/me")).status_code == 200
    usual, let_go, inside = narrow.state.database.tenant_session, asyncio.Event(), 0

    def slow_for_loud(organization_id: Any) -> Any:
        class Slow:
            async def __aenter__(self) -> Any:
                nonlocal inside
                inside += 1
                if organization_id == loud.id:
                    await let_go.wait()
                self.own = usual(organization_id)
                return await self.own.__aenter__()

            async def __aexit__(self, *error: Any) -> Any:
                return await self.own.__aexit__(*error)

        return Slow()

    monkeypatch.setattr(narrow.state.database, "tenant_session", slow_for_loud)
    waiting = [asyncio.create_task(loud.client.get("/v1/me")) for _ in range(30)]
    await until(lambda: inside == 2)
    assert (await quiet.client.get("/v1/me")).status_code == 200
    assert (await quiet.client.put("/v1/teams/T", json={"name": "T"})).status_code == 201
    assert not any(task.done() for task in waiting)
    assert inside <= 5
    let_go.set()
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_what_is_streamed_takes_no_place() -> None:
    """As the progress of an import, which somebody follows for an hour."""
    following, others = asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/stream":
            await send({"type": "http.response.body", "body": b"1", "more_body": True})
            following.set()
            await others.wait()
        await send({"type": "http.response.body", "body": b"2"})

    async def nothing(*_: Any) -> Any:
        return None

    fair = FairMiddleware(application, FairQueue(places=1, each=1), lambda _: "a")

    async def get(path: str) -> None:
        await fair({"type": "http", "path": path}, nothing, nothing)

    stream = asyncio.create_task(get("/stream"))
    await following.wait()
    async with asyncio.timeout(PATIENCE):
        await get("/other")
    others.set()
    await stream
    assert fair.requests.free == 1


async def test_large_batches_of_one_organization_come_one_by_one(acme: Tenant) -> None:
    """And are stored as ever, in several slices."""
    names = [f"E-{number}" for number in range(2)]
    for name in names:
        await acme.client.put(f"/v1/people/{name}", json={"name": "Noor"})
    event = {"giver": names[0], "receivers": [names[1]], "message": "x" * 500}
    items = [event | {"external_id": f"{number}"} for number in range(3 * SLICE)]
    bad = [event | {"giver": "nobody"}, event | {"external_id": "0"}]
    body = json.dumps({"items": [*items, *bad]}).encode()
    assert len(body) > 2**16
    kind = {"Content-Type": "application/json"}
    answers: list[httpx.Response] = await asyncio.gather(
        *(acme.client.post("/v1/recognitions/batch", content=body, headers=kind) for _ in range(3))
    )
    summaries = [answer.json()["summary"] for answer in answers]
    assert sorted(one["created"] for one in summaries) == [0, 0, 150]
    assert sorted(one["unchanged"] for one in summaries) == [0, 150, 150]
    assert {one["failed"] for one in summaries} == {2}


async def test_large_bodies_of_one_sender_are_held_a_few_at_once() -> None:
    """However many they send: the others' bytes stay on the line, and other senders' come."""
    let_go, reading = asyncio.Event(), Counter[str]()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["sender"] == "loud":
            await let_go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def admit(scope: Any) -> BodyLimits:
        return BodyLimits(10 * SMALL, 10 * SMALL)

    async def nothing(message: Any) -> None:
        pass

    bodies = BodyMiddleware(application, admit, lambda scope: str(scope["sender"]), streamed=set())

    async def post(sender: str, *headers: tuple[bytes, bytes]) -> None:
        async def receive() -> Any:
            reading[sender] += 1
            return {"type": "http.request", "body": b"{}", "more_body": False}

        head: Any = {"type": "http", "method": "POST", "path": "/v1/people/batch", "query_string": b""}
        await bodies({**head, "sender": sender, "headers": [(b"host", b"test"), *headers]}, receive, nothing)

    chunked, long, short = (
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"%d" % (SMALL + 1)),
        (b"content-length", b"2"),
    )
    waiting = [asyncio.create_task(post("loud", size)) for size in (chunked, long) * 20]
    await settle()
    assert reading["loud"] == LARGE_AT_ONCE
    async with asyncio.timeout(PATIENCE):
        await post("quiet", chunked)
    small = asyncio.create_task(post("loud", short))
    await settle()
    assert reading["loud"] == LARGE_AT_ONCE + 1, "what is small waits for nothing"
    let_go.set()
    await asyncio.gather(small, *waiting)
    assert reading["loud"] == len(waiting) + 1


async def test_files_of_strangers_keep_nobody_else_waiting(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes, usual = [], FairQueue.place

    def noted(queue: FairQueue, lane: str) -> Any:
        lanes.append(lane)
        return usual(queue, lane)

    monkeypatch.setattr(FairQueue, "place", noted)
    for key, address in ((None, "192.0.2.1"), ("made-up", "192.0.2.2"), (await acme.key(), "192.0.2.3")):
        transport = httpx.ASGITransport(acme.app, client=(address, 4711))
        head = {"Authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=head) as client:
            await client.post("/v1/imports", content=b"{}")
            if address.endswith("3"):
                await client.post("/v1/imports", content=b"{}")
    assert lanes == ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "a key that is known is not looked up"
