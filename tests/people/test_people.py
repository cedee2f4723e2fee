import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.core.database import Database
from app.people.persons import queries as persons_queries
from app.people.teams import queries as teams_queries
from tests.conftest import Tenant
from tests.contract import ContractClient

HOSTILE = (
    """'; DROP TABLE people; -- <img src=x onerror=alert(1)> =cmd|' /C calc'!A0 \\u0041 \N{PARTY POPPER}"""
)
FULL = {
    "name": "Noor de Wit",
    "email": "e-1@example.com",
    "team": "sales",
    "manager": "E-7",
    "locale": "nl-BE",
    "time_zone": "Europe/Brussels",
    "starts_on": "2021-03-01",
    "ends_on": "2026-12-31",
    "active": False,
    "segments": {"location": "Utrecht", "tenure": "3-5"},
}


def record(key: str) -> persons_queries.PersonRecord:
    nothing = dict.fromkeys(persons_queries.PersonRecord._fields)
    return persons_queries.PersonRecord(
        **nothing | {"external_id": key, "name": key, "is_active": True, "segments": {}}
    )


async def put(api: ContractClient, key: str, **members: Any) -> int:
    return (await api.put(f"/v1/people/{key}", json={"name": key, **members})).status_code


async def person(api: ContractClient, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/v1/people/{key}")).json()
    return found


async def batch(api: ContractClient, *items: Any) -> list[tuple[int, str | None]]:
    answer = await api.post("/v1/people/batch", json={"items": list(items)})
    assert answer.status_code == 200
    return [
        (result["status"], result["problem"]["code"] if "problem" in result else None)
        for result in answer.json()["results"]
    ]


async def listed(api: ContractClient, **params: Any) -> list[str]:
    items = (await api.get("/v1/people", params=params)).json()["items"]
    return [item["external_id"] + ("-" if "deleted_at" in item else "") for item in items]


async def refused(api: ContractClient, code: str, **members: Any) -> dict[str, Any]:
    """The first error of a PUT that is refused with this code; a batch of it is refused alike."""
    body = {"name": "x", **members}
    answer = await api.put("/v1/people/E-1", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await batch(api, {**body, "external_id": "E-1"}) == [(422, code)]
    error: dict[str, Any] = answer.json()["errors"][0]
    return error


async def test_put_replaces_and_absent_members_take_their_default(api: ContractClient) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    made = await api.put("/v1/people/E-1", json=FULL)
    assert (made.status_code, made.headers["location"]) == (201, "/v1/people/E-1")
    assert made.headers["cache-control"] == "no-store"
    assert {name: made.json()[name] for name in FULL} == FULL
    bare = await api.put("/v1/people/E-1", json={"name": "Noor"})
    assert bare.status_code == 200
    assert {name: bare.json()[name] for name in FULL} == {
        **dict.fromkeys(FULL),
        "name": "Noor",
        "active": True,
        "segments": {},
    }
    assert bare.json()["employments"] == [{"starts_on": None, "ends_on": None}]


async def test_what_was_read_can_be_sent_back_and_changes_nothing(api: ContractClient) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    first = await api.put("/v1/people/E-1", json=FULL)
    again = await api.put("/v1/people/E-1", json=first.json())
    assert (again.status_code, again.headers["etag"]) == (200, first.headers["etag"])
    patched = await api.patch("/v1/people/E-1", json=first.json())
    assert (patched.json(), patched.headers["etag"]) == (first.json(), first.headers["etag"])


async def test_a_manager_resolves_on_arrival(api: ContractClient) -> None:
    await put(api, "E-1", manager="E-7")
    assert (await person(api, "E-1"))["unresolved"] == ["manager"]
    await put(api, "E-7", manager="E-1")
    assert (await person(api, "E-1"))["unresolved"] == []
    await api.delete("/v1/people/E-7")
    assert (await person(api, "E-1"))["unresolved"] == ["manager"]


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ({"team": "nowhere"}, "unknown_team", "#/team"),
        ({"manager": "E-1"}, "own_manager", "#/manager"),
        ({"starts_on": "2026-02-02", "ends_on": "2026-02-01"}, "ends_before_starts", "#/ends_on"),
        ({"time_zone": "Europe/Utrecht"}, "unknown_time_zone", "#/time_zone"),
        ({"starts_on": "2026-02-30"}, "invalid_value", "#/starts_on"),
        ({"starts_on": "1 March 2026"}, "invalid_value", "#/starts_on"),
        ({"starts_on": 0}, "invalid_value", "#/starts_on"),
        ({"ends_on": "2026-02-01T00:00:00Z"}, "invalid_value", "#/ends_on"),
        ({"name": ""}, "invalid_value", "#/name"),
        ({"name": 5}, "invalid_value", "#/name"),
        ({"name": None}, "invalid_value", "#/name"),
        ({"name": "x" * 201}, "invalid_value", "#/name"),
        ({"name": "x" * 1_500_000}, "invalid_value", "#/name"),
        ({"email": "x" * 321}, "invalid_value", "#/email"),
        ({"active": 1}, "invalid_value", "#/active"),
        ({"active": "true"}, "invalid_value", "#/active"),
        ({"locale": "Dutch"}, "invalid_value", "#/locale"),
        ({"team": "a/b"}, "bad_identifier", "#/team"),
        ({"manager": 42}, "bad_identifier", "#/manager"),
        ({"nickname": "x"}, "unknown_field", "#/nickname"),
        ({"segments": {"location": ""}}, "invalid_value", "#/segments/location"),
        ({"segments": {"location": "x" * 101}}, "invalid_value", "#/segments/location"),
        ({"segments": {"location": None}}, "invalid_value", "#/segments/location"),
        ({"segments": None}, "invalid_value", "#/segments"),
        ({"segments": {f"s{i}": "x" for i in range(21)}}, "invalid_value", "#/segments"),
    ],
)
async def test_bad_input_is_named(
    api: ContractClient, members: dict[str, Any], code: str, pointer: str
) -> None:
    assert (await refused(api, code, **members))["pointer"] == pointer
    assert (await api.get("/v1/people/E-1")).status_code == 404


