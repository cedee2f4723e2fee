"""Recognition over HTTP: windows, groups, what is kept and when it is computed again."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg
import pytest

from app.metrics.recognition import service
from app.recognition import service as recognition
from app.recognition.rules import month_end, months_before, months_of, whole_months
from app.recognition.schemas import RecognitionWrite
from tests.calendar.staff import people_on_file, team_on_file, worked_before
from tests.clock import today
from tests.conftest import Tenant
from tests.contract import ContractClient, contract
from tests.waiting import until_blocked

METRICS, EVENTS = "/v1/metrics/recognition", "/v1/recognitions"
TODAY = today()
THIS_MONTH = TODAY.replace(day=1)
LAST_MONTH = months_before(TODAY, 1)
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
    await people_on_file(acme, "joiner", team_id=small, starts_on=LAST_MONTH)
    now = (await read(api, **month(LAST_MONTH), team="small"))["groups"]
    assert now[0]["status"] == "ok"
    both = (await read(api, **{"from": str(BEFORE), "to": str(TODAY)}, team="small"))["groups"]
    assert both[0]["reason"] == "below_minimum"


async def test_windows_are_whole_months(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12)
    found = await read(api, **{"from": str(BEFORE + timedelta(3)), "to": str(BEFORE + timedelta(9))})
    assert (found["from"], found["to"]) == (str(BEFORE), str(month_end(BEFORE)))
    asked_on, usual = today(), await read(api)
    until = date.fromisoformat(usual["until"])
    assert until in [day.replace(day=1) - timedelta(1) for day in (asked_on, today())]
    this_month = until + timedelta(1)
    assert (usual["from"], usual["to"]) == (str(months_before(this_month, 2)), str(month_end(this_month)))
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
        (str(LAST_MONTH), 1),
    ]
    of_team = await read(api, **{"from": str(BEFORE), "to": str(TODAY)}, by=["month"], team="sales")
    assert [one["result"]["events"] for one in of_team["months"]] == [1, 0]
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


async def test_a_month_is_told_once_it_is_over(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12)
    refused = await api.get(METRICS, params=month(TODAY))
    assert (refused.status_code, refused.json()["code"]) == (409, "month_not_over")


async def test_what_was_told_is_kept_whatever_comes_later(
    acme: Tenant, api: ContractClient, queries: list[str]
) -> None:
    await staff(acme, sales=12, care=12)
    await thank(api, ("sales-0", "sales-1"))

    async def told() -> tuple[list[dict[str, Any]], bool]:
        queries.clear()
        groups = (await read(api, **month(BEFORE), by=["organization", "team"]))["groups"]
        return groups, any("FROM recognition_month_pairs" in query for query in queries)

    before, is_computed = await told()
    assert is_computed
    assert await told() == (before, False)
    [event] = (await api.get(EVENTS, params={"receiver": "sales-1"})).json()["items"]
    await thank(api, ("sales-0", "sales-2"))
    await api.delete(f"{EVENTS}/{event['id']}")
    for name, change in (
        ("sales-1", {"ends_on": str(BEFORE - timedelta(40))}),
        ("sales-3", {"team": "care", "effective_on": str(BEFORE)}),
        ("sales-4", {"active": False}),
    ):
        assert (await api.patch(f"/v1/people/{name}", json=change)).status_code == 200
    await api.post("/v1/people/sales-5/erasure")
    await api.patch("/v1/teams/care", json={"name": "Caring", "parent": None})
    assert await told() == (before, False)


# ------------------------------------------------------------- two readings are never subtracted (R9b)


async def leave(api: ContractClient, person: str) -> None:
    """Late: the day lies before all that was told."""
    left = await api.patch(f"/v1/people/{person}", json={"ends_on": str(BEFORE - timedelta(40))})
    assert left.status_code == 200


async def test_a_late_leaving_date_tells_nobodys_count(acme: Tenant, api: ContractClient) -> None:
    """Attack: one reads, writes that somebody had left, and reads again: the difference is their count."""
    await staff(acme, sales=30)
    await thank(api, *[("sales-0", "sales-1")] * 7, ("sales-2", "sales-3"))
    await thank(api, *[("sales-0", "sales-1")] * 5, on=LAST_MONTH)
    both = {"from": str(BEFORE), "to": str(LAST_MONTH)}
    windows: list[dict[str, str]] = [month(BEFORE), both, {}]
    before = [(await read(api, **window))["groups"] for window in windows]
    await leave(api, "sales-1")
    assert [(await read(api, **window))["groups"] for window in windows] == before


async def test_nor_does_a_window_with_a_month_more(acme: Tenant, api: ContractClient) -> None:
    """Attack: the months alone, then the person leaves, then both together: they add up all the same."""
    await staff(acme, sales=30)
    await thank(api, *[("sales-0", "sales-1")] * 7, ("sales-2", "sales-3"))
    await thank(api, *[("sales-0", "sales-1")] * 5, on=LAST_MONTH)
    alone = [(await read(api, **month(day)))["groups"][0] for day in (BEFORE, LAST_MONTH)]
    await leave(api, "sales-1")
    [both] = (await read(api, **{"from": str(BEFORE), "to": str(LAST_MONTH)}))["groups"]
    assert both["events"] == sum(one["events"] for one in alone) == 13
    assert both["rate"]["person_months"] == pytest.approx(sum(one["rate"]["person_months"] for one in alone))


async def test_who_moves_is_in_each_month_where_they_were(acme: Tenant, api: ContractClient) -> None:
    """Attack: one person moves between two months; teams over both, less each alone, would be their count."""
    await staff(acme, sales=12, care=12)
    await thank(api, *[("care-0", "sales-1")] * 7, ("sales-0", "sales-2"))
    await thank(api, *[("care-0", "sales-1")] * 2, on=LAST_MONTH)
    moved = {"team": "care", "effective_on": str(LAST_MONTH)}
    assert (await api.patch("/v1/people/sales-1", json=moved)).status_code == 200

    async def events(first: date, last: date) -> dict[str, tuple[int, int]]:
        found = await read(api, **{"from": str(first), "to": str(last)}, by=["organization", "team"])
        return {one["group"]["id"]: (one["n"], one["events"]) for one in found["groups"]}

    first, second = await events(BEFORE, BEFORE), await events(LAST_MONTH, LAST_MONTH)
    assert first == {None: (24, 8), "all": (24, 8), "care": (12, 0), "sales": (12, 8)}
    assert second == {None: (24, 2), "all": (24, 2), "care": (13, 2), "sales": (11, 0)}
    both = await events(BEFORE, LAST_MONTH)
    assert both == {None: (24, 10), "all": (24, 10), "care": (13, 2), "sales": (12, 8)}


async def test_a_group_that_a_team_came_to_is_not_told_over_both_months(
    acme: Tenant, api: ContractClient
) -> None:
    """Attack: a team too small to be told moves; both groups over both months, less each, would be it."""
    await staff(acme, sales=24, care=24)
    tiny = await team_on_file(acme, "tiny")
    await people_on_file(acme, *[f"tiny-{number}" for number in range(3)], team_id=tiny)
    await api.patch("/v1/teams/tiny", json={"parent": "sales"})
    await read(api, **month(BEFORE))
    await api.patch("/v1/teams/tiny", json={"parent": "care"})
    found = await read(api, **{"from": str(BEFORE), "to": str(LAST_MONTH)}, by=["organization", "team"])
    told = {one["group"]["id"]: one.get("reason", one["status"]) for one in found["groups"]}
    assert told == {
        None: "ok",
        "all": "ok",
        "care": "complementary",
        "sales": "complementary",
        "tiny": "below_minimum",
    }


async def test_an_event_that_comes_after_its_month_was_told_counts_in_the_next(
    acme: Tenant, api: ContractClient
) -> None:
    await staff(acme, sales=12)
    await thank(api, ("sales-0", "sales-1"))

    async def events(day: date) -> int:
        [group] = (await read(api, **month(day)))["groups"]
        found: int = group["events"]
        return found

    assert await events(BEFORE) == 1
    await thank(api, ("sales-0", "sales-2"), ("sales-3", "sales-2"))
    assert (await events(BEFORE), await events(LAST_MONTH)) == (1, 2)
    [event, _] = (await api.get(EVENTS, params={"receiver": "sales-2"})).json()["items"]
    assert (await api.delete(f"{EVENTS}/{event['id']}")).status_code == 204
    assert (await events(BEFORE), await events(LAST_MONTH)) == (1, 2)


async def test_an_event_that_is_being_recorded_while_its_month_is_told_is_in_that_month(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(acme, sales=12)
    await read(api, **month(LAST_MONTH))
    event = RecognitionWrite(
        giver="sales-0",
        receivers=["sales-1"],
        message="Thanks.",
        occurred_at=datetime.combine(BEFORE, time(12), UTC),
    )
    async with acme.database.tenant_session(acme.id) as session:
        await recognition.record(session, [event], datetime.now(UTC))
        telling = asyncio.create_task(read(api, **month(BEFORE)))
        await until_blocked(owner)
    assert [(await telling)["groups"][0]["events"]] == [1]


async def test_an_event_that_comes_while_its_month_is_being_told_counts_in_the_next(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(acme, sales=12)
    async with acme.database.tenant_session(acme.id) as session:
        await service.told_months(session, service.window_of(BEFORE, month_end(BEFORE), TODAY))
        recording = asyncio.create_task(thank(api, ("sales-0", "sales-1")))
        await until_blocked(owner)
    await recording
    told = [(await read(api, **month(day)))["groups"][0]["events"] for day in (BEFORE, LAST_MONTH)]
    assert told == [0, 1]


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
    assert set(group["reasons"].values()) == {"no_edge", "zero_total", "not_reached", "no_rest"}
    assert group["reasons"]["cross_team.share"] == group["reasons"]["specificity.mean"] == "zero_total"
    assert group["reasons"]["network.reciprocity"] == "no_edge"
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
