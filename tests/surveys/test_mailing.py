"""Invitations by mail: each arrives, whatever goes wrong between, and tells nobody but its reader."""

import asyncio
import json
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from app.core.database import transaction_time
from app.core.settings import Settings
from app.demo.asking import mail_some
from app.demo.service import DemoSettings
from app.mail.failures import Unavailable
from app.surveys.invitations.mailing import send_invitations
from app.surveys.invitations.queries import waiting_mails
from app.surveys.invitations.reminders.jobs import remind_invited
from app.surveys.invitations.service import ask_again_for_mails
from tests.clock import next_year
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.sink import Sink
from tests.surveys.inviting import MODES, PAGE, answer, ask, at_the_door, counted, employ, said
from tests.surveys.test_privacy import people_ids
from tests.surveys.test_surveys import opened
from tests.waiting import until
from tests.world import rows_of

LINK = re.compile(re.escape(PAGE) + "#(bti_[A-Za-z0-9_-]{86})")


CLOSING = f"{next_year()}-02-01T17:00:00Z"


async def employed(api: ContractClient, *names: str, **members: Any) -> None:
    for name in names:
        await employ(api, name, email=f"{name.lower()}@example.com", **members)


def token_in(message: EmailMessage) -> str:
    ((token),) = LINK.findall(said(message))
    return str(token)


@pytest.mark.parametrize("mode", MODES)
async def test_a_mail_brings_the_token_that_opens_the_door(mode: str, mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client, **MODES[mode])
    issued = await ask(mailer.client, survey_id, people=["E-1", "E-2"])
    assert issued.json() == {"issued": 2, "mailed": 2, "invitations": [], "not_issued": []}
    await mailer.work()
    assert sorted(sink.recipients) == ["e-1@example.com", "e-2@example.com"]
    for _, message in sink.mails:
        assert (await answer(mailer, token_in(message))).status_code == 201
    await mailer.work()
    assert len(sink.mails) == 2


@pytest.mark.parametrize("mode", MODES)
async def test_it_can_be_asked_first_how_many_would_be_invited(mode: str, mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client, **MODES[mode])
    logged = len((await mailer.client.get("/v1/audit")).json()["items"])
    would = await ask(mailer.client, survey_id, "k", people=["E-1", "E-2", "E-9"], dry_run=True)
    assert (would.status_code, would.json()) == (
        200,
        {
            "issued": 2,
            "mailed": 2,
            "invitations": [],
            "not_issued": [{"respondent": "E-9", "reason": "not_invited"}],
        },
    )
    await mailer.work()
    assert sink.mails == []
    assert await counted(mailer.client, survey_id) == {
        "planned": 0,
        "mailed": 0,
        "refused": 0,
        "bounced": 0,
    }
    assert len((await mailer.client.get("/v1/audit")).json()["items"]) == logged, "nothing was done"
    done = await ask(mailer.client, survey_id, people=["E-1", "E-2"])
    assert (done.status_code, done.json()["mailed"]) == (201, 2)
    again = await ask(mailer.client, survey_id, dry_run=True)
    assert again.json()["mailed"] == 0, "the others have no address"


async def test_what_would_be_refused_is_refused_when_it_is_asked_first(mailer: Tenant) -> None:
    survey_id = await opened(mailer.client, closes_at=CLOSING)
    refused = await ask(mailer.client, survey_id, text={"en": "Come"}, dry_run=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "link_missing")


async def test_codes_that_are_asked_for_first_are_not_made(acme: Tenant) -> None:
    survey_id = await opened(acme.client)
    would = await ask(acme.client, survey_id, form="codes", dry_run=True)
    assert would.status_code == 200
    assert (would.json()["issued"] > 0, would.json()["invitations"]) == (True, [])
    made = await ask(acme.client, survey_id, form="codes")
    assert made.json()["issued"] == would.json()["issued"]


