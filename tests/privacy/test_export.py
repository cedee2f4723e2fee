"""What is kept of somebody; and confidential answers, which only their giver gets to see."""

import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.auth.principal import Scope
from app.core.database import transaction_time
from app.core.settings import Settings
from app.mail.dispatcher import MailsWait
from app.people.addresses import queries
from app.people.addresses.jobs import tell_old_addresses
from app.privacy.export.links import new_token
from app.privacy.retention.jobs import retain_in
from tests.conftest import Tenant, client_for
from tests.contract import ContractClient
from tests.frame import BROWSER, assert_framed
from tests.imports.files import done, lines
from tests.metrics.test_release import CONTENT
from tests.scim.client import scim_of
from tests.sink import Sink
from tests.surveys.inviting import HOME, employ, with_mail
from tests.surveys.test_surveys import opened

PERSON = "/v1/people/E-1"
LINK = re.compile(re.escape(HOME) + r"(/v1/answers/[A-Za-z0-9_=-]+)")


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def mailer(
    settings: Settings, database_url: str, sink: Sink, owner: asyncpg.Connection
) -> AsyncIterator[Tenant]:
    """An organisation that mails, with somebody who answered in confidence."""
    left_by_others = "DELETE FROM pgqueuer WHERE entrypoint IN ('mail_answers_link', 'tell_old_addresses')"
    await owner.execute(left_by_others)
    async with with_mail(settings, database_url, sink) as tenant:
        await employ(tenant.client, "E-1", email="noor@example.com", locale="nl")
        await tenant.client.put("/v1/questionnaires/two", json=CONTENT)
        for mode in ("confidential", "attributed"):
            survey_id = await opened(tenant.client, questionnaire="two", mode=mode, name=mode)
            body = {"respondent": "E-1", "answers": {"pay": 4, "bond": None}}
            await tenant.client.post(f"/v1/surveys/{survey_id}/responses", json=body)
        yield tenant


async def of(owner: asyncpg.Connection, tenant: Tenant, statement: str) -> list[asyncpg.Record]:
    """The rows of the organisation, which a login that is no superuser does not see without saying whose."""
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(tenant.id))
    found: list[asyncpg.Record] = await owner.fetch(statement, tenant.id)
    return found


async def asked(tenant: Tenant) -> httpx.Response:
    return await tenant.client.post(f"{PERSON}/export/answers-link")


def plain(mail: EmailMessage) -> str:
    return str(mail.get_body(("plain",)).get_content())


async def link_of(mailer: Tenant, sink: Sink, reader: str = "noor@example.com") -> str:
    """The newest that the reader was mailed."""
    assert (await asked(mailer)).status_code == 202
    await mailer.work()
    texts = [plain(mail) for recipient, mail in sink.mails if recipient == reader]
    return str([link for text in texts for link in LINK.findall(text)][-1])


def mails_to(sink: Sink, reader: str) -> list[str]:
    return [str(mail["Subject"]) for recipient, mail in sink.mails if recipient == reader]


async def test_confidential_answers_are_not_in_the_export(mailer: Tenant) -> None:
    export = (await mailer.client.get(f"{PERSON}/export")).json()
    assert [one["mode"] for one in export["responses"]] == ["attributed"]
    assert {"what": "confidential_answers", "reason": "by_link_only"} in export["not_included"]
    assert {"what": "texts", "reason": "found_until_closed"} in export["not_included"]
    given = {one["question"]: (one["text"], one["answer"]) for one in export["responses"][0]["answers"]}
    assert given == {"pay": ("pay", 4), "bond": ("bond", None)}


async def test_the_export_does_not_tell_whether_somebody_answered(mailer: Tenant) -> None:
    await employ(mailer.client, "E-2", email="e-2@example.com", locale="nl")
    await opened(mailer.client, questionnaire="two", mode="confidential")

    async def told(person: str) -> Any:
        export = (await mailer.client.get(f"/v1/people/{person}/export")).json()
        return [one for one in export["surveys"] if one["mode"] == "confidential"][-1:]

    assert await told("E-1") == await told("E-2")
    links = [await mailer.client.post(f"/v1/people/{one}/export/answers-link") for one in ("E-1", "E-2")]
    assert links[0].content == links[1].content


