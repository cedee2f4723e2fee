import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from tests.calendar.staff import people_on_file
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.waiting import until_blocked

EVENTS = "/v1/recognitions"


def thanks(giver: str = "ann", *receivers: str, **more: Any) -> dict[str, Any]:
    return {"giver": giver, "receivers": list(receivers or ("bob",)), "message": "Thank you.", **more}


@pytest.fixture
async def staff(acme: Tenant) -> None:
    await people_on_file(acme, "ann", "bob", "cy")


def stored_so_far() -> float:
    return REGISTRY.get_sample_value("betrokken_recognition_events_total") or 0


pytestmark = pytest.mark.usefixtures("staff")


async def test_an_event_is_recorded_and_read_back(api: ContractClient) -> None:
    sent = thanks("ann", "cy", "bob", value="ownership", visibility="team", external_id="slack-1")
    made = await api.post(EVENTS, json=sent | {"occurred_at": "2026-01-02T03:04:05+01:00"})
    assert made.status_code == 201
    event = made.json()
    assert event == sent | {
        "id": event["id"],
        "occurred_at": "2026-01-02T02:04:05Z",
        "source": "api",
        "reply_to": None,
        "reactions": {},
        "created_at": event["created_at"],
        "edited_at": None,
    }
    read = await api.get(made.headers["location"])
    assert read.json() == event
    assert read.headers["etag"] == made.headers["etag"]
    again = await api.get(made.headers["location"], headers={"If-None-Match": read.headers["etag"]})
    assert again.status_code == 304


async def test_what_was_read_can_be_sent_back(api: ContractClient) -> None:
    event = (await api.post(EVENTS, json=thanks(external_id="e-1"))).json()
    again = await api.post(EVENTS, json=event)
    assert (again.status_code, again.json()) == (200, event)


async def test_the_time_is_now_where_the_sender_leaves_it(api: ContractClient) -> None:
    before = datetime.now(UTC)
    event = (await api.post(EVENTS, json=thanks())).json()
    assert before <= datetime.fromisoformat(event["occurred_at"]) <= datetime.now(UTC)


async def test_a_known_external_id_stores_nothing_more(api: ContractClient) -> None:
    first = await api.post(EVENTS, json=thanks(external_id="e-1"))
    counted = stored_so_far()
    again = await api.post(EVENTS, json=thanks(external_id="e-1"))
    assert (again.status_code, again.json()) == (200, first.json())
    assert stored_so_far() == counted
    assert len((await api.get(EVENTS)).json()["items"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"message": "Thanks!"},
        {"receivers": ["bob", "cy"]},
        {"giver": "cy"},
        {"value": "care"},
        {"visibility": "private"},
        {"occurred_at": "2020-01-01T00:00:00Z"},
    ],
)
async def test_a_known_external_id_with_another_body_is_a_conflict(
    api: ContractClient, change: dict[str, Any]
) -> None:
    await api.post(EVENTS, json=thanks(external_id="e-1"))
    other = await api.post(EVENTS, json=thanks(external_id="e-1") | change)
    assert (other.status_code, other.json()["code"]) == (409, "external_id_conflict")


