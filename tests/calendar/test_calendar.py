from datetime import date, timedelta
from typing import Any

import pytest

from tests.calendar.staff import occasions_on_file, people_on_file, team_on_file, worked_before
from tests.conftest import Tenant
from tests.contract import ContractClient

Items = list[dict[str, Any]]


async def celebrated(api: ContractClient, first: str, last: str, **filters: str) -> Items:
    answer = await api.get("/v1/calendar", params={"from": first, "to": last, "limit": 200, **filters})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    items: Items = answer.json()["items"]
    return items


async def all_celebrated(api: ContractClient, first: str, last: str, limit: int = 200) -> Items:
    """Page after page, by the Link header."""
    address, items = f"/v1/calendar?from={first}&to={last}&limit={limit}", []
    while address:
        answer = await api.get(address)
        items += answer.json()["items"]
        address = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    return items


async def put(api: ContractClient, person: str, key: str, month: int, day: int, **more: Any) -> None:
    sent = {"kind": "custom", "month": month, "day": day, "consent": True, **more}
    answer = await api.put(f"/v1/people/{person}/occasions/{key}", json=sent)
    assert answer.status_code in (200, 201)


def brief(items: Items) -> list[tuple[str, str, str]]:
    return [(item["date"], item["person"]["external_id"], item["key"]) for item in items]