async def test_a_segment_has_a_plain_name(api: ContractClient) -> None:
    for name in ("", "1st", "cost centre", "a:b", "x" * 51):
        await refused(api, "invalid_value", segments={name: "Utrecht"})
    assert await put(api, "E-1", segments={"Cost-centre": "12"}) == 201


async def test_identifier_in_body_equals_that_in_path(api: ContractClient) -> None:
    answer = await api.put("/v1/people/E-1", json={"name": "x", "external_id": "E-2"})
    assert (answer.status_code, answer.json()["code"]) == (422, "identifier_mismatch")
    assert await put(api, "E-1", external_id="E-1") == 201


async def test_text_comes_back_as_it_went_in(api: ContractClient) -> None:
    body = {"name": HOSTILE, "segments": {"location": HOSTILE}}
    await put(api, "E-1", **body)
    await batch(api, {"external_id": "E-2", **body})
    for key in ("E-1", "E-2"):
        found = await person(api, key)
        assert {name: found[name] for name in body} == body


async def test_patch_is_a_merge_patch(api: ContractClient) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    before = (await api.put("/v1/people/E-1", json=FULL)).json()
    patch = {"email": None, "segments": {"tenure": None, "cohort": "2021"}}
    answer = await api.patch(
        "/v1/people/E-1", json=patch, headers={"Content-Type": "application/merge-patch+json"}
    )
    segments = {"location": "Utrecht", "cohort": "2021"}
    assert answer.json() == {
        **before,
        "email": None,
        "segments": segments,
        "updated_at": answer.json()["updated_at"],
    }
    assert answer.json()["updated_at"] > before["updated_at"]


async def test_a_patch_is_judged_by_what_it_makes(api: ContractClient) -> None:
    await put(api, "E-1", starts_on="2026-01-01", segments={f"s{i}": "x" for i in range(20)})
    for patch, code in (
        ({"ends_on": "2025-12-31"}, "ends_before_starts"),
        ({"manager": "E-1"}, "own_manager"),
        ({"team": "nowhere"}, "unknown_team"),
        ({"segments": {"one_more": "x"}}, "invalid_value"),
        ({"name": None}, "invalid_value"),
        ({"active": None}, "invalid_value"),
    ):
        answer = await api.patch("/v1/people/E-1", json=patch)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    moved = await api.patch("/v1/people/E-1", json={"segments": {"s0": None, "one_more": "x"}})
    assert moved.status_code == 200
    assert (await api.patch("/v1/people/E-2", json={})).status_code == 404


