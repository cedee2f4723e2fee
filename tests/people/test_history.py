"""What people held when: effective_on, as_of, and another number for the same person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.people.test_people import batch, listed

TODAY = datetime.now(UTC).date()
"""Or the day before the organisation's, for an hour or two."""


def days_ago(days: int) -> str:
    return str(TODAY - timedelta(days))


@pytest.fixture(autouse=True)
async def teams(api: ContractClient) -> None:
    items = [{"external_id": name, "name": name} for name in ("a", "b", "c")]
    below = {"external_id": "c-below", "name": "c-below", "parent": "c"}
    await api.post("/v1/teams/batch", json={"items": [*items, below]})


async def put(api: ContractClient, team: str | None, days: int | None = None, **members: Any) -> int:
    dated = {} if days is None else {"effective_on": days_ago(days)}
    body = {"name": "Noor", "team": team, **dated, **members}
    return (await api.put("/v1/people/E-1", json=body)).status_code


async def then(api: ContractClient, days: int) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get("/v1/people/E-1", params={"as_of": days_ago(days)})).json()
    return found


async def teams_then(api: ContractClient, *days: int) -> list[str | None]:
    return [(await then(api, day))["team"] for day in days]


async def test_a_person_was_where_he_was(api: ContractClient) -> None:
    await put(api, "a", segments={"location": "Utrecht"}, manager="E-9")
    await put(api, "b", 100, segments={"location": "Gouda"})
    await put(api, "c", 10)
    assert await teams_then(api, 200, 101, 100, 50, 11, 10, 0) == ["a", "a", "b", "b", "b", "c", "c"]
    first = await then(api, 200)
    assert (first["segments"], first["manager"], first["unresolved"]) == (
        {"location": "Utrecht"},
        "E-9",
        ["manager"],
    )
    second = await then(api, 50)
    assert (second["segments"], second["manager"], second["unresolved"]) == ({"location": "Gouda"}, None, [])
    assert second["name"] == "Noor"