async def test_racing_requests_with_one_external_id_store_one_event(
    api: ContractClient, acme: Tenant, owner: asyncpg.Connection
) -> None:
    answers = await asyncio.gather(*[api.post(EVENTS, json=thanks(external_id="e-1")) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await owner.fetchval("SELECT count(*) FROM recognitions WHERE organization_id = $1", acme.id) == 1


@pytest.mark.parametrize(
    ("sent", "code", "pointers"),
    [
        (thanks("ann", "bob", "ann"), "self_recognition", ["#/receivers/1"]),
        (thanks("zoe", "bob", "yan"), "unknown_person", ["#/giver", "#/receivers/1"]),
        (thanks("ann", "bob", "bob"), "invalid_value", ["#/receivers"]),
        (thanks() | {"receivers": []}, "invalid_value", ["#/receivers"]),
        (thanks(message="x" * 4001), "invalid_value", ["#/message"]),
        (thanks(message=""), "invalid_value", ["#/message"]),
        (thanks(external_id=".."), "bad_identifier", ["#/external_id"]),
        (thanks(occurred_at="2026-01-01T00:00:00"), "invalid_value", ["#/occurred_at"]),
        (thanks(mood="glad"), "unknown_field", ["#/mood"]),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    api: ContractClient, sent: dict[str, Any], code: str, pointers: list[str]
) -> None:
    answer = await api.post(EVENTS, json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
    assert (await api.get(EVENTS)).json()["items"] == []


async def test_the_future_begins_five_minutes_from_now(api: ContractClient) -> None:
    soon, later = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (4, 6))
    assert (await api.post(EVENTS, json=thanks(occurred_at=soon.isoformat()))).status_code == 201
    refused = await api.post(EVENTS, json=thanks(occurred_at=later.isoformat()))
    assert (refused.status_code, refused.json()["code"]) == (422, "occurred_in_future")


async def test_a_retry_under_one_idempotency_key_stores_one_event(api: ContractClient) -> None:
    key = {"Idempotency-Key": "one"}
    first = await api.post(EVENTS, json=thanks(), headers=key)
    again = await api.post(EVENTS, json=thanks(), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await api.get(EVENTS)).json()["items"]) == 1


async def test_stored_events_are_counted(api: ContractClient) -> None:
    before = stored_so_far()
    await api.post(EVENTS, json=thanks())
    await api.post(EVENTS, json=thanks("ann", "ann"))
    await api.post(f"{EVENTS}/batch", json={"items": [thanks(), thanks("bob"), thanks("zoe")]})
    assert stored_so_far() == before + 2


async def test_a_deleted_event_is_gone_and_its_external_id_free(api: ContractClient) -> None:
    first = await api.post(EVENTS, json=thanks(external_id="e-1"))
    place = first.headers["location"]
    assert (await api.delete(place)).status_code == 204
    assert (await api.delete(place)).status_code == 404
    assert (await api.get(place)).status_code == 404
    again = await api.post(EVENTS, json=thanks(external_id="e-1", message="Other words."))
    assert again.status_code == 201


async def test_another_organizations_events_are_invisible(api: ContractClient, other: Tenant) -> None:
    await people_on_file(other, "zoe", "yan")
    theirs = (await other.client.post(EVENTS, json=thanks("zoe", "yan", external_id="e-1"))).headers[
        "location"
    ]
    assert (await api.get(theirs)).status_code == 404
    assert (await api.delete(theirs)).status_code == 404
    assert (await api.get(EVENTS)).json()["items"] == []
    assert (await api.post(EVENTS, json=thanks("zoe", "yan"))).json()["code"] == "unknown_person"
    assert (await api.post(EVENTS, json=thanks(external_id="e-1"))).status_code == 201
    assert (await other.client.get(theirs)).status_code == 200


async def test_lists_are_newest_first_and_filtered(api: ContractClient) -> None:
    days = {"a": thanks("ann", "bob"), "b": thanks("bob", "ann", "cy"), "c": thanks("ann", "cy")}
    items = [
        event | {"external_id": name, "occurred_at": f"2026-03-0{index}T12:00:00Z"}
        for index, (name, event) in enumerate(days.items(), 1)
    ]
    await api.post(f"{EVENTS}/batch", json={"items": items})

    async def names(**filters: str) -> str:
        page = (await api.get(EVENTS, params=filters)).json()
        return "".join(event["external_id"] for event in page["items"])

    assert await names() == "cba"
    assert await names(giver="ann") == "ca"
    assert await names(receiver="cy") == "cb"
    assert await names(giver="ann", receiver="cy") == "c"
    assert await names(giver="nobody") == ""
    assert await names(since="2026-03-02T12:00:00Z") == "cb"
    assert await names(until="2026-03-02T12:00:00Z") == "a"
    assert await names(since="2026-03-02T13:00:00+01:00", until="2026-03-03T00:00:00Z") == "b"


async def test_pages_follow_one_another_and_keep_their_filters(api: ContractClient) -> None:
    moment = {"occurred_at": "2026-03-01T12:00:00Z"}
    items = [thanks(external_id=f"e-{number}", **moment) for number in range(5)]
    await api.post(f"{EVENTS}/batch", json={"items": items})
    params: dict[str, Any] = {"limit": 2, "giver": "ann"}
    seen, page = [], (await api.get(EVENTS, params=params)).json()
    while True:
        seen += [event["external_id"] for event in page["items"]]
        if page["next_cursor"] is None:
            break
        page = (await api.get(EVENTS, params={**params, "cursor": page["next_cursor"]})).json()
    assert sorted(seen) == [f"e-{number}" for number in range(5)]
    first = (await api.get(EVENTS, params=params)).json()
    wrong = await api.get(EVENTS, params={"giver": "bob", "cursor": first["next_cursor"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE recognitions; --", "<script>alert(1)</script>", "=cmd|'/c calc'!A1", "%s :id \\ 🎉\n"],
)
async def test_text_comes_back_as_it_went_in(api: ContractClient, text: str) -> None:
    made = await api.post(EVENTS, json=thanks(message=text, value=text))
    read = (await api.get(made.headers["location"])).json()
    assert (read["message"], read["value"]) == (text, text)


async def test_a_batch_stores_what_is_good_and_names_what_is_not(api: ContractClient) -> None:
    await api.post(EVENTS, json=thanks(external_id="known"))
    items: list[Any] = [
        thanks(external_id="new"),
        thanks(external_id="known"),
        thanks(external_id="known-2", message=""),
        thanks(external_id="new"),
        thanks("zoe"),
        thanks("ann", "ann"),
        "not an event",
        thanks(),
        thanks(occurred_at="2999-01-01T00:00:00Z"),
    ]
    answer = (await api.post(f"{EVENTS}/batch", json={"items": items})).json()
    assert answer["summary"] == {"created": 2, "updated": 0, "unchanged": 1, "failed": 6}
    outcomes = [
        (result["status"], result.get("external_id"), result.get("problem", {}).get("code"))
        for result in answer["results"]
    ]
    assert outcomes == [
        (201, "new", None),
        (200, "known", None),
        (422, "known-2", "invalid_value"),
        (422, "new", "duplicate_in_batch"),
        (422, None, "unknown_person"),
        (422, None, "self_recognition"),
        (422, None, "invalid_value"),
        (201, None, None),
        (422, None, "occurred_in_future"),
    ]
    stored = {event["id"] for event in (await api.get(EVENTS)).json()["items"]}
    assert stored == {result["id"] for result in answer["results"] if "id" in result}


async def test_a_conflict_in_a_batch_fails_alone(api: ContractClient) -> None:
    await api.post(EVENTS, json=thanks(external_id="known"))
    items = [thanks(external_id="known", message="Other words."), thanks(external_id="new")]
    answer = (await api.post(f"{EVENTS}/batch", json={"items": items})).json()
    assert [result["status"] for result in answer["results"]] == [409, 201]
    assert answer["results"][0]["problem"]["code"] == "external_id_conflict"


async def test_the_same_batch_again_changes_nothing(api: ContractClient) -> None:
    items = [thanks(external_id=f"e-{number}") for number in range(3)]
    first = (await api.post(f"{EVENTS}/batch", json={"items": items})).json()
    again = (await api.post(f"{EVENTS}/batch", json={"items": items})).json()
    assert again["summary"] == {"created": 0, "updated": 0, "unchanged": 3, "failed": 0}
    assert [result["id"] for result in again["results"]] == [result["id"] for result in first["results"]]


async def test_a_batch_beyond_the_limit_stores_nothing(api: ContractClient) -> None:
    answer = await api.post(f"{EVENTS}/batch", json={"items": [thanks()] * 5001})
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_too_large")
    assert (await api.get(EVENTS)).json()["items"] == []


async def test_batches_and_lists_take_a_constant_number_of_statements(
    api: ContractClient, queries: list[str]
) -> None:
    async def cost(number: int) -> tuple[int, int]:
        items = [thanks("ann", "bob", "cy", external_id=str(uuid4())) for _ in range(number)]
        queries.clear()
        assert (await api.post(f"{EVENTS}/batch", json={"items": items})).json()["summary"]["failed"] == 0
        batch = len(queries)
        queries.clear()
        await api.get(EVENTS)
        return batch, len(queries)

    assert await cost(1) == await cost(50)


async def test_a_person_deleted_meanwhile_is_unknown(
    api: ContractClient, acme: Tenant, owner: asyncpg.Connection
) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("DELETE FROM people WHERE organization_id = $1 AND external_id = 'bob'", acme.id)
    recording = asyncio.create_task(api.post(EVENTS, json=thanks()))
    await until_blocked(owner)
    await transaction.commit()
    answer = await recording
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_person")