async def test_conditions(api: ContractClient) -> None:
    only_new = {"If-None-Match": "*"}
    created = await api.put("/v1/people/E-1", json={"name": "A"}, headers=only_new)
    assert created.status_code == 201
    assert (await api.put("/v1/people/E-1", json={"name": "B"}, headers=only_new)).status_code == 412
    held = {"If-Match": created.headers["etag"]}
    read = await api.get("/v1/people/E-1", headers={"If-None-Match": created.headers["etag"]})
    assert read.status_code == 304
    assert (await api.put("/v1/people/E-1", json={"name": "B"}, headers=held)).status_code == 200
    assert (await api.put("/v1/people/E-1", json={"name": "C"}, headers=held)).status_code == 412
    assert (await api.patch("/v1/people/E-1", json={"name": "C"}, headers=held)).status_code == 412
    assert (await api.delete("/v1/people/E-1", headers=held)).status_code == 412
    assert (await api.put("/v1/people/E-2", json={"name": "C"}, headers=held)).status_code == 412
    assert await listed(api) == ["E-1"]
    assert (await person(api, "E-1"))["name"] == "B"


async def test_a_rehire_keeps_the_earlier_period(api: ContractClient) -> None:
    await put(api, "E-1", starts_on=None, ends_on="2020-12-31")
    await put(api, "E-1", starts_on="2022-01-01", ends_on=None)
    await put(api, "E-1", starts_on="2022-01-01", ends_on="2022-06-30")
    await batch(api, {"external_id": "E-1", "name": "E-1", "starts_on": "2024-01-01"})
    periods = [(None, "2020-12-31"), ("2022-01-01", "2022-06-30"), ("2024-01-01", None)]
    found = (await person(api, "E-1"))["employments"]
    assert [(period["starts_on"], period["ends_on"]) for period in found] == periods
    await put(api, "E-1", starts_on="2021-01-01")
    found = (await person(api, "E-1"))["employments"]
    assert [(period["starts_on"], period["ends_on"]) for period in found] == [
        (None, "2020-12-31"),
        ("2021-01-01", None),
    ]


async def test_who_is_employed_on_a_day(acme: Tenant, api: ContractClient, database: Database) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    await put(api, "always", team="sales", segments={"location": "Utrecht"}, locale="nl")
    await put(api, "first-day", starts_on="2026-05-01")
    await put(api, "last-day", ends_on="2026-05-01")
    await put(api, "gone", ends_on="2026-04-30")
    await put(api, "to-come", starts_on="2026-05-02")
    await put(api, "inactive", active=False)
    await put(api, "between", starts_on="2020-01-01", ends_on="2026-05-31")
    await put(api, "between", starts_on="2026-09-01")
    async with database.tenant_session(acme.id) as session:
        found = await persons_queries.employed_people(session, date(2026, 5, 1))
        ids = await persons_queries.people_by_external_ids(session, ["always", "gone", "nobody"])
        [team] = await teams_queries.team_tree(session)
    assert {row.external_id for row in found} == {"always", "first-day", "last-day", "between"}
    always = next(row for row in found if row.external_id == "always")
    assert always[2:] == (team.id, {"location": "Utrecht"}, "nl")
    assert ids.keys() == {"always", "gone"}
    assert ids["always"] == always.id


async def test_a_mistaken_record_is_deleted_once(api: ContractClient) -> None:
    await put(api, "E-1", starts_on="2020-01-01", ends_on="2020-12-31")
    await put(api, "E-1", starts_on="2022-01-01")
    assert (await api.delete("/v1/people/E-1")).status_code == 204
    assert (await api.delete("/v1/people/E-1")).status_code == 404
    assert await put(api, "E-1") == 201
    assert len((await person(api, "E-1"))["employments"]) == 1


