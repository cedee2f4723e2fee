"""What happens in the organisation, and what its webhooks are told of it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.calendar.cards.service import plan_cards
from app.calendar.due import tell_of_due
from app.calendar.jobs import send_due
from app.imports.jobs import run_import
from app.privacy.retention.jobs import retain_in
from app.surveys.service import count_participation
from app.webhooks import rules
from app.webhooks.schemas import Event
from tests.clock import A_NEW_DAY, at
from tests.conftest import Tenant
from tests.contract import check_event, operations
from tests.imports.files import accepted, lines
from tests.surveys.test_surveys import opened
from tests.webhooks.hooks import Json, subscribed

EXAMPLES: dict[str, Json] = {operation.id: operation.body for operation in operations()}
EVENTS = text("""
SELECT id, created_at, event, data FROM webhook_deliveries ORDER BY created_at, event, data ->> 'external_id'
""")
SECRET = rules.new_secret(b"a secret that only tests have...")
PERSON = {"name": "Somebody", "starts_on": "2021-03-01"}


@pytest.fixture
async def acme(acme: Tenant) -> AsyncIterator[Tenant]:
    """With a webhook for everything, and no worker that would deliver it."""
    await subscribed(acme, "https://hooks.example.com/", *Event.__args__)
    yield acme
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("DELETE FROM webhooks"))


async def told(tenant: Tenant, about: str = "") -> list[tuple[str, Any]]:
    """Every event so far whose name begins so, oldest first; each is as the contract has it."""
    async with tenant.database.tenant_session(tenant.id) as session:
        rows = (await session.execute(EVENTS)).all()
    for row in rows:
        message = rules.message(row.event, row.created_at, row.data)
        check_event(json.loads(message), rules.signed_headers([SECRET], row.id, row.created_at, message))
    return [(row.event, row.data) for row in rows if row.event.startswith(about)]


async def test_people_come_change_and_leave(acme: Tenant) -> None:
    path, one = "/v1/people/E-1", {"external_id": "E-1"}
    await acme.client.put(path, json=PERSON)
    await acme.client.put(path, json=PERSON)
    assert await told(acme) == [("person.created", one)]
    await acme.client.patch(path, json={"name": "Another"})
    await acme.client.patch(path, json={"name": "Another"})
    assert (await told(acme))[1:] == [("person.updated", one)]
    await acme.client.patch(path, json={"ends_on": "2026-12-31"})
    leaves = ("person.left", one | {"ends_on": "2026-12-31"})
    assert (await told(acme))[2:] == [leaves, ("person.updated", one)]
    await acme.client.patch(path, json={"ends_on": None})
    await acme.client.patch(path, json={"active": False})
    assert ("person.left", one | {"ends_on": None}) in await told(acme)
    assert len(await told(acme, "person.left")) == 2


async def test_a_batch_tells_of_each_person_it_changed(acme: Tenant) -> None:
    people = [PERSON | {"external_id": f"E-{number}"} for number in range(3)]
    await acme.client.post("/v1/people/batch", json={"items": people[:2]})
    people[0] |= {"name": "Another", "ends_on": "2026-12-31"}
    await acme.client.post("/v1/people/batch", json={"items": [*people, {"external_id": "..", "name": ""}]})
    names = [(event, data["external_id"]) for event, data in await told(acme)]
    assert names == [
        ("person.created", "E-0"),
        ("person.created", "E-1"),
        ("person.created", "E-2"),
        ("person.left", "E-0"),
        ("person.updated", "E-0"),
    ]


OPEN = {"mode": "anonymous", "access": "open"}


async def test_who_was_erased_is_told_of_once_and_in_nothing_else(acme: Tenant) -> None:
    for external_id in ("E-1", "E-2"):
        await acme.client.put(f"/v1/people/{external_id}", json=PERSON)
    survey = {"survey_id": await opened(acme.client, external_id="E-1", **OPEN), "external_id": "E-1"}
    for _ in range(2):
        await acme.client.post("/v1/people/E-1/erasure")
    assert await told(acme) == [
        ("person.created", {"external_id": "E-2"}),
        ("survey.opened", survey),
        ("person.erased", {"external_id": "E-1"}),
    ]


async def test_leavers_erased_in_time_are_told_of(acme: Tenant) -> None:
    await acme.client.put("/v1/people/E-1", json=PERSON | {"ends_on": "2022-03-01"})
    await acme.client.patch("/v1/organization", json={"retention": {"leavers_months": 12}})
    await retain_in(acme.database, acme.id)
    assert await told(acme) == [("person.erased", {"external_id": "E-1"})]


@pytest.mark.parametrize(
    ("content", "options", "status"),
    [
        (lines([PERSON | {"external_id": "E-1"}, {}]), {}, "finished"),
        (lines([PERSON | {"external_id": "E-1"}]), {"dry_run": True}, "finished"),
        (b"\xff", {"form": "csv"}, "failed"),
    ],
)
async def test_an_import_that_ended_is_told_of_once(
    content: bytes, options: Json, status: str, acme: Tenant
) -> None:
    import_id = await accepted(acme, content, **options)
    for _ in range(2):
        await run_import(acme.database, acme.id, UUID(import_id))
    assert (await acme.client.get(f"/v1/imports/{import_id}")).json()["status"] == status
    assert await told(acme, "import.") == [("import.finished", {"import_id": import_id})]


async def test_a_survey_opens_is_counted_closes_and_is_released(acme: Tenant) -> None:
    for number in range(6):
        await acme.client.put(f"/v1/people/E-{number}", json=PERSON)
    survey_id = await opened(acme.client, mode="confidential")
    for number in range(3):
        response = {"respondent": f"E-{number}", "answers": {"S01": 4, "E01": 4}}
        await acme.client.post(f"/v1/surveys/{survey_id}/responses", json=response)
    tomorrow = datetime.now(UTC) + A_NEW_DAY
    async with acme.database.tenant_session(acme.id) as session:
        await count_participation(session, tomorrow)
    async with acme.database.tenant_session(acme.id) as session:
        await count_participation(session, tomorrow)
    open_total = (await acme.client.get(f"/v1/surveys/{survey_id}/participation")).json()
    assert open_total["reasons"] == {"invited": "below_minimum", "responded": "below_minimum"}
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("UPDATE webhooks SET busy_until = 'infinity'"))
    await acme.work()
    which = {"survey_id": survey_id, "external_id": None}
    assert await told(acme, "survey.") == [
        ("survey.opened", which),
        ("survey.participation", {"survey_id": survey_id, **open_total}),
        ("survey.closed", which),
        ("survey.released", which | {"number": 1, "final": True}),
    ]


async def test_a_survey_that_is_withdrawn_is_told_of_once(acme: Tenant) -> None:
    survey_id = await opened(acme.client, external_id="autumn", **OPEN)
    for _ in range(2):
        await acme.client.post(f"/v1/surveys/{survey_id}/cancel")
    which = {"survey_id": survey_id, "external_id": "autumn"}
    assert await told(acme) == [("survey.opened", which), ("survey.cancelled", which)]


async def test_an_anonymous_response_touches_nothing_of_webhooks(acme: Tenant, queries: list[str]) -> None:
    await acme.client.put("/v1/people/E-1", json=PERSON)
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    queries.clear()
    sent = await acme.client.post(f"/v1/surveys/{survey_id}/responses", json={"answers": {"S01": 4}})
    assert sent.status_code == 201
    assert queries
    assert not [query for query in queries if "webhook" in query or "pgqueuer" in query]


async def test_recognition_is_told_of_without_a_word_or_a_name(acme: Tenant) -> None:
    for external_id in ("E-0007", "E-1042", "E-1050"):
        await acme.client.put(f"/v1/people/{external_id}", json=PERSON)
    body = EXAMPLES["create_recognition"] | {"visibility": "private"}
    made = [(await acme.client.post("/v1/recognitions", json=body)) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 200]
    recognition = {"recognition_id": made[0].json()["id"], "visibility": "private"}
    assert await told(acme, "recognition.") == [("recognition.created", recognition)]


async def test_a_day_is_told_of_once_where_its_person_is(acme: Tenant) -> None:
    for external_id, zone in (("E-1", "Asia/Tokyo"), ("E-2", "America/New_York"), ("E-3", "Asia/Tokyo")):
        await acme.client.put(f"/v1/people/{external_id}", json={"name": external_id, "time_zone": zone})
        visibility = "private" if external_id == "E-3" else "team"
        birthday = EXAMPLES["put_occasion"] | {"visibility": visibility, "month": 5, "day": 20}
        await acme.client.put(f"/v1/people/{external_id}/occasions/birthday", json=birthday)

    async def due(now: datetime) -> list[str]:
        for _ in range(2):
            async with acme.database.tenant_session(acme.id) as session:
                await tell_of_due(session, now)
        events = await told(acme, "occasion.")
        assert all(
            data == {"person": data["person"], "key": "birthday", "on": "2027-05-20"} for _, data in events
        )
        return [data["person"] for _, data in events]

    assert await due(datetime(2027, 5, 19, 14, 59, tzinfo=UTC)) == []
    assert await due(datetime(2027, 5, 19, 15, 0, tzinfo=UTC)) == ["E-1"]
    assert await due(datetime(2027, 5, 20, 3, 59, tzinfo=UTC)) == ["E-1"]
    assert sorted(await due(datetime(2027, 5, 20, 4, 0, tzinfo=UTC))) == ["E-1", "E-2"]


async def test_a_card_that_was_sent(acme: Tenant) -> None:
    person = {"name": "Noor", "email": "noor@example.com", "time_zone": "UTC"}
    await acme.client.put("/v1/people/E-1", json=person)
    birthday = EXAMPLES["put_occasion"] | {"visibility": "team", "month": 5, "day": 20}
    await acme.client.put("/v1/people/E-1/occasions/birthday", json=birthday)
    secret = birthday | {"kind": "custom", "label": "Ours alone", "visibility": "private"}
    await acme.client.put("/v1/people/E-1/occasions/secret", json=secret)
    day = datetime(2027, 5, 20, 12, tzinfo=UTC)
    async with acme.database.tenant_session(acme.id) as session:
        await plan_cards(session, day)
    await send_due(acme.database, acme.id, at(day))
    [card] = (await acme.client.get("/v1/cards")).json()["items"]
    assert card["status"] == "sent"
    assert await told(acme, "card.") == [("card.sent", {"card_id": card["id"]})]
