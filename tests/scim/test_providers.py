"""The requests of Microsoft Entra ID and Okta, as their public documentation shows them.

Entra: learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups.
Okta: developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20.
"""

from typing import Any

import pytest

from tests.conftest import Tenant
from tests.scim.client import ENTERPRISE, GROUP, PATCH, USER, ScimClient, scim_of

ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
ENTRA_USER: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "6a1f-objectid",
    "userName": "ada@contoso.example",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "ada@contoso.example"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Ada Lo", "familyName": "Lo", "givenName": "Ada"},
    "roles": [],
}
OKTA_USER: dict[str, Any] = {
    "schemas": [USER],
    "userName": "bo@corp.local",
    "name": {"givenName": "Bo", "familyName": "Berg"},
    "emails": [{"primary": True, "value": "bo@corp.local", "type": "work"}],
    "displayName": "Bo Berg",
    "locale": "en-US",
    "externalId": "00u1okta",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}


@pytest.fixture
async def scim(acme: Tenant) -> ScimClient:
    return await scim_of(acme)


# --------------------------------------------------------------------------------------------- Entra ID


async def test_entra_tests_its_connection(scim: ScimClient) -> None:
    answer = await scim.get("/Users", params={"filter": 'userName eq "5b5e1d1a-no-such-user"'})
    body = answer.json()
    assert (answer.status_code, body["totalResults"], body["Resources"]) == (200, 0, [])
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]


async def test_entra_creates_and_finds_a_user(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **ENTRA_USER)
    assert "roles" not in made
    for tried in (
        'userName eq "ada@contoso.example"',
        'externalId eq "6a1f-objectid"',
        'emails[type eq "work"].value eq "ada@contoso.example"',
        'userName eq "ada@contoso.example" and externalId eq "6a1f-objectid"',
    ):
        assert [user["id"] for user in await scim.found("Users", filter=tried)] == [made["id"]], tried
    assert (await acme.client.get("/v1/people/6a1f-objectid")).json()["name"] == "Ada Lo"


async def test_entra_updates_with_capitals_and_paths_to_what_is_not_there(
    scim: ScimClient, acme: Tenant
) -> None:
    bare = {"schemas": [USER], "externalId": "ada", "userName": "ada@contoso.example"}
    made = await scim.made("Users", **bare)
    now = await scim.patched(
        f"/Users/{made['id']}",
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ada@contoso.example"},
        {"op": "Replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+31 6 1"},
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "admin"},
        {"op": "Replace", "path": "name.familyName", "value": "Lovelace"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Research"},
        {"op": "Add", "path": "displayName", "value": "Ada Lovelace"},
    )
    assert now["emails"] == [{"type": "work", "value": "ada@contoso.example"}]
    assert now["phoneNumbers"] == [{"type": "mobile", "value": "+31 6 1"}]
    assert now["roles"] == [{"primary": True, "value": "admin"}]
    assert now[ENTERPRISE] == {"department": "Research"}
    person = (await acme.client.get("/v1/people/ada")).json()
    assert (person["name"], person["email"]) == ("Ada Lovelace", "ada@contoso.example")


@pytest.mark.parametrize("value", ["False", False, "false"])
async def test_entra_disables_a_user(scim: ScimClient, acme: Tenant, value: Any) -> None:
    made = await scim.made("Users", **ENTRA_USER | {"active": "True"})
    assert made["active"] is True
    body = {"Operations": [{"op": "Replace", "path": "active", "value": value}], "schemas": [PATCH]}
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await scim.patch(f"/Users/{made['id']}", json=body, headers=headers)
    assert answer.json()["active"] is False
    assert (await acme.client.get("/v1/people/6a1f-objectid")).json()["active"] is False


