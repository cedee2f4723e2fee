"""Recognition over HTTP: windows, groups, what is kept and when it is computed again."""

from datetime import date, timedelta
from typing import Any

import pytest

from app.recognition.rules import month_end, months_before, months_of, whole_months
from tests.calendar.staff import people_on_file, team_on_file, worked_before
from tests.clock import today
from tests.conftest import Tenant
from tests.contract import ContractClient, contract

METRICS, EVENTS = "/v1/metrics/recognition", "/v1/recognitions"
TODAY = today()
THIS_MONTH = TODAY.replace(day=1)
BEFORE = months_before(TODAY, 2)
"""The first day of the month before the last one."""
NOON = "T12:00:00Z"


async def staff(acme: Tenant, **sizes: int) -> None:
    """Teams of that many people, all of them below the team `all`; employed for two years."""
    top = await team_on_file(acme, "all")
    since = {"starts_on": TODAY - timedelta(730)}
    for team, size in sizes.items():
        team_id = await team_on_file(acme, team, parent_id=top)
        names = [f"{team}-{number}" for number in range(size)]
        await people_on_file(acme, *names, team_id=team_id, **since)


async def thank(api: ContractClient, *pairs: tuple[str, str], on: date = BEFORE, **more: Any) -> None:
    items = [
        {
            "giver": giver,
            "receivers": [receiver],
            "message": "Thank you.",
            "occurred_at": f"{on}{NOON}",
            **more,
        }
        for giver, receiver in pairs
    ]
    answer = await api.post(f"{EVENTS}/batch", json={"items": items})
    assert answer.json()["summary"]["failed"] == 0


