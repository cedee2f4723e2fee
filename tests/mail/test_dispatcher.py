"""Whatever fails, the lease is given back, the mail is sent later and once, and the log names nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import aiosmtplib
import asyncpg
import pytest
from sqlalchemy import text

from app.calendar.cards.service import plan_cards
from app.calendar.jobs import send_due as send_celebrations
from app.calendar.reminders.service import plan_digests
from app.core.logging import JsonLines
from app.core.settings import Settings
from app.mail import dispatcher
from app.mail.dispatcher import MailsWait, Round
from app.mail.failures import Unavailable
from app.newsletter.issues import plan_issues
from app.newsletter.jobs import send_due as send_newsletters
from app.privacy.export.links import mail_link
from app.surveys.invitations.mailing import send_invitations
from app.surveys.invitations.tokens import opened_person, padded_person
from tests.calendar.cards.office import celebrating
from tests.calendar.staff import people_on_file
from tests.clock import at
from tests.conftest import Tenant
from tests.sink import Sink
from tests.surveys.inviting import ask, with_mail
from tests.surveys.test_surveys import opened
from tests.waiting import until

NAME = "noor"
ADDRESS = f"{NAME}@example.com"
EIGHT = datetime(2027, 5, 4, 6, tzinfo=UTC)
LATER = timedelta(minutes=5)
Send = Callable[[timedelta], Awaitable[object]]
"""What is due so long after the mail's time."""


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def mailer(settings: Settings, database_url: str, sink: Sink) -> AsyncIterator[Tenant]:
    async with with_mail(settings, database_url, sink) as tenant:
        yield tenant


async def a_card(mailer: Tenant) -> Send:
    await celebrating(mailer, NAME, 5, 4)
    async with mailer.database.tenant_session(mailer.id) as session:
        await plan_cards(session, EIGHT)
    return lambda later: send_celebrations(mailer.database, mailer.id, at(EIGHT + later))


async def a_reminder(mailer: Tenant) -> Send:
    await celebrating(mailer, "bob", 5, 7)
    await people_on_file(mailer, NAME, email=ADDRESS)
    reminder = {"days_before": 3, "recipient": "person", "person": NAME}
    await mailer.client.post("/v1/reminders", json=reminder)
    async with mailer.database.tenant_session(mailer.id) as session:
        await plan_digests(session, EIGHT)
    return lambda later: send_celebrations(mailer.database, mailer.id, at(EIGHT + later))


async def a_newsletter(mailer: Tenant) -> Send:
    await people_on_file(mailer, NAME, email=ADDRESS)
    await mailer.client.post("/v1/newsletter/subscriptions", json={"person": NAME})
    soon = datetime.now(UTC) + timedelta(minutes=1)
    async with mailer.database.tenant_session(mailer.id) as session:
        await plan_issues(session, soon)
    return lambda later: send_newsletters(mailer.database, mailer.id, at(soon + later))


async def an_invitation(mailer: Tenant) -> Send:
    await people_on_file(mailer, NAME, email=ADDRESS)
    survey_id = await opened(mailer.client, mode="anonymous", access="invited")
    await ask(mailer.client, survey_id)
    return lambda _: send_invitations(mailer.database, mailer.id, UUID(survey_id))


async def a_link(mailer: Tenant) -> Send:
    await people_on_file(mailer, NAME, email=ADDRESS)
    assert (await mailer.client.post(f"/v1/people/{NAME}/export/answers-link")).status_code == 202
    async with mailer.database.tenant_session(mailer.id) as session:
        person: UUID = (await session.scalars(text("SELECT id FROM people"))).one()
    return lambda _: mail_link(mailer.database, mailer.id, person)


KINDS = (a_card, a_reminder, a_newsletter, an_invitation, a_link)
FAILURES = [
    RuntimeError(f"nobody foresaw {ADDRESS}"),
    aiosmtplib.SMTPDataError(451, ADDRESS),
    UnicodeEncodeError("ascii", ADDRESS, 0, 1, NAME),
    KeyError(ADDRESS),
    TimeoutError(ADDRESS),
    aiosmtplib.SMTPServerDisconnected(ADDRESS),
    aiosmtplib.SMTPResponseException(421, ADDRESS),
    aiosmtplib.SMTPSenderRefused(550, ADDRESS, ADDRESS),
]


