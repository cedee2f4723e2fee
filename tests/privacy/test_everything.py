"""Every table is accounted for: what is kept of a person is in the export, and gone after the erasure."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from app.calendar.queries import person_id
from app.calendar.reminders.queries import unsubscribe
from app.core.audit import person_mark
from app.imports.jobs import run_import
from app.privacy.erasure.queries import FORGET
from app.privacy.export.queries import ask_for_link
from app.surveys.invitations.tokens import recipient_key
from app.surveys.responses.service import pseudonym
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import accepted, lines
from tests.scim.client import GROUP, USER, scim_of
from tests.world import furnish, made, rows_of, tenant_tables, write_a_mailing

WHO, NAME, EMAIL = "E-1042", "Noor van der Wit", "noor@example.com"
EXPORTED = {
    "people": "person",
    "employments": "person",
    "person_history": "history",
    "scim_users": "scim",
    "scim_emails": "scim",
    "scim_members": "scim_groups",
    "teams": "leads",
    "occasions": "occasions",
    "celebration_settings": "celebrations",
    "cards": "cards",
    "card_wishes": "wishes",
    "reminders": "reminders",
    "digests": "digests",
    "unsubscriptions": "unsubscribed_at",
    "newsletter_subscriptions": "newsletters",
    "newsletters": "newsletters",
    "calendar_feeds": "feeds",
    "api_keys": "api_keys",
    "chat_identities": "chat_identities",
    "recognitions": "recognitions_given",
    "recognition_receivers": "recognitions_received",
    "recognition_reactions": "reactions",
    "survey_members": "surveys",
    "invitation_deliveries": "surveys",
    "responses": "responses",
    "import_report_lines": "import_lines",
    "audit_entries": "audit",
}
"""Table -> where in the export it stands."""
NOT_EXPORTED = {
    "address_notices": "addresses of before, for at most three days, until they have been told of it",
    "answers_links": "the secret of a mail that only the person has; asking for it is in the audit log",
    "idempotency_records": "answers of the last day, of what is in the other tables",
    "import_chunks": "sealed files that wait; gone when read, or after a day if they never came whole",
    "invitation_mailings": "what the organisation writes to everybody it asks",
    "invitation_reminder_mails": "everybody who was invited, whether they needed reminding or not",
    "invitations": "would tell whether the person answered a confidential survey",
    "recognition_month_pairs": "counts of the events that are exported",
    "recognition_month_people": "counts of the events that are exported",
    "recognition_numbers": "a number that stands for the person in those counts, and tells nothing",
    "tombstones": "deleted identifiers; nobody of them is there to be exported",
    "erased_people": "keyed hashes of people who are not there",
    "webhook_deliveries": "tell, for thirty days, that something happened which is exported",
}
IMPERSONAL = {
    "card_templates": "designs",
    "celebration_reports": "numbers of groups",
    "chat_connections": "a system",
    "comments": "nothing leads from a person to them",
    "imports": "how far a file was read",
    "invitation_reminders": "of a survey",
    "kpi_values": "of teams",
    "kpis": "of the organisation",
    "questionnaires": "questions",
    "recognition_months": "counts of the organisation",
    "replaced_invitations": "hashes of secrets that open nothing, with nothing beside them",
    "recognition_reports": "counts of groups",
    "recognition_told_months": "counts by a number, which is nobody's once a person is erased",
    "release_cells": "sums over groups, never computed again (R11)",
    "release_results": "numbers of groups, never computed again (R11)",
    "releases": "of a survey",
    "survey_cells": "of groups, with how many were erased of them",
    "survey_groups": "of a survey",
    "scim_groups": "another name of a team, or a group",
    "surveys": "of the organisation",
    "webhooks": "systems",
}
KEPT_OF_THE_ERASED = {
    "audit_entries": "a keyed hash, so that it can be told that somebody was erased",
    "erased_people": "the same hash",
}


async def test_every_table_is_accounted_for(owner: asyncpg.Connection) -> None:
    told = [*EXPORTED, *NOT_EXPORTED, *IMPERSONAL]
    assert len(told) == len(set(told))
    assert set(await tenant_tables(owner)) == set(told), (
        "say in tests/privacy/test_everything.py where the table stands in the export, or why it does not,"
        " and make app/privacy/queries.py erase it"
    )


async def test_foreign_keys_to_people_are_among_them(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint"
        " WHERE contype = 'f' AND confrelid = 'people'::regclass"
    )
    assert rows
    assert not {row["name"] for row in rows} & set(IMPERSONAL)


DIGEST = text(
    "INSERT INTO digests (organization_id, id, person_id, day, status, send_at, expires_at, attempts)"
    " VALUES (:organization_id, gen_random_uuid(), :person_id, '2027-02-26', 'planned', now(), now(), 0)"
)


@pytest.fixture
async def traces(acme: Tenant) -> dict[str, str]:
    """Of somebody with a row in every table that can have one: all that leads back to that person."""
    await furnish(acme)
    api, keyring = acme.client, acme.database.keyring
    await made(api.post("/v1/newsletter/subscriptions", json={"email": EMAIL}))
    await exchange(acme)
    await made(api.patch(f"/v1/people/{WHO}", json={"name": NAME, "email": EMAIL}))
    await made(api.post("/v1/newsletter/subscriptions", json={"person": WHO}))
    await made(api.patch("/v1/people/E-0007", json={"manager": WHO}))
    for manager, since in ((WHO, "2023-01-01"), (None, "2024-01-01")):
        past = {"manager": manager, "effective_on": since}
        await made(api.patch("/v1/people/E-1050", json=past))
    await made(api.post("/v1/api-keys", json={"name": "Board", "scopes": ["metrics:read"], "person": WHO}))
    await made(api.patch("/v1/teams/sales", json={"lead": WHO}))
    await made(api.put("/v1/chat-identities/slack/UNOOR1042", json={"email": EMAIL.upper()}))
    await made(api.post("/v1/reminders", json={"recipient": "person", "person": WHO, "days_before": 1}))
    await made(api.post("/v1/calendar/feeds", json={"scope": "manager", "manager": WHO}))
    await write_cards(api)
    await thank(api)
    confidential = await ask(api)
    await write_a_mailing(acme, confidential, f"{NAME} asks you")
    async with acme.database.tenant_session(acme.id) as session:
        person = await person_id(session, WHO)
        assert person is not None
        await unsubscribe(session, person)
        await ask_for_link(session, person)
        await session.execute(DIGEST, {"organization_id": acme.id, "person_id": person})
    await made(api.get(f"/v1/people/{WHO}/export"))
    return {
        "identifier": f",{WHO},",
        "identifier in a document": f'""{WHO}""',
        "identifier in a kept answer": f'"{WHO}"'.encode().hex(),
        "name": NAME,
        "address": EMAIL,
        "chat name": "UNOOR1042",
        "row": str(person),
        "pseudonym": str(pseudonym(keyring, acme.id, person)),
        "recipient": str(recipient_key(keyring, acme.id, UUID(confidential), person)),
    }


async def exchange(acme: Tenant) -> None:
    """Other systems tell of Noor, and are told."""
    webhook = {"url": "https://hooks.example.com/", "events": ["person.updated"]}
    hook = await made(acme.client.post("/v1/webhooks", json=webhook))
    scim = await scim_of(acme)
    [user] = await scim.found("Users", filter=f'externalId eq "{WHO}"')
    document = {"schemas": [USER], "userName": EMAIL, "displayName": NAME, "nickName": NAME}
    assert (await scim.put(f"/Users/{user['id']}", json=document)).is_success
    group = {"schemas": [GROUP], "displayName": "Choir", "members": [{"value": user["id"]}]}
    assert (await scim.post("/Groups", json=group)).is_success
    import_id = await accepted(acme, lines([{"external_id": WHO, "name": NAME, "team": "nowhere"}]))
    await run_import(acme.database, acme.id, UUID(import_id))
    await made(acme.client.patch(f"/v1/webhooks/{hook['id']}", json={"enabled": False}))


async def write_cards(api: ContractClient) -> None:
    """Noor writes on a card, others write on Noor's and of Noor."""
    cards = {
        card["person"]["external_id"]: card["id"] for card in (await made(api.get("/v1/cards")))["items"]
    }
    for card, author, words in (
        ("E-0007", WHO, "Many happy returns"),
        ("E-0007", "E-1050", f"As {NAME.upper()} says: enjoy"),
        (WHO, "E-1050", "And you, Noor"),
    ):
        await made(api.post(f"/v1/cards/{cards[card]}/wishes", json={"author": author, "text": words}))


