"""Whatever the text, equality is looked up; a page costs what is on it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from scim2_models import ScimFilter
from sqlalchemy import event, text

from app.scim.filters import demand_of
from app.scim.groups import queries as groups
from app.scim.queries import START, Order, page_after, selection, statement
from app.scim.schemas import Group, Person
from app.scim.users import queries as users
from tests.conftest import Tenant
from tests.scim.client import GROUP, USER, ScimClient, scim_of
from tests.waiting import until

TEXTS = [
    ("o'brien", "O'BRIEN"),
    ("zoë", "ZOË"),
    ("zoe\u0308", "ZOË"),
    ("Łukasz", "łUKASZ"),
    ("strauß", "STRAUẞ"),
    ("νίκος", "ΝΊΚΟΣ"),
    ("İnci", "i\u0307nci"),
    ("李小龙", "李小龙"),
    ("Ольга", "ОЛЬГА"),
    ("kim 🙂", "KIM 🙂"),
    ("a\\b\"c%_'--", "A\\B\"C%_'--"),
    ("x" * 190, "X" * 190),
]


@pytest.fixture
async def scim(acme: Tenant) -> ScimClient:
    return await scim_of(acme)


@pytest.fixture(autouse=True)
def nothing_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.scim.service.MOST_SCANNED", 3)


async def crowd(acme: Tenant) -> None:
    people = [{"external_id": f"C-{number}", "name": f"Crowd {number}"} for number in range(20)]
    answer = await acme.client.post("/v1/people/batch", json={"items": people})
    assert answer.json()["summary"]["failed"] == 0


@pytest.mark.parametrize(("kept", "sought"), TEXTS)
async def test_any_text_is_looked_up(scim: ScimClient, acme: Tenant, kept: str, sought: str) -> None:
    await crowd(acme)
    made = await scim.made(
        "Users",
        schemas=[USER],
        userName=kept,
        displayName=kept,
        externalId=kept,
        emails=[{"value": "first@example.com", "primary": True}, {"value": f"{kept}@example.com"}],
    )
    asked = json.dumps(sought)
    for tried in (
        f"userName eq {asked}",
        f"displayName eq {asked}",
        f"externalId eq {json.dumps(kept)}",
        f"emails.value eq {json.dumps(sought + '@example.com')}",
        f'emails[type eq "work"].value eq "nobody" or userName eq {asked}',
    ):
        assert [one["id"] for one in await scim.found("Users", filter=tried)] == [made["id"]], tried


async def test_who_came_another_way_is_looked_up_too(scim: ScimClient, acme: Tenant) -> None:
    await crowd(acme)
    person = {"name": "Zoë O'Brien", "email": "z.o'brien@example.com"}
    await acme.client.put("/v1/people/E-Z", json=person)
    for tried in (
        'userName eq "Z.O\'BRIEN@example.com"',
        'emails.value eq "Z.O\'BRIEN@example.com"',
        'displayName eq "ZOË o\'brien"',
        'externalId eq "E-Z"',
    ):
        assert [one["externalId"] for one in await scim.found("Users", filter=tried)] == ["E-Z"], tried


async def test_addresses_follow_their_user(scim: ScimClient, acme: Tenant) -> None:
    await crowd(acme)
    body = {"schemas": [USER], "userName": "kim"}
    made = await scim.made("Users", **body, emails=[{"value": "old@example.com"}, {"value": "b@example.com"}])
    await scim.put(f"/Users/{made['id']}", json=body | {"emails": [{"value": "new@example.com"}]})
    for address, expected in (("old@example.com", 0), ("b@example.com", 0), ("NEW@example.com", 1)):
        found = await scim.found("Users", filter=f'emails.value eq "{address}"')
        assert len(found) == expected, address


@pytest.mark.parametrize(("kept", "sought"), TEXTS)
async def test_groups_are_looked_up(scim: ScimClient, acme: Tenant, kept: str, sought: str) -> None:
    teams = [{"external_id": f"t-{number}", "name": f"Team {number}"} for number in range(20)]
    await acme.client.post("/v1/teams/batch", json={"items": teams})
    made = await scim.made("Groups", schemas=[GROUP], displayName=kept, externalId=kept)
    for tried in (f"displayName eq {json.dumps(sought)}", f"externalId eq {json.dumps(kept)}"):
        assert [one["id"] for one in await scim.found("Groups", filter=tried)] == [made["id"]], tried


FILL = (
    """
    INSERT INTO people (organization_id, id, external_id, name, email, is_active, segments)
    SELECT :organization_id, gen_random_uuid(), 'E-' || n, 'Name ' || n, n || '@example.com', true, '{}'
    FROM generate_series(1, 4000) AS n
    """,
    """
    INSERT INTO scim_users (organization_id, person_id, user_name, user_name_key, attributes)
    SELECT organization_id, id, 'user ' || external_id, 'user ' || external_id, '{"externalId": "x"}'
    FROM people WHERE organization_id = :organization_id
    """,
    """
    INSERT INTO scim_emails (organization_id, person_id, key)
    SELECT organization_id, person_id, user_name FROM scim_users WHERE organization_id = :organization_id
    """,
    """
    INSERT INTO teams (organization_id, id, external_id, name)
    SELECT :organization_id, gen_random_uuid(), 't-' || n, 'Team ' || n FROM generate_series(1, 4000) AS n
    """,
)
SEARCHES: list[tuple[Any, str]] = [
    (Person, 'userName eq "é"'),
    (Person, 'externalId eq "é"'),
    (Person, 'displayName eq "é"'),
    (Person, 'emails.value eq "é"'),
    (Person, 'emails[type eq "work" and value eq "é"] and title pr'),
    (Person, 'userName eq "a" or userName eq "b"'),
    (Group, 'displayName eq "é"'),
    (Group, 'externalId eq "é"'),
]


@pytest.fixture
async def large(lone: Tenant) -> Tenant:
    """As many people and teams as make an index worth its while."""
    async with lone.database.tenant_session(lone.id) as session:
        for statement in FILL:
            await session.execute(text(statement))
    async with lone.database.system_session(reason="test") as session:
        await session.execute(text("ANALYZE"))
    return lone


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def plan_of(tenant: Tenant, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Under row-level security: it lets an index be used for less."""
    async with tenant.database.tenant_session(tenant.id) as session:
        [[found]] = await session.execute(text(f"EXPLAIN (ANALYZE, FORMAT json) {sql}"), values)
    return list(nodes(found[0]["Plan"]))


