import asyncio
from typing import Any

import asyncpg
import pytest

from tests.calendar.staff import team_on_file
from tests.conftest import Tenant
from tests.contract import ContractClient

KPIS = "/v1/kpis"
BATCH = f"{KPIS}/values/batch"
CSAT = {"title": {"en": "Customer satisfaction", "nl": "Klanttevredenheid"}, "unit": "%", "better": "higher"}
Json = dict[str, Any]


def value(team: str | None = "sales", period: str = "2027-Q1", number: Any = 8.5, **more: Any) -> Json:
    return {"kpi": "csat", "team": team, "period": period, "value": number, **more}


async def put(api: ContractClient, *items: Any, **headers: str) -> Json:
    answer = await api.post(BATCH, json={"items": items}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def kept(api: ContractClient, **params: Any) -> list[tuple[str | None, str, float]]:
    items = (await api.get(f"{KPIS}/csat/values", params=params)).json()["items"]
    return [(item["team"], item["period"], item["value"]) for item in items]


@pytest.fixture
async def csat(acme: Tenant) -> None:
    for team in ("sales", "care"):
        await team_on_file(acme, team)
    await acme.client.put(f"{KPIS}/csat", json=CSAT)


async def test_a_kpi_is_created_then_replaced(api: ContractClient) -> None:
    made = await api.put(f"{KPIS}/csat", json=CSAT)
    assert (made.status_code, made.headers["location"]) == (201, f"{KPIS}/csat")
    replaced = await api.put(f"{KPIS}/csat", json={"title": {"en": "Days off sick"}, "better": "lower"})
    assert replaced.status_code == 200
    read = await api.get(f"{KPIS}/csat")
    assert read.json() == replaced.json()
    times = {name: read.json()[name] for name in ("created_at", "updated_at")}
    assert read.json() == times | {
        "key": "csat",
        "title": {"en": "Days off sick"},
        "unit": None,
        "better": "lower",
    }
    assert times["created_at"] == made.json()["created_at"] < times["updated_at"]
    assert (await api.get(f"{KPIS}/csat", headers={"If-None-Match": read.headers["etag"]})).status_code == 304


async def test_a_put_that_changes_nothing_keeps_etag_and_updated_at(api: ContractClient) -> None:
    made = await api.put(f"{KPIS}/csat", json=CSAT)
    again = await api.put(f"{KPIS}/csat", json=made.json())
    assert (again.status_code, again.json()) == (200, made.json())
    assert again.headers["etag"] == made.headers["etag"]


async def test_writes_are_conditional(api: ContractClient) -> None:
    only_new = {"If-None-Match": "*"}
    assert (await api.put(f"{KPIS}/csat", json=CSAT, headers={"If-Match": "*"})).status_code == 412
    assert (await api.get(f"{KPIS}/csat")).status_code == 404
    made = await api.put(f"{KPIS}/csat", json=CSAT, headers=only_new)
    assert made.status_code == 201
    assert (await api.put(f"{KPIS}/csat", json=CSAT, headers=only_new)).status_code == 412
    held = {"If-Match": made.headers["etag"]}
    lower = CSAT | {"better": "lower"}
    assert (await api.put(f"{KPIS}/csat", json=lower, headers=held)).status_code == 200
    assert (await api.put(f"{KPIS}/csat", json=CSAT, headers=held)).status_code == 412
    assert (await api.delete(f"{KPIS}/csat", headers=held)).status_code == 412
    current = {"If-Match": (await api.get(f"{KPIS}/csat")).headers["etag"]}
    assert (await api.delete(f"{KPIS}/csat", headers=current)).status_code == 204
    assert (await api.delete(f"{KPIS}/csat")).status_code == 404


@pytest.mark.parametrize(
    ("sent", "code", "place"),
    [
        (CSAT | {"better": "more"}, "invalid_value", "#/better"),
        (CSAT | {"title": "Customers"}, "invalid_value", "#/title"),
        (CSAT | {"title": {}}, "invalid_value", "#/title"),
        (CSAT | {"title": {"en": ""}}, "invalid_value", "#/title/en"),
        (CSAT | {"unit": "x" * 51}, "invalid_value", "#/unit"),
        (CSAT | {"key": "other"}, "identifier_mismatch", "#/key"),
        (CSAT | {"goal": 9}, "unknown_field", "#/goal"),
        ({"title": {"en": "Customers"}}, "missing_field", "#/better"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    api: ContractClient, sent: Json, code: str, place: str
) -> None:
    answer = await api.put(f"{KPIS}/csat", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"].startswith(place)
    assert (await api.get(KPIS)).json()["items"] == []


async def test_racing_puts_make_one_kpi(api: ContractClient) -> None:
    answers = await asyncio.gather(*[api.put(f"{KPIS}/csat", json=CSAT) for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.headers["etag"] for answer in answers}) == 1


async def test_kpis_are_listed_by_key_in_pages(api: ContractClient) -> None:
    for key in ("b", "C", "a"):
        await api.put(f"{KPIS}/{key}", json=CSAT)
    first = await api.get(KPIS, params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    assert [item["key"] for item in first.json()["items"] + rest.json()["items"]] == ["C", "a", "b"]
    assert rest.json()["next_cursor"] is None


@pytest.mark.usefixtures("csat")
async def test_values_are_created_replaced_and_left_alone(api: ContractClient) -> None:
    first = await put(api, value(), value(None, number=7), value(period="2027"), value("care", "2027-01", -3))
    assert first["summary"] == {"created": 4, "updated": 0, "unchanged": 0, "failed": 0}
    assert [result["status"] for result in first["results"]] == [201] * 4
    again = await put(api, value(number=9), value(None, number=7))
    assert again["summary"] == {"created": 0, "updated": 1, "unchanged": 1, "failed": 0}
    assert await kept(api) == [
        ("sales", "2027", 8.5),
        ("care", "2027-01", -3),
        (None, "2027-Q1", 7),
        ("sales", "2027-Q1", 9),
    ]


@pytest.mark.usefixtures("csat")
async def test_values_read_can_be_sent_back_and_keep_their_times(api: ContractClient) -> None:
    await put(api, value(), value(None))
    items = (await api.get(f"{KPIS}/csat/values")).json()["items"]
    assert (await put(api, *items))["summary"]["unchanged"] == 2
    assert (await api.get(f"{KPIS}/csat/values")).json()["items"] == items


@pytest.mark.usefixtures("csat")
async def test_a_batch_stores_what_is_good_and_names_what_is_not(api: ContractClient) -> None:
    items = [
        value(),
        value(number=1),
        value("nowhere"),
        value() | {"kpi": "none"},
        value(period="2027-Q5"),
        value(period=2027),
        value("care", number="8"),
        value("care", number=True),
        value("care", number=None),
        value("care", colour="red"),
        "not a value",
        value("care"),
    ]
    answer = await put(api, *items)
    assert answer["summary"] == {"created": 2, "updated": 0, "unchanged": 0, "failed": 10}
    problems = [result["problem"] for result in answer["results"] if "problem" in result]
    said = [(one["code"], one["errors"][0]["pointer"] if one["errors"] else None) for one in problems]
    assert said == [
        ("duplicate_in_batch", None),
        ("unknown_team", "#/team"),
        ("unknown_kpi", "#/kpi"),
        ("invalid_value", "#/period"),
        ("invalid_value", "#/period"),
        ("invalid_value", "#/value"),
        ("invalid_value", "#/value"),
        ("invalid_value", "#/value"),
        ("unknown_field", "#/colour"),
        ("invalid_value", "#"),
    ]
    assert await kept(api) == [("care", "2027-Q1", 8.5), ("sales", "2027-Q1", 8.5)]


@pytest.mark.usefixtures("csat")
async def test_the_organisations_value_comes_once_too(api: ContractClient) -> None:
    answer = await put(api, value(None), value(None), value(None) | {"team": None})
    assert [result["status"] for result in answer["results"]] == [201, 422, 422]
    await asyncio.gather(*[put(api, value(None, number=number)) for number in range(5)])
    assert len(await kept(api)) == 1


@pytest.mark.usefixtures("csat")
async def test_a_batch_beyond_the_limit_stores_nothing(api: ContractClient) -> None:
    answer = await api.post(BATCH, json={"items": [value()] * 5001})
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_too_large")
    assert await kept(api) == []


@pytest.mark.usefixtures("csat")
async def test_a_retry_under_one_idempotency_key_is_replayed(api: ContractClient) -> None:
    key = {"Idempotency-Key": "one"}
    first = await put(api, value(), **key)
    assert await put(api, value(), **key) == first
    other = await api.post(BATCH, json={"items": [value(number=1)]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await kept(api) == [("sales", "2027-Q1", 8.5)]


@pytest.mark.usefixtures("csat")
async def test_values_are_listed_in_pages_bound_to_their_kpi(api: ContractClient) -> None:
    await put(
        api, *[value(team, f"2027-0{month}") for month in range(1, 4) for team in ("sales", "care", None)]
    )
    page = (await api.get(f"{KPIS}/csat/values", params={"limit": 4})).json()
    seen, cursor = list(page["items"]), page["next_cursor"]
    while cursor:
        page = (await api.get(f"{KPIS}/csat/values", params={"limit": 4, "cursor": cursor})).json()
        seen, last, cursor = seen + page["items"], cursor, page["next_cursor"]
    assert [(item["period"], item["team"]) for item in seen] == [
        (f"2027-0{month}", team) for month in range(1, 4) for team in (None, "care", "sales")
    ]
    await api.put(f"{KPIS}/other", json=CSAT)
    wrong = await api.get(f"{KPIS}/other/values", params={"cursor": last})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_cursor")
    assert (await api.get(f"{KPIS}/none/values")).status_code == 404


@pytest.mark.usefixtures("csat")
async def test_a_kpi_takes_its_values_along(
    api: ContractClient, acme: Tenant, owner: asyncpg.Connection
) -> None:
    await put(api, value(), value(None))
    assert (await api.delete(f"{KPIS}/csat")).status_code == 204
    count = "SELECT count(*) FROM kpi_values WHERE organization_id = $1"
    assert await owner.fetchval(count, acme.id) == 0
    await api.put(f"{KPIS}/csat", json=CSAT)
    assert await kept(api) == []


@pytest.mark.usefixtures("csat")
async def test_a_team_takes_its_values_along(api: ContractClient) -> None:
    await put(api, value(), value("care"))
    assert (await api.delete("/v1/teams/sales")).status_code == 204
    assert await kept(api) == [("care", "2027-Q1", 8.5)]


@pytest.mark.usefixtures("csat")
async def test_another_organizations_kpis_are_invisible(api: ContractClient, other: Tenant) -> None:
    await put(api, value())
    assert (await other.client.get(f"{KPIS}/csat")).status_code == 404
    assert (await other.client.get(f"{KPIS}/csat/values")).status_code == 404
    assert (await other.client.delete(f"{KPIS}/csat")).status_code == 404
    assert (await other.client.get(KPIS)).json()["items"] == []
    assert (await put(other.client, value()))["results"][0]["problem"]["code"] == "unknown_kpi"
    assert (await other.client.put(f"{KPIS}/csat", json=CSAT)).status_code == 201
    assert (await put(other.client, value()))["results"][0]["problem"]["code"] == "unknown_team"
    assert await kept(api) == [("sales", "2027-Q1", 8.5)]


@pytest.mark.usefixtures("csat")
async def test_a_batch_takes_a_constant_number_of_statements(api: ContractClient, queries: list[str]) -> None:
    async def cost(number: int, year: int) -> tuple[int, int]:
        queries.clear()
        await put(api, *[value(period=f"{year + count}") for count in range(number)])
        batch = len(queries)
        queries.clear()
        await kept(api)
        return batch, len(queries)

    assert await cost(1, 2000) == await cost(50, 2100)
