import asyncio
from datetime import timedelta
from typing import Any

import asyncpg

from app.core.database import Database
from app.people.teams import queries as people_queries
from tests.conftest import Tenant
from tests.contract import ContractClient

HOSTILE = (
    """'; DROP TABLE teams; -- <script>alert("x")</script> =HYPERLINK("x") @SUM(1) \u202e \N{PARTY POPPER}"""
)


async def put(api: ContractClient, key: str, **members: Any) -> int:
    answer = await api.put(f"/v1/teams/{key}", json={"name": key, **members})
    return answer.status_code


async def batch(api: ContractClient, *items: Any) -> list[tuple[int, str | None]]:
    answer = await api.post("/v1/teams/batch", json={"items": list(items)})
    assert answer.status_code == 200
    return [
        (result["status"], result["problem"]["code"] if "problem" in result else None)
        for result in answer.json()["results"]
    ]


async def listed(api: ContractClient, **params: Any) -> list[str]:
    items = (await api.get("/v1/teams", params=params)).json()["items"]
    return [item["external_id"] + ("-" if "deleted_at" in item else "") for item in items]


async def test_put_creates_then_replaces_then_changes_nothing(api: ContractClient) -> None:
    made = await api.put("/v1/teams/sales", json={"name": "Sales", "lead": "E-1"})
    assert (made.status_code, made.headers["location"]) == (201, "/v1/teams/sales")
    assert made.json()["unresolved"] == ["lead"]
    replaced = await api.put("/v1/teams/sales", json={"name": "Sales NL"})
    assert (replaced.status_code, replaced.json()["lead"]) == (200, None)
    again = await api.put("/v1/teams/sales", json=replaced.json())
    assert (again.headers["etag"], again.json()) == (replaced.headers["etag"], replaced.json())
    assert (await api.get("/v1/teams/sales")).json() == replaced.json()


async def test_a_lead_resolves_on_arrival(api: ContractClient) -> None:
    await put(api, "sales", lead="E-1")
    await api.put("/v1/people/E-1", json={"name": "Noor"})
    assert (await api.get("/v1/teams/sales")).json()["unresolved"] == []


async def test_text_comes_back_as_it_went_in(api: ContractClient) -> None:
    await put(api, "x", name=HOSTILE)
    assert (await api.get("/v1/teams/x")).json()["name"] == HOSTILE
    assert await batch(api, {"external_id": "y", "name": HOSTILE}) == [(201, None)]
    assert (await api.get("/v1/teams/y")).json()["name"] == HOSTILE