def most_read(plan: list[dict[str, Any]]) -> float:
    """Rows that one node reads, let through or not."""
    return max(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in plan
    )


@pytest.mark.nightly
async def test_a_search_reads_only_what_it_finds(large: Tenant) -> None:
    for model, tried in SEARCHES:
        kind: Any = users if model is Person else groups
        values: dict[str, Any] = {"limit": 10}
        demand = demand_of(ScimFilter[model](tried))
        assert demand is not None
        ids = selection(kind.WAYS, demand, values)
        assert ids is not None
        plan = await plan_of(large, statement(kind.OF_IDS, ids).text, values)
        assert most_read(plan) < 10, tried


async def test_a_page_reads_only_what_it_passes(large: Tenant) -> None:
    for page in (users.ARRIVALS.page, groups.ARRIVALS.page):
        place = {"created_at": START.created_at, "id": START.id}
        plan = await plan_of(large, page.text, {**place, "skipped": 100, "limit": 10})
        assert most_read(plan) <= 110


async def arrive_one_by_one(tenant: Tenant) -> None:
    """In another order than that of their ids, and all before the time of whoever asks."""
    async with tenant.database.tenant_session(tenant.id) as session:
        for table in ("people", "teams"):
            await session.execute(
                text(f"""
                UPDATE {table} SET created_at = now() - make_interval(days => 1, secs => 10 * random())
                WHERE organization_id = :organization_id
                """)
            )
    async with tenant.database.system_session(reason="test") as session:
        await session.execute(text("ANALYZE"))


@pytest.mark.nightly
@pytest.mark.parametrize("order", [users.ARRIVALS, groups.ARRIVALS])
async def test_behind_a_place_a_page_and_the_rest_are_read_alone(order: Order, large: Tenant) -> None:
    await arrive_one_by_one(large)
    async with large.database.tenant_session(large.id) as session:
        [place] = await page_after(session, order, START, 3980, 1)
    own = {"created_at": place.created_at, "id": place.id}
    page = await plan_of(large, order.page.text, {**own, "skipped": 0, "limit": 10})
    assert most_read(page) <= 11
    assert most_read(await plan_of(large, order.size.text, {**own, "until": place.created_at})) <= 21


@dataclass
class Asked:
    """What was asked of an order: how many were skipped, and behind which place."""

    skipped: list[int]
    behind: list[Any]


@pytest.fixture
def asked(lone: Tenant) -> Iterator[Asked]:
    found = Asked([], [])

    def look(_: Any, __: Any, statement: str, given: Any, *___: Any) -> None:
        if "OFFSET" in statement and "created_at" in statement:
            found.skipped.append(given[-1])
        if re.search(r"count\(\*\) FROM (people|teams) ", statement):
            found.behind += [one for one in given if one == START.created_at]

    event.listen(lone.database.engine.sync_engine, "before_cursor_execute", look)
    yield found
    event.remove(lone.database.engine.sync_engine, "before_cursor_execute", look)


@pytest.mark.nightly
@pytest.mark.parametrize("path", ["/Users", "/Groups?excludedAttributes=members"])
async def test_a_walk_passes_nobody_twice_and_counts_them_once(
    path: str, large: Tenant, asked: Asked
) -> None:
    """So it is linear, wherever it stands."""
    await arrive_one_by_one(large)
    client = await scim_of(large)
    await until(large.database.memory.is_sure)
    seen: list[str] = []
    for first in range(1, 4001, 400):
        page = (await client.get(path, params={"startIndex": first, "count": 400})).json()
        assert (page["totalResults"], len(page["Resources"])) == (4000, 400)
        seen += [one["id"] for one in page["Resources"]]
    assert len(set(seen)) == 4000
    assert sum(asked.skipped) == 0
    assert len(asked.behind) == 1
    asked.skipped.clear()
    back = (await client.get(path, params={"startIndex": 1501, "count": 10})).json()
    assert [one["id"] for one in back["Resources"]] == seen[1500:1510]
    assert sum(asked.skipped) == 300


