"""What is left of somebody erased, in the whole database: every table, and what the planner remembers."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from app.calendar.cards.service import plan_cards
from app.calendar.queries import person_id
from app.core.settings import Settings
from app.people.addresses.jobs import tell_old_addresses
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import done, lines
from tests.metrics.test_release import CONTENT
from tests.scim.client import USER, scim_of
from tests.webhooks.hooks import deliver, subscribed, with_receiver
from tests.webhooks.receiver import Receiver
from tests.world import made

WHO, NAME, EMAIL, CHAT = (
    "QVO-77310",
    "Quirine Vossenbelt-Osmani",
    "quirine.vossenbelt@example.com",
    "UQVO77310",
)
OTHERS = [f"colleague-{number}" for number in range(6)]
KEPT = {"webhook_deliveries"}
"""Until the event that somebody was erased has been delivered."""


@pytest.fixture
async def hooked(settings: Settings, module_database: str) -> AsyncIterator[tuple[Tenant, Receiver]]:
    """In a database of its own: among many people the planner's samples would show these by luck."""
    async with with_receiver(settings, module_database) as found:
        yield found


@pytest.fixture
async def owner(module_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(module_database)
    yield connection
    await connection.close()


async def dump(owner: asyncpg.Connection, tenant: Tenant) -> Iterator[tuple[str, str]]:
    """Each row of each table there is, as text, and each sample that the planner keeps."""
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(tenant.id))
    tables = await owner.fetch(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    found = [
        (str(table["name"]).removeprefix("public."), str(row[0]))
        for table in tables
        for row in await owner.fetch(f"SELECT t::text FROM {table['name']} t")
    ]
    samples = await owner.fetch(
        "SELECT tablename, attname, concat(most_common_vals, histogram_bounds, most_common_elems) AS kept"
        " FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    found += [(f"planner: {row['tablename']}.{row['attname']}", row["kept"]) for row in samples]
    return iter(found)


async def traces(owner: asyncpg.Connection, tenant: Tenant, *more: str) -> dict[str, set[str]]:
    """By table, what of the person stands in it: as text, or as the bytes of a kept answer."""
    needles = {one: (one.casefold(), one.encode().hex()) for one in (WHO, NAME, EMAIL, CHAT, *more)}
    found: dict[str, set[str]] = {}
    for table, row in await dump(owner, tenant):
        for one, forms in needles.items():
            if any(form in row.casefold() for form in forms):
                found.setdefault(table, set()).add(one)
    return found


async def live(tenant: Tenant) -> None:
    """Data of every kind of somebody, and what others have that names them."""
    api = tenant.client
    for team in ("sales", "care"):
        await made(api.put(f"/v1/teams/{team}", json={"name": team}))
    for name in OTHERS:
        await made(
            api.put(
                f"/v1/people/{name}", json={"name": name, "team": "sales", "email": f"{name}@example.com"}
            )
        )
    person = {"team": "sales", "starts_on": "2020-01-01", "email": EMAIL, "manager": OTHERS[0]}
    await made(api.put(f"/v1/people/{WHO}", json={"name": NAME, **person, "ends_on": "2020-12-31"}))
    await made(api.put(f"/v1/people/{WHO}", json={"name": NAME, **person, "starts_on": "2021-03-01"}))
    await made(api.patch(f"/v1/people/{WHO}", json={"team": "care", "effective_on": "2022-01-01"}))
    await made(api.patch("/v1/teams/care", json={"lead": WHO}))
    await made(api.patch(f"/v1/people/{OTHERS[1]}", json={"manager": WHO}))
    await named_by_others(api)
    await celebrate(tenant)
    await thank(api)
    await be_asked(tenant)
    await of_others(api)
    await known_elsewhere(tenant)


async def named_by_others(api: ContractClient) -> None:
    key = {"Idempotency-Key": "a key"}
    await made(api.post("/v1/api-keys", json={"name": f"Board of {NAME}", "scopes": ["metrics:read"]}))
    await made(api.post("/v1/api-keys", json={"name": "own", "scopes": ["metrics:read"], "person": WHO}))
    hook = {"url": "https://hooks.example.com/", "events": ["survey.opened"], "description": f"For {NAME}"}
    await made(api.post("/v1/webhooks", json=hook))
    chat = {"product": "slack", "name": f"{NAME}'s command", "secret": "0123456789abcdef0123456789abcdef"}
    await made(api.post("/v1/chat-connections", json=chat))
    label = {"kind": "wedding", "month": 5, "day": 4, "consent": True, "label": f"with {NAME}"}
    await made(api.put(f"/v1/people/{OTHERS[2]}/occasions/wedding", json=label))
    people = [{"external_id": WHO, "name": NAME, "email": EMAIL, "team": "care"}]
    await made(api.post("/v1/people/batch", json={"items": people}, headers=key))
    await made(
        api.post("/v1/reminders", json={"recipient": "person", "person": WHO, "days_before": 1}, headers=key)
    )
    await made(api.post("/v1/calendar/feeds", json={"scope": "manager", "manager": WHO}))
    await made(api.post("/v1/newsletter/subscriptions", json={"person": WHO}, headers=key))
    await made(api.put(f"/v1/chat-identities/slack/{CHAT}", json={"email": EMAIL}))


async def celebrate(tenant: Tenant) -> None:
    api = tenant.client
    for name in (WHO, OTHERS[2]):
        day = {"kind": "birthday", "month": 2, "day": 26, "consent": True}
        await made(api.put(f"/v1/people/{name}/occasions/birthday", json=day))
    async with tenant.database.tenant_session(tenant.id) as session:
        await plan_cards(session, datetime(2027, 2, 20, tzinfo=UTC))
        await plan_cards(session, datetime(2027, 4, 30, tzinfo=UTC))
    for card in (await made(api.get("/v1/cards")))["items"]:
        wish = {"author": WHO, "text": f"From {NAME}"}
        if card["person"]["external_id"] == WHO:
            wish = {"author": OTHERS[0], "text": "All the best, Quirine"}
        other = {"author": OTHERS[3], "text": "All the best"}
        if card["person"]["external_id"] != WHO:
            await made(api.post(f"/v1/cards/{card['id']}/wishes", json=other))
        await made(
            api.post(f"/v1/cards/{card['id']}/wishes", json=wish, headers={"Idempotency-Key": card["id"]})
        )


async def of_others(api: ContractClient) -> None:
    """So that no table is empty without the person: a table of nobody is not sampled anew."""
    one, another = OTHERS[4], OTHERS[5]
    await made(api.patch(f"/v1/people/{one}", json={"email": "gone@example.com", "manager": another}))
    await made(api.post("/v1/reminders", json={"recipient": "person", "person": one, "days_before": 1}))
    await made(api.post("/v1/calendar/feeds", json={"scope": "manager", "manager": one}))
    await made(api.post("/v1/newsletter/subscriptions", json={"person": one}))
    await made(api.put("/v1/chat-identities/slack/UOTHER", json={"email": "gone@example.com"}))


async def thank(api: ContractClient) -> None:
    for giver, receiver in ((WHO, OTHERS[0]), (OTHERS[0], WHO), (OTHERS[0], OTHERS[1])):
        event = {"giver": giver, "receivers": [receiver], "message": f"As {NAME} and {EMAIL} know"}
        said = await made(
            api.post("/v1/recognitions", json=event, headers={"Idempotency-Key": giver + receiver})
        )
        for one in (WHO, OTHERS[3]):
            await made(api.put(f"/v1/recognitions/{said['id']}/reactions/{one}/clap"))


async def be_asked(tenant: Tenant) -> None:
    api = tenant.client
    await made(api.put("/v1/questionnaires/two", json=CONTENT))
    for mode in ("anonymous", "confidential", "attributed"):
        draft = {"name": mode, "questionnaire": "two", "mode": mode}
        survey = (await made(api.post("/v1/surveys", json=draft)))["id"]
        await made(api.post(f"/v1/surveys/{survey}/open"))
        if mode != "anonymous":
            people = {"people": [WHO, OTHERS[3]], "send": False}
            await made(api.post(f"/v1/surveys/{survey}/invitations", json=people))
            response = {"respondent": WHO, "answers": {"pay": 2}}
            answered = api.post(
                f"/v1/surveys/{survey}/responses", json=response, headers={"Idempotency-Key": mode}
            )
            await made(answered)
            of_another = {"respondent": OTHERS[4], "answers": {"pay": 2}}
            await made(api.post(f"/v1/surveys/{survey}/responses", json=of_another))


async def known_elsewhere(tenant: Tenant) -> None:
    """By files, by an identity provider, and by what is told to others."""
    scim = await scim_of(tenant)
    [user] = await scim.found("Users", filter=f'externalId eq "{WHO}"')
    document = {
        "schemas": [USER],
        "userName": EMAIL,
        "displayName": NAME,
        "nickName": "Quirine",
        "emails": [{"value": EMAIL}],
    }
    assert (await scim.put(f"/Users/{user['id']}", json={**document, "externalId": WHO})).is_success
    broken = [
        {"external_id": WHO, "name": NAME, "team": "nowhere"},
        {"external_id": "new", "name": "x", "nickname": NAME},
        {"external_id": OTHERS[3], "name": "x", "manager": WHO, "team": WHO},
    ]
    await done(tenant, lines(broken))
    event = {"giver": WHO, "receivers": [NAME], "message": "x", "occurred_at": "never"}
    await done(tenant, lines([event]), kind="recognitions")


async def test_nothing_in_the_database_leads_to_somebody_erased(
    hooked: tuple[Tenant, Receiver], owner: asyncpg.Connection
) -> None:
    tenant, receiver = hooked
    hook = await subscribed(tenant, receiver.url, "person.updated", "person.erased", "recognition.created")
    await live(tenant)
    await deliver(tenant, hook)
    async with tenant.database.tenant_session(tenant.id) as session:
        row = await person_id(session, WHO)
    await made(tenant.client.get(f"/v1/people/{WHO}/export"))
    for email in ("elsewhere@example.com", EMAIL):
        await made(tenant.client.patch(f"/v1/people/{WHO}", json={"email": email}))
    await owner.execute("ANALYZE")
    before = await traces(owner, tenant, str(row))
    assert {"people.name", "people.email", "people.external_id"} <= {
        table.removeprefix("planner: ") for table in before if table.startswith("planner")
    }
    assert before["idempotency_records"] == {WHO, NAME, EMAIL}
    assert {"occasions", "api_keys", "cards", "import_report_lines", "webhooks", "address_notices"} <= set(
        before
    )
    erased = await made(tenant.client.post(f"/v1/people/{WHO}/erasure", headers={"Idempotency-Key": "erase"}))
    await tell_old_addresses(tenant.database, tenant.id, UUID(int=0))
    await owner.execute("ANALYZE webhook_deliveries")  # as PostgreSQL does by itself while an event waits
    found = set(await traces(owner, tenant, str(row))) - KEPT - {"pgqueuer"}
    assert found != set(), "the samples are left"
    assert "planner: webhook_deliveries.data" not in found
    await made(tenant.client.patch(f"/v1/people/{OTHERS[4]}", json={"email": "here@example.com"}))
    await owner.execute("UPDATE erased_people SET erased_at = erased_at - interval '2 minutes'")
    await tenant.database.engine.dispose()  # what a session changed is counted at the latest when it ends
    await tenant.work_later()
    await deliver(tenant, hook)
    events = [json.loads(request.body) for request in receiver.received]
    assert [one["data"] for one in events if one["type"] == "person.erased"] == [{"external_id": WHO}]
    left = await traces(owner, tenant, str(row))
    assert left == {}, left
    assert {one["what"] for one in erased["not_erased"]} >= {
        "former_names",
        "names_of_things",
        "database_files",
    }


async def test_a_delivered_erasure_is_not_told_again(
    hooked: tuple[Tenant, Receiver], owner: asyncpg.Connection
) -> None:
    tenant, receiver = hooked
    hook = await subscribed(tenant, receiver.url, "person.erased")
    await made(tenant.client.put(f"/v1/people/{WHO}", json={"name": NAME}))
    await made(tenant.client.post(f"/v1/people/{WHO}/erasure"))
    url = f"/v1/webhooks/{hook['id']}/deliveries"
    [waiting] = (await tenant.client.get(url)).json()["items"]
    assert (await tenant.client.post(f"{url}/{waiting['id']}/redeliver")).is_success
    await deliver(tenant, hook)
    assert (await tenant.client.post(f"{url}/{waiting['id']}/redeliver")).status_code == 404
