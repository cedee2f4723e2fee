"""Whoever may write an attribute does not thereby become whom it names (disclosure.md R14).

What is written of somebody counts for what is opened after it, and for all once it has stood for 30 days:
leads of teams for keys and newsletters, managers for reminders and feeds, addresses for all mail and chats.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.auth.dependencies import ADMINISTRATIVE
from app.auth.principal import Scope
from app.calendar.jobs import send_due
from app.calendar.reminders.service import plan_digests
from tests.calendar.cards.office import with_server
from tests.clock import at
from tests.conftest import Tenant, client_for, new_tenant
from tests.contract import ContractClient
from tests.imports.files import done, lines
from tests.metrics.test_managers import PARENTS, SIZES, ids, manager
from tests.metrics.test_release import read, released, staff
from tests.newsletter import test_newsletter as news
from tests.recognition.test_chat import connected, identify, slack
from tests.sink import Sink, listening
from tests.surveys.inviting import employ

WRITTEN = {
    "people": ("email_since", "manager_since"),
    "teams": ("lead_since",),
    "chat_identities": ("updated_at",),
}
OPENED = {
    "surveys": "opened_at",
    "reminders": "created_at",
    "calendar_feeds": "created_at",
    "newsletter_subscriptions": "created_at",
}
OPENED_BEFORE = timedelta(days=60)
Write = Callable[[Tenant], Awaitable[Any]]


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with listening(Sink()) as found:
        yield found


@pytest.fixture
async def measured(app: FastAPI) -> Tenant:
    """Released, with sales above nl and be, and it beside them; be-0 leads nobody, nl-0 leads sales."""
    tenant = await new_tenant(app, "Acme")
    await staff(tenant.client, SIZES, PARENTS)
    await tenant.client.patch("/v1/teams/sales", json={"lead": "nl-0"})
    await tenant.client.put("/v1/people/mallory", json={"name": "Mallory"})
    await released(tenant, [f"{team}-{number}" for team, size in SIZES.items() for number in range(size)])
    return tenant


async def later(tenant: Tenant, days: int = 31) -> None:
    """What was written stands for so many days more; what was opened, was so long before it."""
    ages = [(table, column, days) for table, columns in WRITTEN.items() for column in columns]
    ages += [(table, column, days + OPENED_BEFORE.days) for table, column in OPENED.items()]
    async with tenant.database.tenant_session(tenant.id) as session:
        for table, column, age in ages:
            update = f"UPDATE {table} SET {column} = {column} - make_interval(days => :age)"
            await session.execute(text(f"{update} WHERE organization_id = :organization_id"), {"age": age})


async def noted(tenant: Tenant, action: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await tenant.client.get("/v1/audit", params={"action": action})).json()[
        "items"
    ]
    return found


# ------------------------------------------------------------------ leads, for keys


async def by_put(tenant: Tenant) -> None:
    await tenant.client.put("/v1/teams/it", json={"name": "it", "lead": "mallory"})


async def by_patch(tenant: Tenant) -> None:
    await tenant.client.patch("/v1/teams/it", json={"lead": "mallory"})


async def by_batch(tenant: Tenant) -> None:
    team = {"external_id": "it", "name": "it", "lead": "mallory"}
    await tenant.client.post("/v1/teams/batch", json={"items": [team]})


async def by_import(tenant: Tenant) -> None:
    await done(tenant, lines([{"external_id": "it", "name": "it", "lead": "mallory"}]), kind="teams")


async def by_another_team(tenant: Tenant) -> None:
    """The team is emptied, deleted and made again, under a lead of its own."""
    people = [{"external_id": f"it-{number}", "name": "x"} for number in range(SIZES["it"])]
    await tenant.client.post("/v1/people/batch", json={"items": people})
    assert (await tenant.client.delete("/v1/teams/it")).status_code == 204
    await by_put(tenant)


LEADS: list[Write] = [by_put, by_patch, by_batch, by_import, by_another_team]


@pytest.mark.nightly
@pytest.mark.parametrize("write", LEADS, ids=lambda way: way.__name__)
async def test_who_writes_the_lead_of_a_team_does_not_come_to_see_what_it_answered(
    write: Write, measured: Tenant
) -> None:
    client = await manager(measured, person="mallory")
    assert ids(await read(client, by=["team"])) == []
    await write(measured)
    assert (await client.get("/v1/me")).json()["teams"] == ["it"]
    for metric in ("satisfaction-engagement", "overview", "trends", "heatmap", "levers"):
        assert ids(await read(client, metric, by=["organization", "team"])) == [], metric
    answer = await client.get("/v1/metrics/satisfaction-engagement", params={"team": "it"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_team")
    assert "it" in {one["target"] for one in await noted(measured, "change_lead")}
    await later(measured, days=29)
    assert ids(await read(client, by=["team"])) == []
    await later(measured, days=2)
    assert ids(await read(client, by=["team"])) == ["it"]


async def test_who_gets_the_number_of_a_lead_does_not_become_the_lead(measured: Tenant) -> None:
    client = await manager(measured, person="stranger")
    await by_patch(measured)
    await later(measured)
    await measured.client.patch("/v1/people/mallory", json={"external_id": "stranger"})
    assert (await client.get("/v1/me")).json()["teams"] == ["it"]
    assert ids(await read(client)) == []
    [told] = await noted(measured, "renumber_person")
    assert told["person"] is not None
    await later(measured)
    assert ids(await read(client)) == ["it"]


async def test_a_team_moved_below_one_s_own_is_not_seen_in_what_it_answered_before(
    measured: Tenant,
) -> None:
    client = await manager(measured, person="nl-0")
    await measured.client.patch("/v1/teams/it", json={"parent": "sales"})
    assert ids(await read(client, by=["team"])) == ["sales", "be", "nl"]
    assert [one["target"] for one in await noted(measured, "move_team")] == ["it"]


async def test_a_lead_of_before_the_survey_sees_it(measured: Tenant) -> None:
    await by_patch(measured)
    client = await manager(measured, person="mallory")
    assert ids(await read(client)) == []
    everybody = [f"it-{number}" for number in range(SIZES["it"])]
    await released(measured, everybody)
    assert ids(await read(client)) == ["it"]


async def test_the_lead_written_again_keeps_the_door(measured: Tenant) -> None:
    client = await manager(measured, person="nl-0")
    await measured.client.patch("/v1/teams/sales", json={"name": "Sales of all", "lead": "nl-0"})
    assert ids(await read(client)) == ["sales"]


async def test_who_is_back_is_in_the_log(measured: Tenant) -> None:
    for members in (
        {"active": False},
        {"active": True},
        {"ends_on": "2026-01-01"},
        {"ends_on": "2025-12-01"},
        {"ends_on": "2026-02-01"},
        {"ends_on": None},
        {"manager": "nl-1"},
        {"manager": "nl-1", "name": "Mal"},
    ):
        await measured.client.patch("/v1/people/mallory", json=members)
    assert len(await noted(measured, "reinstate_person")) == 3
    assert len(await noted(measured, "change_manager")) == 1


def test_writing_people_is_no_office_so_each_door_is_noted_by_itself() -> None:
    """A sync of every night would bury what matters: of people's data the doors alone are in the log."""
    assert Scope.PEOPLE_WRITE not in ADMINISTRATIVE
    assert {Scope.KEYS_MANAGE, Scope.CALENDAR_WRITE, Scope.PRIVACY_MANAGE} <= ADMINISTRATIVE


