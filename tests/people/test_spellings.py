"""A domain as people write it and as the DNS has it (A-labels) is one, wherever an address is compared."""

import pytest

from app.core.schema import one_spelling
from tests.conftest import Tenant
from tests.scim.client import USER, scim_of

WRITTEN, OF_THE_DNS = "Jan@m\u00fcller.example", "Jan@xn--mller-kva.example"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (OF_THE_DNS, WRITTEN),
        ("jan@mail.XN--MLLER-KVA.example", "jan@mail.m\u00fcller.example"),
        ("jan@xn--strae-oqa.example", "jan@stra\u00dfe.example"),
        ("xn--mller-kva@example.com", "xn--mller-kva@example.com"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("jan@xn--\u00e9", "jan@xn--\u00e9"),
        ("jan@xn--99999999.example", "jan@xn--99999999.example"),
        ("jan@xn--a-ecp.example", one_spelling("jan@xn--a-ecp.example")),
        (f'emails.value eq "{OF_THE_DNS}"', f'emails.value eq "{WRITTEN}"'),
    ],
)
def test_an_address_has_one_spelling(text: str, meant: str) -> None:
    assert one_spelling(text) == meant
    assert one_spelling(meant) == meant


def test_no_half_of_a_character_comes_of_it() -> None:
    half = "\ud800".encode("punycode").decode()
    assert one_spelling(f"jan@xn--{half}.example") == f"jan@xn--{half}.example"


async def test_a_person_is_found_by_either(acme: Tenant) -> None:
    for stored, again in ((OF_THE_DNS, WRITTEN), (WRITTEN, OF_THE_DNS)):
        await acme.client.put("/v1/people/E-1", json={"name": "Jan", "email": stored})
        same = await acme.client.put("/v1/people/E-1", json={"name": "Jan", "email": again})
        assert same.json()["email"] == WRITTEN
        for sought in (WRITTEN, OF_THE_DNS):
            found = await acme.client.get("/v1/people", params={"email": sought})
            assert [one["external_id"] for one in found.json()["items"]] == ["E-1"], sought


async def test_scim_has_one_user_of_both(acme: Tenant) -> None:
    scim = await scim_of(acme)
    emails = [{"value": OF_THE_DNS, "type": "work"}]
    made = await scim.made("Users", schemas=[USER], userName=OF_THE_DNS, emails=emails)
    for sought in (WRITTEN, OF_THE_DNS):
        for tried in ("userName", "emails.value"):
            found = await scim.found("Users", filter=f'{tried} eq "{sought}"')
            assert [one["id"] for one in found] == [made["id"]], (tried, sought)
        taken = await scim.post("/Users", json={"schemas": [USER], "userName": sought})
        assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    [person] = (await acme.client.get("/v1/people", params={"email": WRITTEN})).json()["items"]
    assert person["email"] == WRITTEN