async def test_a_consented_birthday_is_kept_without_years(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", name="Ann", team_id=await team_on_file(acme, "sales"))
    await put(api, "ann", "birthday", 5, 4, kind="birthday")
    assert await celebrated(api, "2027-05-04", "2027-05-04") == [
        {
            "person": {"external_id": "ann", "name": "Ann"},
            "team": "sales",
            "team_name": "Sales",
            "kind": "birthday",
            "key": "birthday",
            "label": None,
            "relation": None,
            "date": "2027-05-04",
            "celebrated_on": "2027-05-04",
            "time_zone": "Europe/Amsterdam",
            "years": None,
            "is_milestone": False,
            "visibility": "team",
        }
    ]


async def test_without_consent_or_in_private_nothing_is_shown(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann")
    await put(api, "ann", "silent", 5, 4, consent=False)
    await put(api, "ann", "private", 5, 4, visibility="private")
    assert await celebrated(api, "2027-01-01", "2027-12-31") == []
    await put(api, "ann", "silent", 5, 4)
    assert brief(await celebrated(api, "2027-01-01", "2027-12-31")) == [("2027-05-04", "ann", "silent")]


async def test_years_are_counted_from_the_year_it_began(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann")
    await put(api, "ann", "wedding", 6, 1, kind="wedding", year=2020)
    found = [
        [
            (item["years"], item["is_milestone"])
            for item in await celebrated(api, f"{year}-06-01", f"{year}-06-30")
        ]
        for year in (2019, 2020, 2021, 2026, 2045)
    ]
    assert found == [[], [(0, False)], [(1, True)], [(6, False)], [(25, True)]]


@pytest.mark.nightly
async def test_work_anniversaries_follow_from_the_first_day(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", starts_on=date(2000, 8, 31))
    kept = {
        item["date"]: (item["years"], item["is_milestone"])
        for year in range(1999, 2043)
        for item in await celebrated(api, f"{year}-01-01", f"{year}-12-31")
        if item["kind"] == "work_anniversary"
    }
    whole = {f"{2000 + n}-08-31": (n, n in (1, 5, 10, 25, 40)) for n in range(1, 43)}
    assert kept == whole | {"2013-02-28": (12.5, True)}


@pytest.mark.parametrize(
    ("starts_on", "kept_on"),
    [
        (date(2000, 8, 29), "2013-02-28"),
        (date(2003, 8, 30), "2016-02-29"),
        (date(2000, 2, 29), "2012-08-29"),
        (date(2000, 3, 31), "2012-09-30"),
        (date(2000, 12, 31), "2013-06-30"),
        (date(2000, 7, 1), "2013-01-01"),
    ],
)
async def test_twelve_and_a_half_years(
    acme: Tenant, api: ContractClient, starts_on: date, kept_on: str
) -> None:
    await people_on_file(acme, "ann", starts_on=starts_on)
    days = [
        item["date"]
        for year in (2012, 2013, 2015, 2016)
        for item in await celebrated(api, f"{year}-01-01", f"{year}-12-31")
        if item["years"] == 12.5
    ]
    assert days == [kept_on]


async def test_29_february_follows_the_person_s_rule_then_the_organization_s(
    acme: Tenant, api: ContractClient
) -> None:
    await people_on_file(acme, "ann", starts_on=date(2020, 2, 29))
    await put(api, "ann", "early", 2, 29, leap_day_rule="feb_28")
    await put(api, "ann", "late", 2, 29, leap_day_rule="mar_1")
    await put(api, "ann", "usual", 2, 29)

    async def kept(year: int) -> dict[str, str]:
        first = brief(await celebrated(api, f"{year}-01-01", f"{year}-02-28"))
        rest = brief(await celebrated(api, f"{year}-03-01", f"{year}-12-31"))
        leap_day = brief(await celebrated(api, f"{year}-02-29", f"{year}-02-29")) if year % 4 == 0 else []
        assert len(first + rest + leap_day) == 4
        return {key: day for day, _, key in first + rest + leap_day}

    both = {"early": "2027-02-28", "late": "2027-03-01"}
    usual = ("usual", "work_anniversary")
    assert await kept(2027) == both | dict.fromkeys(usual, "2027-02-28")
    await api.patch("/v1/organization", json={"leap_day_rule": "mar_1"})
    assert await kept(2027) == both | dict.fromkeys(usual, "2027-03-01")
    assert set((await kept(2028)).values()) == {"2028-02-29"}


async def test_a_first_day_is_kept_once_and_is_no_anniversary(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", starts_on=date(2028, 2, 29))
    [item] = await celebrated(api, "2027-01-01", "2028-12-31")
    assert (item["kind"], item["key"], item["date"]) == ("first_day", "first_day", "2028-02-29")
    assert (item["years"], item["is_milestone"]) == (None, False)


async def test_a_person_opts_out_of_what_follows_from_the_employment(
    acme: Tenant, api: ContractClient
) -> None:
    await people_on_file(acme, "ann", starts_on=date(2027, 3, 1))

    async def kinds() -> list[str]:
        return [item["kind"] for item in await celebrated(api, "2027-01-01", "2028-12-31")]

    choice = "/v1/people/ann/celebrations"
    read = await api.get(choice)
    assert read.json() == {"work_anniversary": True, "first_day": True, "leap_day_rule": None}
    assert await kinds() == ["first_day", "work_anniversary"]
    held = {"If-Match": read.headers["etag"]}
    put = await api.put(choice, json={"work_anniversary": False}, headers=held)
    assert put.json() == read.json() | {"work_anniversary": False}
    assert await kinds() == ["first_day"]
    assert (await api.put(choice, json={"first_day": False}, headers=held)).status_code == 412
    await api.put(choice, json={"first_day": False})
    assert await kinds() == ["work_anniversary"]
    current = {"If-None-Match": (await api.get(choice)).headers["etag"]}
    assert (await api.get(choice, headers=current)).status_code == 304


@pytest.mark.parametrize("method", ["get", "put"])
async def test_only_people_on_file_choose(method: str, api: ContractClient) -> None:
    body = {"json": {}} if method == "put" else {}
    answer = await api.request(method, "/v1/people/nobody/celebrations", **body)  # type: ignore[arg-type]
    assert answer.status_code == 404


async def test_a_person_s_own_leap_day_rule_holds_where_an_occasion_has_none(
    acme: Tenant, api: ContractClient
) -> None:
    await people_on_file(acme, "ann", starts_on=date(2020, 2, 29))
    await put(api, "ann", "usual", 2, 29)
    await put(api, "ann", "early", 2, 29, leap_day_rule="feb_28")
    await api.put("/v1/people/ann/celebrations", json={"leap_day_rule": "mar_1"})
    found = brief(await celebrated(api, "2027-01-01", "2027-12-31"))
    assert found == [
        ("2027-02-28", "ann", "early"),
        ("2027-03-01", "ann", "usual"),
        ("2027-03-01", "ann", "work_anniversary"),
    ]


async def test_a_day_that_comes_once(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann")
    await put(api, "ann", "move", 2, 29, year=2028, recurrence="once", leap_day_rule="feb_28")
    for first, last in (("2026-01-01", "2027-12-31"), ("2029-01-01", "2030-12-31")):
        assert await celebrated(api, first, last) == []
    [item] = await celebrated(api, "2027-01-01", "2028-12-31")
    assert (item["date"], item["years"]) == ("2028-02-29", 0)


async def test_milestones_are_the_organization_s(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", starts_on=date(2020, 5, 4))
    patched = await api.patch("/v1/organization", json={"milestones": [7, 6.5, 3]})
    assert patched.json()["milestones"] == [3, 6.5, 7]
    found = await celebrated(api, "2026-01-01", "2027-12-31")
    assert [(item["date"], item["years"], item["is_milestone"]) for item in found] == [
        ("2026-05-04", 6, False),
        ("2026-11-04", 6.5, True),
        ("2027-05-04", 7, True),
    ]


@pytest.mark.parametrize("milestones", [[0], [-1], [1.25], [1, 1], [101], ["5"], None, "5"])
async def test_bad_milestones_are_refused(milestones: Any, api: ContractClient) -> None:
    answer = await api.patch("/v1/organization", json={"milestones": milestones})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")


async def test_the_weekend_rule_says_when_it_is_celebrated_at_work(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", time_zone="Pacific/Kiritimati")
    await put(api, "ann", "saturday", 5, 8)
    await api.patch("/v1/organization", json={"weekend_rule": "nearest"})
    [item] = await celebrated(api, "2027-05-01", "2027-05-31")
    assert (item["date"], item["celebrated_on"]) == ("2027-05-08", "2027-05-07")
    assert item["time_zone"] == "Pacific/Kiritimati"


async def test_only_people_employed_on_the_day(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "joiner", starts_on=date(2027, 5, 4))
    await people_on_file(acme, "late", starts_on=date(2027, 5, 5))
    await people_on_file(acme, "leaver", ends_on=date(2027, 5, 4))
    await people_on_file(acme, "gone", ends_on=date(2027, 5, 3))
    await people_on_file(acme, "inactive", is_active=False)
    for person in ("joiner", "late", "leaver", "gone", "inactive"):
        await put(api, person, "birthday", 5, 4, kind="birthday")
    found = await celebrated(api, "2027-05-04", "2027-05-04")
    birthdays = [item["person"]["external_id"] for item in found if item["kind"] == "birthday"]
    assert birthdays == ["joiner", "leaver"]


async def test_an_earlier_employment_counts(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", starts_on=date(2027, 5, 4))
    await worked_before(acme, "ann", date(2020, 5, 4), date(2022, 5, 3))
    await put(api, "ann", "day", 5, 4)
    years = [year for year in range(2019, 2029) if await celebrated(api, f"{year}-05-04", f"{year}-05-04")]
    assert years == [2020, 2021, 2027, 2028]


@pytest.mark.nightly
async def test_every_day_of_the_year_is_kept_once_in_every_year(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann")
    days = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]
    keys = [f"{day:%m-%d}-{rule}" for day in days for rule in ("feb_28", "mar_1", "")]
    await occasions_on_file(acme, "ann", keys)
    for year in (2026, 2027, 2028, 2029):
        found: list[str] = []
        for first, last in (("01-01", "02-28"), ("02-29", "02-29"), ("03-01", "09-30"), ("10-01", "12-31")):
            if year == 2028 or first != "02-29":
                found += [
                    item["key"] for item in await all_celebrated(api, f"{year}-{first}", f"{year}-{last}")
                ]
        assert sorted(found) == sorted(keys)


async def test_a_team_with_those_below_it(acme: Tenant, api: ContractClient) -> None:
    sales = await team_on_file(acme, "sales")
    sales_nl = await team_on_file(acme, "sales-nl", sales)
    await people_on_file(acme, "ann", team_id=sales)
    await people_on_file(acme, "bob", team_id=await team_on_file(acme, "sales-utrecht", sales_nl))
    await people_on_file(acme, "cy", team_id=await team_on_file(acme, "care"))
    await people_on_file(acme, "dee")
    for person in ("ann", "bob", "cy", "dee"):
        await put(api, person, "day", 5, 4)

    async def people(**filters: str) -> list[str]:
        found = await celebrated(api, "2027-05-01", "2027-05-31", **filters)
        return [item["person"]["external_id"] for item in found]

    assert await people() == ["ann", "bob", "cy", "dee"]
    assert await people(team="sales") == ["ann", "bob"]
    assert await people(team="sales-nl") == ["bob"]


async def test_a_team_nobody_knows_is_refused(api: ContractClient, other: Tenant) -> None:
    await team_on_file(other, "theirs")
    answer = await api.get(
        "/v1/calendar", params={"from": "2027-01-01", "to": "2027-01-31", "team": "theirs"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_team")


@pytest.mark.parametrize(
    ("first", "last"),
    [("2027-01-02", "2027-01-01"), ("2027-01-01", "2029-01-01"), ("0001-01-01", "9999-12-31")],
)
async def test_bad_ranges_are_refused(api: ContractClient, first: str, last: str) -> None:
    answer = await api.get("/v1/calendar", params={"from": first, "to": last})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_range")


@pytest.mark.parametrize(
    "params", [{"from": "2027-02-30", "to": "2027-03-01"}, {"to": "2027-01-01"}, {"from": "1"}]
)
async def test_dates_are_needed_and_real(api: ContractClient, params: dict[str, str]) -> None:
    assert (await api.get("/v1/calendar", params=params)).status_code == 422


@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-12-31"), ("9999-01-01", "9999-12-31")])
async def test_the_ends_of_time_can_be_asked_for(
    acme: Tenant, api: ContractClient, first: str, last: str
) -> None:
    await people_on_file(acme, "ann")
    await people_on_file(acme, "bob", starts_on=date.max)
    await put(api, "ann", "day", 12, 31)
    first_days = [(last, "bob", "first_day")] if last == "9999-12-31" else []
    assert brief(await celebrated(api, first, last)) == [(last, "ann", "day"), *first_days]


async def test_pages_of_any_size_and_parts_of_a_range_give_the_same(
    acme: Tenant, api: ContractClient
) -> None:
    for number, name in enumerate(("ann", "Bob", "cy")):
        await people_on_file(acme, name, starts_on=date(2016, 2, 28) + timedelta(days=number))
        await put(api, name, "birthday", 2, 29, kind="birthday")
        await put(api, name, "other", 12, 31 - number)
    whole = await celebrated(api, "2027-01-01", "2028-01-01")
    assert brief(whole) == sorted(brief(whole))
    assert len(whole) == 9
    parts = await celebrated(api, "2027-01-01", "2027-02-28") + await celebrated(
        api, "2027-03-01", "2028-01-01"
    )
    assert parts == whole
    assert await all_celebrated(api, "2027-01-01", "2028-01-01", limit=2) == whole


async def test_another_organization_s_days_are_invisible(api: ContractClient, other: Tenant) -> None:
    await people_on_file(other, "zoe", starts_on=date(2016, 5, 4))
    await put(other.client, "zoe", "birthday", 5, 4, kind="birthday")
    assert await celebrated(api, "2027-01-01", "2027-12-31") == []
    assert len(await celebrated(other.client, "2027-01-01", "2027-12-31")) == 2


async def test_the_calendar_takes_a_constant_number_of_statements(
    acme: Tenant, api: ContractClient, queries: list[str]
) -> None:
    async def cost() -> int:
        queries.clear()
        await celebrated(api, "2027-01-01", "2027-12-31", team="sales")
        return len(queries)

    team = await team_on_file(acme, "sales")
    await people_on_file(acme, "ann", starts_on=date(2016, 5, 4), team_id=team)
    one = await cost()
    await people_on_file(acme, *[f"p{n}" for n in range(49)], starts_on=date(2016, 5, 4), team_id=team)
    assert await cost() == one
    assert len(await celebrated(api, "2027-01-01", "2027-12-31")) == 50