async def thank(api: ContractClient) -> None:
    """Noor gives, receives, alone and with others, is answered and named."""

    async def event(giver: str, *receivers: str, message: str, **more: Any) -> str:
        body = {"giver": giver, "receivers": receivers, "message": message, **more}
        headers = {"Idempotency-Key": f"{giver} {message}"}
        return str((await made(api.post("/v1/recognitions", json=body, headers=headers)))["id"])

    given = await event(WHO, "E-0007", message="For the page you found")
    answer = await event("E-0007", "E-1050", message="noor is right, you too", reply_to=given)
    await event("E-0007", WHO, "E-1050", message="Noor and you did it")
    await event("E-1050", WHO, message="Noor, thank you")
    await event(
        "E-0007", WHO, "E-1050", message="The notes of Wit's team: the wit of it, and van der Meer too"
    )
    await event("E-0007", "E-1050", message=f"{NAME}s work shows. Noordwijk is proud of {EMAIL} and {NAME}")
    await made(api.put(f"/v1/recognitions/{answer}/reactions/{WHO}/clap"))


async def ask(api: ContractClient) -> str:
    """A survey in each mode, answered where it can be; the confidential one."""
    ids = {}
    for mode, access in (("anonymous", "invited"), ("attributed", "invited"), ("confidential", "invited")):
        draft = {"name": mode, "questionnaire": "acme-2026", "mode": mode, "access": access}
        ids[mode] = (await made(api.post("/v1/surveys", json=draft)))["id"]
        await made(api.post(f"/v1/surveys/{ids[mode]}/open"))
        if mode != "anonymous":
            body = {"people": [WHO, "E-0007"], "send": False}
            await made(api.post(f"/v1/surveys/{ids[mode]}/invitations", json=body))
            response = {"respondent": WHO, "answers": {"pay_fair": 2}}
            await made(api.post(f"/v1/surveys/{ids[mode]}/responses", json=response))
    return ids["confidential"]


