"""One of everything: an organisation with a row in each of its tables, made through the API."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from app.calendar.cards.service import plan_cards
from app.calendar.queries import person_id
from app.calendar.reminders.queries import unsubscribe
from app.calendar.reminders.service import plan_digests
from app.privacy.export.queries import ask_for_link
from app.surveys.invitations.queries import recipients, remember_mailing
from app.surveys.invitations.reminders.queries import add_mails, add_reminder
from app.surveys.invitations.tokens import sealed_person
from app.tables import RecognitionMonth
from tests.conftest import Tenant
from tests.contract import operations
from tests.scim.client import GROUP, USER, scim_of
from tests.statements import EXEMPT

MARK = "Only of Acme"
LINES = {"Content-Type": "application/x-ndjson"}


async def furnish(acme: Tenant) -> dict[str, str]:
    """Fills the organisation; gives the path parameters of what the server named."""
    api, examples = acme.client, {operation.id: operation.body for operation in operations()}
    await made(api.patch("/v1/organization", json={"minimum_group_size": 3}))
    await api.put("/v1/teams/gone", json={"name": MARK})
    await api.delete("/v1/teams/gone")
    for external_id, parent in (("sales", None), ("sales-nl", "sales")):
        await made(api.put(f"/v1/teams/{external_id}", json={"name": MARK, "parent": parent}))
    for external_id in ("E-1042", "E-0007", "E-1050"):
        person = {"name": MARK, "team": "sales-nl", "starts_on": "2020-01-01"}
        await made(api.put(f"/v1/people/{external_id}", json=person | {"ends_on": "2020-12-31"}))
        moved = {"starts_on": "2021-03-01", "effective_on": "2021-03-01", "segments": {"location": MARK}}
        await made(api.put(f"/v1/people/{external_id}", json=person | moved))
    await made(
        api.put("/v1/people/E-1042/occasions/birthday", json=examples["put_occasion"] | {"label": MARK})
    )
    await made_by_scim(acme)
    await made(api.put("/v1/kpis/customer-satisfaction", json=examples["put_kpi"] | {"unit": MARK}))
    await made(api.post("/v1/kpis/values/batch", json=examples["put_kpi_values_batch"]))
    await made(api.put("/v1/people/E-1042/celebrations", json=examples["put_celebrations"]))
    questionnaire = examples["put_questionnaire"] | {"title": {"en": MARK}}
    await made(api.put("/v1/questionnaires/acme-2026", json=questionnaire))
    half_good = json.dumps({"external_id": "E-1", "nickname": MARK})
    await made(api.post("/v1/imports?kind=people", content=half_good, headers=LINES))
    released = await open_survey(acme, "E-1042", "E-0007", "E-1050")
    await made(api.post(f"/v1/surveys/{released}/close"))
    await acme.work()
    event = examples["create_recognition"] | {"message": MARK}
    recognition = await made(api.post("/v1/recognitions", json=event, headers={"Idempotency-Key": "k"}))
    await made(api.put(f"/v1/recognitions/{recognition['id']}/reactions/E-1042/clap"))
    await made(api.put("/v1/chat-identities/slack/U2CERLKJA", json={"email": "only-of-acme@example.com"}))
    await made(api.get("/v1/metrics/recognition"))
    await made(api.get("/v1/metrics/celebrations"))
    chat = examples["create_chat_connection"] | {"name": MARK}
    connection = await made(api.post("/v1/chat-connections", json=chat))
    key = await made(api.post("/v1/api-keys", json={"name": MARK, "scopes": ["people:read"]}))
    await made(api.put("/v1/card-templates/acme-birthday-nl", json=examples["put_card_template"]))
    async with acme.database.tenant_session(acme.id) as session:
        await plan_cards(session, datetime(2027, 2, 20, tzinfo=UTC))
    cards = (await made(api.get("/v1/cards")))["items"]
    card = next(card for card in cards if card["person"]["external_id"] == "E-1042")
    wish = {"author": "E-0007", "text": MARK}
    written = await made(api.post(f"/v1/cards/{card['id']}/wishes", json=wish))
    feed = await made(api.post("/v1/calendar/feeds", json={"scope": "team", "team": "sales"}))
    reminder = await made(
        api.post("/v1/reminders", json={"recipient": "person", "person": "E-0007", "days_before": 3})
    )
    await made(api.patch("/v1/people/E-0007", json={"email": "e-0007@example.com"}))
    subscription = await made(api.post("/v1/newsletter/subscriptions", json={"person": "E-0007"}))
    async with acme.database.tenant_session(acme.id) as session:
        await plan_digests(session, datetime(2027, 2, 26, tzinfo=UTC))
        reader = await person_id(session, "E-1050")
        assert reader is not None
        await unsubscribe(session, reader)
    webhook = {"url": "https://hooks.example.com/", "events": ["import.finished"], "description": MARK}
    hook = await made(api.post("/v1/webhooks", json=webhook))
    delivery = await made(api.post(f"/v1/webhooks/{hook['id']}/test"))
    await made(api.patch(f"/v1/webhooks/{hook['id']}", json={"enabled": False}))
    for address in ("e-1050@example.com", "e-1050@example.org"):
        await made(api.patch("/v1/people/E-1050", json={"email": address}))
    await made(api.put("/v1/people/E-9999", json={"name": MARK}))
    await made(api.post("/v1/people/E-9999/erasure"))
    async with acme.database.tenant_session(acme.id) as session:
        asker = await person_id(session, "E-0007")
        assert asker is not None
        await ask_for_link(session, asker)
    again = {**LINES, "Idempotency-Key": "after the erasure"}
    waiting = await made(api.post("/v1/imports?kind=people", content=half_good, headers=again))
    survey = await open_survey(acme, "E-1042")
    await invite(acme, survey)
    invitation = await invite(acme, survey)
    await write_a_mailing(acme, survey, MARK)
    async with acme.database.tenant_session(acme.id) as session:
        # nobody writes these any more
        session.add(RecognitionMonth(organization_id=acme.id, month=date(2026, 1, 1), changes=1))
    return {
        "organization": str(acme.id),
        "survey_id": survey,
        "invitation": invitation,
        "released_survey_id": released,
        "recognition_id": recognition["id"],
        "connection_id": connection["id"],
        "key_id": key["id"],
        "feed_id": feed["id"],
        "card_id": card["id"],
        "reminder_id": reminder["id"],
        "subscription_id": subscription["id"],
        "wish_id": written["id"],
        "import_id": waiting["id"],
        "webhook_id": hook["id"],
        "delivery_id": delivery["id"],
    }


async def made_by_scim(acme: Tenant) -> None:
    """A user and a group whom only SCIM knows something of."""
    scim = await scim_of(acme)
    user = await scim.made(
        "Users",
        schemas=[USER],
        userName="only-of-acme",
        title=MARK,
        emails=[{"value": "only-of-acme@example.com"}],
    )
    await scim.made("Groups", schemas=[GROUP], displayName=MARK, members=[{"value": user["id"]}])


async def open_survey(acme: Tenant, *respondents: str) -> str:
    """An open survey with their responses."""
    api = acme.client
    draft = {"name": MARK, "questionnaire": "acme-2026", "mode": "attributed", "minimum_group_size": 3}
    survey: str = (await made(api.post("/v1/surveys", json=draft)))["id"]
    await made(api.post(f"/v1/surveys/{survey}/open"))
    for respondent in respondents:
        response = {"respondent": respondent, "answers": {"pay_fair": 4, "energy_work": 4}, "comment": MARK}
        await made(api.post(f"/v1/surveys/{survey}/responses", json=response))
    return survey


async def write_a_mailing(acme: Tenant, survey: str, words: str) -> None:
    """As invitations are mailed with; there is no mail server here."""
    async with acme.database.tenant_session(acme.id) as session:
        texts = {"en": f"{words} {{link}}"}
        mailing, reminder, now = uuid4(), uuid4(), datetime.now(UTC)
        await remember_mailing(session, UUID(survey), mailing, (texts,) * 4, now)
        await add_reminder(session, UUID(survey), reminder, mailing, (1, None), now + timedelta(days=9))
        sealed = sealed_person(acme.database.keyring, acme.id, uuid4())
        mails = [(key, sealed) for key in await recipients(session, UUID(survey))]
        await add_mails(session, UUID(survey), reminder, mails)


async def invite(acme: Tenant, survey: str) -> str:
    """A token that is not used, in the place of the one before."""
    body = {"people": ["E-0007"], "send": False}
    issued = await made(acme.client.post(f"/v1/surveys/{survey}/invitations", json=body))
    token: str = issued["invitations"][0]["token"]
    return token


async def made(answer: Any) -> Any:
    response: httpx.Response = await answer
    assert response.is_success, response.text
    return response.json()


async def tenant_tables(owner: asyncpg.Connection) -> list[str]:
    """Every table with rows of organisations."""
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    names = {table for (table,) in tables if not table.startswith("pgqueuer")}
    return sorted(names - EXEMPT)


async def rows_of(owner: asyncpg.Connection, organization_id: str) -> dict[str, list[str]]:
    """Everything stored of one organisation, as text."""
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", organization_id)
    query = 'SELECT t::text FROM "{}" t WHERE organization_id::text = $1 ORDER BY 1'
    return {
        table: [row[0] for row in await owner.fetch(query.format(table), organization_id)]
        for table in await tenant_tables(owner)
    }
