"""Invitations in an organisation's own words, previewed, and mailed at a time of its choice."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.mail.letters import Letter, html_of, paragraphs, text_of
from app.surveys.invitations.service import ask_again_for_mails
from tests.clock import next_year
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.sink import Sink
from tests.surveys.inviting import HOME, MODES, PAGE, answer, ask, employ, said
from tests.surveys.test_mailing import token_in
from tests.surveys.test_surveys import draft, opened
from tests.world import rows_of

CLOSING = f"{next_year()}-02-01T17:00:00Z"
OWN = {
    "subject": {"en": "{survey}, until {closes_on}", "nl": "{survey}, tot en met {closes_on}"},
    "text": {
        "en": 'Dear {name},\n\nHow is {survey}?\nPlease say so.\n\n{link}\n\nThe board <of> "us"',
        "nl": "Beste {name},\n\nZeg het via {link}, voor {closes_on}.",
    },
}
OWN_TEXT = {"text": {"en": "Hi\n\n{link}", "nl": "Hoi\n\n{link}"}}


async def preview(api: ContractClient, survey_id: str, **members: Any) -> httpx.Response:
    return await api.post(f"/v1/surveys/{survey_id}/invitations/preview", json=members)


async def test_a_mail_says_what_the_organisation_wrote(mailer: Tenant, sink: Sink) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    await employ(mailer.client, "E-2", email="e-2@example.com", locale="nl")
    survey_id = await opened(mailer.client, name="Autumn & more", closes_at=CLOSING)
    assert (await ask(mailer.client, survey_id, **OWN)).json()["mailed"] == 2
    await mailer.work()
    mails = dict(sink.mails)
    english, dutch = mails["e-1@example.com"], mails["e-2@example.com"]
    day = f"February {next_year()}"
    assert english["Subject"] == f"Autumn & more, until 1 {day}"
    assert dutch["Subject"] == f"Autumn & more, tot en met 1 februari {next_year()}"
    link = f"{PAGE}#{token_in(english)}"
    assert said(english).startswith(
        f'Dear E-1,\n\nHow is Autumn & more?\nPlease say so.\n\n{link}\n\nThe board <of> "us"\n\n'
    )
    assert f"You can take part until 1 {day} at 18:00.\n" in said(english)
    page = said(english, "html")
    assert "Dear E-1," in page
    assert "How is Autumn &amp; more?" in page
    assert "The board &lt;of&gt;" in page
    assert page.count(link) == 1, "a button"
    assert f"via {PAGE}#{token_in(dutch)}, voor 1 februari" in said(dutch)
    assert said(dutch, "html").count(f"{PAGE}#{token_in(dutch)}") == 2, "a link in its sentence"
    for message in (english, dutch):
        assert (await answer(mailer, token_in(message))).status_code == 201


async def test_nobody_reads_a_mail_in_two_languages(mailer: Tenant, sink: Sink) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    await ask(mailer.client, survey_id, text={"nl": "Kom je?\n\n{link}"})
    await mailer.work()
    ((_, message),) = sink.mails
    assert message["Content-Language"] == "nl"
    assert message["Subject"].startswith("Acme hoort graag")
    assert "Je kunt meedoen tot" in said(message)


async def test_a_text_of_ones_own_adds_no_header_and_no_element(mailer: Tenant, sink: Sink) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    survey_id = await opened(mailer.client, name="{link} {name} <b>")
    body = "<script>x</script> {survey}\r\n\r\n{link}"
    await ask(
        mailer.client, survey_id, subject={"en": "Hi {name}\r\nBcc: all@example.com"}, text={"en": body}
    )
    await mailer.work()
    ((_, message),) = sink.mails
    assert message["Subject"] == "Hi E-1 Bcc: all@example.com"
    assert message["Bcc"] is None
    assert "<script>x</script> {link} {name} <b>\n" in said(message)
    assert "<script" not in said(message, "html")
    assert "{link} {name} &lt;b&gt;" in said(message, "html")


UNMAILABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"text": {"en": "{link} {nmae}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link} {Name}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link} { name }"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link} {}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link} {organization}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link} {name.email}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link}", "nl": "{naam} {link}"}}, "#/text/nl", "unknown_placeholder"),
    ({"text": {"en": "{{link}}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{name {link}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "name} {link}"}}, "#/text/en", "unknown_placeholder"),
    ({"text": {"en": "{link} {"}}, "#/text/en", "unknown_placeholder"),
    ({"subject": {"nl": "{survey"}}, "#/subject/nl", "unknown_placeholder"),
    ({"reminder": {"text": {"nl": "{link} }"}}}, "#/reminder/text/nl", "unknown_placeholder"),
    ({"subject": {"en": "{link}"}}, "#/subject/en", "unknown_placeholder"),
    ({"subject": {"nl": "{datum}"}}, "#/subject/nl", "unknown_placeholder"),
    ({"text": {"en": "{link}", "nl": "Kom je?"}}, "#/text/nl", "link_missing"),
    ({"text": {"en": "{closes_on} {link}"}}, "#/text/en", "no_closing_date"),
    ({"subject": {"en": "{closes_on}"}}, "#/subject/en", "no_closing_date"),
    ({"text": {"fr": "{link}"}}, "#/text/fr", "invalid_value"),
    ({"text": {}}, "#/text", "invalid_value"),
    ({"subject": {"en": ""}}, "#/subject/en", "invalid_value"),
    ({"reminder": {"text": {"en": "{link} {nmae}"}}}, "#/reminder/text/en", "unknown_placeholder"),
    ({"reminder": {"text": {"nl": "{{link}}"}}}, "#/reminder/text/nl", "unknown_placeholder"),
    ({"reminder": {"subject": {"en": "{link}"}}}, "#/reminder/subject/en", "unknown_placeholder"),
    ({"reminder": {"text": {"en": "{link}", "nl": "Kom je?"}}}, "#/reminder/text/nl", "link_missing"),
    ({"reminder": {"text": {"en": "{closes_on} {link}"}}}, "#/reminder/text/en", "no_closing_date"),
    ({"reminder": {"subject": {"nl": "{closes_on}"}}}, "#/reminder/subject/nl", "no_closing_date"),
    ({"reminder": {"text": {"fr": "{link}"}}}, "#/reminder/text/fr", "invalid_value"),
    ({"reminder": {"text": {}}}, "#/reminder/text", "invalid_value"),
    ({"reminder": {"texts": {}}}, "#/reminder/texts", "unknown_field"),
]


async def test_what_cannot_be_mailed_is_refused_and_said_where(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client)
    for members, place, code in UNMAILABLE:
        for refused in (
            await ask(mailer.client, survey_id, **members),
            await preview(mailer.client, survey_id, **members),
        ):
            assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
            assert refused.json()["errors"][0]["pointer"] == place
    assert (await ask(mailer.client, survey_id)).json()["mailed"] == 0, "nobody had an address"


async def test_all_that_is_wrong_is_told_at_once(mailer: Tenant) -> None:
    reminder = {"subject": {"nl": "{d}"}, "text": {"en": "Come"}}
    texts = {"subject": {"en": "{a}"}, "text": {"en": "{b}", "nl": "{link}{c}"}, "reminder": reminder}
    refused = await preview(mailer.client, await opened(mailer.client), **texts)
    found = [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]]
    assert found == [
        ("#/subject/en", "unknown_placeholder"),
        ("#/text/en", "unknown_placeholder"),
        ("#/text/en", "link_missing"),
        ("#/text/nl", "unknown_placeholder"),
        ("#/reminder/subject/nl", "unknown_placeholder"),
        ("#/reminder/text/en", "link_missing"),
    ]


async def test_where_a_reminder_has_no_link_its_words_have_none(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client, closes_at=CLOSING, **MODES["anonymous"])
    linked = {"reminder": {"text": {"en": "{name}: {link}"}}}
    for refused in (
        await ask(mailer.client, survey_id, **linked),
        await preview(mailer.client, survey_id, **linked),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_placeholder"), refused.text
        [fault] = refused.json()["errors"]
        assert fault["pointer"] == "#/reminder/text/en"
        assert "leave {link} out" in fault["detail"]
    told = await preview(mailer.client, survey_id, reminder={"text": {"en": "{name}, until {closes_on}?"}})
    english, dutch = told.json()["mails"][2:]
    for shown in (english, dutch):
        assert shown["text"].startswith(
            f"Noor de Wit, until 1 February {next_year()}?\n\nAlready taken part?"
        )
        assert "That is why everybody gets this reminder" in shown["text"]
        assert "://" not in shown["text"]


async def test_own_words_of_reminders_are_for_mails_alone(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client)
    words = {"reminder": {"text": {"en": "{link}"}}}
    refused = await ask(mailer.client, survey_id, send=False, **words)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_mailed")
    assert refused.json()["errors"][0]["pointer"] == "#/reminder"


# ------------------------------------------------------------------ preview


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_preview_is_the_mail_and_stores_nothing(
    is_open: bool, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    make = opened if is_open else draft
    survey_id = await make(mailer.client, name="Autumn", closes_at=CLOSING)
    before = await rows_of(owner, str(mailer.id))
    shown = (await preview(mailer.client, survey_id, **OWN)).json()["mails"]
    assert [(one["kind"], one["language"]) for one in shown] == [
        ("invitation", "en"),
        ("invitation", "nl"),
        ("reminder", "en"),
        ("reminder", "nl"),
    ]
    assert shown[2]["subject"] == f"Until 1 February {next_year()}: Autumn"
    assert shown[0]["subject"] == f"Autumn, until 1 February {next_year()}"
    assert shown[0]["text"].startswith("Dear Noor de Wit,\n\nHow is Autumn?")
    assert f"{PAGE}#bti_example" in shown[0]["text"]
    assert f"{PAGE}#bti_example" in shown[0]["html"]
    assert shown[1]["text"].startswith("Beste Noor de Wit,")
    reminded = (await preview(mailer.client, survey_id, reminder=OWN)).json()["mails"]
    assert reminded[0]["subject"] == "Acme would like to hear from you: Autumn", "the invitation is another"
    assert reminded[2]["subject"] == f"Autumn, until 1 February {next_year()}"
    assert reminded[2]["text"].startswith("Dear Noor de Wit,\n\nHow is Autumn?")
    assert "Nobody at Acme is told who gets this reminder." in reminded[2]["text"]
    assert f"{PAGE}#bti_example" in reminded[2]["html"]
    assert reminded[3]["text"].startswith(f"Beste Noor de Wit,\n\nZeg het via {PAGE}#bti_example")
    assert "Niemand bij Acme krijgt te horen" in reminded[3]["text"]
    plain = (await preview(mailer.client, survey_id)).json()["mails"]
    assert plain[1]["subject"] == "Acme hoort graag wat jij vindt: Autumn"
    assert await rows_of(owner, str(mailer.id)) == before
    await mailer.work()
    assert sink.mails == []


async def test_a_preview_has_a_link_where_there_is_no_page_yet(mailer: Tenant) -> None:
    own = {"respond_url": None, "pages": False}
    mailer.app.state.settings = mailer.app.state.settings.model_copy(update=own)
    shown = (await preview(mailer.client, await opened(mailer.client), **OWN_TEXT)).json()["mails"]
    assert f"{HOME}#bti_example" in shown[0]["text"]


async def test_of_a_survey_without_a_closing_date_a_mail_says_who_closes_it(mailer: Tenant) -> None:
    shown = (await preview(mailer.client, await opened(mailer.client))).json()["mails"]
    assert "You can take part until Acme closes the survey." in shown[0]["text"]
    assert "Je kunt meedoen tot Acme de enquête sluit." in shown[1]["text"]


async def test_a_mail_says_whom_to_ask(mailer: Tenant) -> None:
    await mailer.client.patch("/v1/organization", json={"survey_contact": "Noor <noor@example.com>, 12"})
    english, dutch, *_ = (await preview(mailer.client, await opened(mailer.client), **OWN_TEXT)).json()[
        "mails"
    ]
    assert "\nQuestions? Noor <noor@example.com>, 12\n" in english["text"]
    assert "Vragen? Noor &lt;noor@example.com&gt;, 12" in dutch["html"]


async def test_of_midnight_the_last_day_is_the_one_before(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client, closes_at=f"{next_year()}-02-01T00:00:00+01:00")
    shown = (await preview(mailer.client, survey_id, subject={"en": "{closes_on}"})).json()["mails"]
    assert shown[0]["subject"] == f"31 January {next_year()}"


def test_a_paragraph_that_is_the_link_alone_is_a_button() -> None:
    made = paragraphs("One\ntwo\n\n {link} \n\n\nSee {link}{survey}", {"survey": "{link} & Co"})
    assert [one.is_link_alone for one in made] == [False, True, False]
    letter = Letter("en", "Hi", made, ["Bye"], link="https://x.example/#t", button="Go")
    assert text_of(letter) == (
        "One\ntwo\n\n https://x.example/#t \n\nSee https://x.example/#t{link} & Co\n\n-- \nBye\n"
    )
    html = html_of(letter)
    assert "One<br" in html
    assert html.count('href="https://x.example/#t"') == 2
    assert "{link} &amp; Co" in html


# ------------------------------------------------------------------ planned


@pytest.mark.nightly
async def test_invitations_are_mailed_at_their_time(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    await employ(mailer.client, "E-2", email="e-2@example.com")
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    planned = await ask(mailer.client, survey_id, people=["E-1"], send_at=at)
    assert (planned.status_code, planned.json()["mailed"]) == (201, 1)
    await ask(mailer.client, survey_id, people=["E-2"])
    await mailer.work_later()
    assert sink.recipients == ["e-2@example.com"], "the one holds up no other, and comes at no other's time"
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    await owner.execute(
        "UPDATE invitation_mailings SET send_at = now() WHERE organization_id = $1", mailer.id
    )
    async with mailer.database.tenant_session(mailer.id) as session:
        await ask_again_for_mails(session)
    await mailer.work()
    assert sink.recipients == ["e-2@example.com", "e-1@example.com"]


@pytest.mark.parametrize("name", ["Link", "name", "Survey"])
async def test_who_is_called_as_a_placeholder_is_erased_and_it_stays(
    name: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    await employ(mailer.client, "E-2", name=name)
    survey_id = await opened(mailer.client, name="Autumn", closes_at=CLOSING)
    of_them = f"{name.upper()}, {name}'s or ({name})"
    text = {"en": "{name}, answer {survey}: {link}\n\nAsk " + of_them}
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    words = {"text": text, "subject": {"en": "{name}: {survey}"}}
    planned = await ask(mailer.client, survey_id, people=["E-1"], send_at=at, **words, reminder=words)
    assert planned.status_code == 201, planned.text
    assert (await mailer.client.post("/v1/people/E-2/erasure")).status_code == 200
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    kept = await owner.fetchrow("SELECT * FROM invitation_mailings WHERE organization_id = $1", mailer.id)
    assert kept is not None
    left = "{name}, answer {survey}: {link}\n\nAsk [...], [...] or ([...])"
    for of_reminders in ("", "reminder_"):
        assert json.loads(kept[f"{of_reminders}subject"]) == {"en": "{name}: {survey}"}
        assert json.loads(kept[f"{of_reminders}text"]) == {"en": left}


async def test_who_is_erased_goes_from_the_words_of_reminders_alone(
    mailer: Tenant, owner: asyncpg.Connection
) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    await employ(mailer.client, "E-2", name="Jopie Verhulst")
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    words = {"text": {"en": "Ask Jopie Verhulst. {link}"}}
    await ask(mailer.client, survey_id, people=["E-1"], reminder=words)
    await mailer.work()
    assert (
        await mailer.client.post(f"/v1/surveys/{survey_id}/invitations/remind", json=words)
    ).status_code == 201
    assert (await mailer.client.post("/v1/people/E-2/erasure")).status_code == 200
    kept = await rows_of(owner, str(mailer.id))
    assert "Verhulst" not in str(kept["invitation_mailings"])
    assert "{link}" in str(kept["invitation_mailings"])
    assert "Verhulst" not in str(kept["invitation_reminders"])
    assert "{link}" in str(kept["invitation_reminders"])


async def test_a_planned_time_lies_before_closing_and_after_now(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    for send_at, code in (
        ("2020-01-01T00:00:00Z", "in_the_past"),
        (CLOSING, "after_closing"),
        (f"{next_year() + 1}-01-01T00:00:00Z", "after_closing"),
        ("tomorrow", "invalid_value"),
    ):
        refused = await ask(mailer.client, survey_id, send_at=send_at)
        assert (refused.status_code, refused.json()["code"]) == (422, code), send_at
        assert refused.json()["errors"][0]["pointer"] == "#/send_at"


async def test_nothing_planned_is_mailed_once_the_survey_has_closed(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employ(mailer.client, "E-1", email="e-1@example.com")
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    await ask(mailer.client, survey_id, send_at=at, **OWN)
    await mailer.client.post(f"/v1/surveys/{survey_id}/close")
    kept = await rows_of(owner, str(mailer.id))
    assert kept["invitation_mailings"] == kept["invitation_deliveries"] == kept["invitations"] == []
    await mailer.work_later()
    assert sink.mails == []
