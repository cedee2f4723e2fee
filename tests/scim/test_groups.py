"""Groups are teams: a person is in one of them."""

from typing import Any

import pytest

from tests.conftest import Tenant
from tests.scim.client import GROUP, PATCH, USER, ScimClient, scim_of


@pytest.fixture
async def scim(acme: Tenant) -> ScimClient:
    return await scim_of(acme)


async def people(scim: ScimClient, *names: str) -> list[str]:
    return [(await scim.made("Users", schemas=[USER], userName=name))["id"] for name in names]


async def team_of(acme: Tenant, person: str) -> Any:
    return (await acme.client.get(f"/v1/people/{person}")).json()["team"]


def members(group: dict[str, Any]) -> list[str]:
    return [member["value"] for member in group.get("members", [])]


def named(*ids: str) -> list[dict[str, str]]:
    return [{"value": id_} for id_ in ids]


async def test_a_group_is_a_team(scim: ScimClient, acme: Tenant) -> None:
    [kim] = await people(scim, "kim")
    made = await scim.made(
        "Groups", schemas=[GROUP], displayName="Sales", externalId="sales", members=named(kim)
    )
    team = (await acme.client.get("/v1/teams/sales")).json()
    assert (team["name"], await team_of(acme, "kim")) == ("Sales", "sales")
    assert made["members"] == [{"value": kim, "$ref": f"http://test/scim/v2/Users/{kim}", "type": "User"}]
    [group] = (await scim.get(f"/Users/{kim}")).json()["groups"]
    assert (group["value"], group["display"]) == (made["id"], "Sales")
    assert (await scim.get(f"/Groups/{made['id']}")).json() == made


async def test_a_team_is_a_group(scim: ScimClient, acme: Tenant) -> None:
    await acme.client.put("/v1/teams/sales", json={"name": "Sales"})
    await acme.client.put("/v1/teams/nl", json={"name": "Sales NL", "parent": "sales"})
    await acme.client.put("/v1/people/E-1", json={"name": "Kim", "team": "nl"})
    [found] = await scim.found("Groups", filter='displayName eq "sales nl"')
    assert (found["externalId"], len(found["members"])) == ("nl", 1)
    renamed = await scim.patched(
        f"/Groups/{found['id']}", {"op": "replace", "path": "displayName", "value": "North"}
    )
    assert renamed["displayName"] == "North"
    team = (await acme.client.get("/v1/teams/nl")).json()
    assert (team["name"], team["parent"]) == ("North", "sales"), "the tree is the directory's"


async def test_joining_a_second_group_moves_the_person(scim: ScimClient, acme: Tenant) -> None:
    kim, lou = await people(scim, "kim", "lou")
    one = await scim.made("Groups", schemas=[GROUP], displayName="One", members=named(kim, lou))
    two = await scim.made("Groups", schemas=[GROUP], displayName="Two")
    joined = await scim.patched(f"/Groups/{two['id']}", {"op": "add", "path": "members", "value": named(kim)})
    assert members(joined) == [kim]
    assert members((await scim.get(f"/Groups/{one['id']}")).json()) == [lou]
    left = await scim.patched(f"/Groups/{two['id']}", {"op": "remove", "path": f'members[value eq "{kim}"]'})
    assert members(left) == []
    assert await team_of(acme, "kim") is None
    again = await scim.patched(f"/Groups/{two['id']}", {"op": "remove", "path": f'members[value eq "{lou}"]'})
    assert members(again) == []
    assert await team_of(acme, "lou") is not None, "who is not a member cannot be removed"


async def test_a_put_replaces_members_only_where_it_names_them(scim: ScimClient) -> None:
    kim, lou = await people(scim, "kim", "lou")
    made = await scim.made("Groups", schemas=[GROUP], displayName="One", members=named(kim))
    place = f"/Groups/{made['id']}"
    renamed = (await scim.put(place, json={"schemas": [GROUP], "displayName": "Uno"})).json()
    assert (renamed["displayName"], members(renamed)) == ("Uno", [kim])
    replaced = {"schemas": [GROUP], "displayName": "Uno", "members": named(lou)}
    assert members((await scim.put(place, json=replaced)).json()) == [lou]
    assert members((await scim.put(place, json=replaced | {"members": []})).json()) == []