async def test_without_a_page_of_ones_own_a_mail_leads_to_the_page_of_this_service(
    mailer: Tenant, sink: Sink
) -> None:
    own = {"respond_url": None, "public_url": "https://hr.example.com/betrokken/"}
    for state in (mailer.app.state, mailer.database):
        state.settings = mailer.database.settings.model_copy(update=own)
    await employed(mailer.client, "E-1")
    await ask(mailer.client, await opened(mailer.client))
    await mailer.work()
    ((_, message),) = sink.mails
    assert "https://hr.example.com/betrokken/respond#bti_" in said(message)
    mailer.app.state.settings = mailer.app.state.settings.model_copy(update={"pages": False})
    nowhere = await ask(mailer.client, await opened(mailer.client), send=True)
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "mail_not_set_up")


def without_address(mailer: Tenant) -> Settings:
    """With a mail server, and no address that anybody gave."""
    given = mailer.database.settings.model_dump(exclude_unset=True, exclude={"public_url", "respond_url"})
    return Settings(**given)


async def test_no_mail_leads_to_an_address_that_nobody_gave(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client)
    mailer.app.state.settings = without_address(mailer)
    refused = await ask(mailer.client, survey_id, send=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "mail_not_set_up")
    assert "BETROKKEN_PUBLIC_URL" in refused.json()["detail"]
    refused = await mailer.client.post(f"/v1/surveys/{survey_id}/invitations/remind")
    assert (refused.status_code, refused.json()["code"]) == (422, "mail_not_set_up")
    shown = await ask(mailer.client, survey_id, people=["E-1"])
    assert (shown.json()["issued"], shown.json()["mailed"]) == (1, 0)


@pytest.mark.parametrize("is_reminder", [False, True])
async def test_mails_wait_for_an_address_that_was_taken_away(
    is_reminder: bool, mailer: Tenant, sink: Sink
) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id, people=["E-1"])
    send = send_invitations
    if is_reminder:
        await mailer.work()
        await mailer.client.post(f"/v1/surveys/{survey_id}/invitations/remind")
        send = remind_invited
    sink.mails.clear()
    usual, mailer.database.settings = mailer.database.settings, without_address(mailer)
    with pytest.raises(Unavailable, match="BETROKKEN_PUBLIC_URL"):
        await send(mailer.database, mailer.id, UUID(survey_id))
    assert sink.mails == []
    mailer.database.settings = usual
    await send(mailer.database, mailer.id, UUID(survey_id))
    ((_, message),) = sink.mails
    assert token_in(message)


async def test_in_the_demo_invitations_of_the_api_are_files_too(mailer: Tenant, tmp_path: Path) -> None:
    own = mailer.database.settings.model_copy(update={"smtp_url": None, "data_dir": tmp_path})
    for state in (mailer.app.state, mailer.database):
        state.settings = DemoSettings.model_construct(**dict(own))
    await employed(mailer.client, "E-1")
    words = {"subject": {"en": "Come"}, "text": {"en": "Here: {link}"}}
    issued = (await ask(mailer.client, await opened(mailer.client), people=["E-1"], **words)).json()
    assert issued == {"issued": 1, "mailed": 1, "invitations": [], "not_issued": []}
    await mailer.work()
    (file,) = (tmp_path / "mail").iterdir()
    assert "Subject: Come" in file.read_text()


async def test_a_demo_without_pages_mails_nobody(mailer: Tenant, tmp_path: Path) -> None:
    own = {**dict(mailer.database.settings), "smtp_url": None, "respond_url": None, "pages": False}
    demo = DemoSettings.model_construct(**{**own, "data_dir": tmp_path})
    await employed(mailer.client, "E-1")
    survey_id = UUID(await opened(mailer.client))
    async with mailer.database.tenant_session(mailer.id) as session:
        now = await transaction_time(session)
        await mail_some(session, survey_id, mailer.database.keyring, demo, now)
        assert await waiting_mails(session, survey_id, now) == 0


