"""Users of SCIM and people of /v1 are one directory."""

import asyncio
from typing import Any

import pytest

from tests.conftest import Tenant
from tests.scim.client import ENTERPRISE, PATCH, PEOPLE, USER, ScimClient, scim_for, scim_of

NOOR = {
    "schemas": [USER, ENTERPRISE, PEOPLE],
    "userName": "noor@example.com",
    "externalId": "E-1042",
    "name": {"givenName": "Noor", "familyName": "de Wit"},
    "displayName": "Noor de Wit",
    "title": "Engineer",
    "preferredLanguage": "nl-NL",
    "timezone": "Europe/Amsterdam",
    "active": True,
    "emails": [{"value": "noor@example.com", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "+31 20 123", "type": "work"}],
    ENTERPRISE: {"employeeNumber": "701984", "department": "Research"},
    PEOPLE: {
        "startDate": "2021-03-01",
        "endDate": None,
        "birthday": {"month": 2, "day": 29, "consent": True},
    },
}


@pytest.fixture
async def scim(acme: Tenant) -> ScimClient:
    return await scim_of(acme)


def replace(path: str | None, value: Any) -> dict[str, Any]:
    return {"op": "replace", "value": value} | ({"path": path} if path else {})


async def test_a_user_is_a_person(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    person = (await acme.client.get("/v1/people/E-1042")).json()
    assert (person["name"], person["email"]) == ("Noor de Wit", "noor@example.com")
    assert (person["locale"], person["time_zone"]) == ("nl-NL", "Europe/Amsterdam")
    assert (person["starts_on"], person["ends_on"], person["active"]) == ("2021-03-01", None, True)
    birthday = (await acme.client.get("/v1/people/E-1042/occasions/birthday")).json()
    assert (birthday["month"], birthday["day"], birthday["consent"]) == (2, 29, True)
    assert made["title"] == "Engineer"
    assert made["phoneNumbers"] == [{"value": "+31 20 123", "type": "work"}]
    assert made[ENTERPRISE] == {"employeeNumber": "701984", "department": "Research"}
    assert made[PEOPLE] == {"startDate": "2021-03-01", "birthday": {"month": 2, "day": 29, "consent": True}}
    assert made["meta"]["location"] == f"http://test/scim/v2/Users/{made['id']}"
    assert (await scim.get(f"/Users/{made['id']}")).json() == made


async def test_a_person_is_a_user(scim: ScimClient, acme: Tenant) -> None:
    await acme.client.put("/v1/people/E-7", json={"name": "Sam", "email": "Sam@example.com", "locale": "nl"})
    await acme.client.put("/v1/people/E-8", json={"name": "Kim", "manager": "E-7"})
    [sam] = await scim.found("Users", filter='userName eq "sam@EXAMPLE.com"')
    assert (sam["userName"], sam["externalId"], sam["displayName"]) == ("Sam@example.com", "E-7", "Sam")
    assert sam["emails"] == [{"value": "Sam@example.com", "type": "work", "primary": True}]
    assert sam[PEOPLE] == {"locale": "nl"}
    [kim] = await scim.found("Users", filter='externalId eq "E-8"')
    assert kim["userName"] == "E-8"
    assert kim[ENTERPRISE]["manager"]["value"] == sam["id"]
    assert kim[ENTERPRISE]["manager"]["$ref"] == sam["meta"]["location"]


async def test_two_people_with_one_address_have_names_of_their_own(scim: ScimClient, acme: Tenant) -> None:
    for key in ("E-1", "E-2"):
        await acme.client.put(f"/v1/people/{key}", json={"name": key, "email": "desk@example.com"})
    assert {user["userName"] for user in await scim.found("Users")} == {"E-1", "E-2"}


async def test_a_put_of_the_directory_leaves_what_only_scim_knows(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    body = {"name": "Noor Jansen", "email": "jansen@example.com", "starts_on": "2021-03-01"}
    await acme.client.put("/v1/people/E-1042", json=body)
    now = (await scim.get(f"/Users/{made['id']}")).json()
    assert (now["displayName"], now["emails"][0]["value"]) == ("Noor Jansen", "jansen@example.com")
    assert "timezone" not in now
    kept = ("userName", "externalId", "title", "phoneNumbers", "preferredLanguage")
    assert {name: now[name] for name in kept} == {name: made[name] for name in kept}
    assert now[ENTERPRISE] == made[ENTERPRISE]
    assert now[PEOPLE]["birthday"] == made[PEOPLE]["birthday"]


async def test_of_shared_fields_the_last_writer_wins(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    place = f"/Users/{made['id']}"
    await acme.client.patch("/v1/people/E-1042", json={"name": "From HR", "locale": "en"})
    await scim.patched(place, replace("title", "Lead"))
    person = (await acme.client.get("/v1/people/E-1042")).json()
    assert (person["name"], person["locale"]) == ("From HR", "en"), "a write of the title wrote only that"
    await scim.patched(place, replace("displayName", "From SCIM"))
    assert (await acme.client.get("/v1/people/E-1042")).json()["name"] == "From SCIM"


async def test_the_directory_s_own_columns_survive_scim(scim: ScimClient, acme: Tenant) -> None:
    body = {"name": "Sam", "segments": {"location": "Utrecht"}, "starts_on": "2020-01-01", "manager": "E-0"}
    await acme.client.put("/v1/people/E-7", json=body)
    [sam] = await scim.found("Users")
    put = await scim.put(f"/Users/{sam['id']}", json={"schemas": [USER], "userName": "sam"})
    assert put.status_code == 200
    person = (await acme.client.get("/v1/people/E-7")).json()
    assert (person["segments"], person["starts_on"]) == ({"location": "Utrecht"}, "2020-01-01")
    assert (person["manager"], person["active"]) == ("E-0", True), "what a PUT does not speak of stays"
    assert person["name"] == "sam", "no name is said: the user name stands for it"


async def test_a_renumbered_id_of_the_client_is_not_the_directory_s(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    now = await scim.patched(f"/Users/{made['id']}", replace("externalId", "00u1"))
    assert now["externalId"] == "00u1"
    assert (await acme.client.get("/v1/people/E-1042")).status_code == 200
    assert [one["id"] for one in await scim.found("Users", filter='externalId eq "00u1"')] == [made["id"]]
    gone = await scim.patched(f"/Users/{made['id']}", {"op": "remove", "path": "externalId"})
    assert "externalId" not in gone


async def test_without_an_id_of_the_client_the_user_name_is_the_directory_s(
    scim: ScimClient, acme: Tenant
) -> None:
    made = await scim.made("Users", schemas=[USER], userName="kim@example.com")
    assert "externalId" not in made
    assert (await acme.client.get("/v1/people/kim@example.com")).json()["name"] == "kim@example.com"
    spaced = await scim.made("Users", schemas=[USER], userName="Kim with spaces", externalId="not / one")
    assert spaced["externalId"] == "not / one"


async def test_no_password_is_kept(scim: ScimClient, acme: Tenant, owner: Any) -> None:
    made = await scim.made("Users", **NOOR | {"password": "hunter2-hunter2"})
    assert "password" not in made
    stored = await owner.fetchval(
        "SELECT attributes::text FROM scim_users WHERE organization_id = $1", acme.id
    )
    assert "hunter2" not in stored
    schemas = (await scim.get(f"/Schemas/{USER}")).json()
    assert "password" not in {attribute["name"] for attribute in schemas["attributes"]}


# ------------------------------------------------------------------------------------ one user name each


async def test_a_user_name_is_taken_whatever_its_case(scim: ScimClient, other: Tenant) -> None:
    await scim.made("Users", schemas=[USER], userName="Noor@Example.com")
    again = await scim.post("/Users", json={"schemas": [USER], "userName": "noor@example.COM"})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    elsewhere = await scim_of(other)
    await elsewhere.made("Users", schemas=[USER], userName="noor@example.com")
    kim = await scim.made("Users", schemas=[USER], userName="kim")
    for answer in (
        await scim.put(f"/Users/{kim['id']}", json={"schemas": [USER], "userName": "NOOR@example.com"}),
        await scim.patch(
            f"/Users/{kim['id']}",
            json={"schemas": [PATCH], "Operations": [replace("userName", "noor@example.com")]},
        ),
    ):
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")


async def test_of_many_who_want_a_name_at_once_one_gets_it(scim: ScimClient) -> None:
    body = {"schemas": [USER], "userName": "racer"}
    answers = await asyncio.gather(*(scim.post("/Users", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len(await scim.found("Users")) == 1


async def test_changes_at_once_are_all_kept(scim: ScimClient) -> None:
    made = await scim.made("Users", schemas=[USER], userName="kim")
    names = ("title", "nickName", "userType", "displayName")
    await asyncio.gather(*(scim.patched(f"/Users/{made['id']}", replace(name, "x")) for name in names))
    now = (await scim.get(f"/Users/{made['id']}")).json()
    assert [now[name] for name in names] == ["x"] * 4


async def test_a_name_of_the_directory_is_taken_too(scim: ScimClient, acme: Tenant) -> None:
    await acme.client.put("/v1/people/E-7", json={"name": "Sam", "email": "sam@example.com"})
    by_name = await scim.post("/Users", json={"schemas": [USER], "userName": "sam@example.com"})
    by_id = await scim.post("/Users", json={"schemas": [USER], "userName": "other", "externalId": "E-7"})
    assert [answer.json().get("scimType") for answer in (by_name, by_id)] == ["uniqueness"] * 2


# -------------------------------------------------------------------------------- leaving and coming back


async def test_deactivation_is_of_the_person(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    now = await scim.patched(f"/Users/{made['id']}", replace(None, {"active": False}))
    assert now["active"] is False
    person = (await acme.client.get("/v1/people/E-1042")).json()
    assert (person["active"], person["ends_on"]) == (False, None), "the last day is the HR system's to say"
    assert [one["id"] for one in await scim.found("Users", filter="active eq false")] == [made["id"]]


async def test_delete_deactivates_and_hides_and_never_erases(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    assert (await scim.delete(f"/Users/{made['id']}")).status_code == 204
    for answer in (
        await scim.get(f"/Users/{made['id']}"),
        await scim.delete(f"/Users/{made['id']}"),
        await scim.put(f"/Users/{made['id']}", json=NOOR),
    ):
        assert answer.status_code == 404
    assert await scim.found("Users") == []
    person = (await acme.client.get("/v1/people/E-1042")).json()
    assert (person["name"], person["active"]) == ("Noor de Wit", False)
    back = await scim.made("Users", schemas=[USER], userName="NOOR@example.com", displayName="Noor")
    assert (back["id"], back["active"]) == (made["id"], True), "whoever comes back is the same person"
    assert (await acme.client.get("/v1/people/E-1042")).json()["active"] is True


async def test_who_gets_the_user_name_of_one_who_left_is_somebody_else(
    scim: ScimClient, acme: Tenant
) -> None:
    made = await scim.made("Users", **NOOR)
    await scim.delete(f"/Users/{made['id']}")
    noa = {"userName": "noor@example.com", "externalId": "E-2000", "displayName": "Noa"}
    heir = await scim.made("Users", schemas=[USER], **noa)
    assert heir["id"] != made["id"]
    assert (await acme.client.get("/v1/people/E-1042")).json()["name"] == "Noor de Wit"
    taken = await scim.post("/Users", json=NOOR)
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    back = await scim.made("Users", **NOOR | {"userName": "noor2@example.com"})
    assert (back["id"], back["active"]) == (made["id"], True), "the same id of the client is the same person"


async def test_who_was_erased_is_not_made_again(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    await acme.client.post("/v1/people/E-1042/erasure")
    assert (await scim.get(f"/Users/{made['id']}")).status_code == 404
    refused = await scim.post("/Users", json=NOOR)
    assert (refused.status_code, refused.json().get("scimType")) == (409, None)
    assert "(person_erased)" in refused.json()["detail"]
    assert await scim.found("Users") == []
    await acme.client.delete("/v1/people/E-1042/erasure")
    await scim.made("Users", **NOOR)


async def test_a_person_scim_never_wrote_can_be_deleted(scim: ScimClient, acme: Tenant) -> None:
    await acme.client.put("/v1/people/E-7", json={"name": "Sam"})
    [sam] = await scim.found("Users")
    assert (await scim.delete(f"/Users/{sam['id']}")).status_code == 204
    assert await scim.found("Users") == []
    assert (await acme.client.get("/v1/people/E-7")).json()["active"] is False


# ------------------------------------------------------------------------------------------- managers


async def test_a_manager_is_named_by_id_or_by_the_directory_s_identifier(
    scim: ScimClient, acme: Tenant
) -> None:
    boss = await scim.made("Users", schemas=[USER], userName="boss", externalId="E-1")
    made = await scim.made("Users", **NOOR | {ENTERPRISE: {"manager": {"value": boss["id"]}}})
    assert (await acme.client.get("/v1/people/E-1042")).json()["manager"] == "E-1"
    place, path = f"/Users/{made['id']}", f"{ENTERPRISE}:manager"
    later = await scim.patched(place, replace(path, "E-99"))
    assert later[ENTERPRISE]["manager"] == {"value": "E-99"}
    assert (await acme.client.get("/v1/people/E-1042")).json()["unresolved"] == ["manager"]
    nobody = {"schemas": [PATCH], "Operations": [replace(path, "00000000-0000-4000-8000-000000000000")]}
    refused = await scim.patch(place, json=nobody)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    themselves = {"schemas": [PATCH], "Operations": [replace(path, made["id"])]}
    assert (await scim.patch(place, json=themselves)).status_code == 400
    gone = await scim.patched(place, {"op": "remove", "path": path})
    assert ENTERPRISE not in gone


# ------------------------------------------------------------------------------------ birthdays and rights


async def test_a_birthday_needs_a_key_for_dates(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    lesser = await scim_of(acme, "people:read", "people:write")
    place = f"/Users/{made['id']}"
    seen = (await lesser.get(place)).json()
    assert "birthday" not in seen[PEOPLE]
    assert await lesser.found("Users", filter=f"{PEOPLE}:birthday.month eq 2") == []
    assert len(await scim.found("Users", filter=f"{PEOPLE}:birthday.month eq 2")) == 1
    assert (await lesser.put(place, json=seen)).status_code == 200
    assert (await scim.get(place)).json()[PEOPLE]["birthday"] == made[PEOPLE]["birthday"]
    changed = seen | {PEOPLE: {"birthday": {"month": 3, "day": 1, "consent": True}}}
    assert (await lesser.put(place, json=changed)).status_code == 403


async def test_a_version_does_not_tell_a_birthday(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    lesser = await scim_of(acme, "people:read")
    place = f"/Users/{made['id']}"
    before = (await lesser.get(place)).json()["meta"]
    await acme.client.put(
        "/v1/people/E-1042/occasions/birthday", json={"kind": "birthday", "month": 5, "day": 5}
    )
    assert (await lesser.get(place)).json()["meta"] == before


async def test_consent_can_be_withdrawn_and_a_birthday_removed(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    place, birthday = f"/Users/{made['id']}", "/v1/people/E-1042/occasions/birthday"
    await acme.client.patch("/v1/people/E-1042", json={"name": "N"})
    kept = {"kind": "birthday", "month": 2, "day": 29, "consent": True, "visibility": "organization"}
    await acme.client.put(birthday, json=kept)
    await scim.patched(place, replace(f"{PEOPLE}:birthday.consent", False))
    stored = (await acme.client.get(birthday)).json()
    assert (stored["consent"], stored["visibility"]) == (False, "organization")
    await scim.patched(place, {"op": "remove", "path": f"{PEOPLE}:birthday"})
    assert (await acme.client.get(birthday)).status_code == 404


@pytest.mark.parametrize(
    "birthday",
    [
        {"month": 2, "day": 30, "consent": True},
        {"month": 13, "day": 1, "consent": True},
        {"month": 2, "consent": True},
        {"month": 2, "day": 3},
    ],
)
async def test_an_impossible_birthday_is_refused_and_nothing_stored(
    scim: ScimClient, birthday: dict[str, Any]
) -> None:
    refused = await scim.post("/Users", json=NOOR | {PEOPLE: {"birthday": birthday}})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    assert await scim.found("Users") == []


async def test_what_a_key_may_do(acme: Tenant, other: Tenant) -> None:
    scim, reader = await scim_of(acme), await scim_of(acme, "people:read")
    made = await scim.made("Users", **NOOR)
    place = f"/Users/{made['id']}"
    assert (await scim_for(acme.app, None).get("/Users")).status_code == 401
    assert (await scim_for(acme.app, "nonsense").get("/Users")).headers["www-authenticate"]
    assert (await (await scim_of(acme, "metrics:read")).get("/Users")).status_code == 403
    assert (await reader.get(place)).status_code == 200
    for answer in (
        await reader.post("/Users", json=NOOR),
        await reader.put(place, json=NOOR),
        await reader.patch(place, json={"schemas": [PATCH], "Operations": [replace("title", "x")]}),
        await reader.delete(place),
    ):
        assert answer.status_code == 403
    stranger = await scim_of(other)
    assert (await stranger.get(place)).status_code == 404
    assert (await stranger.delete(place)).status_code == 404
    assert await stranger.found("Users") == []


# ------------------------------------------------------------------------------------------- conditions


async def test_versions(scim: ScimClient) -> None:
    made = await scim.post("/Users", json=NOOR)
    place, version = f"/Users/{made.json()['id']}", made.headers["etag"]
    assert version == made.json()["meta"]["version"]
    assert version.startswith('W/"')
    assert (await scim.get(place, headers={"If-None-Match": version})).status_code == 304
    title = {"schemas": [PATCH], "Operations": [replace("title", "Lead")]}
    changed = await scim.patch(place, json=title, headers={"If-Match": version})
    assert changed.status_code == 200
    assert changed.headers["etag"] != version
    again = await scim.patch(place, json=title)
    assert again.json()["meta"] == changed.json()["meta"], "what changes nothing keeps version and time"
    stale = {"If-Match": version}
    for answer in (
        await scim.patch(place, json=title, headers=stale),
        await scim.put(place, json=NOOR, headers=stale),
        await scim.delete(place, headers=stale),
    ):
        assert answer.status_code == 412
    assert (await scim.get(place, headers={"If-None-Match": version})).status_code == 200