@pytest.mark.parametrize("kind", ["Users", "Groups"])
async def test_places_move_when_somebody_before_them_goes(kind: str, scim: ScimClient, acme: Tenant) -> None:
    await until(acme.database.memory.is_sure)
    made = []
    for name in "abcdefgh":
        named: Any = {"userName": name} if kind == "Users" else {"displayName": name}
        schema = USER if kind == "Users" else GROUP
        made.append((await scim.made(kind, schemas=[schema], **named))["id"])

    async def page(first: int, count: int = 3) -> tuple[int, list[str]]:
        found = (await scim.get(f"/{kind}", params={"startIndex": first, "count": count})).json()
        return found["totalResults"], [one["id"] for one in found["Resources"]]

    for start in (1, 4, 7):
        assert await page(start) == (8, made[start - 1 : start + 2])
    await scim.delete(f"/{kind}/{made.pop(1)}")
    for start in (1, 4, 7):
        assert await page(start) == (7, made[start - 1 : start + 2])
    if kind == "Users":
        made.insert(1, (await scim.made(kind, schemas=[USER], userName="b"))["id"])
        assert await page(4) == (8, made[3:6])
    else:
        made.append((await scim.made(kind, schemas=[GROUP], displayName="late"))["id"])
        assert await page(7) == (8, made[6:])


async def test_who_was_on_the_way_when_a_page_was_read_is_on_the_next(acme: Tenant) -> None:
    """What began before a place and is there only now comes before it."""
    client = await scim_of(acme)
    await until(acme.database.memory.is_sure)
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("SELECT now()"))
        await crowd(acme)
        first = (await client.get("/Users", params={"count": 10})).json()
        late = {"id": uuid4(), "name": "late"}
        await session.execute(
            text("""
            INSERT INTO people (organization_id, id, external_id, name, is_active, segments)
            VALUES (:organization_id, :id, :name, :name, true, '{}')
            """),
            late,
        )
    rest = (await client.get("/Users", params={"startIndex": 1, "count": 30})).json()
    assert (first["totalResults"], rest["totalResults"]) == (20, 21)
    assert rest["Resources"][0]["id"] == str(late["id"])
    second = (await client.get("/Users", params={"startIndex": 11, "count": 30})).json()
    assert [one["id"] for one in second["Resources"]] == [one["id"] for one in rest["Resources"][10:]]


async def test_pages_walk_through_everybody_once(scim: ScimClient, acme: Tenant) -> None:
    await crowd(acme)
    gone = await scim.made("Users", schemas=[USER], userName="gone")
    await scim.delete(f"/Users/{gone['id']}")
    seen: list[str] = []
    while True:
        page = (await scim.get("/Users", params={"startIndex": len(seen) + 1, "count": 7})).json()
        seen += [user["id"] for user in page["Resources"]]
        if len(seen) >= page["totalResults"]:
            break
    assert len(seen) == len(set(seen)) == 20
    assert gone["id"] not in seen


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("userName", ["Ann", "bee", "Cas", "Dee", "Émile"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:displayname", ["Ann", "bee", "Cas", "Dee", "Émile"]),
        ("name.familyName", ["Ann", "Émile", "bee", "Cas", "Dee"]),
        ("meta.created", ["bee", "Ann", "Émile", "Cas", "Dee"]),
    ],
)
async def test_everybody_is_put_in_order(
    by: str, expected: list[str], scim: ScimClient, acme: Tenant
) -> None:
    """Also of more people than would be tried one by one; who has no value comes last."""
    await acme.client.put("/v1/people/B-1", json={"name": "bee", "email": "Bee@example.com"})
    for user_name, name, family in (("a", "Ann", "Aa"), ("é", "Émile", "Bb"), ("c", "Cas", None)):
        parts = {"name": {"familyName": family}} if family else {}
        await scim.made("Users", schemas=[USER], userName=user_name, displayName=name, **parts)
    await acme.client.put("/v1/people/D-9", json={"name": "Dee"})

    async def names(**query: Any) -> list[str]:
        return [user["displayName"] for user in await scim.found("Users", sortBy=by, **query)]

    assert await names() == expected
    assert await names(startIndex=2, count=2) == expected[1:3]
    backwards = await names(sortOrder="descending")
    without_value = 3 if "family" in by else 0
    assert sorted(backwards[:without_value]) == sorted(expected[5 - without_value :])
    assert backwards[without_value:] == expected[: 5 - without_value][::-1]
    assert (await scim.get("/Users", params={"sortBy": by})).json()["totalResults"] == 5
    refused = await scim.get("/Users", params={"sortBy": "title"})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