async def read(api: ContractClient, **params: Any) -> dict[str, Any]:
    answer = await api.get(METRICS, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def month(day: date) -> dict[str, str]:
    return {"from": str(day), "to": str(day)}


async def test_a_month_of_recognition(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12, care=12)
    await thank(
        api, ("sales-0", "sales-1"), ("sales-1", "sales-0"), ("sales-0", "sales-1"), ("care-0", "sales-2")
    )
    last = month_end(BEFORE)
    await thank(
        api, ("sales-3", "care-1"), on=last, message="You fixed it on Tuesday, so that we could go on."
    )
    await thank(api, ("sales-0", "care-9"), source="automatic")
    found = await read(api, **month(BEFORE), by=["organization", "team"])
    assert (found["from"], found["to"], found["until"]) == (str(BEFORE), str(last), str(last))
    groups = {group["group"]["id"]: group for group in found["groups"]}
    assert list(groups) == [None, "all", "care", "sales"]
    whole, sales = groups[None], groups["sales"]
    assert (whole["n"], whole["events"], sales["n"], sales["events"]) == (24, 5, 12, 4)
    assert whole["giver_share"] == pytest.approx(4 / 24)
    assert whole["cross_team"] == pytest.approx({"share": 0.4, "expected": 1 - 11 / 23, "ei_index": -0.2})
    assert sales["network"]["reciprocity"] == 1
    assert sales["network"]["density"] == pytest.approx(2 / (12 * 11))
    assert sales["network"]["components"] == 11
    assert sales["network"]["isolates"] is None
    assert sales["reasons"]["network.isolates"] == "few_without"
    assert (whole["network"]["isolates"], whole["network"]["components"]) == (18, 21)
    assert whole["specificity"] == {"mean": 0.6, "n": 5, "status": "experimental"}
    days = (last - BEFORE).days + 1
    assert sales["rate"]["person_months"] == pytest.approx(12 * days / (365.25 / 12))
    assert whole["coverage_30"] == pytest.approx((1 + 3 * (days <= 30)) / 24)
    assert groups["all"]["events"] == 5
    assert groups["all"]["group"] == {"kind": "team", "id": "all", "name": "All", "parent": None, "depth": 0}
    assert groups["care"]["group"]["parent"] == "all"


async def test_small_groups_and_what_would_give_them_away(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12, care=9, desk=15)
    found = await read(api, **month(BEFORE), by=["team"])
    statuses = {group["group"]["id"]: group.get("reason", group["status"]) for group in found["groups"]}
    assert statuses == {"all": "ok", "care": "below_minimum", "desk": "ok", "sales": "complementary"}
    hidden = next(group for group in found["groups"] if group["group"]["id"] == "sales")
    assert hidden.keys() == {"group", "status", "reason"}


async def test_an_organization_of_nine_shows_nothing(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, *[f"p-{number}" for number in range(9)])
    await thank(api, ("p-0", "p-1"))
    [group] = (await read(api, **month(BEFORE)))["groups"]
    assert (group["status"], group["reason"]) == ("suppressed", "below_minimum")


async def test_a_group_must_be_large_enough_in_every_month(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=30)
    small = await team_on_file(acme, "small")
    await people_on_file(acme, *[f"s-{number}" for number in range(9)], team_id=small)
    await people_on_file(acme, "joiner", team_id=small, starts_on=THIS_MONTH)
    now = (await read(api, **month(TODAY), team="small"))["groups"]
    assert now[0]["status"] == "ok"
    both = (await read(api, **{"from": str(BEFORE), "to": str(TODAY)}, team="small"))["groups"]
    assert both[0]["reason"] == "below_minimum"


async def test_windows_are_whole_months(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12)
    found = await read(api, **{"from": str(BEFORE + timedelta(3)), "to": str(BEFORE + timedelta(9))})
    assert (found["from"], found["to"]) == (str(BEFORE), str(month_end(BEFORE)))
    asked_on, usual = today(), await read(api)
    until = date.fromisoformat(usual["until"])
    assert until in (asked_on, today())
    assert (usual["from"], usual["to"]) == (str(months_before(until, 2)), str(month_end(until)))
    for wrong in (
        {"from": str(TODAY), "to": str(BEFORE)},
        {"from": str(TODAY + timedelta(62)), "to": str(TODAY + timedelta(66))},
        {"from": str(TODAY - timedelta(800)), "to": str(TODAY)},
    ):
        refused = await api.get(METRICS, params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_range")
    assert (await api.get(METRICS, params={"from": "soon"})).status_code == 422
    for path in (METRICS, "/v1/people/sales-0/recognition"):
        first_ever = (await api.get(path, params={"to": "0001-01-09"})).json()
        assert (first_ever["from"], first_ever["to"]) == ("0001-01-01", "0001-01-31")
        until_the_last_ever = await api.get(path, params={"from": str(BEFORE), "to": "9999-12-31"})
        assert until_the_last_ever.json()["code"] == "bad_range"
    assert (await api.get(METRICS, params={"by": "segment:x"})).status_code == 422


async def test_month_by_month(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12, care=12)
    await thank(api, ("sales-0", "sales-1"))
    await thank(api, ("sales-0", "care-1"), on=months_before(TODAY, 1))
    found = await read(api, **{"from": str(BEFORE), "to": str(TODAY)}, by=["month"])
    assert found["groups"] == []
    assert [(one["from"], one["result"]["events"]) for one in found["months"]] == [
        (str(BEFORE), 1),
        (str(months_before(TODAY, 1)), 1),
        (str(THIS_MONTH), 0),
    ]
    of_team = await read(api, **{"from": str(BEFORE), "to": str(TODAY)}, by=["month"], team="sales")
    assert [one["result"]["events"] for one in of_team["months"]] == [1, 0, 0]
    assert of_team["months"][0]["result"]["group"]["id"] == "sales"


async def test_one_team_and_those_below_it(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12, care=12)
    alone = (await read(api, **month(BEFORE), team="all"))["groups"]
    assert [group["group"]["id"] for group in alone] == ["all"]
    below = (await read(api, **month(BEFORE), by=["team"], team="all"))["groups"]
    assert [group["group"]["id"] for group in below] == ["all", "care", "sales"]
    for by in (["organization"], ["team"], ["month"]):
        unknown = await api.get(METRICS, params={**month(BEFORE), "by": by, "team": "nowhere"})
        assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_team")


async def test_what_was_computed_is_kept_until_something_changes(
    acme: Tenant, api: ContractClient, queries: list[str]
) -> None:
    await staff(acme, sales=12, care=12)
    await thank(api, ("sales-0", "sales-1"))

    async def events() -> tuple[int, bool]:
        queries.clear()
        [group] = (await read(api, **month(BEFORE)))["groups"]
        return group["events"], any("FROM recognition_month_pairs" in query for query in queries)

    assert await events() == (1, True)
    assert await events() == (1, False)
    await thank(api, ("sales-0", "sales-1"), on=TODAY - timedelta(1))
    assert await events() == (1, False)
    await thank(api, ("sales-0", "sales-2"))
    assert await events() == (2, True)
    [event] = (await api.get(EVENTS, params={"receiver": "sales-2"})).json()["items"]
    await api.delete(f"{EVENTS}/{event['id']}")
    assert await events() == (1, True)
    assert await events() == (1, False)
    await api.patch("/v1/people/sales-3", json={"team": "care", "effective_on": str(BEFORE)})
    assert await events() == (1, True)
    await api.patch("/v1/teams/care", json={"name": "Caring"})
    found = await read(api, **month(BEFORE), by=["team"])
    assert [group["group"]["name"] for group in found["groups"]] == ["All", "Caring", "Sales"]
    assert [group["n"] for group in found["groups"]] == [24, 13, 11]


async def test_who_moved_later_counts_where_he_was(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12, care=12)
    await thank(api, ("sales-0", "sales-1"), ("sales-0", "sales-2"))

    async def events(day: date) -> dict[str, tuple[int, int]]:
        found = await read(api, **month(day), by=["team"])
        return {one["group"]["id"]: (one["n"], one["events"]) for one in found["groups"]}

    assert await events(BEFORE) == {"all": (24, 2), "care": (12, 0), "sales": (12, 2)}
    moved = {"team": "care", "effective_on": str(month_end(BEFORE) + timedelta(1))}
    assert (await api.patch("/v1/people/sales-1", json=moved)).status_code == 200
    assert await events(BEFORE) == {"all": (24, 2), "care": (12, 0), "sales": (12, 2)}
    after = await events(month_end(BEFORE) + timedelta(1))
    assert (after["care"][0], after["sales"][0]) == (13, 11)
    moved["effective_on"] = str(BEFORE)
    assert (await api.patch("/v1/people/sales-1", json=moved)).status_code == 200
    assert await events(BEFORE) == {"all": (24, 2), "care": (13, 1), "sales": (11, 1)}


async def test_who_was_employed_in_the_window_counts(acme: Tenant, api: ContractClient) -> None:
    """By an earlier period too; not who left before, comes later or is inactive."""
    await staff(acme, sales=12)
    last = month_end(BEFORE)
    await people_on_file(acme, "left", ends_on=BEFORE - timedelta(1))
    await people_on_file(acme, "later", starts_on=last + timedelta(1))
    await people_on_file(acme, "idle", is_active=False)
    await people_on_file(acme, "back", starts_on=TODAY)
    await worked_before(acme, "back", BEFORE, BEFORE + timedelta(4))
    await people_on_file(acme, "gone", starts_on=TODAY)
    await worked_before(acme, "gone", BEFORE - timedelta(90), BEFORE - timedelta(1))
    await thank(api, ("sales-0", "back"), ("sales-0", "left"))
    [group] = (await read(api, **month(BEFORE)))["groups"]
    assert (group["n"], group["events"]) == (13, 1)
    days = 12 * ((last - BEFORE).days + 1) + 5
    assert group["rate"]["person_months"] == pytest.approx(days / (365.25 / 12))


async def test_nobody_at_all(api: ContractClient) -> None:
    [group] = (await read(api))["groups"]
    assert group["reason"] == "below_minimum"


async def test_the_answer_has_an_etag(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12)
    first = await api.get(METRICS, params=month(BEFORE))
    again = await api.get(METRICS, params=month(BEFORE), headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert first.headers["cache-control"] == "private, no-cache"


async def test_another_organizations_events_are_in_no_number(
    acme: Tenant, other: Tenant, api: ContractClient
) -> None:
    await staff(acme, sales=12)
    await staff(other, sales=12)
    await thank(other.client, ("sales-0", "sales-1"))
    assert (await read(api, **month(BEFORE)))["groups"][0]["events"] == 0
    assert (await read(other.client, **month(BEFORE)))["groups"][0]["events"] == 1


async def test_every_number_and_reason_is_defined(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12)
    [group] = (await read(api, **month(BEFORE)))["groups"]
    document = (await api.get("/v1/metrics/definitions")).json()
    defined = {metric["name"] for metric in document["metrics"]}
    assert group.keys() - {"group", "status", "events", "reasons"} <= defined
    assert set(group["reasons"].values()) == {"no_edge", "zero_total", "not_reached"}
    described = contract()["components"]["schemas"]["RecognitionGroupOk"]["properties"]["reasons"][
        "description"
    ]
    codes = described.partition(": ")[2].rstrip(".").split(", ")
    assert {*group["reasons"].values()} < set(codes) <= document["labels"]["reasons"].keys()


# ---------------------------------------------------------------------------------------- one's own


async def test_a_person_reads_his_own_numbers(acme: Tenant, api: ContractClient, other: Tenant) -> None:
    await people_on_file(acme, "ann", "bob", "cy")
    await thank(api, ("bob", "ann"), ("bob", "ann"), ("cy", "ann"), ("ann", "cy"))
    await thank(api, ("bob", "ann"), on=BEFORE + timedelta(4), message="Because you called.")
    await thank(api, ("bob", "ann"), source="automatic")
    reader = await acme.client_with("recognitions:read")
    answer = await reader.get("/v1/people/ann/recognition", params=month(BEFORE))
    assert answer.json() == {
        "person": "ann",
        "from": str(BEFORE),
        "to": str(month_end(BEFORE)),
        "received": 4,
        "given": 1,
        "received_from": 2,
        "given_to": 1,
        "last_received_on": str(BEFORE + timedelta(4)),
        "specificity": 0.5,
    }
    tag = {"If-None-Match": answer.headers["etag"]}
    assert (
        await reader.get("/v1/people/ann/recognition", params=month(BEFORE), headers=tag)
    ).status_code == 304
    empty = (await api.get("/v1/people/bob/recognition", params=month(TODAY))).json()
    assert (empty["received"], empty["given"], empty["specificity"]) == (0, 0, None)
    assert (await api.get("/v1/people/nobody/recognition")).status_code == 404
    assert (await other.client.get("/v1/people/ann/recognition")).status_code == 404
    wrong = await api.get("/v1/people/ann/recognition", params={"from": str(TODAY), "to": str(BEFORE)})
    assert wrong.json()["code"] == "bad_range"


def test_months() -> None:
    assert whole_months(date(2028, 2, 29), date(2028, 3, 1)) == (date(2028, 2, 1), date(2028, 3, 31))
    assert months_before(date(2026, 1, 31), 1) == date(2025, 12, 1)
    assert months_before(date(2026, 12, 31), 11) == date(2026, 1, 1)
    assert list(months_of(date(2026, 12, 5), date(2027, 1, 1))) == [
        (date(2026, 12, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 31)),
    ]