@pytest.mark.parametrize(
    "failure",
    [*FAILURES[:2], *(pytest.param(one, marks=pytest.mark.nightly) for one in FAILURES[2:])],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_mail_that_failed_is_sent_later_and_once(
    kind: Callable[[Tenant], Awaitable[Send]],
    failure: Exception,
    mailer: Tenant,
    sink: Sink,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("DEBUG", "betrokken")
    send = await kind(mailer)

    async def fail(*_: Any, **__: Any) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(aiosmtplib.SMTP, "send_message", fail)
        with suppress(MailsWait):
            await send(timedelta(0))
    assert sink.mails == []
    for _ in range(2):
        await send(LATER)
    assert sink.recipients == [ADDRESS]
    told = "\n".join(map(JsonLines().format, caplog.records))
    assert NAME not in told
    is_expected = isinstance(failure, aiosmtplib.SMTPDataError)
    assert is_expected or type(failure).__name__ in told


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_told_to_stop_while_sending_gives_the_lease_back(
    kind: Callable[[Tenant], Awaitable[Send]], mailer: Tenant, sink: Sink
) -> None:
    send = await kind(mailer)
    sink.hold = asyncio.Event()
    sending = asyncio.ensure_future(send(timedelta(0)))
    await until(lambda: bool(sink.mails))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    sink.hold.set()
    sink.mails.clear()
    for _ in range(2):
        await send(timedelta(0))
    assert sink.recipients == [ADDRESS]


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_told_to_stop_while_noting_notes(
    kind: Callable[[Tenant], Awaitable[Send]],
    mailer: Tenant,
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send, usual = await kind(mailer), Round._settle
    is_noting, may_note = asyncio.Event(), asyncio.Event()

    async def slow(self: Round[Any], *arguments: Any) -> None:
        is_noting.set()
        await may_note.wait()
        await usual(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Round, "_settle", slow)
        sending = asyncio.ensure_future(send(timedelta(0)))
        await is_noting.wait()
        sending.cancel()
        await asyncio.sleep(0)
        may_note.set()
        await asyncio.gather(sending, return_exceptions=True)
    await send(LATER)
    await send(2 * dispatcher.LEASE)
    assert sink.recipients == [ADDRESS]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_note_that_fails_is_made_again(
    kind: Callable[[Tenant], Awaitable[Send]],
    mailer: Tenant,
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send, usual, failures = await kind(mailer), Round._settle, [OSError(ADDRESS)]

    async def fail_once(self: Round[Any], *arguments: Any) -> None:
        await usual(self, *arguments) if not failures else None
        if failures:
            raise failures.pop()

    monkeypatch.setattr(Round, "_settle", fail_once)
    monkeypatch.setattr(dispatcher, "NOTED_AGAIN_AFTER", (0,))
    await send(timedelta(0))
    await send(2 * dispatcher.LEASE)
    assert sink.recipients == [ADDRESS]


async def test_a_mail_that_ends_every_connection_holds_up_no_other(
    mailer: Tenant, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"p{number}" for number in range(4)]
    for name in names:
        await people_on_file(mailer, name, email=f"{name}@example.com")
    survey_id = UUID(await opened(mailer.client))
    await ask(mailer.client, str(survey_id))
    usual, poison = aiosmtplib.SMTP.send_message, set[str]()

    async def hang_up(self: aiosmtplib.SMTP, message: EmailMessage, *more: Any, **others: Any) -> Any:
        if not poison:
            poison.add(str(message["To"]))
        if message["To"] in poison:
            raise aiosmtplib.SMTPServerDisconnected("bye")
        return await usual(self, message, *more, **others)

    with monkeypatch.context() as patch:
        patch.setattr(aiosmtplib.SMTP, "send_message", hang_up)
        for _ in range(2):
            with pytest.raises(MailsWait):
                await send_invitations(mailer.database, mailer.id, survey_id)
    assert {*sink.recipients, *poison} == {f"{name}@example.com" for name in names}
    assert len(sink.mails) == len(names) - 1
    await send_invitations(mailer.database, mailer.id, survey_id)
    assert len(sink.mails) == len(names)


async def test_two_workers_share_no_invitation(mailer: Tenant, sink: Sink) -> None:
    for number in range(12):
        await people_on_file(mailer, f"p{number}", email=f"p{number}@example.com")
    survey_id = UUID(await opened(mailer.client))
    await ask(mailer.client, str(survey_id))
    await asyncio.gather(*(send_invitations(mailer.database, mailer.id, survey_id) for _ in range(3)))
    assert sorted(sink.recipients) == sorted(f"p{number}@example.com" for number in range(12))


@pytest.mark.parametrize("kind", [an_invitation, a_link])
async def test_what_only_its_reader_may_have_is_never_a_file(
    kind: Callable[[Tenant], Awaitable[Send]], mailer: Tenant, sink: Sink
) -> None:
    send, usual = await kind(mailer), mailer.database.settings
    mailer.database.settings = usual.model_copy(update={"smtp_url": None})
    with pytest.raises(Unavailable):
        await send(timedelta(0))
    mailer.database.settings = usual
    await send(timedelta(0))
    assert sink.recipients == [ADDRESS]


async def test_whom_an_invitation_of_before_is_for_is_read_still(
    mailer: Tenant, sink: Sink, owner: asyncpg.Connection
) -> None:
    """It was kept under a pad, which a rotation of secrets does not change."""
    send, keyring = await an_invitation(mailer), mailer.database.keyring
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(mailer.id))
    row = await owner.fetchrow("SELECT * FROM invitation_deliveries WHERE organization_id = $1", mailer.id)
    assert row is not None
    person = opened_person(keyring, mailer.id, row["person_seal"])
    await owner.execute(
        "UPDATE invitation_deliveries SET person_seal = NULL, sealed_person = $2 WHERE organization_id = $1",
        mailer.id,
        padded_person(keyring, mailer.id, row["nonce"], person),
    )
    await send(timedelta(0))
    assert sink.recipients == [ADDRESS]
    row = await owner.fetchrow("SELECT * FROM invitation_deliveries WHERE organization_id = $1", mailer.id)
    assert row is not None
    assert [row[name] for name in ("nonce", "person_seal", "sealed_person", "held_until")] == [None] * 4
