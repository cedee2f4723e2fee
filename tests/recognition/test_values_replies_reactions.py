"""What surrounds an event: the organisation's values and limit, changes, replies, reactions, the feed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.calendar.staff import people_on_file, team_on_file
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.recognition.test_recognition import EVENTS, thanks

pytestmark = pytest.mark.usefixtures("staff")


@pytest.fixture
async def staff(acme: Tenant) -> None:
    await people_on_file(acme, "ann", "bob", "cy")


async def settle(api: ContractClient, **settings: Any) -> None:
    assert (await api.patch("/v1/organization", json=settings)).status_code == 200


async def made(api: ContractClient, **more: Any) -> dict[str, Any]:
    answer = await api.post(EVENTS, json=thanks(**more))
    assert answer.status_code == 201
    event: dict[str, Any] = answer.json()
    return event


# -------------------------------------------------------------------------------- values and limits


async def test_any_value_is_good_until_there_is_a_list(api: ContractClient) -> None:
    assert (await made(api, value="whatever"))["value"] == "whatever"
    await settle(api, recognition_values=["ownership", "craft"])
    assert (await made(api, value="craft"))["value"] == "craft"
    assert (await made(api))["value"] is None
    refused = await api.post(EVENTS, json=thanks(value="whatever"))
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_value")
    assert refused.json()["errors"][0]["pointer"] == "#/value"
    batch = (await api.post(f"{EVENTS}/batch", json={"items": [thanks(value="whatever"), thanks()]})).json()
    assert [result["status"] for result in batch["results"]] == [422, 201]
    assert batch["results"][0]["problem"]["code"] == "unknown_value"
    await settle(api, recognition_values=None)
    assert (await made(api, value="whatever"))["value"] == "whatever"


async def test_the_daily_limit_counts_what_a_giver_gave_on_that_day(api: ContractClient) -> None:
    await settle(api, recognition_daily_limit=2)
    friday = {"occurred_at": "2026-03-06T12:00:00Z"}
    items = [thanks(external_id=f"e-{number}", **friday) for number in range(3)] + [
        thanks("bob", "ann", external_id="of-bob", **friday),
        thanks(external_id="saturday-in-amsterdam", occurred_at="2026-03-06T23:30:00Z"),
        thanks("zoe", external_id="of-nobody", **friday),
    ]
    answer = (await api.post(f"{EVENTS}/batch", json={"items": items})).json()
    assert [result["status"] for result in answer["results"]] == [201, 201, 409, 201, 201, 422]
    assert answer["results"][2]["problem"]["code"] == "daily_limit_reached"
    again = await api.post(EVENTS, json=thanks(external_id="e-1", **friday))
    assert again.status_code == 200
    refused = await api.post(EVENTS, json=thanks(external_id="e-9", **friday))
    assert (refused.status_code, refused.json()["code"]) == (409, "daily_limit_reached")
    listed = (await api.get(EVENTS)).json()["items"]
    assert {event["external_id"] for event in listed} == {"e-0", "e-1", "of-bob", "saturday-in-amsterdam"}
    await settle(api, recognition_daily_limit=None)
    assert (await api.post(EVENTS, json=thanks(external_id="e-9", **friday))).status_code == 201


async def test_racing_events_of_one_giver_stay_within_the_limit(api: ContractClient) -> None:
    await settle(api, recognition_daily_limit=3)
    answers = await asyncio.gather(*[api.post(EVENTS, json=thanks()) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5


@pytest.mark.parametrize(
    "wanted",
    [
        {"recognition_values": []},
        {"recognition_values": ["a", "a"]},
        {"recognition_values": [""]},
        {"recognition_daily_limit": 0},
        {"recognition_edit_minutes": None},
        {"recognition_edit_minutes": 10_081},
    ],
)
async def test_settings_that_cannot_be(api: ContractClient, wanted: dict[str, Any]) -> None:
    assert (await api.patch("/v1/organization", json=wanted)).status_code == 422


# -------------------------------------------------------------------------------------------- changes


async def test_an_event_is_changed_within_its_window(api: ContractClient) -> None:
    event = await made(api, value="craft")
    place = f"{EVENTS}/{event['id']}"
    changed = await api.patch(place, json={"message": "Thank you for Tuesday."})
    assert changed.status_code == 200
    assert changed.json()["message"] == "Thank you for Tuesday."
    assert changed.json()["value"] == "craft"
    assert datetime.fromisoformat(changed.json()["edited_at"]) > datetime.now(UTC) - timedelta(minutes=1)
    assert (await api.get(place)).json() == changed.json()
    assert (await api.patch(place, json={"value": None})).json()["value"] is None


async def test_a_change_that_changes_nothing_leaves_no_trace(api: ContractClient) -> None:
    await settle(api, recognition_edit_minutes=0)
    event = await made(api)
    same = await api.patch(f"{EVENTS}/{event['id']}", json={"message": event["message"], "value": None})
    assert (same.status_code, same.json()) == (200, event)
    assert (await api.patch(f"{EVENTS}/{event['id']}", json={})).json() == event


async def test_after_the_window_an_event_stays(
    api: ContractClient, acme: Tenant, owner: asyncpg.Connection
) -> None:
    event = await made(api)
    await owner.execute(
        "UPDATE recognitions SET created_at = now() - interval '15 minutes' WHERE organization_id = $1",
        acme.id,
    )
    late = await api.patch(f"{EVENTS}/{event['id']}", json={"message": "Other words."})
    assert (late.status_code, late.json()["code"]) == (409, "edit_window_closed")
    await settle(api, recognition_edit_minutes=16)
    assert (await api.patch(f"{EVENTS}/{event['id']}", json={"message": "Other words."})).status_code == 200


async def test_a_change_keeps_to_the_list_and_to_its_condition(api: ContractClient) -> None:
    event = await made(api, value="old")
    await settle(api, recognition_values=["craft"])
    place = f"{EVENTS}/{event['id']}"
    refused = await api.patch(place, json={"value": "mood"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_value")
    assert (await api.patch(place, json={"message": "Other words."})).json()["value"] == "old"
    stale = {"If-Match": '"stale"'}
    for change in (
        api.patch(place, json={"value": "craft"}, headers=stale),
        api.delete(place, headers=stale),
    ):
        answer = await change
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await api.patch(f"{EVENTS}/{uuid4()}", json={"message": "x"})).status_code == 404


async def test_a_changed_event_sent_again_as_it_was_is_a_conflict(api: ContractClient) -> None:
    event = await made(api, external_id="e-1")
    await api.patch(f"{EVENTS}/{event['id']}", json={"message": "Other words."})
    again = await api.post(EVENTS, json=thanks(external_id="e-1"))
    assert (again.status_code, again.json()["code"]) == (409, "external_id_conflict")


# ----------------------------------------------------------------------------- replies and reactions


async def test_replies_form_a_chain_and_outlive_what_they_answer(api: ContractClient) -> None:
    first = await made(api)
    second = (await api.post(EVENTS, json=thanks("bob", "ann", reply_to=first["id"]))).json()
    third = (await api.post(EVENTS, json=thanks("ann", "bob", reply_to=second["id"]))).json()
    listed = (await api.get(EVENTS, params={"reply_to": first["id"]})).json()["items"]
    assert [event["id"] for event in listed] == [second["id"]]
    assert third["reply_to"] == second["id"]
    assert (await api.delete(f"{EVENTS}/{second['id']}")).status_code == 204
    assert (await api.get(f"{EVENTS}/{third['id']}")).json()["reply_to"] is None


async def test_a_reply_to_nothing_is_refused(api: ContractClient, other: Tenant) -> None:
    await people_on_file(other, "ann", "bob")
    theirs = (await other.client.post(EVENTS, json=thanks())).json()["id"]
    for nothing in (str(uuid4()), theirs):
        answer = await api.post(EVENTS, json=thanks(reply_to=nothing))
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_recognition")
        batch = (await api.post(f"{EVENTS}/batch", json={"items": [thanks(reply_to=nothing)]})).json()
        assert batch["results"][0]["problem"]["code"] == "unknown_recognition"


async def test_a_person_reacts_once_in_each_way(api: ContractClient) -> None:
    place = f"{EVENTS}/{(await made(api))['id']}"
    first = await api.put(f"{place}/reactions/cy/clap")
    assert (first.status_code, first.json()["person"], first.json()["kind"]) == (201, "cy", "clap")
    again = await api.put(f"{place}/reactions/cy/clap")
    assert (again.status_code, again.json()) == (200, first.json())
    await api.put(f"{place}/reactions/bob/clap")
    await api.put(f"{place}/reactions/cy/+1")
    assert (await api.get(place)).json()["reactions"] == {"clap": 2, "+1": 1}
    assert (await api.delete(f"{place}/reactions/cy/clap")).status_code == 204
    assert (await api.delete(f"{place}/reactions/cy/clap")).status_code == 404
    assert (await api.get(EVENTS)).json()["items"][0]["reactions"] == {"clap": 1, "+1": 1}
    assert (await api.delete(place)).status_code == 204


async def test_reactions_of_nobody_and_to_nothing(api: ContractClient) -> None:
    place = f"{EVENTS}/{(await made(api))['id']}"
    assert (await api.put(f"{place}/reactions/zoe/clap")).status_code == 404
    assert (await api.put(f"{EVENTS}/{uuid4()}/reactions/cy/clap")).status_code == 404
    assert (await api.put(f"{place}/reactions/cy/a%20b")).status_code == 422


# ----------------------------------------------------------------------------------------------- feed


async def test_the_feed_of_a_team_has_what_its_people_gave_and_received(
    api: ContractClient, acme: Tenant
) -> None:
    sales = await team_on_file(acme, "sales")
    below = await team_on_file(acme, "sales-nl", parent_id=sales)
    await people_on_file(acme, "dee", team_id=below)
    await people_on_file(acme, "eve", team_id=sales)
    for name, event in {
        "a": thanks("dee", "ann"),
        "b": thanks("ann", "bob", "dee"),
        "c": thanks("ann", "bob"),
        "d": thanks("ann", "eve", value="craft"),
    }.items():
        await api.post(EVENTS, json=event | {"external_id": name})

    async def names(**filters: str) -> str:
        page = (await api.get(EVENTS, params=filters)).json()
        return "".join(sorted(event["external_id"] for event in page["items"]))

    assert await names(team="sales") == "abd"
    assert await names(team="sales-nl") == "ab"
    assert await names(value="craft") == "d"
    assert await names(team="sales-nl", value="craft") == ""
    unknown = await api.get(EVENTS, params={"team": "nowhere"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_team")
