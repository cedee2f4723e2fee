"""Over HTTP: numbers by segment and by filter, and the plan an administrator may read."""

from typing import Any

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.test_release import answer, code, finish, read, staff, start

Json = dict[str, Any]
PLACES = ("Utrecht", "Delft")


async def spread(
    api: ContractClient, teams: dict[str, dict[str | None, int]], **members: Any
) -> tuple[str, list[str]]:
    """People by team and location, and an open survey that reports by location."""
    names = {
        f"{team}-{place}-{number}": (team, place)
        for team, places in teams.items()
        for place, count in places.items()
        for number in range(count)
    }
    await staff(api, dict.fromkeys(teams, 0))
    people = [
        {"external_id": name, "name": name, "team": team, "segments": {"location": place} if place else {}}
        for name, (team, place) in names.items()
    ]
    await api.post("/v1/people/batch", json={"items": people})
    return await start(api, report_by=["location"], **members), list(names)


async def by_location(tenant: Tenant, teams: dict[str, dict[str | None, int]]) -> tuple[str, list[Json]]:
    survey_id, names = await spread(tenant.client, teams)
    await answer(tenant.client, survey_id, names)
    await finish(tenant, survey_id)
    said = await read(tenant.client, survey_id=survey_id, by="segment:location")
    return survey_id, said["groups"]


async def test_a_segment_that_crosses_teams_widely_is_shown(acme: Tenant) -> None:
    mixed: dict[str | None, int] = {"Utrecht": 15, "Delft": 12}
    survey_id, groups = await by_location(acme, {"sales": mixed, "care": mixed})
    assert [group["group"] for group in groups] == [
        {"kind": "segment", "id": place, "name": place, "parent": None, "depth": 0, "segment": "location"}
        for place in sorted(PLACES)
    ]
    assert [(group["status"], group["n"]) for group in groups] == [("ok", 24), ("ok", 30)]
    assert await code(acme.client, survey_id=survey_id, by="segment:tenure") == (422, "unknown_segment")


async def test_a_segment_that_would_single_a_few_of_a_team_out_is_withheld(acme: Tenant) -> None:
    survey_id, groups = await by_location(
        acme, {"sales": {"Utrecht": 12, "Delft": 1}, "care": {"Utrecht": 1, "Delft": 12}}
    )
    assert [(group["status"], group["reason"]) for group in groups] == [("suppressed", "crossing")] * 2
    path = f"/v1/surveys/{survey_id}/disclosure"
    read_plan = await acme.client.get(path)
    tag = {"If-None-Match": read_plan.headers["etag"]}
    assert (await acme.client.get(path, headers=tag)).status_code == 304
    plan = read_plan.json()
    assert plan["segments"] == [{"segment": "location", "status": "withheld"}]
    hidden = [group for group in plan["groups"] if group["status"] == "suppressed"]
    assert {group["rule"] for group in hidden} == {"R5a"} <= plan["rules"].keys()


async def test_few_and_nameless_categories_are_told_together(acme: Tenant) -> None:
    _, groups = await by_location(acme, {"sales": {"Utrecht": 20, "Delft": 3, "Breda": 3, None: 9}})
    assert [(group["group"]["id"], group.get("n")) for group in groups] == [
        ("Utrecht", 20),
        ("other", 6),
        ("unknown", 9),
    ]


async def test_a_dimension_of_one_category_says_nothing(acme: Tenant) -> None:
    _, groups = await by_location(acme, {"sales": {"Utrecht": 20, "Delft": 3}})
    assert [(group["group"]["id"], group["reason"]) for group in groups] == [("other", "crossing")]


async def test_the_plan_names_what_is_shown_and_hidden_and_no_number(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 25, "care": 3})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, [f"sales-{number}" for number in range(25)])
    pending = await acme.client.get(f"/v1/surveys/{survey_id}/disclosure")
    assert (pending.status_code, pending.json()["code"]) == (409, "survey_not_released")
    await finish(acme, survey_id)
    plan = (
        await acme.client.get(f"/v1/surveys/{survey_id}/disclosure", headers={"Accept-Language": "nl"})
    ).json()
    said = {group["group"]["id"]: group for group in plan["groups"]}
    assert said["care"] == {
        "group": said["care"]["group"],
        "status": "suppressed",
        "reason": "below_minimum",
        "rule": "R1",
    }
    assert (said["sales"]["status"], said["sales"]["precision"]) == ("shown", "exact")
    assert plan["rules"]["R1"].startswith("Een groep wordt alleen getoond als minstens 5 mensen")
