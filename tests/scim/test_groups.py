"""Groups are kept as sent; those that are teams decide in which one a person is."""

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
    address = f"http://test/scim/v2/Users/{kim}"
    assert made["members"] == [{"value": kim, "$ref": address, "type": "User"}]
    asked = {"attributes": "members.display"}
    assert (await scim.get(f"/Groups/{made['id']}", params=asked)).json()["members"] == [{"display": "kim"}]
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


async def test_nobody_leaves_a_group_by_joining_another(scim: ScimClient, acme: Tenant) -> None:
    kim, lou = await people(scim, "kim", "lou")
    one = await scim.made(
        "Groups", schemas=[GROUP], displayName="One", externalId="one", members=named(kim, lou)
    )
    two = await scim.made("Groups", schemas=[GROUP], displayName="Two", externalId="two")
    joined = await scim.patched(f"/Groups/{two['id']}", {"op": "add", "path": "members", "value": named(kim)})
    assert members(joined) == [kim]
    assert members((await scim.get(f"/Groups/{one['id']}")).json()) == [kim, lou]
    assert [group["display"] for group in (await scim.get(f"/Users/{kim}")).json()["groups"]] == [
        "One",
        "Two",
    ]
    assert await team_of(acme, "kim") == "one", "of two teams as deep the first"
    for tried in (f'members.value eq "{kim}"', f'members[value eq "{kim}"]'):
        assert len(await scim.found("Groups", filter=tried)) == 2
    assert len(await scim.found("Users", filter=f'groups.value eq "{two["id"]}"')) == 1
    left = await scim.patched(f"/Groups/{one['id']}", {"op": "remove", "path": f'members[value eq "{kim}"]'})
    assert members(left) == [lou]
    assert await team_of(acme, "kim") == "two", "who leaves a team is in the other"
    left = await scim.patched(f"/Groups/{two['id']}", {"op": "remove", "path": f'members[value eq "{kim}"]'})
    assert members(left) == []
    assert await team_of(acme, "kim") is None
    again = await scim.patched(f"/Groups/{two['id']}", {"op": "remove", "path": f'members[value eq "{lou}"]'})
    assert members(again) == []
    assert await team_of(acme, "lou") == "one", "who is not a member cannot be removed"


async def test_of_two_teams_the_deeper_counts(scim: ScimClient, acme: Tenant) -> None:
    for team, parent in (("a", None), ("b", "a"), ("c", "b")):
        await acme.client.put(f"/v1/teams/{team}", json={"name": team.upper(), "parent": parent})
    await acme.client.put("/v1/people/E-1", json={"name": "Kim", "team": "b"})
    [kim] = await scim.found("Users")
    ids = {group["displayName"]: group["id"] for group in await scim.found("Groups")}
    add = {"op": "add", "path": "members", "value": named(kim["id"])}
    for group, team in (("A", "b"), ("C", "c")):
        await scim.patched(f"/Groups/{ids[group]}", add)
        assert await team_of(acme, "E-1") == team
    read = (await scim.get(f"/Users/{kim['id']}")).json()
    assert {group["display"] for group in read["groups"]} == {"A", "B", "C"}
    assert (await scim.delete(f"/Groups/{ids['C']}")).status_code == 204
    assert await team_of(acme, "E-1") == "b"
    assert (await acme.client.get("/v1/teams/c")).status_code == 404, "nobody is in it"


async def test_only_groups_that_are_marked_are_teams(scim: ScimClient, acme: Tenant) -> None:
    kim, lou = await people(scim, "kim", "lou")
    for setting, marked, others in (
        ("name:Team *", {"displayName": "team North"}, {"displayName": "Everybody"}),
        (
            "external_id:t-*",
            {"displayName": "x", "externalId": "t-1"},
            {"displayName": "y", "externalId": "g-1"},
        ),
    ):
        answer = await acme.client.patch("/v1/organization", json={"scim": {"team_groups": setting}})
        assert answer.json()["scim"]["team_groups"] == setting
        before = len((await acme.client.get("/v1/teams")).json()["items"])
        team = await scim.made("Groups", schemas=[GROUP], **marked, members=named(kim))
        group = await scim.made("Groups", schemas=[GROUP], **others, members=named(kim, lou))
        assert len((await acme.client.get("/v1/teams")).json()["items"]) == before + 1
        assert (members(team), members(group)) == ([kim], [kim, lou])
        assert await team_of(acme, "lou") is None
    await acme.client.patch("/v1/organization", json={"scim": {"team_groups": "none"}})
    made = await scim.made("Groups", schemas=[GROUP], displayName="Choir", externalId="Ch or")
    place = f"/Groups/{made['id']}"
    assert made["externalId"] == "Ch or"
    again = await scim.post("/Groups", json={"schemas": [GROUP], "displayName": "C", "externalId": "Ch or"})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    for tried in ('displayName eq "CHOIR"', 'externalId eq "Ch or"', f'id eq "{made["id"]}"'):
        assert [one["id"] for one in await scim.found("Groups", filter=tried)] == [made["id"]], tried
    renamed = await scim.patched(place, {"op": "replace", "path": "displayName", "value": "Band"})
    assert renamed["displayName"] == "Band"
    await scim.patched(place, {"op": "add", "path": "members", "value": named(lou)})
    groups = (await scim.get(f"/Users/{lou}")).json()["groups"]
    assert {group["display"] for group in groups} == {"Everybody", "y", "Band"}
    listed = await scim.found("Groups")
    assert [one["id"] for one in await scim.found("Groups", startIndex=5, count=1)] == [listed[4]["id"]]
    assert len(listed) == 5
    assert (await scim.delete(place)).status_code == 204
    assert (await scim.get(place)).status_code == 404
    assert await team_of(acme, "lou") is None


async def test_a_group_without_its_members_reads_none(scim: ScimClient, queries: list[str]) -> None:
    made = await scim.made(
        "Groups", schemas=[GROUP], displayName="One", members=named(*await people(scim, "kim"))
    )
    for place in ("/Groups", f"/Groups/{made['id']}"):
        queries.clear()
        answer = await scim.get(place, params={"excludedAttributes": "members"})
        assert "members" not in answer.text
        assert not [sql for sql in queries if "scim_members" in sql]


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
    assert (await team_of(acme, "kim"), members(back)) == ("full", [kim]), "who is not spoken of stays"
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


@pytest.mark.nightly
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
        ('members[value eq "{kim}" and display eq "KIM"]', ["lou", "mo"]),
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