async def found_in(owner: asyncpg.Connection, acme: Tenant, traces: dict[str, str]) -> set[tuple[str, str]]:
    """Which trace stands in which table. Each column stands between commas."""
    return {
        (table, name)
        for table, rows in (await rows_of(owner, str(acme.id))).items()
        for name, trace in traces.items()
        if any(trace.casefold() in f",{row[1:-1]},".casefold() for row in rows)
    }


async def test_the_export_has_what_there_is(
    acme: Tenant, traces: dict[str, str], owner: asyncpg.Connection
) -> None:
    """Nowhere is a trace of the person but in tables that are exported, or that say why not."""
    found = {table for table, _ in await found_in(owner, acme, traces)}
    assert found <= set(EXPORTED) | set(NOT_EXPORTED), found
    export = await made(acme.client.get(f"/v1/people/{WHO}/export"))
    assert not [place for place in {*EXPORTED.values()} if not export[place]]
    assert export["manages"] == ["E-0007"]
    assert [one["mode"] for one in export["responses"]] == ["attributed"] * 3
    assert export["cards"][0]["wishes"]
    assert {one["what"] for one in export["not_included"]} >= {"confidential_answers", "anonymous_answers"}


async def test_the_erasure_leaves_no_trace(
    acme: Tenant, other: Tenant, traces: dict[str, str], owner: asyncpg.Connection
) -> None:
    await made(other.client.put(f"/v1/people/{WHO}", json={"name": NAME, "email": EMAIL}))
    before = await found_in(owner, acme, traces)
    assert {name for _, name in before} == set(traces), "each could be found, so that it can be missed"
    assert {table for table, _ in before} >= FORGET.keys() - {"tombstones"}, "each had something to forget"
    mark = person_mark(acme.database.keyring, acme.id, WHO).hex()
    counted = {table: len(rows) for table, rows in (await rows_of(owner, str(acme.id))).items()}
    erased = await made(acme.client.post(f"/v1/people/{WHO}/erasure", headers={"Idempotency-Key": "e"}))
    assert erased["not_erased"][0] == {"what": "anonymous_answers", "reason": "cannot_be_found"}
    assert await found_in(owner, acme, traces) == set()
    left = await rows_of(owner, str(acme.id))
    assert {table for table, rows in left.items() if mark in str(rows)} == set(KEPT_OF_THE_ERASED)
    assert len(left["comments"]) == counted["comments"]
    assert (await other.client.get(f"/v1/people/{WHO}")).json()["name"] == NAME


@pytest.mark.nightly
async def test_what_others_said_stays_without_the_name(acme: Tenant, traces: dict[str, str]) -> None:
    await made(acme.client.post(f"/v1/people/{WHO}/erasure"))
    events = (await made(acme.client.get("/v1/recognitions")))["items"]
    assert {event["message"] for event in events} >= {
        "[...] is right, you too",
        "[...] and you did it",
        "The notes of [...] team: the [...] of it, and van der Meer too",
        "[...] work shows. Noordwijk is proud of [...] and [...]",
    }