async def test_a_mail_is_written_in_the_language_of_its_reader(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-nl", locale="nl")
    await employed(mailer.client, "E-be", locale="nl-BE")
    await employed(mailer.client, "E-fr", locale="fr")
    year = next_year()
    closing = f"{year}-02-01T17:00:00Z"
    survey_id = await opened(mailer.client, name="Herfst 2026", closes_at=closing)
    await ask(mailer.client, survey_id)
    await mailer.work()
    found = {recipient: message for recipient, message in sink.mails}
    languages = {recipient: message["Content-Language"] for recipient, message in found.items()}
    assert languages == {"e-nl@example.com": "nl", "e-be@example.com": "nl", "e-fr@example.com": "en"}
    dutch, english = found["e-nl@example.com"], found["e-fr@example.com"]
    assert dutch["Subject"] == "Acme hoort graag wat jij vindt: Herfst 2026"
    assert english["Subject"] == "Acme would like to hear from you: Herfst 2026"
    assert f"Je kunt meedoen tot 1 februari {year} om 18.00 uur.\n" in said(dutch)
    assert f"You can take part until 1 February {year} at 18:00.\n" in said(english)
    assert "Dat kost ongeveer 8 minuten." in said(dutch)
    assert "Herfst 2026" in said(english)


@pytest.mark.parametrize(
    ("own", "named"), [("America/New_York", " (Europe/Amsterdam)"), ("Europe/Amsterdam", "")]
)
async def test_the_time_zone_is_named_to_who_lives_in_another(
    own: str, named: str, mailer: Tenant, sink: Sink
) -> None:
    await employed(mailer.client, "E-1", time_zone=own)
    closing = f"{next_year()}-02-01T17:00:00Z"
    await ask(mailer.client, await opened(mailer.client, closes_at=closing))
    await mailer.work()
    ((_, message),) = sink.mails
    assert f" February {next_year()} at 18:00{named}.\n" in said(message)


async def test_a_mail_holds_nothing_that_tells_it_was_read(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    await ask(mailer.client, await opened(mailer.client))
    await mailer.work()
    ((_, message),) = sink.mails
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert said(message).count("://") == 1
    addresses = set(re.findall(r"""["'( ]([a-z]+:)?//([^"')]+)""", said(message, "html")))
    assert {address.partition("#")[0] for _, address in addresses} <= {
        PAGE.partition("//")[2],
        "www.w3.org/1999/xhtml",
    }
    assert not re.search("<(img|link|script|iframe|object)|@import|url\\(", said(message, "html"))
    told = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language"}
    told |= {"Content-Type", "MIME-Version"}
    assert set(message.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == told


async def test_names_of_people_add_no_header(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client, name="Autumn\r\nBcc: all@example.com\r\n\r\n{link}")
    await ask(mailer.client, survey_id)
    await mailer.work()
    ((recipient, message),) = sink.mails
    assert recipient == "e-1@example.com"
    assert message["Bcc"] is None
    assert message["Subject"] == "Acme would like to hear from you: Autumn Bcc: all@example.com {link}"
    assert len(LINK.findall(said(message))) == 1


async def test_what_waits_to_be_mailed_names_nobody_and_gives_no_token(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id)
    waiting = await rows_of(owner, str(mailer.id))
    queued = await owner.fetch("SELECT payload::text FROM pgqueuer WHERE entrypoint = 'send_invitations'")
    persons = await people_ids(owner, mailer)
    told = json.dumps([waiting["invitations"], waiting["invitation_deliveries"], *map(str, queued)])
    assert not any(name in told or str(person) in told for name, person in persons.items())
    assert "@example.com" not in told
    await mailer.work()
    everything = json.dumps(waiting)
    assert not any(token_in(message)[60:] in everything for _, message in sink.mails)
    rows = await owner.fetch("SELECT * FROM invitation_deliveries WHERE survey_id = $1", UUID(survey_id))
    assert [(row["nonce"], row["sealed_person"]) for row in rows] == [(None, None)] * 2


async def test_who_has_no_address_is_told_of(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    await employ(mailer.client, "E-2")
    survey_id = await opened(mailer.client, **MODES["anonymous"])
    issued = (await ask(mailer.client, survey_id, people=["E-1", "E-2"])).json()
    assert (issued["issued"], issued["not_issued"]) == (1, [{"respondent": "E-2", "reason": "no_address"}])
    few = await ask(mailer.client, survey_id, send=False, people=["E-2"])
    assert few.json()["code"] == "too_few_at_once"
    await mailer.client.patch("/v1/people/E-2", json={"email": "late@example.com"})
    assert (await ask(mailer.client, survey_id)).json()["mailed"] == 1
    await mailer.work()
    assert sorted(sink.recipients) == ["e-1@example.com", "late@example.com"]


async def test_a_single_anonymous_mail_is_hidden_among_the_cells_other_invitations(
    mailer: Tenant, owner: asyncpg.Connection
) -> None:
    await employed(mailer.client, *(f"E-{number}" for number in range(6)))
    survey_id = await opened(mailer.client, **MODES["anonymous"])
    for number in range(6):
        issued = await ask(mailer.client, survey_id, people=[f"E-{number}"])
        assert issued.json()["mailed"] == 1
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    rows = await owner.fetch("SELECT xmin::text FROM invitations WHERE survey_id = $1", UUID(survey_id))
    assert (len(rows), len({row["xmin"] for row in rows})) == (6, 1)


@pytest.mark.nightly
async def test_a_mail_put_off_is_sent_later_and_holds_up_no_other(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1", "E-2", "E-3")
    survey_id = await opened(mailer.client)
    sink.refusals = {"e-2@example.com": "451 come again"}
    await ask(mailer.client, survey_id)
    await mailer.work()
    assert sorted(sink.recipients) == ["e-1@example.com", "e-3@example.com"]
    sink.refusals = {}
    await mailer.work_later()
    assert sorted(sink.recipients) == ["e-1@example.com", "e-2@example.com", "e-3@example.com"]
    for _, message in sink.mails:
        assert (await at_the_door(mailer, token_in(message)).get("/v1/respond")).status_code == 200


@pytest.mark.nightly
async def test_a_mail_no_server_takes_frees_the_person(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client, **MODES["anonymous"])
    sink.refusals = {"e-1@example.com": "550 no such mailbox"}
    await ask(mailer.client, survey_id)
    await mailer.work()
    kept = await rows_of(owner, str(mailer.id))
    assert (sink.recipients, len(kept["invitations"])) == (["e-2@example.com"], 1)
    assert (await counted(mailer.client, survey_id))["refused"] == 1
    await mailer.client.patch("/v1/people/E-1", json={"email": "right@example.com"})
    again = await ask(mailer.client, survey_id)
    assert (again.json()["issued"], again.json()["mailed"]) == (1, 1)
    await mailer.work()
    assert sink.recipients == ["e-2@example.com", "right@example.com"]
    assert await counted(mailer.client, survey_id) == {"planned": 0, "mailed": 2, "refused": 0, "bounced": 0}


@pytest.mark.parametrize("address", ["no address", "two@example.com, all@example.com", "x\n@example.com"])
async def test_what_is_no_address_frees_the_person(
    address: str, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """Of before addresses were checked when they are written."""
    await employ(mailer.client, "E-1", email="e-1@example.com")
    await owner.execute("UPDATE people SET email = $1 WHERE organization_id = $2", address, mailer.id)
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id)
    await mailer.work()
    kept = await rows_of(owner, str(mailer.id))
    assert sink.mails == kept["invitations"] == []
    assert await counted(mailer.client, survey_id) == {"planned": 0, "mailed": 0, "refused": 1, "bounced": 0}


async def test_a_mail_cut_off_after_it_was_taken_comes_again_with_the_same_token(
    mailer: Tenant, sink: Sink
) -> None:
    await employed(mailer.client, "E-1")
    survey_id = UUID(await opened(mailer.client))
    await ask(mailer.client, str(survey_id))
    sink.hold = asyncio.Event()
    sending = asyncio.create_task(send_invitations(mailer.database, mailer.id, survey_id))
    await until(lambda: bool(sink.mails))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    sink.hold.set()
    await send_invitations(mailer.database, mailer.id, survey_id)
    (_, first), (_, second) = sink.mails
    assert token_in(first) == token_in(second)
    assert first["Message-ID"] == second["Message-ID"]
    assert (await answer(mailer, token_in(first))).status_code == 201


async def test_a_server_that_cannot_be_reached_loses_no_mail(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    survey_id = UUID(await opened(mailer.client))
    await ask(mailer.client, str(survey_id))
    settings = mailer.database.settings
    nowhere = settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:1")})
    mailer.database.settings = nowhere
    with pytest.raises(OSError):  # noqa: PT011 whichever the system gives
        await send_invitations(mailer.database, mailer.id, survey_id)
    mailer.database.settings = settings
    await mailer.work()
    assert sink.recipients == ["e-1@example.com"]


async def test_mails_whose_job_is_gone_are_asked_for_again(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    await employed(mailer.client, "E-1")
    await ask(mailer.client, await opened(mailer.client))
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = 'send_invitations'")
    await mailer.work()
    assert sink.mails == []
    async with mailer.database.tenant_session(mailer.id) as session:
        await ask_again_for_mails(session)
    await mailer.work()
    assert sink.recipients == ["e-1@example.com"]


@pytest.mark.nightly
async def test_the_older_of_two_mails_is_not_sent(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id)
    shown = (await ask(mailer.client, survey_id, people=["E-1"], send=False)).json()["invitations"]
    await ask(mailer.client, survey_id, people=["E-2"])
    await mailer.work()
    assert sink.recipients == ["e-2@example.com"]
    for token in (token_in(sink.mails[0][1]), shown[0]["token"]):
        assert (await answer(mailer, token)).status_code == 201


async def test_nothing_is_mailed_once_the_survey_has_closed(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id)
    await mailer.client.post(f"/v1/surveys/{survey_id}/close")
    await mailer.work()
    assert sink.mails == []


async def test_a_repeated_request_mails_nothing_twice(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client)
    first, again = [await ask(mailer.client, survey_id, "k") for _ in range(2)]
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    await mailer.work()
    assert len(sink.mails) == 1


async def test_tokens_can_be_shown_where_mail_is_set_up(mailer: Tenant, sink: Sink) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client)
    shown = (await ask(mailer.client, survey_id, people=["E-1"], send=False)).json()
    assert (shown["issued"], shown["mailed"], len(shown["invitations"])) == (1, 0, 1)
    await mailer.work()
    assert sink.mails == []


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_who_was_mailed_a_token_is_issued_another_by_mail_alone(
    mode: str, mailer: Tenant, sink: Sink
) -> None:
    """Else whoever issues could use it: 409 or 201 tells who has answered, and spends who has not."""
    await employed(mailer.client, "E-1", "E-2")
    survey_id = await opened(mailer.client, mode=mode)
    await ask(mailer.client, survey_id, people=["E-1", "E-2"])
    await mailer.work()
    tokens = {recipient: token_in(mail) for recipient, mail in sink.mails}
    assert (await answer(mailer, tokens["e-1@example.com"])).status_code == 201
    again = (await ask(mailer.client, survey_id, people=["E-1", "E-2"], send=False)).json()
    assert (again["issued"], again["invitations"]) == (0, [])
    assert {one["respondent"]: one["reason"] for one in again["not_issued"]} == {
        "E-1": "already_issued",
        "E-2": "already_issued",
    }
    mailed = (await ask(mailer.client, survey_id, people=["E-1", "E-2"], send=True)).json()
    assert (mailed["issued"], mailed["invitations"]) == (2, [])
    await mailer.work()
    newer = token_in(next(mail for to, mail in reversed(sink.mails) if to == "e-2@example.com"))
    blank = await answer(mailer, newer, answers={})
    assert (blank.status_code, blank.json()["code"]) == (422, "no_answers")
    assert (await answer(mailer, newer)).status_code == 201


def with_links(sink: Sink) -> list[tuple[str, EmailMessage]]:
    return [(recipient, mail) for recipient, mail in sink.mails if LINK.search(said(mail))]


async def by_patch(api: ContractClient) -> None:
    await api.patch("/v1/people/E-1", json={"email": "spy@example.com"})


async def by_put(api: ContractClient) -> None:
    await api.put("/v1/people/E-1", json={"name": "E-1", "email": "spy@example.com"})


async def by_batch(api: ContractClient) -> None:
    await employ(api, "E-1", email="spy@example.com")


async def by_taking_it_away_first(api: ContractClient) -> None:
    await api.patch("/v1/people/E-1", json={"email": None})
    await by_patch(api)


@pytest.mark.nightly
@pytest.mark.parametrize("write", [by_patch, by_put, by_batch, by_taking_it_away_first])
@pytest.mark.parametrize("members", [{"mode": "attributed"}, {"allow_changes": True}])
async def test_a_link_is_not_mailed_again_to_an_address_that_was_written_since(
    members: dict[str, Any], write: Any, mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """409 or 201 would tell its writer who has answered; or it would change what was answered."""
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client, **members)
    await ask(mailer.client, survey_id, people=["E-1"])
    await mailer.work()
    await write(mailer.client)
    for wanted in ({"send": True}, {"send": False}, {"form": "codes"}):
        again = (await ask(mailer.client, survey_id, people=["E-1"], **wanted)).json()
        assert (again["issued"], again["mailed"], again["invitations"]) == (0, 0, [])
        reason = "address_changed" if wanted == {"send": True} else "already_issued"
        assert again["not_issued"] == [{"respondent": "E-1", "reason": reason}]
    await mailer.work()
    [(recipient, mail)] = with_links(sink)
    assert recipient == "e-1@example.com"
    assert (await answer(mailer, token_in(mail))).status_code == 201, "their own link stands"
    await owner.execute("UPDATE people SET email_since = now() - interval '31 days'")
    assert (await ask(mailer.client, survey_id, people=["E-1"])).json()["mailed"] == 1


@pytest.mark.nightly
@pytest.mark.parametrize("address", ["spy@example.com", None])
async def test_nor_where_it_is_written_while_the_mail_waits(
    address: str | None, mailer: Tenant, sink: Sink
) -> None:
    await employed(mailer.client, "E-1")
    survey_id = await opened(mailer.client)
    await ask(mailer.client, survey_id, people=["E-1"])
    await mailer.work()
    assert (await ask(mailer.client, survey_id, people=["E-1"])).json()["mailed"] == 1
    await mailer.client.patch("/v1/people/E-1", json={"email": address})
    await mailer.work()
    await mailer.client.patch("/v1/people/E-1", json={"email": "spy@example.com"})
    for is_mailed, reason in ((True, "address_changed"), (False, "already_issued")):
        again = (await ask(mailer.client, survey_id, people=["E-1"], send=is_mailed)).json()
        assert again["not_issued"] == [{"respondent": "E-1", "reason": reason}]
    await mailer.work()
    assert [recipient for recipient, _ in with_links(sink)] == ["e-1@example.com"]


@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_who_was_given_a_code_can_be_mailed_a_link_in_its_place_and_answers_once(
    mode: str, mailer: Tenant, sink: Sink
) -> None:
    api = mailer.client
    await employed(api, "E-1", "E-2", "E-3")
    await employ(api, "E-4")
    survey_id = await opened(api, **MODES[mode])
    made = await ask(api, survey_id, form="codes")
    code = {one["respondent"]: one["token"] for one in made.json()["invitations"]}
    assert (await answer(mailer, code["E-1"])).status_code == 201
    await api.patch("/v1/people/E-3", json={"email": "spy@example.com"})
    assert (await ask(api, survey_id)).json()["mailed"] == 0, "not without being asked"
    would = (await ask(api, survey_id, with_codes=True, dry_run=True)).json()
    why = {one["respondent"]: one["reason"] for one in would["not_issued"]}
    assert (would["mailed"], why["E-3"], why["E-4"]) == (2, "address_changed", "no_address")
    mailings = [(await ask(api, survey_id, with_codes=True)).json()["mailed"] for _ in range(2)]
    assert mailings == [2, 0], "whoever waits for a mail gets no second"
    assert (await at_the_door(mailer, code["E-2"]).get("/v1/respond")).status_code == 200, (
        "no mail has gone yet"
    )
    await mailer.work()
    assert (await ask(api, survey_id, with_codes=True)).json()["mailed"] == 0
    links = {recipient: token_in(mail) for recipient, mail in with_links(sink)}
    assert set(links) == {"e-1@example.com", "e-2@example.com"}
    assert (await answer(mailer, links["e-1@example.com"])).json()["code"] == "already_responded"
    assert (await answer(mailer, code["E-2"])).status_code != 201, "its link is in its place"
    assert (await answer(mailer, links["e-2@example.com"])).status_code == 201
    assert (await answer(mailer, code["E-3"])).status_code == 201, "what they have stands"


@pytest.mark.parametrize("how", ["all", "by name"])
async def test_an_address_written_after_a_code_was_given_gets_no_link_however_late(
    how: str, mailer: Tenant, sink: Sink
) -> None:
    """Also where it is written between issuing and mailing, and where it is tried again afterwards."""
    api = mailer.client
    await employed(api, "E-1")
    survey_id = await opened(api)
    [given] = (await ask(api, survey_id, form="codes", people=["E-1"])).json()["invitations"]
    wanted = {"with_codes": True} if how == "all" else {"people": ["E-1"]}
    assert (await ask(api, survey_id, **wanted)).json()["mailed"] == 1
    await api.patch("/v1/people/E-1", json={"email": "spy@example.com"})
    await mailer.work()
    again = (await ask(api, survey_id, **wanted)).json()
    assert {one["respondent"]: one["reason"] for one in again["not_issued"]}["E-1"] == "address_changed"
    await mailer.work()
    assert with_links(sink) == []
    [other] = (await ask(api, survey_id, form="codes", people=["E-1"])).json()["invitations"]
    assert (await answer(mailer, given["token"])).status_code != 201
    assert (await answer(mailer, other["token"])).status_code == 201, "a code in place of a lost one"


FAR = ("9999-12-31T23:59:59Z", "9999-12-31T12:00:00Z", "9998-01-01T00:00:00Z")
LAST = "9997-12-31T23:59:59Z"


@pytest.mark.parametrize("far", FAR)
async def test_no_time_is_taken_that_no_day_can_be_reckoned_from(far: str, mailer: Tenant) -> None:
    api = mailer.client
    await employed(api, "E-1")
    survey_id = await opened(api, closes_at=LAST)
    body = {"name": "Far", "questionnaire": "betrokken-33", "mode": "confidential"}
    for refused in (
        await api.post("/v1/surveys", json=body | {"closes_at": far}),
        await api.post("/v1/surveys", json=body | {"opens_at": far}),
        await api.patch(f"/v1/surveys/{survey_id}", json={"closes_at": far}),
        await ask(api, survey_id, send_at=far),
        await api.post("/v1/recognitions", json={"occurred_at": far}),
    ):
        assert refused.status_code == 422, refused.text
        assert "years 2 to 9997" in refused.text


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
async def test_the_last_time_that_is_taken_can_be_written_about(zone: str, mailer: Tenant) -> None:
    api = mailer.client
    assert (await api.patch("/v1/organization", json={"time_zone": zone})).status_code == 200
    await employed(api, "E-1", time_zone=zone)
    survey_id = await opened(api, closes_at=LAST)
    assert (await api.post(f"/v1/surveys/{survey_id}/invitations/preview", json={})).status_code == 200
    late = {"send_at": "9997-12-31T00:00:00Z"}
    issued = await ask(api, survey_id, people=["E-1"], reminders=[{"days_before_close": 365}])
    assert issued.status_code == 201, issued.text
    after = await ask(api, survey_id, people=["E-1"], reminders=[{"days_after_invitation": 365}], **late)
    assert (after.status_code, after.json()["code"]) == (422, "after_closing")
    await mailer.work()