async def test_entra_names_a_manager_by_a_bare_string(scim: ScimClient) -> None:
    boss = await scim.made("Users", schemas=[USER], userName="boss")
    made = await scim.made("Users", **ENTRA_USER)
    place, manager = f"/Users/{made['id']}", f"{ENTERPRISE}:manager"
    for operation in (
        {"op": "Add", "path": manager, "value": boss["id"]},
        {"op": "Replace", "path": manager, "value": {"value": boss["id"]}},
        {"op": "Replace", "path": manager, "value": [{"$ref": "x", "value": boss["id"]}]},
        {"op": "Replace", "path": f"{manager}.value", "value": boss["id"]},
        {"op": "Replace", "value": {manager: boss["id"]}},
    ):
        now = await scim.patched(place, operation)
        assert now[ENTERPRISE]["manager"]["value"] == boss["id"], operation
        cleared = await scim.patched(place, {"op": "Remove", "path": manager})
        assert ENTERPRISE not in cleared
    again = ENTRA_USER | {ENTERPRISE: {"manager": boss["id"]}}
    put = await scim.put(place, json=again)
    assert put.json()[ENTERPRISE]["manager"]["value"] == boss["id"]


async def test_entra_keeps_a_group(scim: ScimClient) -> None:
    user = await scim.made("Users", **ENTRA_USER)
    made = await scim.made(
        "Groups",
        schemas=[GROUP, ADSCIM],
        externalId="8aa1-group",
        displayName="Sales",
        meta={"resourceType": "Group"},
    )
    place = f"/Groups/{made['id']}"
    query = {"excludedAttributes": "members", "filter": 'displayName eq "Sales"'}
    [found] = await scim.found("Groups", **query)
    assert found["id"] == made["id"]
    member = [{"$ref": None, "value": user["id"]}]
    await scim.patched(place, {"op": "Add", "path": "members", "value": member})
    for tried in (
        f'id eq "{made["id"]}" and members eq "{user["id"]}"',
        f'members[value eq "{user["id"]}"]',
    ):
        assert [group["id"] for group in await scim.found("Groups", filter=tried)] == [made["id"]], tried
    without = (await scim.get(place, params={"excludedAttributes": "members"})).json()
    assert "members" not in without
    await scim.patched(place, {"op": "Replace", "path": "displayName", "value": "Sales NL"})
    left = await scim.patched(place, {"op": "Remove", "path": "members", "value": member})
    assert "members" not in left
    assert (await scim.delete(place)).status_code == 204


# ------------------------------------------------------------------------------------------------- Okta


async def test_okta_probes_and_pages(scim: ScimClient) -> None:
    probe = (await scim.get("/Users", params={"startIndex": 1, "count": 2})).json()
    assert (probe["totalResults"], probe["startIndex"], probe["Resources"]) == (0, 1, [])
    for number in range(5):
        await scim.made("Users", schemas=[USER], userName=f"u{number}")
    seen: list[str] = []
    while True:
        page = (await scim.get("/Users", params={"startIndex": len(seen) + 1, "count": 2})).json()
        seen += [user["userName"] for user in page["Resources"]]
        if len(seen) >= page["totalResults"]:
            break
    assert seen == [f"u{number}" for number in range(5)]
    groups = (await scim.get("/Groups", params={"startIndex": 1, "count": 100})).json()
    assert groups["totalResults"] == 0


async def test_okta_creates_a_user_and_meets_one_that_exists(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **OKTA_USER)
    assert made["emails"][0]["value"] == "bo@corp.local"
    assert "password" not in made
    assert (await acme.client.get("/v1/people/00u1okta")).json()["locale"] == "en-US"
    again = await scim.post("/Users", json=OKTA_USER)
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    [found] = await scim.found("Users", filter='userName eq "bo@corp.local"', startIndex=1, count=100)
    assert found["id"] == made["id"]