async def insert(owner: asyncpg.Connection, table: str, **values: Any) -> None:
    names = ", ".join(values)
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    await owner.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values.values())


@pytest.mark.parametrize("reference", ["survey", "answer", "giver", "receiver"])
async def test_a_person_in_use_is_not_deleted(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection, reference: str
) -> None:
    await put(api, "E-1")
    await put(api, "E-2")
    async with acme.database.tenant_session(acme.id) as session:
        ids = await persons_queries.people_by_external_ids(session, ["E-1", "E-2"])
    within, thing = {"organization_id": acme.id}, uuid4()
    if reference in ("survey", "answer"):
        survey = {
            "name": "x",
            "status": "open",
            "questionnaire": "q",
            "mode": "attributed",
            "access": "invited",
            "release_policy": "on_close",
            "report_by": [],
        }
        await insert(owner, "surveys", id=thing, **within, **survey)
        member = {"survey_id": thing, **within, "cell_ordinal": 0}
        if reference == "survey":
            await insert(owner, "survey_members", person_id=ids["E-1"], **member)
        else:
            await insert(owner, "responses", respondent_key=ids["E-1"], answers=[1], **member)
    else:
        giver, receiver = ("E-1", "E-2") if reference == "giver" else ("E-2", "E-1")
        event = {"id": thing, "giver_id": ids[giver], "message": "x", "visibility": "team", **within}
        await owner.execute(
            "INSERT INTO recognitions (id, giver_id, message, visibility, organization_id, occurred_at)"
            " VALUES ($1, $2, $3, $4, $5, now())",
            *event.values(),
        )
        await insert(
            owner,
            "recognition_receivers",
            recognition_id=thing,
            person_id=ids[receiver],
            position=0,
            **within,
        )
    answer = await api.delete("/v1/people/E-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "person_in_use")
    assert (await api.get("/v1/people/E-1")).status_code == 200


async def test_a_delta_read_shows_changes_and_deletions(api: ContractClient) -> None:
    for key in "abcd":
        await put(api, key)
    first = await api.get("/v1/people")
    assert first.headers["cache-control"] == "no-store"
    since = first.json()["as_of"]
    await put(api, "b", name="changed")
    await put(api, "a")
    for key in "cd":
        await api.delete(f"/v1/people/{key}")
    await put(api, "d")
    await put(api, "e")
    assert await listed(api, updated_after=since) == ["b", "c-", "d", "e"]
    assert await listed(api) == ["a", "b", "d", "e"]
    answer = await api.get("/v1/people", params={"updated_after": "2026-11-20T09:14:00"})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "updated_after")


async def test_a_change_still_in_flight_is_in_the_next_delta(
    acme: Tenant, api: ContractClient, database: Database
) -> None:
    await put(api, "E-1")
    async with database.tenant_session(acme.id) as session:
        await persons_queries.add_or_hold_people(session, [record("E-2")])
        await put(api, "E-3")
        first = (await api.get("/v1/people")).json()
    assert [item["external_id"] for item in first["items"]] == ["E-1", "E-3"]
    assert "E-2" in await listed(api, updated_after=first["as_of"])