# ------------------------------------------------------------------ newsletters


@pytest.mark.nightly
async def test_a_newsletter_goes_to_no_address_and_tells_of_no_team_of_after_it_was_asked_for(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await news.company(acme)
    await news.measured(acme)
    await news.subscribed(acme, "mo", "ann")
    await api.patch("/v1/people/mo", json={"email": "mallory@example.com"})
    await api.patch("/v1/teams/sales", json={"lead": "ann"})
    await api.patch("/v1/people/north-0", json={"manager": "ann"})
    await written_at(acme, news.EIGHT - news.HOUR)
    birthday = {"kind": "birthday", "month": news.FIRST.month, "day": 5, "consent": True}
    assert (await api.put("/v1/people/north-0/occasions/birthday", json=birthday)).is_success
    plain = await newsletters(acme, sink)
    assert set(plain) == {"ann@example.com"}
    assert list(news.lines(plain["ann@example.com"])) == ["Acme"]
    assert "North-0" not in plain["ann@example.com"]
    listed = (await api.get("/v1/newsletter/subscriptions")).json()["items"]
    assert {one["person"]: one["last_mail"]["failure"] for one in listed} == {
        "mo": "new_address",
        "ann": None,
    }
    await later(acme)
    plain = await newsletters(acme, sink)
    assert set(plain) == {"ann@example.com", "mallory@example.com"}
    assert "Sales" in news.lines(plain["ann@example.com"])
    assert "North-0" in plain["ann@example.com"]


async def written_at(acme: Tenant, then: datetime) -> None:
    """What was written since the newest subscription was made."""
    async with acme.database.tenant_session(acme.id) as session:
        for table, columns in WRITTEN.items():
            for column in columns:
                update = (
                    f"UPDATE {table} SET {column} = :then WHERE organization_id = :organization_id"
                    f" AND {column} > (SELECT max(created_at) FROM newsletter_subscriptions)"
                )
                await session.execute(text(update), {"then": then})


async def newsletters(acme: Tenant, sink: Sink) -> dict[str, str]:
    """This month's, by address."""
    sink.mails.clear()
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("DELETE FROM newsletters"))
    await news.rounds(acme, sink, news.EIGHT)
    return {recipient: news.parts_of(message)[0] for recipient, message in sink.mails}