async def test_okta_updates_by_put_of_what_it_read(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **OKTA_USER)
    await acme.client.patch("/v1/people/00u1okta", json={"starts_on": "2021-03-01", "manager": "E-1"})
    place = f"/Users/{made['id']}"
    read = (await scim.get(place)).json()
    name = {"givenName": "Bo", "middleName": "", "familyName": "Bergman"}
    body = {name: value for name, value in read.items() if name not in ("active", "displayName")}
    body = {key: value for key, value in body.items() if key in OKTA_USER} | {"name": name, "id": made["id"]}
    updated = await scim.put(place, json=body)
    assert updated.status_code == 200
    assert updated.json()["active"] is True, "a body without active does not suspend"
    person = (await acme.client.get("/v1/people/00u1okta")).json()
    assert (person["name"], person["starts_on"], person["manager"]) == ("Bo Bergman", "2021-03-01", "E-1")
    suspended = await scim.put(place, json=body | {"active": False})
    assert suspended.json()["active"] is False
    still = await scim.put(place, json=body)
    assert still.json()["active"] is False, "nor does it bring anybody back"


async def test_okta_deactivates_without_a_path(scim: ScimClient) -> None:
    made = await scim.made("Users", **OKTA_USER)
    place = f"/Users/{made['id']}"
    assert (await scim.patched(place, {"op": "replace", "value": {"active": False}}))["active"] is False
    assert (await scim.patched(place, {"op": "replace", "value": {"active": True}}))["active"] is True


async def test_okta_pushes_a_group(scim: ScimClient, acme: Tenant) -> None:
    kim, lou = [await scim.made("Users", schemas=[USER], userName=name) for name in ("kim", "lou")]
    made = await scim.made("Groups", schemas=[GROUP], displayName="Pushed", members=[])
    place = f"/Groups/{made['id']}"
    renamed = await scim.patched(place, {"op": "replace", "value": {"id": made["id"], "displayName": "New"}})
    assert renamed["displayName"] == "New"
    both = [{"value": one["id"], "display": one["userName"]} for one in (kim, lou)]
    now = await scim.patched(
        place,
        {"op": "remove", "path": f'members[value eq "{kim["id"]}"]'},
        {"op": "add", "path": "members", "value": both[:1]},
    )
    assert [member["value"] for member in now["members"]] == [kim["id"]]
    now = await scim.patched(place, {"op": "replace", "path": "members", "value": both})
    assert {member["value"] for member in now["members"]} == {kim["id"], lou["id"]}
    put = await scim.put(place, json={"schemas": [GROUP], "displayName": "New", "members": both[1:]})
    assert [member["value"] for member in put.json()["members"]] == [lou["id"]]


# ------------------------------------------------------------------------------------- others, as they come


@pytest.mark.nightly
async def test_an_empty_manager_is_none(scim: ScimClient, acme: Tenant) -> None:
    boss = await scim.made("Users", schemas=[USER], userName="boss")
    named = {ENTERPRISE: {"manager": {"value": boss["id"]}, "department": "Research"}}
    made = await scim.made("Users", **ENTRA_USER | named)
    place, manager = f"/Users/{made['id']}", f"{ENTERPRISE}:manager"
    empty: list[Any] = ["", " ", None, {"value": ""}, {"value": None}, [], {}, [{"value": ""}]]
    sent = [{"op": op, "path": manager, "value": value} for op in ("replace", "Add") for value in empty]
    sent += [{"op": "replace", "path": f"{manager}.value", "value": ""}]
    sent += [{"op": "replace", "value": {manager: ""}}, {"op": "add", "value": {ENTERPRISE: {"manager": ""}}}]
    for operation in sent:
        cleared = await scim.patched(place, operation)
        assert cleared[ENTERPRISE] == {"department": "Research"}, operation
        again = await scim.patched(place, {"op": "add", "path": manager, "value": boss["id"]})
        assert again[ENTERPRISE]["manager"]["value"] == boss["id"]
    for value in ("", {"value": ""}, {}, None):
        put = await scim.put(place, json=ENTRA_USER | {ENTERPRISE: {"manager": value}})
        assert "manager" not in put.json().get(ENTERPRISE, {}), value
        await scim.patched(place, {"op": "add", "path": manager, "value": boss["id"]})
    assert (await acme.client.get("/v1/people/6a1f-objectid")).json()["manager"] == "boss"


