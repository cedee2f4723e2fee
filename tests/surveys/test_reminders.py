"""Reminders: to whom, when, once each; and nobody is told who, or how many, needed one."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.core.database import transaction_time
from app.surveys.invitations.reminders import rules
from app.surveys.invitations.reminders.jobs import remind_invited
from app.surveys.invitations.reminders.service import ask_again, start_next
from app.surveys.invitations.service import ask_again_for_mails
from tests.acceptance.process import environment_of
from tests.clock import next_year
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.sink import Sink
from tests.surveys.inviting import (
    MODES,
    PAGE,
    answer,
    ask,
    at_the_door,
    counted,
    employ,
    said,
    seen,
)
from tests.surveys.test_mailing import LINK, employed, token_in
from tests.surveys.test_surveys import draft, opened, respond
from tests.test_telemetry import change, samples
from tests.waiting import until
from tests.world import rows_of

CLOSING = f"{next_year()}-02-11T17:00:00Z"
THREE_DAYS = [{"days_before_close": 3}]
WITH_KEYS = ("confidential", "attributed")
NAMES = ("E-1", "E-2", "E-3")


async def invited(mailer: Tenant, sink: Sink, mode: str = "confidential", **members: Any) -> str:
    """A survey of which three people were mailed an invitation; the sink forgets that."""
    await employed(mailer.client, *NAMES)
    survey_id = await opened(mailer.client, name="Autumn", closes_at=CLOSING, **MODES[mode])
    issued = await ask(mailer.client, survey_id, people=list(NAMES), **members)
    assert issued.json()["mailed"] == 3, issued.text
    await mailer.work()
    return survey_id


def taken(sink: Sink) -> dict[str, Any]:
    """The mails there are, by recipient; the sink forgets them."""
    found = dict(sink.mails)
    assert len(found) == len(sink.mails), "each once"
    sink.mails.clear()
    return found


async def remind(api: ContractClient, survey_id: str, key: str | None = None, **words: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"json": words} if words else {}
    return await api.post(f"/v1/surveys/{survey_id}/invitations/remind", headers=headers, **body)


async def come_due(owner: asyncpg.Connection, mailer: Tenant) -> None:
    """Whatever is planned is due now, and what went out is of two days ago."""
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    await owner.execute(
        "UPDATE invitation_reminders SET started_at = started_at - interval '2 days',"
        " due_at = CASE WHEN started_at IS NULL THEN now() ELSE due_at - interval '2 days' END"
        " WHERE organization_id = $1",
        mailer.id,
    )
    async with mailer.database.tenant_session(mailer.id) as session:
        await ask_again(session)
    await mailer.work()


# ------------------------------------------------------------------ to whom


@pytest.mark.parametrize("mode", WITH_KEYS)
async def test_those_who_have_not_answered_get_their_link_again(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, mode, reminders=THREE_DAYS)
    first = taken(sink)
    assert (await answer(mailer, token_in(first["e-1@example.com"]))).status_code == 201
    assert (await respond(mailer.client, survey_id, respondent="E-2")).status_code == 201
    await come_due(owner, mailer)
    ((recipient, message),) = taken(sink).items()
    assert recipient == "e-3@example.com"
    assert token_in(message) == token_in(first["e-3@example.com"]), "one link, in both mails"
    assert message["Subject"] == f"Until 11 February {next_year()}: Autumn"
    assert "Nobody at Acme is told who gets this reminder." in said(message)
    assert f"You can take part until 11 February {next_year()} at 18:00." in said(message)
    assert f'href="{PAGE}#{token_in(message)}"' in said(message, "html")
    assert message["References"] == first["e-3@example.com"]["Message-ID"]
    assert message["Message-ID"] != first["e-3@example.com"]["Message-ID"]
    assert (await answer(mailer, token_in(message))).status_code == 201
    await mailer.work_later()
    assert sink.mails == []


@pytest.mark.nightly
async def test_of_an_anonymous_survey_everybody_is_reminded_and_told_why(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employ(mailer.client, "E-nl", email="e-nl@example.com", locale="nl")
    survey_id = await invited(mailer, sink, "anonymous", reminders=THREE_DAYS)
    await ask(mailer.client, survey_id, people=["E-nl"], reminders=THREE_DAYS)
    await mailer.work()
    first = taken(sink)
    assert (await answer(mailer, token_in(first["e-1@example.com"]))).status_code == 201
    await come_due(owner, mailer)
    mails = taken(sink)
    assert sorted(mails) == sorted(first)
    for recipient, message in mails.items():
        assert not LINK.search(message.as_string())
        assert "://" not in said(message)
        assert message["References"] == message["In-Reply-To"] == first[recipient]["Message-ID"]
    english, dutch = said(mails["e-1@example.com"]), said(mails["e-nl@example.com"])
    assert "nobody can see who has taken part. That is why everybody gets this reminder" in english
    assert "Use the link in our mail of " in english
    assert "Daarom krijgt iedereen deze herinnering" in dutch
    assert mails["e-nl@example.com"]["Subject"] == f"Nog tot en met 11 februari {next_year()}: Autumn"
    for message in first.values():
        assert (await answer(mailer, token_in(message))).status_code in (201, 409), "the first link stands"


OWN = {
    "subject": {"en": "{name}: {survey} closes on {closes_on}"},
    "text": {"en": "Dear {name},\n\nStill time until {closes_on}.\n\n{link}\n\nThe <board>"},
}


@pytest.mark.nightly
@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("mode", WITH_KEYS)
async def test_a_reminder_says_what_the_organisation_wrote(
    mode: str, by_hand: bool, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, mode, reminder=OWN, reminders=None if by_hand else THREE_DAYS)
    first = taken(sink)
    assert first["e-1@example.com"]["Subject"] == "Acme would like to hear from you: Autumn"
    await (remind(mailer.client, survey_id) if by_hand else come_due(owner, mailer))
    await mailer.work()
    day = f"11 February {next_year()}"
    message = taken(sink)["e-1@example.com"]
    assert message["Subject"] == f"E-1: Autumn closes on {day}"
    link = f"{PAGE}#{token_in(first['e-1@example.com'])}"
    assert said(message).startswith(f"Dear E-1,\n\nStill time until {day}.\n\n{link}\n\nThe <board>\n\n")
    assert "Nobody at Acme is told who gets this reminder." in said(message), "ours, whatever they write"
    assert f"You can take part until {day} at 18:00." in said(message)
    assert said(message, "html").count(link) == 1, "a button"
    assert "The &lt;board&gt;" in said(message, "html")


@pytest.mark.nightly
async def test_of_an_anonymous_survey_own_words_do_not_hide_why(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    words = {"text": {"nl": "Beste {name},\n\nKom je nog?"}}
    await invited(mailer, sink, "anonymous", reminder=words, reminders=THREE_DAYS)
    taken(sink)
    await come_due(owner, mailer)
    message = taken(sink)["e-1@example.com"]
    assert message["Content-Language"] == "nl", "no mail in two languages"
    assert message["Subject"] == f"Nog tot en met 11 februari {next_year()}: Autumn"
    assert said(message).startswith("Beste E-1,\n\nKom je nog?\n\nHeb je al meegedaan?")
    assert "Daarom krijgt iedereen deze herinnering" in said(message)
    assert not LINK.search(message.as_string())


@pytest.mark.nightly
async def test_each_is_reminded_in_the_words_of_their_own_mailing(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-4")
    survey_id = await invited(mailer, sink, reminder=OWN)
    await ask(mailer.client, survey_id, people=["E-4"])
    await mailer.work()
    taken(sink)
    await remind(mailer.client, survey_id)
    await mailer.work()
    mails = taken(sink)
    assert mails["e-1@example.com"]["Subject"].startswith("E-1: Autumn closes")
    assert mails["e-4@example.com"]["Subject"] == f"Until 11 February {next_year()}: Autumn"


@pytest.mark.nightly
async def test_a_reminder_by_hand_may_have_words_of_its_own(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, reminder=OWN)
    taken(sink)
    words = {"subject": {"en": "The last day, {name}"}, "text": {"en": "It is now or never:\n\n{link}"}}
    assert (await remind(mailer.client, survey_id, **words)).status_code == 201
    await mailer.work()
    message = taken(sink)["e-1@example.com"]
    assert message["Subject"] == "The last day, E-1"
    assert said(message).startswith("It is now or never:\n\nhttps://")
    assert "Nobody at Acme is told who gets this reminder." in said(message), "ours, whatever they write"
    await come_due(owner, mailer)
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await mailer.work()
    assert taken(sink)["e-1@example.com"]["Subject"].startswith("E-1: Autumn closes"), "of one time alone"


@pytest.mark.nightly
async def test_of_an_anonymous_survey_words_by_hand_do_not_hide_why_either(
    mailer: Tenant, sink: Sink
) -> None:
    survey_id = await invited(mailer, sink, "anonymous")
    taken(sink)
    await remind(mailer.client, survey_id, text={"nl": "Kom je nog?"})
    await mailer.work()
    message = taken(sink)["e-1@example.com"]
    assert said(message).startswith("Kom je nog?\n\nHeb je al meegedaan?")
    assert not LINK.search(message.as_string())


@pytest.mark.parametrize(
    ("mode", "words", "place", "code"),
    [
        ("confidential", {"text": {"en": "Come"}}, "#/text/en", "link_missing"),
        ("confidential", {"text": {"en": "{nmae} {link}"}}, "#/text/en", "unknown_placeholder"),
        ("confidential", {"text": {"en": "{name {link}"}}, "#/text/en", "unknown_placeholder"),
        ("confidential", {"subject": {"nl": "{link}"}}, "#/subject/nl", "unknown_placeholder"),
        ("anonymous", {"text": {"en": "{link}"}}, "#/text/en", "unknown_placeholder"),
        ("confidential", {"text": {"fr": "{link}"}}, "#/text/fr", "invalid_value"),
        ("confidential", {"reminder": {}}, "#/reminder", "unknown_field"),
    ],
)
async def test_words_by_hand_are_refused_as_others_are_and_nobody_is_reminded(
    mode: str, words: dict[str, Any], place: str, code: str, mailer: Tenant, sink: Sink
) -> None:
    survey_id = await invited(mailer, sink, mode)
    taken(sink)
    refused = await remind(mailer.client, survey_id, **words)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"][0]["pointer"] == place
    await mailer.work()
    assert sink.mails == []
    assert (await remind(mailer.client, survey_id)).status_code == 201, "it was none"


async def test_of_a_survey_that_may_stay_open_words_by_hand_name_no_day(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, *NAMES)
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id, people=list(NAMES))
    await mailer.work()
    refused = await remind(mailer.client, survey_id, text={"en": "Until {closes_on}: {link}"})
    assert (refused.status_code, refused.json()["code"]) == (422, "no_closing_date")


@pytest.mark.nightly
async def test_whoever_may_change_their_answers_is_not_reminded_of_giving_some(
    mailer: Tenant, sink: Sink
) -> None:
    """Their link stands, and they have answered."""
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client, closes_at=CLOSING, allow_changes=True)
    await ask(mailer.client, survey_id, people=["E-1", "E-2"])
    await mailer.work()
    first = taken(sink)
    assert (await answer(mailer, token_in(first["e-1@example.com"]))).status_code == 201
    await remind(mailer.client, survey_id)
    await mailer.work()
    assert list(taken(sink)) == ["e-2@example.com"]


@pytest.mark.nightly
@pytest.mark.parametrize("mode", MODES)
async def test_whoever_left_or_was_erased_gets_none(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await invited(mailer, sink, mode, reminders=THREE_DAYS)
    taken(sink)
    await mailer.client.patch("/v1/people/E-1", json={"ends_on": "2026-01-31"})
    assert (await mailer.client.post("/v1/people/E-2/erasure")).is_success
    await come_due(owner, mailer)
    assert list(taken(sink)) == ["e-3@example.com"]


@pytest.mark.nightly
async def test_whoever_is_erased_while_their_reminder_waits_gets_none(mailer: Tenant, sink: Sink) -> None:
    survey_id = await invited(mailer, sink)
    taken(sink)
    sink.refusals = {"e-2@example.com": "451 come again"}
    await remind(mailer.client, survey_id)
    await mailer.work()
    assert sorted(taken(sink)) == ["e-1@example.com", "e-3@example.com"]
    sink.refusals = {}
    assert (await mailer.client.post("/v1/people/E-2/erasure")).is_success
    await mailer.work_later()
    assert sink.mails == []


@pytest.mark.nightly
@pytest.mark.parametrize(("mode", "reached"), [("confidential", 2), ("attributed", 2), ("anonymous", 3)])
async def test_who_writes_an_address_does_not_learn_who_is_silent(
    mode: str, reached: int, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """Nor gets the link of another. Of an anonymous survey a reminder says nothing, and has none."""
    await invited(mailer, sink, mode, reminders=THREE_DAYS)
    taken(sink)
    await mailer.client.patch("/v1/people/E-1", json={"email": "spy@example.com"})
    await come_due(owner, mailer)
    found = {recipient for recipient, message in sink.mails if message["References"]}
    assert len(found) == reached
    assert ("spy@example.com" in found) == (mode == "anonymous")


@pytest.mark.nightly
async def test_only_whose_invitation_was_mailed_is_reminded(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink)
    await employed(mailer.client, "E-4")
    await ask(mailer.client, survey_id, send=False)
    taken(sink)
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await mailer.work()
    assert len(taken(sink)) == 3


# ------------------------------------------------------------------ nobody is told


@pytest.mark.nightly
@pytest.mark.parametrize("mode", MODES)
async def test_nothing_that_is_told_or_kept_depends_on_who_answered(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, mode, reminders=THREE_DAYS)
    first = taken(sink)
    told = await seen(mailer.client, survey_id)
    assert told["counts"] == {"planned": 0, "mailed": 3, "refused": 0, "bounced": 0}
    await answer(mailer, token_in(first["e-1@example.com"]))
    assert await seen(mailer.client, survey_id) == told
    before = await samples(mailer.client)
    await come_due(owner, mailer)
    after = await samples(mailer.client)
    for name, labels in (
        ("betrokken_mails_total", {"outcome": "sent"}),
        ("betrokken_survey_mails_total", {"kind": "reminder", "outcome": "sent"}),
    ):
        assert change(before, after, name, **labels) == 3, "whoever needed none is counted alike"
    reminded = await seen(mailer.client, survey_id)
    assert [one["status"] for one in reminded["reminders"]] == ["sent"]
    assert {**reminded, "reminders": None} == {**told, "reminders": None}
    rows = await owner.fetch(
        "SELECT person_seal, held_until FROM invitation_reminder_mails WHERE survey_id = $1", UUID(survey_id)
    )
    assert [tuple(row) for row in rows] == [(None, None)] * 3


@pytest.mark.parametrize("mode", MODES)
async def test_no_token_can_be_read_from_what_is_kept(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, mode, reminders=THREE_DAYS)
    kept = await rows_of(owner, str(mailer.id))
    told = json.dumps([rows for table, rows in kept.items() if "invitation" in table])
    for message in taken(sink).values():
        assert token_in(message)[70:] not in told
    assert "@example.com" not in told
    rows = await owner.fetch(
        "SELECT nonce, kept_nonce, person_seal FROM invitation_deliveries WHERE survey_id = $1",
        UUID(survey_id),
    )
    assert {row["kept_nonce"] is None for row in rows} == {mode == "anonymous"}
    assert {(row["nonce"], row["person_seal"]) for row in rows} == {(None, None)}


@pytest.mark.nightly
async def test_what_failed_is_told_to_whoever_may(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, *NAMES)
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    sink.refusals = {"e-1@example.com": "550 no such mailbox"}
    await ask(mailer.client, survey_id, people=["E-1", "E-2"])
    await mailer.work()
    sink.data_answer = "554 given back"
    await ask(mailer.client, survey_id, people=["E-3"])
    await mailer.work()
    told = await seen(mailer.client, survey_id)
    assert told["counts"] == {"planned": 0, "mailed": 1, "refused": 1, "bounced": 1}
    assert [(one["person"], one["address"], one["failure"]) for one in told["failed"]] == [
        ("E-3", "e-3@example.com", "bounced"),
        ("E-1", "e-1@example.com", "refused"),
    ]
    lesser = await seen(await mailer.client_with("surveys:read"), survey_id)
    assert lesser == {**told, "failed": None}
    await mailer.client.patch("/v1/people/E-1", json={"email": "right@example.com"})
    assert (await seen(mailer.client, survey_id))["failed"][1]["address"] is None, "not the one that failed"
    assert (await mailer.client.post("/v1/people/E-3/erasure")).is_success
    left = await seen(mailer.client, survey_id)
    assert (left["counts"]["bounced"], [one["person"] for one in left["failed"]]) == (0, ["E-1"])
    sink.data_answer, sink.refusals = None, {}
    assert (await ask(mailer.client, survey_id, people=["E-1"])).json()["mailed"] == 1
    assert (await counted(mailer.client, survey_id))["planned"] == 1


async def test_the_state_of_what_is_planned_is_told(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, *NAMES)
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    await ask(mailer.client, survey_id, people=list(NAMES), send_at=at.isoformat(), reminders=THREE_DAYS)
    told = await seen(mailer.client, survey_id)
    assert told["counts"] == {"planned": 3, "mailed": 0, "refused": 0, "bounced": 0}
    assert datetime.fromisoformat(told["next_mailing_at"]) == at


async def test_the_state_of_an_open_survey_alone_is_told(mailer: Tenant) -> None:
    api = mailer.client
    closed, cancelled = await opened(api), await opened(api)
    await api.post(f"/v1/surveys/{closed}/close")
    await api.post(f"/v1/surveys/{cancelled}/cancel")
    anybody = await opened(api, mode="anonymous", access="open")
    for survey_id, code in (
        (await draft(api), "survey_not_open"),
        (closed, "survey_not_open"),
        (cancelled, "survey_cancelled"),
        (anybody, "not_by_invitation"),
    ):
        for refused in (
            await api.get(f"/v1/surveys/{survey_id}/invitations"),
            await remind(api, survey_id),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, code)


# ------------------------------------------------------------------ when


@pytest.mark.parametrize(
    ("closes_at", "days", "due"),
    [
        ("2027-02-11T17:00:00+00:00", 3, "2027-02-08T07:00:00+00:00"),
        ("2027-02-11T00:00:00+01:00", 0, "2027-02-10T07:00:00+00:00"),
        ("2027-03-29T12:00:00+02:00", 1, "2027-03-28T06:00:00+00:00"),
    ],
)
def test_a_reminder_comes_in_the_morning_of_its_day(closes_at: str, days: int, due: str) -> None:
    moment = datetime.fromisoformat(closes_at)
    assert rules.due_before_close(days, moment, "08:00", "Europe/Amsterdam") == datetime.fromisoformat(due)


def test_a_reminder_after_the_invitation_counts_days_of_the_place() -> None:
    invited_at = datetime(2027, 2, 1, 23, 30, tzinfo=UTC)
    due = rules.due_after_invitation(2, invited_at, "08:00", "Europe/Amsterdam")
    assert due == datetime(2027, 2, 4, 7, tzinfo=UTC)


async def test_reminders_move_with_the_closing(mailer: Tenant, sink: Sink, owner: asyncpg.Connection) -> None:
    reminders = [{"days_before_close": 3}, {"days_after_invitation": 2}]
    survey_id = await invited(mailer, sink, reminders=reminders)
    taken(sink)
    by_rule = {one["days_before_close"]: one for one in (await seen(mailer.client, survey_id))["reminders"]}
    assert by_rule[3]["send_at"] == f"{next_year()}-02-08T07:00:00Z"
    later = f"{next_year()}-05-11T17:00:00Z"
    patched = await mailer.client.patch(f"/v1/surveys/{survey_id}", json={"closes_at": later})
    assert patched.status_code == 200
    moved = {one["days_before_close"]: one for one in (await seen(mailer.client, survey_id))["reminders"]}
    assert moved[3]["send_at"] == f"{next_year()}-05-08T06:00:00Z"
    assert moved[None] == by_rule[None]
    await mailer.work_later()
    assert sink.mails == [], "the job of the earlier time finds nothing due"
    await come_due(owner, mailer)
    assert len(taken(sink)) == 3
    again = f"{next_year()}-08-11T17:00:00Z"
    await mailer.client.patch(f"/v1/surveys/{survey_id}", json={"closes_at": again})
    await mailer.work_later()
    assert sink.mails == [], "what was sent is not sent again"


@pytest.mark.parametrize("end", ["close", "cancel"])
async def test_none_comes_once_the_survey_has_ended(
    end: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, reminders=THREE_DAYS)
    taken(sink)
    sink.refusals = {"e-2@example.com": "451 come again"}
    await remind(mailer.client, survey_id)
    await mailer.work()
    taken(sink)
    sink.refusals = {}
    assert (await mailer.client.post(f"/v1/surveys/{survey_id}/{end}")).status_code == 200
    kept = await rows_of(owner, str(mailer.id))
    assert kept["invitation_reminders"] == kept["invitation_reminder_mails"] == []
    assert kept["invitation_mailings"] == kept["invitation_deliveries"] == []
    await mailer.work_later()
    assert sink.mails == []


@pytest.mark.parametrize(
    ("reminders", "code"),
    [
        ([{}], "rule_of_reminder"),
        ([{"days_before_close": 1, "days_after_invitation": 1}], "rule_of_reminder"),
        ([{"days_before_close": 365}], "reminder_before_invitation"),
        ([{"days_after_invitation": 0}], "reminder_before_invitation"),
        ([{"days_after_invitation": 365}], "after_closing"),
        ([{"days_before_close": 3}, {"days_before_close": 3}], "reminders_on_one_day"),
        ([{"days_before_close": -1}], "invalid_value"),
        ([{"days_before_close": 1.5}], "invalid_value"),
        ([{"hours": 3}], "unknown_field"),
        ([{"days_before_close": day} for day in range(6)], "invalid_value"),
    ],
)
async def test_what_cannot_be_a_reminder(reminders: list[dict[str, Any]], code: str, mailer: Tenant) -> None:
    await employed(mailer.client, "E-1")
    soon = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    survey_id = await opened(mailer.client, closes_at=soon)
    refused = await ask(mailer.client, survey_id, reminders=reminders)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    assert refused.json()["errors"][0]["pointer"].startswith("#/reminders")
    assert (await seen(mailer.client, survey_id))["reminders"] == []


async def test_without_a_closing_date_nothing_comes_before_it(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client)
    refused = await ask(mailer.client, survey_id, reminders=THREE_DAYS)
    assert (refused.status_code, refused.json()["code"]) == (422, "no_closing_date")
    given = await ask(mailer.client, survey_id, send=False, reminders=THREE_DAYS)
    assert (given.status_code, given.json()["code"]) == (422, "not_mailed")


# ------------------------------------------------------------------ by hand


@pytest.mark.nightly
async def test_a_reminder_by_hand_comes_at_once_and_once_a_day(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink)
    taken(sink)
    done = await remind(mailer.client, survey_id, "k")
    assert (done.status_code, done.json()["status"]) == (201, "planned"), done.text
    again = await remind(mailer.client, survey_id, "k")
    assert (again.status_code, again.json()) == (201, done.json())
    assert again.headers["idempotent-replayed"] == "true"
    soon = await remind(mailer.client, survey_id)
    assert (soon.status_code, soon.json()["code"]) == (409, "reminded_lately")
    await mailer.work()
    assert len(taken(sink)) == 3
    assert (await remind(mailer.client, survey_id)).json()["code"] == "reminded_lately"
    await come_due(owner, mailer)
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await mailer.work()
    assert len(taken(sink)) == 3


async def test_nobody_is_reminded_twice_within_a_day(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, reminders=[{"days_before_close": 3}, {"days_before_close": 1}])
    taken(sink)
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await mailer.work()
    assert len(taken(sink)) == 3
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    await owner.execute(
        "UPDATE invitation_reminders SET due_at = now() WHERE organization_id = $1", mailer.id
    )
    await mailer.work_later()
    assert sink.mails == []
    assert {one["status"] for one in (await seen(mailer.client, survey_id))["reminders"]} == {"sent"}


async def test_racing_reminders_are_one(mailer: Tenant, sink: Sink) -> None:
    survey_id = await invited(mailer, sink)
    taken(sink)
    answers = await asyncio.gather(*(remind(mailer.client, survey_id) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    keyed = await asyncio.gather(*(remind(mailer.client, survey_id, "k") for _ in range(3)))
    assert {one.json()["code"] for one in keyed} <= {"reminded_lately", "idempotency_in_progress"}
    await mailer.work()
    assert len(taken(sink)) == 3


async def test_there_must_be_something_to_remind_of(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client)
    refused = await remind(mailer.client, survey_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_mailed")


@pytest.mark.nightly
@pytest.mark.parametrize("mode", MODES)
async def test_invitations_from_before_there_were_reminders_hold_up_no_other(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """Whose mail went out before an upgrade: when, and with which link, nobody wrote down."""
    survey_id = await invited(mailer, sink, mode)
    taken(sink)
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    await owner.execute(
        "UPDATE invitation_deliveries SET settled_at = NULL, kept_nonce = NULL WHERE organization_id = $1",
        mailer.id,
    )
    refused = await remind(mailer.client, survey_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_mailed")
    if mode == "anonymous":
        return
    assert (await ask(mailer.client, survey_id, people=["E-1"])).json()["mailed"] == 1
    await mailer.work()
    taken(sink)
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await mailer.work_later()
    assert list(taken(sink)) == ["e-1@example.com"]


@pytest.mark.nightly
@pytest.mark.parametrize("mode", MODES)
async def test_a_reminder_that_was_begun_for_such_an_invitation_ends(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink, mode)
    taken(sink)
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    async with mailer.database.tenant_session(mailer.id) as session:
        now = await transaction_time(session)
        await start_next(session, UUID(survey_id), mailer.database.keyring, now)
    await owner.execute(
        "UPDATE invitation_deliveries SET settled_at = NULL, kept_nonce = NULL WHERE organization_id = $1",
        mailer.id,
    )
    await remind_invited(mailer.database, mailer.id, UUID(survey_id))
    assert sink.mails == []


async def test_a_reminder_needs_a_mail_server(acme: Tenant) -> None:
    refused = await remind(acme.client, await opened(acme.client))
    assert (refused.status_code, refused.json()["code"]) == (422, "mail_not_set_up")


# ------------------------------------------------------------------ with a link that is still to be mailed


async def planned_again(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection, mode: str, **members: Any
) -> tuple[str, str]:
    """A survey, and the link of somebody who is to be mailed another in two days."""
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client, name="Autumn", closes_at=CLOSING, mode=mode, **members)
    await ask(mailer.client, survey_id, people=["E-1"])
    await mailer.work()
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert (await ask(mailer.client, survey_id, people=["E-1"], send_at=at)).json()["mailed"] == 1
    await mailer.work_later()
    return survey_id, token_in(taken(sink)["e-1@example.com"])


async def when_its_time_has_come(mailer: Tenant, owner: asyncpg.Connection) -> None:
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    await owner.execute(
        "UPDATE invitation_mailings SET send_at = now() WHERE organization_id = $1", mailer.id
    )
    async with mailer.database.tenant_session(mailer.id) as session:
        await ask_again_for_mails(session)
    await mailer.work()


async def opens(mailer: Tenant, token: str) -> bool:
    return (await at_the_door(mailer, token).get("/v1/respond")).status_code == 200


@pytest.mark.nightly
@pytest.mark.parametrize("members", [{}, {"allow_changes": True}])
@pytest.mark.parametrize("mode", WITH_KEYS)
async def test_a_link_works_until_the_mail_of_the_next_has_gone_out(
    mode: str, members: dict[str, Any], mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    _, older = await planned_again(mailer, sink, owner, mode, **members)
    assert await opens(mailer, older)
    sink.refusals = {"e-1@example.com": "451 come again"}
    await when_its_time_has_come(mailer, owner)
    assert await opens(mailer, older), "nobody has the newer one yet"
    sink.refusals = {}
    await mailer.work_later()
    newer = token_in(taken(sink)["e-1@example.com"])
    assert newer != older
    assert not await opens(mailer, older)
    assert (await answer(mailer, newer)).status_code == 201


@pytest.mark.nightly
@pytest.mark.parametrize("refusal", [None, "550 no such mailbox"])
async def test_a_link_stays_where_the_mail_of_the_next_reaches_nobody(
    refusal: str | None, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id, older = await planned_again(mailer, sink, owner, "confidential")
    if refusal is None:
        await mailer.client.patch("/v1/people/E-1", json={"email": "spy@example.com"})
    else:
        sink.refusals = {"e-1@example.com": refusal}
    await when_its_time_has_come(mailer, owner)
    assert not [message for _, message in sink.mails if LINK.search(said(message))]
    assert (await counted(mailer.client, survey_id))["planned"] == 0
    assert (await answer(mailer, older)).status_code == 201


@pytest.mark.nightly
async def test_who_has_no_newer_link_is_reminded_with_the_one_they_have(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id, older = await planned_again(mailer, sink, owner, "confidential")
    await mailer.client.patch("/v1/people/E-1", json={"email": None})
    await when_its_time_has_come(mailer, owner)
    await owner.execute(
        "UPDATE people SET email = 'e-1@example.com', email_since = now() - interval '40 days'"
        " WHERE organization_id = $1",
        mailer.id,
    )
    sink.mails.clear()
    assert (await remind(mailer.client, survey_id)).status_code == 201
    await mailer.work_later()
    assert token_in(taken(sink)["e-1@example.com"]) == older


async def test_a_link_that_is_shown_or_a_code_takes_the_place_of_one_that_waits(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client, closes_at=CLOSING, mode="confidential")
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    given = {"E-1": {"send": False}, "E-2": {"form": "codes"}}
    for name, members in given.items():
        await ask(mailer.client, survey_id, people=[name], send_at=at)
        shown = (await ask(mailer.client, survey_id, people=[name], **members)).json()["invitations"]
        await when_its_time_has_come(mailer, owner)
        assert (await answer(mailer, shown[0]["token"])).status_code == 201
    assert sink.mails == []


# ------------------------------------------------------------------ once each


@pytest.mark.nightly
async def test_two_workers_remind_each_once(mailer: Tenant, sink: Sink) -> None:
    survey_id = UUID(await invited(mailer, sink))
    taken(sink)
    await remind(mailer.client, str(survey_id))
    workers = (remind_invited(mailer.database, mailer.id, survey_id) for _ in range(3))
    await asyncio.gather(*workers, return_exceptions=True)
    assert len(taken(sink)) == 3
    await remind_invited(mailer.database, mailer.id, survey_id)
    assert sink.mails == []


@pytest.mark.nightly
async def test_a_reminder_cut_off_after_it_was_taken_comes_again_as_the_same_mail(
    mailer: Tenant, sink: Sink
) -> None:
    survey_id = UUID(await invited(mailer, sink))
    taken(sink)
    await remind(mailer.client, str(survey_id))
    sink.hold = asyncio.Event()
    sending = asyncio.create_task(remind_invited(mailer.database, mailer.id, survey_id))
    await until(lambda: bool(sink.mails))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    sink.hold.set()
    await remind_invited(mailer.database, mailer.id, survey_id)
    ids = [message["Message-ID"] for _, message in sink.mails]
    assert (len(ids), len(set(ids))) == (4, 3)


@pytest.mark.nightly
async def test_a_server_that_cannot_be_reached_loses_no_reminder(mailer: Tenant, sink: Sink) -> None:
    survey_id = UUID(await invited(mailer, sink))
    taken(sink)
    await remind(mailer.client, str(survey_id))
    settings = mailer.database.settings
    mailer.database.settings = settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:1")})
    with pytest.raises(OSError):  # noqa: PT011 whichever the system gives
        await remind_invited(mailer.database, mailer.id, survey_id)
    mailer.database.settings = settings
    await mailer.work()
    assert len(taken(sink)) == 3


@pytest.mark.nightly
async def test_reminders_whose_job_is_gone_are_asked_for_again(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    survey_id = await invited(mailer, sink)
    taken(sink)
    await remind(mailer.client, survey_id)
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = 'remind_invited'")
    await mailer.work()
    assert sink.mails == []
    async with mailer.database.tenant_session(mailer.id) as session:
        await ask_again(session)
    await mailer.work()
    assert len(taken(sink)) == 3


@pytest.mark.nightly
async def test_another_link_since_is_the_one_that_is_sent_again(mailer: Tenant, sink: Sink) -> None:
    survey_id = await invited(mailer, sink)
    old = taken(sink)
    await ask(mailer.client, survey_id, people=["E-1"])
    await mailer.work()
    new = taken(sink)
    await remind(mailer.client, survey_id)
    await mailer.work()
    found = taken(sink)
    assert token_in(found["e-1@example.com"]) == token_in(new["e-1@example.com"])
    assert token_in(found["e-2@example.com"]) == token_in(old["e-2@example.com"])


async def killed_at(sink: Sink, mailer: Tenant, database_url: str, number: int) -> None:
    """A worker of its own mails until the server has taken so many, and dies before it hears of the last."""
    taken_before = len(sink.mails)
    sink.hold_after = taken_before + number
    sink.hold = asyncio.Event()
    environment = environment_of(database_url) | {
        "BETROKKEN_SMTP_URL": sink.url,
        "BETROKKEN_MAIL_FROM": "survey@example.com",
        "BETROKKEN_RESPOND_URL": PAGE,
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "worker", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: len(sink.mails) >= taken_before + number)
    finally:
        worker.kill()
        await worker.wait()
    sink.hold.set()
    sink.hold = None


@pytest.mark.nightly  # kills
@pytest.mark.parametrize("mode", ["anonymous", "confidential"])
async def test_kill_9_in_the_middle_of_mailing_loses_and_doubles_nothing(
    mode: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection, database_url: str
) -> None:
    """A mail that the server had taken, unheard, comes again when its lease has ended, as the same mail."""
    people = [f"E-{number}" for number in range(8)]
    await employed(mailer.client, *people)
    survey_id = await opened(mailer.client, closes_at=CLOSING, **MODES[mode])
    await ask(mailer.client, survey_id, people=people)
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    for step, table in ((None, "invitation_deliveries"), (remind, "invitation_reminder_mails")):
        if step is not None:
            assert (await step(mailer.client, survey_id)).status_code == 201
        await killed_at(sink, mailer, database_url, 3)
        assert await owner.fetchval(
            f"SELECT count(*) FROM {table} WHERE held_until > now() AND organization_id = $1", mailer.id
        )
        await owner.execute(f"UPDATE {table} SET held_until = NULL WHERE organization_id = $1", mailer.id)
        async with mailer.database.system_session(reason="test") as session:
            await session.execute(text("UPDATE pgqueuer SET status = 'queued' WHERE status = 'picked'"))
        await mailer.work_later()
        ids: dict[str, list[str]] = {}
        for recipient, message in sink.mails:
            ids.setdefault(recipient, []).append(message["Message-ID"])
        assert len(ids) == len(people)
        assert {len(set(one)) for one in ids.values()} == {1}
        assert sorted(len(one) for one in ids.values()) == [1] * 7 + [2], "one was taken and not noted"
        if step is None:
            for message in dict(sink.mails).values():
                door = at_the_door(mailer, token_in(message))
                assert (await door.get("/v1/respond")).status_code == 200
        sink.mails.clear()