@pytest.mark.nightly
async def test_the_link_goes_to_the_person_and_shows_the_answers_once(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    link = await link_of(mailer, sink)
    for _ in range(2):
        page = await anonymous.get(link)
        assert (page.status_code, "<button>" in page.text) == (200, True)
        assert_framed(page, "Acme")
        policy = page.headers["content-security-policy"]
        assert "frame-src" not in policy
        assert "frame-ancestors 'none'" in policy, "nobody is made to press the button on another's page"
    shown = await anonymous.post(link)
    assert shown.headers["cache-control"] == "no-store"
    (response,) = shown.json()["responses"]
    assert (response["mode"], response["answers"][0]["answer"]) == ("confidential", 4)
    (told,) = (await mailer.client.get("/v1/audit", params={"action": "show_answers"})).json()["items"]
    assert (told["actor"], told["details"]) == ("answers_link", {})
    for method in ("GET", "POST"):
        gone = await anonymous.request(method, link, headers=BROWSER)
        assert gone.status_code == 404
        assert_framed(gone, "werkt niet (meer)")
    for again in (await anonymous.post(link), await anonymous.get(link)):
        assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_what_may_still_be_changed_is_shown_to_its_writer_until_the_survey_closes(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    why = {"key": "why", "text": {"en": "Why?"}, "kind": "text"}
    asking = {**CONTENT, "questions": [*CONTENT["questions"], why]}
    await mailer.client.put("/v1/questionnaires/three", json=asking)
    await employ(mailer.client, "E-2", email="e-2@example.com")
    surveys = {}
    for mode, changes in (("confidential", True), ("attributed", True), ("confidential", False)):
        survey_id = await opened(
            mailer.client, questionnaire="three", mode=mode, name="Own words", allow_changes=changes
        )
        surveys[mode, changes] = survey_id
        for name in ("E-1", "E-2"):
            body = {
                "respondent": name,
                "answers": {"pay": 4, "why": f"{name} {mode}"},
                "comment": f"By {name}",
            }
            sent = await mailer.client.post(f"/v1/surveys/{survey_id}/responses", json=body)
            assert sent.is_success, sent.text
    shown = (await anonymous.post(await link_of(mailer, sink))).json()
    said = {(one["survey"], one["question"], one["words"]) for one in shown["written"]}
    assert said == {
        (surveys[mode, True], question, words)
        for mode in ("confidential", "attributed")
        for question, words in ((None, "By E-1"), ("why", f"E-1 {mode}"))
    }
    assert {one["name"] for one in shown["written"]} == {"Own words"}
    assert {"what": "comments", "reason": "found_until_closed"} in shown["not_included"]
    for survey_id in surveys.values():
        await mailer.client.post(f"/v1/surveys/{survey_id}/close")
    assert (await anonymous.post(await link_of(mailer, sink))).json()["written"] == []


async def by_put(mailer: Tenant, email: str) -> None:
    await mailer.client.put(PERSON, json={"name": "E-1", "email": email})


async def by_patch(mailer: Tenant, email: str) -> None:
    await mailer.client.patch(PERSON, json={"email": email})


async def by_batch(mailer: Tenant, email: str) -> None:
    await employ(mailer.client, "E-1", email=email)


async def by_import(mailer: Tenant, email: str) -> None:
    await done(mailer, lines([{"external_id": "E-1", "name": "E-1", "email": email}]))


async def by_scim(mailer: Tenant, email: str) -> None:
    scim = await scim_of(mailer)
    [user] = await scim.found("Users", filter='externalId eq "E-1"')
    changed = {"op": "replace", "path": "emails", "value": [{"value": email, "type": "work"}]}
    await scim.patched(f"/Users/{user['id']}", changed)


async def by_scim_put(mailer: Tenant, email: str) -> None:
    scim = await scim_of(mailer)
    [user] = await scim.found("Users", filter='externalId eq "E-1"')
    sent = {**user, "emails": [{"value": email, "type": "work"}]}
    assert (await scim.put(f"/Users/{user['id']}", json=sent)).status_code == 200


WAYS = [by_put, by_patch, by_batch, by_import, by_scim, by_scim_put]


@pytest.mark.nightly
@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
async def test_who_writes_the_address_of_somebody_does_not_read_their_answers(
    write: Callable[[Tenant, str], Awaitable[None]],
    mailer: Tenant,
    sink: Sink,
    anonymous: ContractClient,
    owner: asyncpg.Connection,
) -> None:
    await write(mailer, "mallory@example.com")
    person = (await mailer.client.get(PERSON)).json()
    assert person["email"] == "mallory@example.com"
    told = (await mailer.client.get("/v1/audit", params={"action": "change_address"})).json()["items"]
    assert [one["person"] is not None for one in told] == [True]
    link = await link_of(mailer, sink, "mallory@example.com")
    assert (await anonymous.post(link)).json()["responses"] == []
    subjects = {"Je e-mailadres bij Acme is gewijzigd", "Your e-mail address at Acme was changed"}
    [told_of_it] = mails_to(sink, "noor@example.com")
    assert told_of_it in subjects
    assert await of(owner, mailer, "SELECT * FROM address_notices WHERE organization_id = $1") == []
    await of(
        owner,
        mailer,
        "UPDATE people SET email_since = email_since - interval '30 days' WHERE organization_id = $1",
    )
    link = await link_of(mailer, sink, "mallory@example.com")
    assert len((await anonymous.post(link)).json()["responses"]) == 1


@pytest.mark.nightly
async def test_an_address_set_back_is_new_again_and_its_link_dead(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    link = await link_of(mailer, sink)
    for email in ("mallory@example.com", "noor@example.com"):
        await by_patch(mailer, email)
    assert (await anonymous.get(link)).status_code == 404
    assert (await anonymous.post(link)).status_code == 404
    assert (await anonymous.post(await link_of(mailer, sink))).json()["responses"] == []


@pytest.mark.nightly
async def test_an_address_is_told_that_it_is_no_longer_its_person_s(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """Each that was, once; none where only its letters are larger; the one that is new is not in it."""
    for email in ("NOOR@example.com", "mallory@example.com", "mallory@example.com", None):
        await mailer.client.patch(PERSON, json={"email": email, "locale": "en"})
    sink.refusals["mallory@example.com"] = "550 no such user"
    await mailer.work()
    ((recipient, mail),) = [one for one in sink.mails if "changed" in str(one[1]["Subject"])]
    assert (recipient, mail["Subject"]) == ("NOOR@example.com", "Your e-mail address at Acme was changed")
    assert "mallory" not in mail.as_string()
    assert "first 30 days" in mail.get_content()
    assert await of(owner, mailer, "SELECT * FROM address_notices WHERE organization_id = $1") == []


async def test_a_notice_that_cannot_go_yet_waits_and_goes_with_its_person(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    sink.refusals["noor@example.com"] = "451 later"
    await by_patch(mailer, "mallory@example.com")
    async with mailer.database.tenant_session(mailer.id) as session:
        first = await queries.count_waiting(session, await transaction_time(session))
    with pytest.raises(MailsWait):
        await tell_old_addresses(mailer.database, mailer.id, mailer.id)
    [waiting] = await of(owner, mailer, "SELECT email FROM address_notices WHERE organization_id = $1")
    assert (first, waiting["email"]) == (1, "noor@example.com")
    await mailer.client.post(f"{PERSON}/erasure")
    assert await of(owner, mailer, "SELECT * FROM address_notices WHERE organization_id = $1") == []


async def test_a_notice_outlives_the_job_that_was_to_mail_it(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """A job is tried for a day, and a mail server may be away for longer."""
    await by_patch(mailer, "mallory@example.com")
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = 'tell_old_addresses'")
    await retain_in(mailer.database, mailer.id)
    await mailer.work()
    assert len(mails_to(sink, "noor@example.com")) == 1
    await retain_in(mailer.database, mailer.id)
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'tell_old_addresses'") == 0


async def test_where_no_mail_goes_out_no_address_of_before_is_kept(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await employ(acme.client, "E-1", email="noor@example.com")
    await employ(acme.client, "E-1", email="new@example.com")
    kept = "SELECT * FROM address_notices WHERE organization_id = $1"
    assert len(await of(owner, acme, kept)) == 1
    await tell_old_addresses(acme.database, acme.id, acme.id)
    assert await of(owner, acme, kept) == []


async def test_what_is_asked_after_a_change_of_address_is_shown(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    await by_patch(mailer, "new@example.com")
    await by_patch(mailer, "noor@example.com")
    survey_id = await opened(mailer.client, questionnaire="two", mode="confidential", name="later")
    body = {"respondent": "E-1", "answers": {"pay": 2, "bond": 3}}
    await mailer.client.post(f"/v1/surveys/{survey_id}/responses", json=body)
    shown = (await anonymous.post(await link_of(mailer, sink))).json()["responses"]
    assert [one["name"] for one in shown] == ["later"]


async def test_a_person_written_again_with_the_same_address_keeps_the_door(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    await mailer.client.patch(PERSON, json={"name": "Noor", "email": "noor@example.com"})
    assert len((await anonymous.post(await link_of(mailer, sink))).json()["responses"]) == 1


async def test_a_link_asked_for_while_another_is_mailed_is_mailed_too(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """A job like the one in hand is not queued; that one has looked already, and ends."""
    await asked(mailer)
    await owner.execute("UPDATE pgqueuer SET status = 'picked' WHERE entrypoint = 'mail_answers_link'")
    await asked(mailer)
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = 'mail_answers_link'")
    await retain_in(mailer.database, mailer.id)
    await mailer.work()
    assert len(mails_to(sink, "noor@example.com")) == 1
    await retain_in(mailer.database, mailer.id)
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'mail_answers_link'") == 0


@pytest.mark.nightly
async def test_a_second_link_replaces_the_first(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    first, second = await link_of(mailer, sink), await link_of(mailer, sink)
    assert (await anonymous.get(first)).status_code == 404
    assert (await anonymous.get(second)).status_code == 200


async def test_a_link_expires(
    mailer: Tenant, sink: Sink, anonymous: ContractClient, owner: asyncpg.Connection
) -> None:
    link = await link_of(mailer, sink)
    await of(owner, mailer, "UPDATE answers_links SET expires_at = now() WHERE organization_id = $1")
    assert (await anonymous.get(link)).status_code == 404
    assert (await anonymous.post(link)).status_code == 404


async def test_no_token_is_stored(mailer: Tenant, sink: Sink, owner: asyncpg.Connection) -> None:
    link = await link_of(mailer, sink)
    links = await of(owner, mailer, "SELECT * FROM answers_links WHERE organization_id = $1")
    rows = str(links) + str(await owner.fetch("SELECT * FROM pgqueuer"))
    assert links
    assert link.rsplit("/", 1)[-1] not in rows


async def test_the_mail_greets_its_reader_and_says_who_has_it_sent(mailer: Tenant, sink: Sink) -> None:
    link = await link_of(mailer, sink)
    ((_, mail),) = sink.mails
    assert plain(mail).startswith("Beste E-1,\n\nAcme kreeg een verzoek")
    assert "Acme laat deze mail" in plain(mail).partition("-- \n")[2]
    html = mail.get_body(("html",)).get_content()
    assert f'href="{HOME}{link}"' in html
    assert "Naar mijn antwoorden" in html
    assert "vertrouwelijke enquêtes zijn alleen voor jou" in html, "a line ends where the screen does"


async def test_a_link_nobody_takes_is_forgotten(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    sink.refusals["noor@example.com"] = "550 no such user"
    await asked(mailer)
    await mailer.work()
    assert await of(owner, mailer, "SELECT * FROM answers_links WHERE organization_id = $1") == []


async def test_without_an_address_or_a_server_there_is_no_link(mailer: Tenant, acme: Tenant) -> None:
    await mailer.client.patch(PERSON, json={"email": None})
    refused = await asked(mailer)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_mail_address")
    await employ(acme.client, "E-1", email="noor@example.com")
    refused = await asked(acme)
    assert (refused.status_code, refused.json()["code"]) == (409, "mail_not_set_up")
    mailer.app.state.settings = mailer.database.settings.model_copy()
    mailer.app.state.settings.model_fields_set.discard("public_url")
    refused = await asked(mailer)
    assert refused.json()["code"] == "mail_not_set_up", "a link to an address that nobody gave"
    refused = await acme.client.post("/v1/people/nobody/export/answers-link")
    assert refused.status_code == 404


async def test_who_follows_the_link_reads_a_page_and_may_keep_the_file(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    link = await link_of(mailer, sink)
    asked = await anonymous.get(link, headers=BROWSER)
    assert "Toon mijn antwoorden" in asked.text
    page = await anonymous.post(link, headers=BROWSER | {"Accept-Language": "nl"})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert "<dd>4 (" in page.text, "with what it means"
    assert "Weet ik niet of niet van toepassing" in page.text
    (kept,) = re.findall(r'download="answers.json" href="data:application/json;base64,([^"]+)"', page.text)
    found = json.loads(base64.b64decode(kept))
    assert found["person"] == "E-1"
    assert [one["answer"] for one in found["responses"][0]["answers"]] == [4, None]
    assert (await anonymous.post(link, headers=BROWSER)).status_code == 404, "once"


async def test_an_erased_person_has_no_link_any_more(
    mailer: Tenant, sink: Sink, anonymous: ContractClient
) -> None:
    link = await link_of(mailer, sink)
    await mailer.client.post(f"{PERSON}/erasure")
    assert (await anonymous.post(link)).status_code == 404


@pytest.mark.parametrize(
    "token",
    ["x", "AAAA", "EXAMPLEexampleEXAMPLEexample", new_token(uuid4())],
    ids=["one letter", "four", "words", "another"],
)
async def test_a_made_up_token_opens_nothing(token: str, anonymous: ContractClient) -> None:
    for method in ("get", "post"):
        answer = await anonymous.request(method, f"/v1/answers/{token}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await anonymous.get("/v1/answers/a!b")).status_code == 422


async def test_a_body_nobody_asked_for_is_not_taken(anonymous: ContractClient) -> None:
    answer = await anonymous.post(f"/v1/answers/{new_token(uuid4())}", content=b"x" * 10_485_761)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_the_export_tells_who_read_it_before(mailer: Tenant) -> None:
    survey_id = (await mailer.client.get("/v1/surveys")).json()["items"][0]["id"]
    await mailer.client.get(f"/v1/surveys/{survey_id}/responses")
    await mailer.client.get(f"{PERSON}/export")
    audit = (await mailer.client.get(f"{PERSON}/export")).json()["audit"]
    assert [one["action"] for one in audit] == ["list_responses", "export_person"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "export"), ("post", "export/answers-link"), ("post", "erasure"), ("delete", "erasure")],
)
async def test_only_a_key_that_manages_privacy_may(method: str, path: str, mailer: Tenant) -> None:
    key = await mailer.key(*sorted({scope.value for scope in Scope} - {"privacy:manage"}))
    answer = await client_for(mailer.app, key).request(method, f"{PERSON}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