async def test_who_was_deleted_is_no_link(scim: ScimClient, acme: Tenant) -> None:
    id_ = "2819c223-7f76-453a-919d-413861904646"
    for external_id in ("boss", id_):
        boss = await scim.made("Users", schemas=[USER], userName=external_id, externalId=external_id)
        made = await scim.made(
            "Users", schemas=[USER], userName=f"of {external_id}", **{ENTERPRISE: {"manager": boss["id"]}}
        )
        await scim.delete(f"/Users/{boss['id']}")
        place = f"/Users/{made['id']}"
        read = (await scim.get(place)).json()
        assert read[ENTERPRISE]["manager"] == {"value": external_id}
        assert (await scim.put(place, json=read | {"title": "x"})).status_code == 200, (
            "what was read goes back"
        )
        assert (await scim.get(place)).json()[ENTERPRISE]["manager"] == {"value": external_id}


async def test_values_may_be_written_as_json(scim: ScimClient) -> None:
    kim, lou = [await scim.made("Users", schemas=[USER], userName=name) for name in ("kim", "lou")]
    place = f"/Users/{kim['id']}"
    now = await scim.patched(
        place,
        {"op": "replace", "value": '{"displayName": "Kim", "active": false}'},
        {"op": "replace", "path": "name", "value": '{"givenName": "Kim"}'},
        {"op": "replace", "path": "emails", "value": '[{"value": "kim@example.com", "type": "work"}]'},
        {"op": "add", "path": "roles", "value": ['{"value": "lead"}']},
        {"op": "replace", "path": "title", "value": '{"is": "text"}'},
        {"op": "replace", "path": ENTERPRISE, "value": '{"department": "R"}'},
    )
    assert (now["displayName"], now["active"], now["name"]) == ("Kim", False, {"givenName": "Kim"})
    assert now["emails"] == [{"value": "kim@example.com", "type": "work"}]
    assert (now["roles"], now["title"]) == ([{"value": "lead"}], '{"is": "text"}')
    assert now[ENTERPRISE] == {"department": "R"}
    body = {
        "schemas": [USER],
        "userName": "kim",
        "emails": '[{"value": "k@example.com"}]',
        "active": '"True"',
    }
    put = (await scim.put(place, json=body)).json()
    assert (put["emails"], put["active"]) == ([{"value": "k@example.com"}], True)
    for value in (f'[{{"value": "{kim["id"]}"}}]', f'{{"value": "{kim["id"]}"}}', kim["id"], [kim["id"]]):
        group = await scim.made("Groups", schemas=[GROUP], displayName="One", members=value)
        assert [one["value"] for one in group["members"]] == [kim["id"]], value
        place = f"/Groups/{group['id']}"
        both = value if isinstance(value, list) else str(value).replace(kim["id"], lou["id"])
        await scim.patched(place, {"op": "add", "path": "members", "value": both})
        left = await scim.patched(place, {"op": "remove", "path": "members", "value": value})
        assert kim["id"] not in [one["value"] for one in left.get("members", [])], value
        back = await scim.patched(place, {"op": "replace", "value": {"members": value}})
        assert [one["value"] for one in back["members"]] == [kim["id"]]
        gone = await scim.patched(place, {"op": "remove", "value": {"members": value}})
        assert "members" not in gone


async def test_a_slash_at_the_end_is_the_same_address(scim: ScimClient) -> None:
    made = await scim.made("Users/", schemas=[USER], userName="kim")
    assert (await scim.get("/Users/")).json()["totalResults"] == 1
    assert (await scim.get(f"/Users/{made['id']}/")).json() == made
    for place in ("/Groups/", "/Schemas/", "/ResourceTypes/User/", "/ServiceProviderConfig/"):
        assert (await scim.get(place)).status_code == 200, place
    assert (await scim.post("/Users/.search/", json={})).json()["totalResults"] == 1
    assert (await scim.delete(f"/Users/{made['id']}/")).status_code == 204
