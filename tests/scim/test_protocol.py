"""Discovery, errors, and what is refused."""

import gzip
import re
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.main import create_app
from app.scim.rooms import SCIM_ROUTERS
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.scim.client import ENTERPRISE, GROUP, PATCH, PEOPLE, USER, ScimClient, check, scim_for, scim_of
from tests.test_telemetry import change, samples


@pytest.fixture
async def scim(acme: Tenant) -> ScimClient:
    return await scim_of(acme)


# -------------------------------------------------------------------------------------------- discovery


async def test_the_service_describes_itself_to_anybody(app: FastAPI) -> None:
    scim = scim_for(app, None)
    config = (await scim.get("/ServiceProviderConfig")).json()
    supported = {name for name, part in config.items() if isinstance(part, dict) and part.get("supported")}
    assert supported == {"patch", "filter", "etag"}
    assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    types = (await scim.get("/ResourceTypes")).json()["Resources"]
    assert {one["id"]: one["endpoint"] for one in types} == {"User": "/Users", "Group": "/Groups"}
    extensions = {one["schema"]: one["required"] for one in types[0]["schemaExtensions"]}
    assert extensions == {ENTERPRISE: False, PEOPLE: False}
    schemas = (await scim.get("/Schemas")).json()["Resources"]
    assert [one["id"] for one in schemas] == [USER, ENTERPRISE, PEOPLE, GROUP]
    for one in [*types, *schemas, config]:
        place = one["meta"]["location"].removeprefix("http://test/scim/v2")
        assert (await scim.get(place)).json() == one
    for collection in ("ResourceTypes", "Schemas"):
        assert (await scim.get(f"/{collection}/nonsense")).status_code == 404
        assert (await scim.get(f"/{collection}", params={"filter": "id pr"})).status_code == 403


async def test_our_extension_is_published(app: FastAPI) -> None:
    schema = (await scim_for(app, None).get(f"/Schemas/{PEOPLE}")).json()
    parts = {one["name"]: one for one in schema["attributes"]}
    assert set(parts) == {"startDate", "endDate", "birthday", "locale"}
    assert {one["name"]: one["type"] for one in parts["birthday"]["subAttributes"]} == {
        "month": "integer",
        "day": "integer",
        "consent": "boolean",
    }


async def test_the_public_address_stands_in_locations(
    acme: Tenant, settings: Settings, database_url: str
) -> None:
    named = Settings(**settings.model_dump(exclude_unset=True) | {"public_url": "https://hr.example.com/b/"})
    app = create_app(named, database_url)
    app.state.database = acme.database
    made = await scim_for(app, await acme.key()).post("/Users", json={"schemas": [USER], "userName": "kim"})
    assert made.headers["location"].startswith("https://hr.example.com/b/scim/v2/Users/")
    assert made.headers["location"] == made.json()["meta"]["location"]


# ----------------------------------------------------------------------------------------------- errors


async def test_what_is_not_there(scim: ScimClient) -> None:
    for place in ("/Nothing", "/Users/nonsense", "/Users/00000000-0000-4000-8000-000000000000", "/Groups/x"):
        assert (await scim.get(place)).status_code == 404
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert (await scim.request(method, "/Me")).status_code == 501
    assert (await scim.post("/Bulk", json={})).status_code == 501