async def test_people_of_a_team_and_those_below(api: ContractClient) -> None:
    for team, parent in (("sales", None), ("nl", "sales"), ("utrecht", "nl"), ("it", None)):
        await api.put(f"/v1/teams/{team}", json={"name": team, "parent": parent})
        await put(api, f"in-{team}", team=team)
    await put(api, "direct")
    assert await listed(api, team="sales") == ["in-nl", "in-sales", "in-utrecht"]
    assert await listed(api, team="utrecht") == ["in-utrecht"]
    answer = await api.get("/v1/people", params={"team": "nowhere"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_team")
    first = (await api.get("/v1/people", params={"team": "sales", "limit": 2})).json()
    assert await listed(api, team="sales", cursor=first["next_cursor"]) == ["in-utrecht"]


async def test_a_batch_stores_four_of_five_and_names_the_third(api: ContractClient) -> None:
    items: list[Any] = [{"external_id": f"E-{i}", "name": "x", "manager": "E-4"} for i in range(5)]
    items[2] |= {"ends_on": "2026-02-30"}
    items[4] |= {"manager": None}
    answer = (await api.post("/v1/people/batch", json={"items": items})).json()
    assert answer["summary"] == {"created": 4, "updated": 0, "unchanged": 0, "failed": 1}
    failed = answer["results"][2]
    assert (failed["index"], failed["status"], failed["external_id"]) == (2, 422, "E-2")
    assert failed["problem"]["errors"][0]["pointer"] == "#/ends_on"
    assert await listed(api) == ["E-0", "E-1", "E-3", "E-4"]
    again = (await api.post("/v1/people/batch", json={"items": items})).json()
    assert again["summary"] == {"created": 0, "updated": 0, "unchanged": 4, "failed": 1}


async def test_a_batch_creates_changes_and_refuses_item_by_item(api: ContractClient) -> None:
    await put(api, "E-1")
    await put(api, "E-2")
    results = await batch(
        api,
        {"external_id": "E-1", "name": "E-1"},
        {"external_id": "E-2", "name": "changed"},
        {"external_id": "E-3", "name": "new"},
        {"external_id": "E-3", "name": "repeated"},
        {"external_id": "E-4", "name": "x", "team": "nowhere"},
        {"external_id": "E 5", "name": "x"},
        {"name": "x"},
        None,
    )
    assert results == [
        (200, None),
        (200, None),
        (201, None),
        (422, "duplicate_in_batch"),
        (422, "unknown_team"),
        (422, "bad_identifier"),
        (422, "missing_field"),
        (422, "invalid_value"),
    ]
    assert (await person(api, "E-2"))["name"] == "changed"


async def test_a_batch_is_done_once_under_its_idempotency_key(api: ContractClient) -> None:
    body, once = {"items": [{"external_id": "E-1", "name": "A"}]}, {"Idempotency-Key": "k"}
    first = await api.post("/v1/people/batch", json=body, headers=once)
    again = await api.post("/v1/people/batch", json=body, headers=once)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = await api.post("/v1/people/batch", json={"items": [{}]}, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_of_racing_puts_of_a_new_person_one_creates(api: ContractClient) -> None:
    answers = await asyncio.gather(
        *(api.put("/v1/people/E-1", json={"name": f"version {i}"}) for i in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]


async def test_of_racing_puts_that_only_create_one_succeeds(api: ContractClient) -> None:
    only_new = {"If-None-Match": "*"}
    answers = await asyncio.gather(
        *(api.put("/v1/people/E-1", json={"name": f"{i}"}, headers=only_new) for i in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 412, 412, 412]


async def test_writers_in_opposite_order_do_not_lock_each_other_out(acme: Tenant, database: Database) -> None:
    people = [record(f"E-{i}") for i in range(3000)]

    async def add(records: list[persons_queries.PersonRecord]) -> int:
        async with database.tenant_session(acme.id) as session:
            return len(await persons_queries.add_or_hold_people(session, records))

    assert sorted(await asyncio.gather(add(people), add(people[::-1]))) == [0, 3000]


async def test_a_person_put_into_a_team_that_is_being_deleted(api: ContractClient) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    placed, deleted = await asyncio.gather(put(api, "E-1", team="sales"), api.delete("/v1/teams/sales"))
    assert (placed, deleted.status_code) in ((201, 409), (422, 204))


async def test_statements_do_not_grow_with_the_batch_or_the_list(
    api: ContractClient, queries: list[str]
) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    counts = []
    for prefix, size in (("a", 1), ("b", 50)):
        leavers = [
            {"external_id": f"{prefix}{i}", "name": "x", "team": "sales", "ends_on": "2020-01-01"}
            for i in range(size)
        ]
        rehired = [{**item, "starts_on": "2021-01-01", "ends_on": None} for item in leavers]
        for items in (leavers, rehired, rehired):
            queries.clear()
            await api.post("/v1/people/batch", json={"items": items})
            counts.append(len(queries))
        queries.clear()
        await api.get("/v1/people")
        counts.append(len(queries))
    assert counts[:4] == counts[4:]


async def test_a_batch_of_a_thousand_takes_as_many_statements_as_one_of_ten(
    api: ContractClient, queries: list[str]
) -> None:
    """With managers above managers."""
    counts = []
    for prefix, size in (("a", 10), ("b", 1000)):
        items = [
            {
                "external_id": f"{prefix}{i}",
                "name": "x",
                "manager": f"{prefix}{i // 8 - 1}" if i > 7 else None,
            }
            for i in range(size)
        ]
        queries.clear()
        answer = await api.post("/v1/people/batch", json={"items": items})
        assert answer.json()["summary"]["created"] == size
        counts.append(len(queries))
    assert counts[0] == counts[1]


async def test_people_of_another_organization_are_invisible(api: ContractClient, other: Tenant) -> None:
    await put(other.client, "theirs")
    await put(other.client, "deleted")
    await other.client.delete("/v1/people/deleted")
    assert (await api.get("/v1/people/theirs")).status_code == 404
    assert (await api.patch("/v1/people/theirs", json={"name": "x"})).status_code == 404
    assert (await api.delete("/v1/people/theirs")).status_code == 404
    assert await listed(api, updated_after="2020-01-01T00:00:00Z") == []
    await put(api, "mine", manager="theirs")
    assert (await person(api, "mine"))["unresolved"] == ["manager"]
    assert await put(api, "theirs", name="ours now") == 201
    assert (await person(other.client, "theirs"))["name"] == "theirs"


async def test_a_batch_over_the_limit_stores_nothing(api: ContractClient) -> None:
    items = [{"external_id": f"E-{number}", "name": "x"} for number in range(1001)]
    answer = await api.post("/v1/people/batch", json={"items": items})
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_too_large")
    assert (await api.get("/v1/people")).json()["items"] == []


async def test_a_patched_time_zone_is_an_iana_name(api: ContractClient) -> None:
    await api.put("/v1/people/E-1", json={"name": "x"})
    answer = await api.patch("/v1/people/E-1", json={"time_zone": "Amsterdam"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_time_zone")


async def test_a_delta_read_shows_whose_manager_came_or_went(api: ContractClient) -> None:
    await put(api, "E-1", manager="E-7")
    await put(api, "E-2")
    before = (await api.get("/v1/people")).json()["as_of"]
    await put(api, "E-7")
    assert await listed(api, updated_after=before) == ["E-1", "E-7"]
    between = (await api.get("/v1/people")).json()["as_of"]
    await api.delete("/v1/people/E-7")
    assert await listed(api, updated_after=between) == ["E-1", "E-7-"]
    assert (await person(api, "E-1"))["unresolved"] == ["manager"]


async def test_an_identifier_is_always_a_string(api: ContractClient) -> None:
    for member in ("team", "manager"):
        answer = await api.put("/v1/people/E-1", json={"name": "x", member: 7})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_identifier")
    assert await batch(api, {"external_id": 7, "name": "x"}) == [(422, "bad_identifier")]


async def test_an_unknown_member_is_said_first(api: ContractClient) -> None:
    answer = await api.put("/v1/people/E-1", json={"nmae": "x"})
    assert answer.json()["code"] == "unknown_field"
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/nmae", "#/name"]


async def test_people_are_found_by_their_address(acme: Tenant, other: Tenant) -> None:
    api = acme.client
    await put(api, "a", email="Zoë@example.com")
    await put(api, "b", email="zoë@EXAMPLE.com")
    await put(api, "c", email="o'brien@example.com")
    await put(api, "d")
    await put(other.client, "a", email="zoë@example.com")
    assert await listed(api, email="ZOË@example.com") == ["a", "b"]
    assert await listed(api, email="o'brien@example.com") == ["c"]
    assert await listed(api, email="nobody@example.com") == []
    first = (await api.get("/v1/people", params={"email": "zoë@example.com", "limit": 1})).json()
    assert first["next_cursor"]
    before = first["as_of"]
    await api.delete("/v1/people/d")
    assert await listed(api, updated_after=before) == ["d-"]
    assert await listed(api, email="o'brien@example.com", updated_after=before) == []
    assert (await api.get("/v1/people", params={"email": ""})).status_code == 422