async def test_a_parent_must_exist(api: ContractClient) -> None:
    answer = await api.put("/v1/teams/nl", json={"name": "NL", "parent": "sales"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parent")
    assert answer.json()["errors"][0]["pointer"] == "#/parent"
    await put(api, "sales")
    assert await put(api, "nl", parent="sales") == 201


async def test_a_team_is_not_below_itself(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b", parent="a")
    for body in ({"name": "A", "parent": "b"}, {"name": "A", "parent": "a"}):
        answer = await api.put("/v1/teams/a", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "team_cycle")
    answer = await api.patch("/v1/teams/a", json={"parent": "b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "team_cycle")


async def test_a_thousand_levels_are_refused_below_the_fiftieth(api: ContractClient) -> None:
    chain = [{"external_id": f"t{i}", "name": "x", "parent": f"t{i - 1}" if i else None} for i in range(1000)]
    results = await batch(api, *reversed(chain))
    assert results == [(422, "team_too_deep")] * 950 + [(201, None)] * 50
    answer = await api.put("/v1/teams/one-more", json={"name": "x", "parent": "t49"})
    assert (answer.status_code, answer.json()["code"]) == (422, "team_too_deep")


async def test_identifier_in_body_equals_that_in_path(api: ContractClient) -> None:
    assert await put(api, "a", external_id="a") == 201
    for answer in (
        await api.put("/v1/teams/a", json={"name": "x", "external_id": "b"}),
        await api.patch("/v1/teams/a", json={"external_id": None}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "identifier_mismatch")


async def test_bad_identifiers_and_members_are_refused(api: ContractClient) -> None:
    answer = await api.put("/v1/teams/a%20b", json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_identifier")
    for body, code in (
        ({}, "missing_field"),
        ({"name": ""}, "invalid_value"),
        ({"name": "x" * 201}, "invalid_value"),
        ({"name": 7}, "invalid_value"),
        ({"name": "x", "parent": "a b"}, "bad_identifier"),
        ({"name": "x", "colour": "red"}, "unknown_field"),
    ):
        answer = await api.put("/v1/teams/a", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_patch_changes_what_was_sent(api: ContractClient) -> None:
    await put(api, "sales")
    await put(api, "nl", parent="sales", lead="E-1")
    patched = await api.patch("/v1/teams/nl", json={"name": "NL"})
    assert (patched.json()["parent"], patched.json()["lead"]) == ("sales", "E-1")
    same = await api.patch("/v1/teams/nl", json={"name": "NL", "lead": "E-1"})
    assert same.headers["etag"] == patched.headers["etag"]
    root = await api.patch("/v1/teams/nl", json={"parent": None})
    assert (root.json()["parent"], root.json()["lead"]) == (None, "E-1")
    assert (await api.patch("/v1/teams/nl", json={"name": None})).status_code == 422
    assert (await api.patch("/v1/teams/none", json={"name": "x"})).status_code == 404


async def test_conditions(api: ContractClient) -> None:
    created = await api.put("/v1/teams/a", json={"name": "A"}, headers={"If-None-Match": "*"})
    assert created.status_code == 201
    held = {"If-Match": created.headers["etag"]}
    again = await api.put("/v1/teams/a", json={"name": "A"}, headers={"If-None-Match": "*"})
    assert again.status_code == 412
    read = await api.get("/v1/teams/a", headers={"If-None-Match": created.headers["etag"]})
    assert read.status_code == 304
    assert (await api.patch("/v1/teams/a", json={"name": "B"}, headers=held)).status_code == 200
    assert (await api.put("/v1/teams/a", json={"name": "C"}, headers=held)).status_code == 412
    assert (await api.patch("/v1/teams/a", json={"name": "C"}, headers=held)).status_code == 412
    assert (await api.delete("/v1/teams/a", headers=held)).status_code == 412
    assert (await api.put("/v1/teams/new", json={"name": "C"}, headers={"If-Match": "*"})).status_code == 412
    assert (await api.get("/v1/teams/new")).status_code == 404


async def test_a_team_in_use_is_not_deleted(api: ContractClient) -> None:
    await put(api, "sales")
    await put(api, "nl", parent="sales")
    await api.put("/v1/people/E-1", json={"name": "Noor", "team": "nl"})
    for team in ("sales", "nl"):
        answer = await api.delete(f"/v1/teams/{team}")
        assert (answer.status_code, answer.json()["code"]) == (409, "team_in_use")
    await api.patch("/v1/people/E-1", json={"team": None})
    assert [(await api.delete(f"/v1/teams/{team}")).status_code for team in ("nl", "sales", "nl")] == [
        204,
        204,
        404,
    ]


async def test_a_delta_read_shows_changes_and_deletions(api: ContractClient) -> None:
    for team in "abcd":
        await put(api, team)
    since = (await api.get("/v1/teams")).json()["as_of"]
    await put(api, "b", name="changed")
    await put(api, "a")
    await api.delete("/v1/teams/c")
    await api.delete("/v1/teams/d")
    await put(api, "d")
    assert await listed(api, updated_after=since) == ["b", "c-", "d"]
    assert await listed(api) == ["a", "b", "d"]


async def test_deletions_are_told_for_thirty_days(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    for team, days in (("old", 31), ("recent", 29)):
        await put(api, team)
        await api.delete(f"/v1/teams/{team}")
        await owner.execute(
            "UPDATE tombstones SET deleted_at = deleted_at - $1::interval"
            " WHERE organization_id = $2 AND external_id = $3",
            timedelta(days=days),
            acme.id,
            team,
        )
    assert await listed(api, updated_after="2020-01-01T00:00:00Z") == ["recent-"]


async def test_a_list_is_paged_by_identifier_with_deletions_between(api: ContractClient) -> None:
    for team in "abcde":
        await put(api, team)
    await api.delete("/v1/teams/b")
    seen: list[list[str]] = []
    params: dict[str, str | int] = {"limit": 2, "updated_after": "2020-01-01T00:00:00Z"}
    page = await api.get("/v1/teams", params=params)
    while True:
        seen.append([item["external_id"] for item in page.json()["items"]])
        if page.json()["next_cursor"] is None:
            break
        page = await api.get("/v1/teams", params={**params, "cursor": page.json()["next_cursor"]})
    assert seen == [["a", "b"], ["c", "d"], ["e"]]
    assert "link" not in page.headers


async def test_a_cursor_holds_with_the_same_filters_only(api: ContractClient) -> None:
    await put(api, "a")
    await put(api, "b")
    cursor = (await api.get("/v1/teams", params={"limit": 1})).json()["next_cursor"]
    assert await listed(api, cursor=cursor) == ["b"]
    answer = await api.get("/v1/teams", params={"cursor": cursor, "updated_after": "2020-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_batch_stores_the_good_rows(api: ContractClient) -> None:
    results = await batch(
        api,
        {"external_id": "nl", "name": "NL", "parent": "sales"},
        {"external_id": "bad", "name": ""},
        {"external_id": "below", "name": "Below", "parent": "bad"},
        {"external_id": "lost", "name": "Lost", "parent": "nowhere"},
        {"external_id": "sales", "name": "Sales"},
        {"external_id": "sales", "name": "Sales again"},
        "no object",
    )
    assert results == [
        (201, None),
        (422, "invalid_value"),
        (422, "depends_on_failed_row"),
        (422, "unknown_parent"),
        (201, None),
        (422, "duplicate_in_batch"),
        (422, "invalid_value"),
    ]
    assert await listed(api) == ["nl", "sales"]
    assert (await api.get("/v1/teams/nl")).json()["parent"] == "sales"


async def test_a_batch_sent_twice_changes_nothing(api: ContractClient) -> None:
    body = {"items": [{"external_id": "b", "name": "B", "parent": "a"}, {"external_id": "a", "name": "A"}]}
    await api.post("/v1/teams/batch", json=body)
    before = (await api.get("/v1/teams")).json()["items"]
    summary = (await api.post("/v1/teams/batch", json=body)).json()["summary"]
    assert summary == {"created": 0, "updated": 0, "unchanged": 2, "failed": 0}
    assert (await api.get("/v1/teams")).json()["items"] == before


async def test_a_batch_replays_under_its_idempotency_key(api: ContractClient) -> None:
    body, once = {"items": [{"external_id": "a", "name": "A"}]}, {"Idempotency-Key": "k"}
    first = await api.post("/v1/teams/batch", json=body, headers=once)
    again = await api.post("/v1/teams/batch", json=body, headers=once)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_batch_above_the_limit_stores_nothing(api: ContractClient) -> None:
    items = [{"external_id": f"t{i}", "name": "x"} for i in range(1001)]
    answer = await api.post("/v1/teams/batch", json={"items": items})
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_too_large")
    assert await listed(api) == []


async def test_two_batches_cannot_make_a_cycle_together(api: ContractClient) -> None:
    for team in "ab":
        await put(api, team)
    results = await asyncio.gather(
        batch(api, {"external_id": "a", "name": "a", "parent": "b"}),
        batch(api, {"external_id": "b", "name": "b", "parent": "a"}),
    )
    assert sorted(results) == [[(200, None)], [(422, "team_cycle")]]


async def test_statements_do_not_grow_with_the_batch_or_the_list(
    api: ContractClient, queries: list[str]
) -> None:
    counts = []
    for prefix, size in (("a", 1), ("b", 50)):
        items = [{"external_id": f"{prefix}{i}", "name": "x", "lead": "E-1"} for i in range(size)]
        for body in (items, [{**item, "name": "y"} for item in items]):
            queries.clear()
            await api.post("/v1/teams/batch", json={"items": body})
            counts.append(len(queries))
        queries.clear()
        await api.get("/v1/teams")
        counts.append(len(queries))
    assert counts[:3] == counts[3:]


async def test_teams_of_another_organization_are_invisible(api: ContractClient, other: Tenant) -> None:
    await put(other.client, "theirs")
    await other.client.delete("/v1/teams/theirs")
    await put(other.client, "theirs")
    assert (await api.get("/v1/teams/theirs")).status_code == 404
    assert (await api.patch("/v1/teams/theirs", json={"name": "x"})).status_code == 404
    assert (await api.delete("/v1/teams/theirs")).status_code == 404
    assert await put(api, "mine", parent="theirs") == 422
    assert await listed(api, updated_after="2020-01-01T00:00:00Z") == []
    assert await put(api, "theirs") == 201
    assert (await other.client.get("/v1/teams/theirs")).json()["name"] == "theirs"


async def test_the_team_tree_is_read_for_others(
    acme: Tenant, api: ContractClient, database: Database
) -> None:
    await put(api, "sales")
    await put(api, "nl", parent="sales")
    async with database.tenant_session(acme.id) as session:
        nl, sales = await people_queries.team_tree(session)
    assert (nl.external_id, nl.parent_id, sales.parent_id) == ("nl", sales.id, None)


async def test_a_patch_is_held_to_the_tree_as_a_put_is(api: ContractClient) -> None:
    await put(api, "level-1")
    for level in range(2, 51):
        await put(api, f"level-{level}", parent=f"level-{level - 1}")
    await put(api, "loose")
    for parent, code in {"nowhere": "unknown_parent", "level-50": "team_too_deep"}.items():
        answer = await api.patch("/v1/teams/loose", json={"parent": parent})
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_delta_read_shows_whose_lead_came(api: ContractClient) -> None:
    await put(api, "sales", lead="E-1")
    await put(api, "other")
    before = (await api.get("/v1/teams")).json()["as_of"]
    await api.put("/v1/people/E-1", json={"name": "x"})
    assert await listed(api, updated_after=before) == ["sales"]