@pytest.mark.parametrize(
    ("method", "place", "allowed"),
    [
        ("DELETE", "/Users", "GET, HEAD, POST"),
        ("POST", "/Users/x", "DELETE, GET, HEAD, PATCH, PUT"),
        ("PUT", "/Schemas", "GET, HEAD"),
        ("GET", "/.search", "POST"),
    ],
)
async def test_wrong_methods_say_the_right_ones(
    scim: ScimClient, method: str, place: str, allowed: str
) -> None:
    answer = await scim.request(method, place)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("content", "kind", "status", "scim_type"),
    [
        (b"{", "application/scim+json", 400, "invalidSyntax"),
        (b'{"userName": "a", "userName": "b"}', "application/scim+json", 400, "invalidSyntax"),
        (b'{"userName": "a\\u0000"}', "application/scim+json", 400, "invalidValue"),
        (b'{"userName": "a"}', "text/plain", 415, None),
        (b"[]", "application/json", 400, "invalidSyntax"),
        (b"null", "application/json", 400, "invalidSyntax"),
        (b"{}", "application/json", 400, "invalidValue"),
        (b'{"userName": ""}', "application/json", 400, "invalidValue"),
        (b'{"userName": 7}', "application/json", 400, "invalidValue"),
        (b'{"userName": "a", "name": "A"}', "application/json", 400, "invalidValue"),
        (b'{"userName": "a", "active": "perhaps"}', "application/json", 400, "invalidValue"),
        (b'{"userName": "' + b"a" * 321 + b'"}', "application/json", 400, "invalidValue"),
        (b'{"userName": "a", "displayName": "' + b"a" * 201 + b'"}', "application/json", 400, "invalidValue"),
        (b'{"userName": "a", "title": "' + b"a" * 70_000 + b'"}', "application/json", 400, "invalidValue"),
        (b'{"userName": "a", "' + PEOPLE.encode() + b'": {"startDate": "soon"}}', None, 400, "invalidValue"),
        (b'{"userName": "a", "' + PEOPLE.encode() + b'": {"locale": "?"}}', None, 400, "invalidValue"),
        (
            b'{"userName": "a", "'
            + PEOPLE.encode()
            + b'": {"startDate": "2021-01-01", "endDate": "2020-01-01"}}',
            None,
            400,
            "invalidValue",
        ),
        (
            b'{"userName": "a", "roles": [{"value": "x", "primary": true}, {"value": "y", "primary": true}]}',
            None,
            400,
            "invalidValue",
        ),
        (b'{"userName": "a", "title": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", None, 400, None),
    ],
)
async def test_bad_bodies_are_refused_in_scim_s_own_form(
    scim: ScimClient, content: bytes, kind: str | None, status: int, scim_type: str | None
) -> None:
    headers = {"Content-Type": kind or "application/scim+json"}
    answer = await scim.post("/Users", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    if scim_type:
        assert answer.json()["scimType"] == scim_type
    assert await scim.found("Users") == []


async def test_what_never_reaches_the_endpoints_has_that_form_too(scim: ScimClient) -> None:
    big = await scim.post("/Users", content=b" " * (11 * 2**20), headers={"Content-Type": "application/json"})
    assert big.status_code == 413
    bomb = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (
        await scim.post("/Users", content=gzip.compress(b" " * 60 * 2**20), headers=bomb)
    ).status_code == 413
    assert (await scim.post("/Users", content=b"x", headers=bomb)).status_code == 400
    assert (await scim.get("/Users/a%2Fb")).status_code == 400
    check(await scim.get("/Users", params={"filter": "\0"}))


@pytest.mark.parametrize(
    ("operations", "scim_type"),
    [
        ([], "invalidValue"),
        ("replace", "invalidValue"),
        (["replace"], "invalidValue"),
        ([{"op": "move", "path": "title"}], "invalidValue"),
        ([{"op": "replace", "path": "nonsense", "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": "emails[", "value": "x"}], "invalidPath"),
        ([{"op": "replace", "path": "(" * 10_000, "value": "x"}], "invalidPath"),
        ([{"op": "remove"}], "noTarget"),
        ([{"op": "add", "path": "title"}], "invalidValue"),
        ([{"op": "remove", "path": "userName"}], "mutability"),
        ([{"op": "replace", "path": "id", "value": "x"}], "mutability"),
        ([{"op": "replace", "path": "groups", "value": []}], "mutability"),
        ([{"op": "replace", "path": "active", "value": "perhaps"}], "invalidValue"),
        ([{"op": "replace", "path": f"{PEOPLE}:birthday.day", "value": 3}], "invalidValue"),
        ([{"op": "add", "path": "title", "value": "x"}] * 251, "tooMany"),
        ([{"op": "replace", "path": "title", "value": "x"}, {"op": "remove"}], "noTarget"),
    ],
)
async def test_a_patch_that_cannot_be_is_refused_whole(
    scim: ScimClient, operations: Any, scim_type: str
) -> None:
    made = await scim.made("Users", schemas=[USER], userName="kim")
    place = f"/Users/{made['id']}"
    refused = await scim.patch(place, json={"schemas": [PATCH], "Operations": operations})
    assert (refused.status_code, refused.json().get("scimType")) == (400, scim_type), refused.text
    assert (await scim.get(place)).json() == made
    for body in ({"schemas": [PATCH]}, [], {}):
        assert (await scim.patch(place, json=body)).status_code == 400


# ---------------------------------------------------------------------------------------------- operators


async def test_requests_are_counted_by_operation(scim: ScimClient, api: ContractClient) -> None:
    before = await samples(api)
    await scim.get("/Users")
    await scim.get("/Users/nonsense")
    after = await samples(api)
    total = "betrokken_http_requests_total"
    assert change(before, after, total, operation="scim_list_users", status_class="2xx") == 1
    assert change(before, after, total, operation="scim_get_user", status_class="4xx") == 1


def test_operations_have_names_of_their_own() -> None:
    names = [getattr(route, "operation_id", "") for router in SCIM_ROUTERS for route in router.routes]
    assert len(set(names)) == len(names)
    assert all(name.startswith("scim_") for name in names)


FOREIGN = re.compile(
    r"Input should|validation error|Field |Extra inputs|invalid syntax|must be|figure|errors.pydantic",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("method", "place", "body"),
    [
        ("POST", "/Users", {}),
        ("POST", "/Users", {"userName": 7}),
        ("POST", "/Users", {"userName": "a" * 400}),
        ("POST", "/Users", {"userName": "a", "name": "A"}),
        ("POST", "/Users", {"userName": "a", "active": "perhaps"}),
        ("POST", "/Users", {"userName": "a", PEOPLE: {"startDate": "soon"}}),
        ("POST", "/Users", {"userName": "a", PEOPLE: {"birthday": {"month": 13, "day": 1}}}),
        ("POST", "/Users", []),
        ("POST", "/Groups", {}),
        ("GET", "/Users?filter=nonsense", None),
        ("GET", "/Users?filter=nonsense eq 1", None),
        ("GET", "/Users?sortBy=nonsense", None),
        ("GET", "/Users?count=many", None),
        ("GET", "/Users?attributes=a&excludedAttributes=b", None),
        ("POST", "/.search", {"filter": "("}),
        ("PATCH", "/Users/{id}", {"Operations": []}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "move"}]}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "replace", "path": "emails[", "value": 1}]}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "replace", "path": "title", "value": 5}]}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "replace", "path": "id", "value": "x"}]}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "remove"}]}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "replace", "path": "groups", "value": []}]}),
    ],
)
async def test_a_refusal_is_in_our_words(scim: ScimClient, method: str, place: str, body: Any) -> None:
    made = await scim.made("Users", schemas=[USER], userName="kim")
    answer = await scim.request(method, place.replace("{id}", made["id"]), json=body)
    assert answer.status_code == 400
    detail = answer.json()["detail"]
    assert not FOREIGN.search(detail), detail
    assert detail.partition(" (")[0].endswith("."), detail
