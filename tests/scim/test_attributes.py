"""Attributes of an identity provider's users that are a team or a segment here."""

from typing import Any

import pytest

from app.scim.users.attributes import value_at
from tests.conftest import Tenant
from tests.scim.client import ENTERPRISE, USER, ScimClient, scim_of

MAPPING = {
    "department": "team",
    "division": "segment:division",
    "costCenter": "segment:cost_center",
    "title": "segment:role",
    "addresses.work.locality": "segment:location",
    f"{ENTERPRISE}:organization": "segment:company",
}
NOOR: dict[str, Any] = {
    "schemas": [USER],
    "userName": "noor",
    "title": "Engineer",
    "addresses": [{"type": "home", "locality": "Gouda"}, {"type": "work", "locality": "Utrecht"}],
    ENTERPRISE: {"department": "R&D", "division": "Care", "costCenter": "4711", "organization": "Acme BV"},
}


@pytest.fixture
async def scim(acme: Tenant) -> ScimClient:
    changed = await acme.client.patch("/v1/organization", json={"scim": {"attributes": MAPPING}})
    assert changed.json()["scim"]["attributes"] == MAPPING
    return await scim_of(acme)


async def person(acme: Tenant) -> dict[str, Any]:
    return dict((await acme.client.get("/v1/people/noor")).json())


async def test_attributes_become_team_and_segments(scim: ScimClient, acme: Tenant) -> None:
    made = await scim.made("Users", **NOOR)
    noor = await person(acme)
    team = (await acme.client.get(f"/v1/teams/{noor['team']}")).json()
    assert team["name"] == "R&D"
    segments = {"division": "Care", "cost_center": "4711", "role": "Engineer", "location": "Utrecht"}
    assert noor["segments"] == segments | {"company": "Acme BV"}
    await acme.client.patch("/v1/people/noor", json={"segments": {"floor": "3"}})
    await scim.patched(
        f"/Users/{made['id']}",
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": 'addresses[type eq "work"].locality', "value": "Zwolle"},
    )
    noor = await person(acme)
    assert noor["team"] == "Sales", "an identifier where it can be one"
    kept = {"division": "Care", "cost_center": "4711", "location": "Zwolle", "company": "Acme BV"}
    assert noor["segments"] == kept | {"floor": "3"}, "what is not mapped is left alone"


async def test_a_team_is_found_by_its_identifier_or_its_name(scim: ScimClient, acme: Tenant) -> None:
    await acme.client.put("/v1/teams/rd", json={"name": "r&d"})
    await acme.client.put("/v1/teams/Sales", json={"name": "Verkoop"})
    made = await scim.made("Users", **NOOR)
    assert (await person(acme))["team"] == "rd"
    operation = {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Sales"}
    await scim.patched(f"/Users/{made['id']}", operation)
    assert (await person(acme))["team"] == "Sales"
    assert len((await acme.client.get("/v1/teams")).json()["items"]) == 2
    await scim.patched(f"/Users/{made['id']}", {"op": "remove", "path": f"{ENTERPRISE}:department"})
    assert (await person(acme))["team"] is None


async def test_what_is_not_mapped_changes_nothing(acme: Tenant) -> None:
    scim = await scim_of(acme)
    made = await scim.made("Users", **NOOR)
    noor = await person(acme)
    assert (noor["team"], noor["segments"]) == (None, {})
    await acme.client.patch("/v1/organization", json={"scim": {"attributes": {"title": "segment:role"}}})
    await scim.patched(f"/Users/{made['id']}", {"op": "replace", "path": "nickName", "value": "N"})
    assert (await person(acme))["segments"] == {"role": "Engineer"}, "from the next time the user is sent"
    answer = await acme.client.patch("/v1/organization", json={"scim": {"attributes": {"title": None}}})
    assert answer.json()["scim"] == {"team_groups": "all", "attributes": {}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "Engineer"),
        ("TITLE", "Engineer"),
        ("addresses.work.locality", "Utrecht"),
        ("addresses.home.locality", "Gouda"),
        ("addresses.locality", "Gouda"),
        ("addresses.other.locality", None),
        ("department", "R&D"),
        (f"{ENTERPRISE}:department", "R&D"),
        (f"{ENTERPRISE}:title", None),
        ("nonsense", None),
        ("title.more", None),
        ("addresses", None),
    ],
)
def test_where_an_attribute_stands(path: str, value: str | None) -> None:
    assert value_at(NOOR, path) == value


@pytest.mark.parametrize(
    "scim",
    [
        {"team_groups": "some"},
        {"team_groups": "name:"},
        {"attributes": {"title": "somewhere"}},
        {"attributes": {"1": "team"}},
        {"unknown": 1},
    ],
)
async def test_settings_that_mean_nothing_are_refused(acme: Tenant, scim: dict[str, Any]) -> None:
    assert (await acme.client.patch("/v1/organization", json={"scim": scim})).status_code == 422
