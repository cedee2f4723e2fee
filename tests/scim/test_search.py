"""Filter, order, pages and the attributes asked for."""

from typing import Any

import pytest

from app.scim.queries import statement
from tests.conftest import Tenant
from tests.scim.client import ENTERPRISE, GROUP, PEOPLE, USER, ScimClient, scim_of

STAFF: list[dict[str, Any]] = [
    {"userName": "bo@example.com", "displayName": "Bo", "title": "Lead", "active": True},
    {
        "userName": "Ann@example.com",
        "displayName": "Ann",
        "externalId": "E-1",
        "emails": [
            {"value": "ann@example.com", "type": "work", "primary": True},
            {"value": "ann@home.example", "type": "home"},
        ],
        ENTERPRISE: {"department": "Research"},
        PEOPLE: {"startDate": "2024-09-01"},
    },
    {"userName": "cas", "displayName": "Cas", "active": False, PEOPLE: {"startDate": "2021-03-01"}},
]


@pytest.fixture
async def scim(acme: Tenant, other: Tenant) -> ScimClient:
    scim = await scim_of(acme)
    for user in STAFF:
        await scim.made("Users", schemas=[USER], **user)
    await (await scim_of(other)).made("Users", schemas=[USER], userName="stranger", displayName="Ann")
    return scim


async def names(scim: ScimClient, **query: Any) -> list[str]:
    return [user["displayName"] for user in await scim.found("Users", **query)]


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        ('userName eq "ANN@example.com"', "Ann"),
        ('username EQ "ann@example.com"', "Ann"),
        (f'{USER}:userName eq "ann@example.com"', "Ann"),
        ('userName ne "ann@example.com"', "Bo Cas"),
        ('userName co "EXAMPLE"', "Bo Ann"),
        ('userName sw "a"', "Ann"),
        ('userName ew ".com"', "Bo Ann"),
        ('externalId eq "E-1"', "Ann"),
        ('externalId eq "e-1"', ""),
        ('externalId eq "E-1" and userName eq "ann@example.com"', "Ann"),
        ('externalId eq "E-1" and userName eq "cas"', ""),
        ("title pr", "Bo"),
        ("not (title pr)", "Ann Cas"),
        ("active eq true", "Bo Ann"),
        ("active eq false or title pr", "Bo Cas"),
        ('title pr and (active eq false or userName sw "bo")', "Bo"),
        ('emails.value eq "ann@home.example"', "Ann"),
        ('emails[type eq "work"].value eq "ANN@example.com"', "Ann"),
        ('emails[type eq "work" and value co "home"]', ""),
        ('emails[type eq "home" and value co "home"]', "Ann"),
        (f'{ENTERPRISE}:department eq "research"', "Ann"),
        (f'{PEOPLE}:startDate gt "2022-01-01"', "Ann"),
        (f'{PEOPLE}:startDate le "2021-03-01"', "Cas"),
        ('meta.lastModified ge "2020-01-01T00:00:00Z"', "Bo Ann Cas"),
        ('meta.created lt "2020-01-01T00:00:00Z"', ""),
        ('id eq "nonsense"', ""),
        ('userName eq "é"', ""),
        ('displayName eq "a\\"b\\\\%_"', ""),
        (r'userName eq "\u0000"', ""),
    ],
)
async def test_a_filter_lets_through(scim: ScimClient, tried: str, expected: str) -> None:
    assert await names(scim, filter=tried) == expected.split()
    by_body = await scim.post("/Users/.search", json={"filter": tried})
    assert [user["displayName"] for user in by_body.json()["Resources"]] == expected.split()
    assert by_body.json()["totalResults"] == len(expected.split())


@pytest.mark.parametrize(
    "tried",
    [
        "userName",
        "userName eq",
        'userName like "x"',
        'nonsense eq "x"',
        "active gt true",
        'userName eq "x" and',
        "(" * 10_000,
        "(" * 900 + "title pr" + ")" * 900 + ")",
        "not (" * 300 + "title pr" + ")" * 300,
        "emails[" * 200,
        'title eq "' + "x" * 3_000 + '"',
    ],
)
async def test_a_filter_that_is_none_is_refused(scim: ScimClient, tried: str) -> None:
    for answer in (
        await scim.get("/Users", params={"filter": tried}),
        await scim.post("/Users/.search", json={"filter": tried}),
    ):
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


async def test_ten_thousand_brackets_cost_nothing(scim: ScimClient, queries: list[str]) -> None:
    queries.clear()
    brackets = "(" * 5_000 + "title pr" + ")" * 5_000
    refused = await scim.post("/Users/.search", json={"filter": brackets})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidFilter")
    assert not [statement for statement in queries if "FROM people" in statement]


async def test_many_brackets_within_the_limit_are_read(scim: ScimClient) -> None:
    assert await names(scim, filter="(" * 500 + "title pr" + ")" * 500) == ["Bo"]


async def test_filters_of_ever_another_shape_are_not_all_remembered(scim: ScimClient) -> None:
    for count in range(1, 4):
        await names(scim, filter=" or ".join(['userName eq "Ann"'] * count))
    kept = statement.cache_info()
    assert kept.currsize >= 3
    assert kept.maxsize is not None


async def test_order(scim: ScimClient) -> None:
    assert await names(scim) == ["Bo", "Ann", "Cas"], "without an order, that of arrival"
    assert await names(scim, sortBy="userName") == ["Ann", "Bo", "Cas"]
    assert await names(scim, sortBy="userName", sortOrder="descending") == ["Cas", "Bo", "Ann"]
    by_start = {"sortBy": f"{PEOPLE}:startDate"}
    assert await names(scim, **by_start) == ["Cas", "Ann", "Bo"]
    assert await names(scim, **by_start, sortOrder="descending") == ["Bo", "Ann", "Cas"]
    assert await names(scim, sortBy="userName", startIndex=2, count=1) == ["Bo"]
    assert (await scim.get("/Users", params={"sortBy": "nonsense"})).status_code == 400


