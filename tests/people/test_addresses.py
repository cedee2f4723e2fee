"""An address is one, wherever it is written; and who shares one is told."""

from typing import Any

import pytest

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import counts, done, faults, report_of
from tests.scim.client import PATCH, scim_for

BAD = [
    "noor",
    "noor@example",
    "noor@@example.com",
    "noor@example..com",
    "noor@-example.com",
    ".noor@example.com",
    "Noor de Wit <noor@example.com>",
    "noor@example.com, sam@example.com",
    " noor@example.com",
    "noor@example.com\n",
    "noor@\u200bexample.com",
    "n" * 65 + "@" + "x" * 255 + ".com",
    "n" * 65 + "@example.com",
]
GOOD = ["o'brien+x@example.com", "zoë@exämple.de", "N.De.Wit@Example.COM", "bo@corp.local", "用户@例子.广告"]


@pytest.mark.parametrize("email", BAD)
async def test_what_is_no_address_is_refused(email: str, api: ContractClient) -> None:
    sent = {"name": "Noor", "email": email}
    answer = await api.put("/v1/people/E-1", json=sent)
    fault = answer.json()["errors"][0]
    assert (answer.status_code, fault["code"], fault["pointer"]) in {
        (422, "invalid_email", "#/email"),
        (422, "invalid_value", "#/email"),
    }
    batch = (await api.post("/v1/people/batch", json={"items": [{"external_id": "E-1", **sent}]})).json()
    assert batch["results"][0]["problem"]["errors"][0]["pointer"] == "#/email"
    await api.put("/v1/people/E-1", json={"name": "Noor", "email": "noor@example.com"})
    answer = await api.patch("/v1/people/E-1", json={"email": email})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/email")
    assert (await api.get("/v1/people/E-1")).json()["email"] == "noor@example.com"


async def test_codes_of_an_address(api: ContractClient) -> None:
    sent = {"name": "Noor", "email": "noor"}
    assert (await api.put("/v1/people/E-1", json=sent)).json()["code"] == "invalid_email"
    batch = await api.post("/v1/people/batch", json={"items": [{"external_id": "E-1", **sent}]})
    assert batch.json()["results"][0]["problem"]["code"] == "invalid_email"
    await api.put("/v1/people/E-1", json={"name": "Noor"})
    assert (await api.patch("/v1/people/E-1", json={"email": "noor"})).json()["code"] == "invalid_email"


@pytest.mark.parametrize("email", GOOD)
async def test_an_address_is_kept_as_it_was_written(email: str, api: ContractClient) -> None:
    assert (await api.put("/v1/people/E-1", json={"name": "Noor", "email": email})).status_code == 201
    assert (await api.get("/v1/people/E-1")).json()["email"] == email
    assert (await api.patch("/v1/people/E-1", json={"email": email})).status_code == 200


async def test_an_import_tells_what_is_no_address(acme: Tenant, api: ContractClient) -> None:
    rows = b"external_id,name,email\nE-1,Noor,noor\nE-2,Sam,sam@example.com\n"
    found = await done(acme, rows, form="csv")
    assert counts(found) == (1, 0, 0, 1)
    assert faults(await report_of(acme, found)) == [(2, "#/email", "invalid_email")]


async def test_a_directory_is_told_what_is_no_address(acme: Tenant) -> None:
    scim = scim_for(acme.app, await acme.key("people:read", "people:write"))
    user: dict[str, Any] = {"userName": "noor", "emails": [{"value": "noor", "type": "work"}]}
    refused = await scim.post("/Users", json=user)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    made = await scim.made("Users", **user | {"emails": [{"value": "noor@example.com", "type": "work"}]})
    change = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "nobody"}
    refused = await scim.patch(f"/Users/{made['id']}", json={"schemas": [PATCH], "Operations": [change]})
    assert refused.status_code == 400


async def test_an_old_address_does_not_stand_in_the_way(acme: Tenant, api: ContractClient) -> None:
    """One from before addresses were looked at stays until it is written."""
    await api.put("/v1/people/E-1", json={"name": "Noor", "email": "noor@example.com"})
    async with acme.database.tenant_session(acme.id) as session:
        person = await session.connection()
        await person.exec_driver_sql("UPDATE people SET email = 'noor'")
    assert (await api.patch("/v1/people/E-1", json={"name": "Noor de Wit"})).status_code == 200
    person_now = (await api.get("/v1/people/E-1")).json()
    assert (person_now["name"], person_now["email"]) == ("Noor de Wit", "noor")


async def test_who_shares_an_address_is_told(acme: Tenant, api: ContractClient) -> None:
    for person, email in [("E-1", "shop@example.com"), ("E-2", "Shop@Example.com"), ("E-3", "x@example.com")]:
        answer = await api.put(f"/v1/people/{person}", json={"name": "x", "email": email})
    people = {one["external_id"]: one["unresolved"] for one in (await api.get("/v1/people")).json()["items"]}
    assert people == {"E-1": ["email"], "E-2": ["email"], "E-3": []}
    answer = await api.patch("/v1/people/E-3", json={"email": "shop@example.com"})
    assert answer.json()["unresolved"] == ["email"]
    assert (await api.get("/v1/people/E-3?as_of=2020-01-01")).json()["unresolved"] == ["email"]
    rows = b"external_id,name,email\nE-4,a,new@example.com\nE-5,b,new@example.com\nE-6,c,\n"
    found = await done(acme, rows, form="csv")
    assert counts(found) == (3, 0, 0, 0)
    told = faults(await report_of(acme, found))
    assert told == [(2, "#/email", "shared_email"), (3, "#/email", "shared_email")]
