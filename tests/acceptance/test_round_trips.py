"""What an HRIS sends comes back: people, recognition, occasions and the calendar."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.process import Api, Service
from tests.acceptance.steps import put_all

HOSTILE = '\'; DROP TABLE people; -- <script>alert(1)</script> =HYPERLINK("x")'
PEOPLE: list[dict[str, Any]] = [
    {"external_id": "E-1", "name": HOSTILE, "team": "sales", "starts_on": "2021-03-01", "locale": "nl"},
    {
        "external_id": "E-2",
        "name": "Noor",
        "team": "sales",
        "manager": "E-1",
        "segments": {"site": "Utrecht"},
    },
    {"external_id": "E-3", "name": "Sam"},
]
BIRTHDAY: dict[str, Any] = {"kind": "birthday", "month": 2, "day": 29, "visibility": "team", "consent": True}


@pytest.fixture(scope="module")
def api(service: Service) -> Iterator[Api]:
    with service.organization("Round trips") as api:
        put_all(api, "/v1/teams", [{"external_id": "sales", "name": "Sales"}])
        put_all(api, "/v1/people", PEOPLE)
        yield api


def test_people_come_back_as_sent_and_the_same_batch_changes_nothing(api: Api) -> None:
    for sent in PEOPLE:
        found = api.sent("GET", f"/v1/people/{sent['external_id']}")
        assert {name: found[name] for name in sent} == sent
    first = api.get("/v1/people/E-1")
    again = api.sent("POST", "/v1/people/batch", json={"items": PEOPLE})
    assert again["summary"] == {"created": 0, "updated": 0, "unchanged": 3, "failed": 0}
    assert api.get("/v1/people/E-1", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_delta_reads_show_what_changed_and_what_is_gone(api: Api) -> None:
    put_all(api, "/v1/people", [{"external_id": f"D-{number}", "name": "Delta"} for number in range(3)])
    before = api.sent("GET", "/v1/people")
    assert {"D-0", "D-1", "D-2"} <= {item["external_id"] for item in before["items"]}
    api.sent("PATCH", "/v1/people/D-1", json={"team": "sales"})
    assert api.delete("/v1/people/D-2").status_code == 204
    delta = api.sent("GET", "/v1/people", params={"updated_after": before["as_of"]})["items"]
    changed = {item["external_id"]: item for item in delta}
    assert changed["D-1"]["team"] == "sales"
    assert changed["D-2"].keys() == {"external_id", "deleted_at"}


def test_a_batch_with_a_bad_row_stores_the_others(api: Api) -> None:
    items = [{"external_id": f"N-{number}", "name": "New"} for number in range(5)]
    items[2]["team"] = "nowhere"
    answer = api.sent("POST", "/v1/people/batch", json={"items": items})
    assert [result["status"] for result in answer["results"]] == [201, 201, 422, 201, 201]
    problem = answer["results"][2]["problem"]
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("unknown_team", "#/team")


def test_a_batch_sent_twice_with_one_key_is_answered_the_same(api: Api) -> None:
    items = [{"external_id": "K-1", "name": "New"}]
    key = {"Idempotency-Key": "nightly"}
    first, again = (api.post("/v1/people/batch", json={"items": items}, headers=key) for _ in range(2))
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


def test_recognition_is_recorded_listed_and_deleted(api: Api) -> None:
    wanted = {
        "giver": "E-1",
        "receivers": ["E-2", "E-3"],
        "message": HOSTILE,
        "value": "ownership",
        "occurred_at": "2026-11-20T09:14:00Z",
        "external_id": "slack-173",
        "visibility": "organization",
    }
    event = api.sent("POST", "/v1/recognitions", json=wanted)
    assert {name: event[name] for name in wanted} == wanted
    assert api.sent("POST", "/v1/recognitions", json=wanted) == event
    assert api.sent("GET", "/v1/recognitions")["items"] == [event]
    assert api.delete(f"/v1/recognitions/{event['id']}").status_code == 204
    assert api.sent("GET", "/v1/recognitions")["items"] == []


def test_occasions_show_in_the_calendar(api: Api) -> None:
    put = api.sent("PUT", "/v1/people/E-2/occasions/birthday", json=BIRTHDAY)
    assert {name: put[name] for name in BIRTHDAY} == BIRTHDAY
    year = {"from": "2026-01-01", "to": "2026-12-31"}
    days = {(day["person"]["external_id"], day["kind"], day["date"]) for day in occurrences(api, **year)}
    assert days == {("E-1", "work_anniversary", "2026-03-01"), ("E-2", "birthday", "2026-02-28")}
    assert api.delete("/v1/people/E-2/occasions/birthday").status_code == 204
    assert {day["kind"] for day in occurrences(api, **year)} == {"work_anniversary"}


def occurrences(api: Api, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.sent("GET", "/v1/calendar", params=params)["items"]
    return found