async def test_pages(scim: ScimClient) -> None:
    async def page(**query: Any) -> tuple[list[int], list[str]]:
        body = (await scim.get("/Users", params=query)).json()
        numbers = [body[name] for name in ("totalResults", "startIndex", "itemsPerPage")]
        return numbers, [user["displayName"] for user in body["Resources"]]

    assert await page(startIndex=1, count=2) == ([3, 1, 2], ["Bo", "Ann"])
    assert await page(startIndex=3, count=2) == ([3, 3, 1], ["Cas"])
    assert await page(startIndex=9, count=2) == ([3, 9, 0], [])
    assert await page(startIndex=-5, count=2) == ([3, 1, 2], ["Bo", "Ann"])
    assert await page(count=0) == ([3, 1, 0], [])
    assert await page(count=-1) == ([3, 1, 0], [])
    assert await page(count=10_000) == ([3, 1, 3], ["Bo", "Ann", "Cas"])
    for wrong in ({"count": "many"}, {"startIndex": "first"}, {"sortOrder": "sideways"}):
        assert (await scim.get("/Users", params=wrong)).status_code == 400


async def test_attributes_asked_for(scim: ScimClient) -> None:
    [ann] = await scim.found("Users", filter='userName eq "ann@example.com"', attributes="userName,title")
    assert set(ann) == {"schemas", "id", "userName"}
    [ann] = await scim.found(
        "Users", filter='userName eq "ann@example.com"', attributes=f"emails.value,{ENTERPRISE}:department"
    )
    assert ann["emails"] == [{"value": "ann@example.com"}, {"value": "ann@home.example"}]
    assert ann[ENTERPRISE] == {"department": "Research"}
    place = f"/Users/{ann['id']}"
    fewer = (await scim.get(place, params={"excludedAttributes": "emails,meta"})).json()
    assert fewer["displayName"] == "Ann"
    assert not {"emails", "meta"} & set(fewer)
    both = await scim.get(place, params={"attributes": "title", "excludedAttributes": "emails"})
    assert both.status_code == 400
    body = {"schemas": [USER], "userName": "dee", "title": "x"}
    made = await scim.post("/Users", params={"attributes": "userName"}, json=body)
    assert set(made.json()) == {"schemas", "id", "userName"}


async def test_a_search_over_everything(scim: ScimClient) -> None:
    await scim.made("Groups", schemas=[GROUP], displayName="Ann's team")
    found = (
        await scim.post("/.search", json={"filter": 'displayName sw "Ann"', "sortBy": "displayName"})
    ).json()
    assert found["totalResults"] == 2
    assert [one["displayName"] for one in found["Resources"]] == ["Ann", "Ann's team"]


async def test_a_list_costs_the_same_with_one_and_many(scim: ScimClient, queries: list[str]) -> None:
    costs = []
    for query in ({"count": 1}, {}, {"filter": "active pr"}):
        queries.clear()
        await scim.get("/Users", params=query)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert costs[2] <= costs[0] + 1


async def test_a_scan_has_a_limit(scim: ScimClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.scim.service.MOST_SCANNED", 2)
    refused = await scim.get("/Users", params={"filter": "title pr"})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    assert await names(scim, filter='userName eq "cas"') == ["Cas"], "an equality is looked up"
    assert len(await names(scim)) == 3


@pytest.mark.parametrize("place", ["/Users", "/Groups"])
async def test_a_misspelt_parameter_does_not_answer_with_everybody(place: str, scim: ScimClient) -> None:
    for wrong in ("filters", "fitler", "start_index", "counts", "attribute"):
        refused = await scim.get(place, params={wrong: "1"})
        assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue"), wrong
        assert "did you mean" in refused.json()["detail"]
    for theirs in ("aadOptscim062020", "COUNT", "api-version"):
        assert (await scim.get(place, params={theirs: "1"})).status_code == 200, theirs


@pytest.mark.parametrize("named", ["attributes", "excludedAttributes", "EXCLUDEDattributes"])
async def test_more_names_than_there_are_attributes_are_refused_at_once(named: str, scim: ScimClient) -> None:
    """Each was looked for by itself: thirty thousand kept everybody waiting for a minute."""
    for many in (["a"] * 10_000, ["a" * 40_000]):
        asked = await scim.get("/Users", params={named: ",".join(many)})
        searched = await scim.post("/Users/.search", json={named: many})
        for refused in (asked, searched):
            assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    whole = await scim.get("/Users", params={"attributes": ",".join(["userName", "emails"] * 50)})
    assert whole.status_code == 200


async def test_more_parameters_than_there_are_are_refused_at_once(scim: ScimClient) -> None:
    refused = await scim.get("/Users", params={f"filtr{number}": "" for number in range(5_000)})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    assert (await scim.get("/Users", params={"filtr" * 8_000: ""})).status_code == 200


async def test_a_path_or_a_user_of_any_size_is_refused_at_once(scim: ScimClient) -> None:
    path = " or ".join(['type eq "work"'] * 1_000)
    operation = {"op": "add", "path": f"emails[{path}].value", "value": "x"}
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    [user] = await scim.found("Users", filter='userName eq "cas"')
    refused = await scim.patch(f"/Users/{user['id']}", json=patch)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidPath")
    many = {"schemas": [USER], "userName": "many"} | {f"a{number}": 1 for number in range(1_000)}
    refused = await scim.post("/Users", json=many)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