async def test_an_invitation_to_the_newsletter_goes_to_no_address_of_after_it(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await news.company(acme)
    await news.invite(api, person="mo")
    await api.patch("/v1/people/mo", json={"email": "mallory@example.com"})
    await news.send(acme, news.soon(), sink)
    assert sink.mails == []


# ------------------------------------------------------------------ reminders and feeds


@pytest.mark.parametrize("recipient", ["manager", "team", "person"])
async def test_reminders_go_to_no_address_of_after_them(
    recipient: str, acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    now = datetime.now(UTC)
    day = (now + timedelta(days=3)).date()
    await api.patch("/v1/organization", json={"cards": {"enabled": False}, "time_zone": "UTC"})
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    for name, members in (("mo", {"email": "mo@example.com"}), ("ann", {"manager": "mo"})):
        await employ(api, name, team="sales", time_zone="UTC", **members)
    occasion = {"kind": "birthday", "month": day.month, "day": day.day, "consent": True, "visibility": "team"}
    assert (await api.put("/v1/people/ann/occasions/birthday", json=occasion)).is_success
    named = {"person": "mo"} if recipient == "person" else {}
    assert (
        await api.post("/v1/reminders", json={"recipient": recipient, "days_before": 3, **named})
    ).is_success
    await api.patch("/v1/people/mo", json={"email": "mallory@example.com"})
    await digest(acme, sink, now)
    assert sink.mails == []
    await later(acme)
    await digest(acme, sink, now)
    assert sink.recipients == ["mallory@example.com"]


async def digest(acme: Tenant, sink: Sink, day: datetime) -> None:
    """Those of the day's morning, planned an hour before it."""
    morning = day.replace(hour=8, minute=0, second=0, microsecond=0)
    async with acme.database.tenant_session(acme.id) as session:
        await plan_digests(session, morning - timedelta(hours=1))
    await send_due(with_server(acme.database, sink.url), acme.id, at(morning))


async def test_reminders_go_to_no_manager_of_after_them(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    now = datetime.now(UTC)
    day = (now + timedelta(days=3)).date()
    await api.patch("/v1/organization", json={"cards": {"enabled": False}, "time_zone": "UTC"})
    await employ(api, "mallory", email="mallory@example.com", time_zone="UTC")
    await employ(api, "ann", time_zone="UTC")
    occasion = {"kind": "birthday", "month": day.month, "day": day.day, "consent": True, "visibility": "team"}
    assert (await api.put("/v1/people/ann/occasions/birthday", json=occasion)).is_success
    feed = (await api.post("/v1/calendar/feeds", json={"scope": "manager", "manager": "mallory"})).json()
    assert (await api.post("/v1/reminders", json={"recipient": "manager", "days_before": 3})).is_success
    await api.patch("/v1/people/ann", json={"manager": "mallory"})
    address = "/v1" + feed["url"].partition("/v1")[2]
    assert "BEGIN:VEVENT" not in (await api.get(address)).text
    await digest(acme, sink, now)
    assert sink.mails == []
    await later(acme)
    assert "BEGIN:VEVENT" in (await api.get(address)).text
    await digest(acme, sink, now)
    assert sink.recipients == ["mallory@example.com"]


# ------------------------------------------------------------------ chats


async def test_who_writes_an_address_does_not_speak_for_its_person_in_a_chat(
    acme: Tenant, anonymous: ContractClient
) -> None:
    for name in ("boss", "bob", "mallory"):
        await employ(acme.client, name, email=f"{name}@example.com")
    await identify(acme, "slack", UMAL="mallory@example.com", UBOB="bob@example.com")
    path = await connected(acme)
    await acme.client.patch("/v1/people/mallory", json={"email": None})
    await acme.client.patch("/v1/people/boss", json={"email": "mallory@example.com"})
    answer = await slack(anonymous, path, "<@UBOB> you stayed late", user_id="UMAL")
    assert answer.json()["response_type"] == "ephemeral"
    assert (await acme.client.get("/v1/recognitions")).json()["items"] == []
    await later(acme)
    answer = await slack(anonymous, path, "<@UBOB> you stayed late", user_id="UMAL")
    assert answer.json()["response_type"] == "in_channel"


@pytest.mark.parametrize("more", [[], [Scope.RECOGNITIONS_WRITE]], ids=["people alone", "anybody's thanks"])
async def test_who_says_whose_a_chat_name_is_does_not_speak_for_them(
    more: list[Scope], acme: Tenant, anonymous: ContractClient
) -> None:
    for name in ("boss", "bob"):
        await employ(acme.client, name, email=f"{name}@example.com")
    await identify(acme, "slack", UBOB="bob@example.com")
    path = await connected(acme)
    body = {"name": "sync", "scopes": [Scope.PEOPLE_WRITE, *more]}
    sync = client_for(acme.app, (await acme.client.post("/v1/api-keys", json=body)).json()["key"])
    assert (await sync.put("/v1/chat-identities/slack/UMAL", json={"email": "boss@example.com"})).is_success
    answer = await slack(anonymous, path, "<@UBOB> you stayed late", user_id="UMAL")
    assert answer.json()["response_type"] == ("in_channel" if more else "ephemeral")
    assert len(await noted(acme, "change_chat_identity")) == 2
    await later(acme)
    answer = await slack(anonymous, path, "<@UBOB> you were kind", user_id="UMAL")
    assert answer.json()["response_type"] == "in_channel"


async def test_chat_names_of_before_the_connection_count_at_once(
    acme: Tenant, anonymous: ContractClient
) -> None:
    for name in ("boss", "bob"):
        await employ(acme.client, name, email=f"{name}@example.com")
    body = {"name": "sync", "scopes": [Scope.PEOPLE_WRITE]}
    sync = client_for(acme.app, (await acme.client.post("/v1/api-keys", json=body)).json()["key"])
    for name in ("boss", "bob"):
        await sync.put(f"/v1/chat-identities/slack/U{name.upper()}", json={"email": f"{name}@example.com"})
    path = await connected(acme)
    answer = await slack(anonymous, path, "<@UBOB> you stayed late", user_id="UBOSS")
    assert answer.json()["response_type"] == "in_channel"