async def test_without_a_day_a_change_is_of_today(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b")
    await put(api, "c")
    assert (await api.get("/v1/people/E-1")).json()["team"] == "c"
    assert await teams_then(api, 2, -2) == ["a", "c"]
    await put(api, "a")
    assert await teams_then(api, 2, -2) == ["a", "a"]


async def test_a_day_in_the_future_is_refused(api: ContractClient) -> None:
    await put(api, "a")
    body = {"name": "Noor", "team": "b", "effective_on": days_ago(-2)}
    for answer in (
        await api.put("/v1/people/E-1", json=body),
        await api.patch("/v1/people/E-1", json={"team": "b", "effective_on": days_ago(-2)}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "effective_in_future")
        assert answer.json()["errors"][0]["pointer"] == "#/effective_on"
    assert await batch(api, {"external_id": "E-1", **body}) == [(422, "effective_in_future")]
    assert (await api.get("/v1/people/E-1")).json()["team"] == "a"


async def test_an_earlier_day_replaces_what_came_after_it(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b", 50)
    await put(api, "c", 100)
    assert await teams_then(api, 101, 100, 50, 0) == ["a", "c", "c", "c"]


async def test_the_day_alone_can_be_corrected(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b", 50)
    before = (await api.get("/v1/people/E-1")).headers["etag"]
    assert await batch(api, {"external_id": "E-1", "name": "Noor", "team": "b"}) == [(200, None)]
    assert (await api.get("/v1/people/E-1")).headers["etag"] == before
    again = {"external_id": "E-1", "name": "Noor", "team": "b", "effective_on": days_ago(80)}
    for expected in ("updated", "unchanged"):
        answer = await api.post("/v1/people/batch", json={"items": [again]})
        assert answer.json()["summary"][expected] == 1
    assert await teams_then(api, 81, 80, 60) == ["a", "b", "b"]
    assert (await api.get("/v1/people/E-1")).headers["etag"] != before


async def test_a_patch_moves_from_a_day_on(api: ContractClient) -> None:
    await put(api, "a", segments={"location": "Utrecht"})
    patch = {"team": "b", "segments": {"cohort": "1"}, "effective_on": days_ago(30)}
    assert (await api.patch("/v1/people/E-1", json=patch)).status_code == 200
    assert (await then(api, 31))["segments"] == {"location": "Utrecht"}
    assert (await then(api, 30))["segments"] == {"location": "Utrecht", "cohort": "1"}


async def test_a_list_is_about_the_day_asked_for(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "c-below", 10)
    assert await listed(api, team="c") == ["E-1"]
    assert await listed(api, team="c", as_of=days_ago(10)) == ["E-1"]
    assert await listed(api, team="c", as_of=days_ago(11)) == []
    assert await listed(api, team="a", as_of=days_ago(11)) == ["E-1"]
    page = (await api.get("/v1/people", params={"as_of": days_ago(11)})).json()
    assert [person["team"] for person in page["items"]] == ["a"]
    assert (await api.get("/v1/people", params={"as_of": "yesterday"})).status_code == 422


async def test_a_team_that_is_gone_is_remembered(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b", 10)
    assert (await api.delete("/v1/teams/a")).status_code == 204
    assert await teams_then(api, 11) == ["a"]


async def test_a_first_day_that_is_the_first_there_is(api: ContractClient) -> None:
    await put(api, "a")
    body = {"name": "Noor", "team": "b", "effective_on": "0001-01-01"}
    assert (await api.put("/v1/people/E-1", json=body)).status_code == 200
    assert await teams_then(api, 3000) == ["b"]


# ------------------------------------------------------------------ renumbering


async def test_another_number_keeps_the_person(acme: Tenant, api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b", 10)
    await api.put("/v1/people/E-2", json={"name": "Sam", "manager": "E-1"})
    await api.patch("/v1/teams/a", json={"lead": "E-1"})
    started = (await api.get("/v1/people")).json()["as_of"]
    event = {"giver": "E-1", "receivers": ["E-2"], "message": "Thank you."}
    given = (await api.post("/v1/recognitions", json=event)).json()["id"]
    reminder = {"recipient": "person", "person": "E-1", "days_before": 1}
    await api.post("/v1/reminders", json=reminder)
    await api.post("/v1/calendar/feeds", json={"scope": "manager", "manager": "E-1"})
    await api.post("/v1/api-keys", json={"name": "Noor's", "scopes": ["people:read"], "person": "E-1"})
    answer = await api.patch("/v1/people/E-1", json={"external_id": "N-1", "name": "Noor"})
    assert (answer.status_code, answer.json()["external_id"]) == (200, "N-1")
    assert (await api.get("/v1/people/E-1")).status_code == 404
    found = (await api.get("/v1/people/N-1", params={"as_of": days_ago(20)})).json()
    assert found["team"] == "a"
    managed = (await api.get("/v1/people/E-2")).json()
    assert (managed["manager"], managed["unresolved"]) == ("N-1", [])
    assert (await api.get("/v1/teams/a")).json()["lead"] == "N-1"
    assert (await api.get(f"/v1/recognitions/{given}")).json()["giver"] == "N-1"
    assert (await api.get("/v1/reminders")).json()["items"][0]["person"] == "N-1"
    assert (await api.get("/v1/calendar/feeds")).json()["items"][0]["manager"] == "N-1"
    assert "N-1" in [key["person"] for key in (await api.get("/v1/api-keys")).json()["items"]]
    assert await listed(api, updated_after=started) == ["E-1-", "E-2", "N-1"]
    assert (await api.patch("/v1/people/N-1", json={"external_id": "E-1"})).status_code == 200
    assert await listed(api, updated_after=started) == ["E-1", "E-2", "N-1-"]


async def test_a_number_that_cannot_be_had(api: ContractClient) -> None:
    await put(api, "a", manager="E-3")
    await api.put("/v1/people/E-2", json={"name": "Sam"})
    for number, status, code in (
        ("E-2", 409, "external_id_conflict"),
        ("E-3", 422, "own_manager"),
        ("E 4", 422, "bad_identifier"),
        (None, 422, "bad_identifier"),
    ):
        answer = await api.patch("/v1/people/E-1", json={"external_id": number, "name": "Other"})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await api.get("/v1/people/E-1")).json()["name"] == "Noor"