async def test_members_must_be_users(scim: ScimClient, other: Tenant) -> None:
    elsewhere = await people(await scim_of(other), "kim")
    group = await scim.made("Groups", schemas=[GROUP], displayName="One")
    for id_ in (*elsewhere, group["id"], "nonsense", "00000000-0000-4000-8000-000000000000"):
        operation = {"op": "add", "path": "members", "value": named(id_)}
        refused = await scim.patch(
            f"/Groups/{group['id']}", json={"schemas": [PATCH], "Operations": [operation]}
        )
        assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue"), id_


async def test_an_empty_group_is_deleted_and_one_in_use_hidden(scim: ScimClient, acme: Tenant) -> None:
    [kim] = await people(scim, "kim")
    for name, inside in (("empty", []), ("full", [kim])):
        body = {"displayName": name, "externalId": name, "members": named(*inside)}
        made = await scim.made("Groups", schemas=[GROUP], **body)
        assert (await scim.delete(f"/Groups/{made['id']}")).status_code == 204
        assert (await scim.get(f"/Groups/{made['id']}")).status_code == 404
    assert await scim.found("Groups") == []
    assert (await acme.client.get("/v1/teams/empty")).status_code == 404
    assert await team_of(acme, "kim") == "full", "nobody loses their team"
    assert "groups" not in (await scim.get(f"/Users/{kim}")).json()
    back = await scim.made("Groups", schemas=[GROUP], displayName="Full again", externalId="full")
    assert (back["id"], back["displayName"]) == (made["id"], "Full again")
    taken = await scim.post("/Groups", json={"schemas": [GROUP], "displayName": "x", "externalId": "full"})
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")


async def test_hidden_users_are_in_no_group(scim: ScimClient, acme: Tenant) -> None:
    kim, lou = await people(scim, "kim", "lou")
    made = await scim.made("Groups", schemas=[GROUP], displayName="One", members=named(kim, lou))
    await scim.delete(f"/Users/{kim}")
    assert members((await scim.get(f"/Groups/{made['id']}")).json()) == [lou]
    emptied = {"schemas": [GROUP], "displayName": "One", "members": []}
    await scim.put(f"/Groups/{made['id']}", json=emptied)
    assert await team_of(acme, "kim") is not None, "what a sender cannot see is not changed"


async def test_a_version_follows_the_members(scim: ScimClient) -> None:
    [kim] = await people(scim, "kim")
    made = await scim.post("/Groups", json={"schemas": [GROUP], "displayName": "One"})
    place, version = f"/Groups/{made.json()['id']}", made.headers["etag"]
    add = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": named(kim)}]}
    added = await scim.patch(place, json=add, headers={"If-Match": version})
    assert (added.status_code, added.content) == (204, b""), "the members may be fifty thousand"
    assert added.headers["etag"] == (await scim.get(place)).headers["etag"] != version
    asked = {"attributes": "displayName"}
    assert (await scim.patch(place, json=add, params=asked)).json()["displayName"] == "One"
    assert (await scim.patch(place, json=add, headers={"If-Match": version})).status_code == 412
    assert (await scim.delete(place, headers={"If-Match": version})).status_code == 412


async def test_many_members_cost_few_statements(scim: ScimClient, queries: list[str]) -> None:
    ids = await people(scim, *(f"p{number}" for number in range(30)))
    costs = []
    for inside in (ids[:1], ids):
        queries.clear()
        await scim.made("Groups", schemas=[GROUP], displayName="One", members=named(*inside))
        costs.append(len(queries))
    assert costs[0] == costs[1] < 40


@pytest.mark.parametrize(
    ("named", "left"),
    [
        ('members[value eq "{kim}" and type eq "User"]', ["lou", "mo"]),
        ('members[type eq "User" and value eq "{kim}"]', ["lou", "mo"]),
        ('members[value eq "{kim}" or value eq "{mo}"]', ["lou"]),
        ('members[value eq "{kim}" and type eq "Group"]', ["kim", "lou", "mo"]),
        ('members[value eq "{kim}" and value eq "{mo}"]', ["kim", "lou", "mo"]),
    ],
)
async def test_members_are_named_by_several_terms(scim: ScimClient, named: str, left: list[str]) -> None:
    names = ("kim", "lou", "mo")
    ids = dict(zip(names, await people(scim, *names), strict=True))
    entries = [{"value": id_} for id_ in ids.values()]
    made = await scim.made("Groups", schemas=[GROUP], displayName="One", members=entries)
    path = named.format(**ids)
    is_found = await scim.found("Groups", filter=path)
    assert len(is_found) == (len(left) < 3)
    after = await scim.patched(f"/Groups/{made['id']}", {"op": "remove", "path": path})
    assert [name for name in names if ids[name] in members(after)] == left
