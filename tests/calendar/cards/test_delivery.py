"""Exactly one card a person, occasion and year, on the right day, whatever happens meanwhile."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.calendar.cards import service
from app.calendar.cards.queries import MAILS
from app.calendar.jobs import send_celebrations
from app.mail.dispatcher import Round
from app.mail.planned import Planned
from app.mail.smtp import Smtp
from app.mail.windows import window
from tests.calendar.cards.office import (
    celebrating,
    message_ids,
    plan,
    plan_and_send,
    send,
    statuses,
    with_server,
)
from tests.calendar.staff import people_on_file
from tests.clock import at
from tests.conftest import Tenant, new_tenant
from tests.contract import ContractClient
from tests.examples import examples
from tests.mail.test_windows import ZONES
from tests.sink import Sink, listening

EIGHT = datetime(2027, 5, 4, 6, tzinfo=UTC)
"""Eight o'clock in Amsterdam."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with listening(Sink()) as found:
        yield found


async def test_a_card_arrives_with_all_its_parts(acme: Tenant, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4, name="Ann Smit", locale="nl")
    await plan_and_send(acme, EIGHT - MINUTE, sink)
    assert sink.mails == []
    await plan_and_send(acme, EIGHT, sink)
    [(recipient, message)] = sink.mails
    assert recipient == "ann@example.com"
    assert message["Subject"] == "Gefeliciteerd met je verjaardag, Ann!"
    assert message["From"] == "Acme <cards@example.com>"
    parts = [part.get_content_type() for part in message.walk()]
    assert parts == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    picture = list(message.walk())[-1]
    assert picture["Content-ID"] == "<card>"
    assert picture.get_content().startswith(b"\x89PNG")
    assert 'src="cid:card"' in list(message.walk())[3].get_content()
    assert await statuses(acme) == {"ann": "sent"}


async def test_without_a_mail_server_a_card_is_a_file(acme: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "betrokken")
    await celebrating(acme, "ann", 5, 4)
    await plan_and_send(acme, EIGHT)
    assert await statuses(acme) == {"ann": "sent"}
    files = list((acme.database.settings.data_dir / "mail").glob("*.eml"))
    assert any(b"To: ann@example.com" in file.read_bytes() for file in files)
    [record] = [record for record in caplog.records if record.message == "mail_written_to_folder"]
    assert "ann" not in str(vars(record))


async def test_the_sender_is_the_organization_s(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4)
    await celebrating(acme, "bob", 5, 5)
    await api.patch("/v1/organization", json={"card_sender": "HR Team"})
    await plan_and_send(acme, EIGHT, sink)
    await api.patch("/v1/organization", json={"card_sender": "HR Team <hr@acme.example>"})
    await plan_and_send(acme, EIGHT + DAY, sink)
    senders = [str(message["From"]) for _, message in sink.mails]
    assert senders == ["HR Team <cards@example.com>", "HR Team <hr@acme.example>"]


async def test_a_birthday_of_the_outage_is_sent_and_one_of_last_week_is_not(acme: Tenant, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4)
    await celebrating(acme, "bob", 4, 27)
    await plan_and_send(acme, EIGHT + 2 * HOUR, sink)
    assert sink.recipients == ["ann@example.com"]
    await celebrating(acme, "cy", 5, 5)
    await plan(acme, EIGHT)
    await plan_and_send(acme, EIGHT + 8 * DAY, sink)
    assert sink.recipients == ["ann@example.com"]
    assert await statuses(acme) == {"ann": "sent", "cy": "missed"}


@pytest.mark.nightly
async def test_the_time_is_the_organization_s_where_the_receiver_is(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await api.patch("/v1/organization", json={"cards": {"time": "15:30"}})
    for number, zone in enumerate(ZONES):
        await celebrating(acme, f"p{number}", 5, 4, time_zone=zone)
    arrived: dict[str, datetime] = {}
    now = datetime(2027, 5, 3, tzinfo=UTC)
    await plan(acme, now)
    while len(arrived) < len(ZONES) and now < datetime(2027, 5, 7, tzinfo=UTC):
        now += timedelta(minutes=30)
        await send(acme, now, sink)
        for recipient in sink.recipients:
            arrived.setdefault(recipient[:2], now)
    assert arrived == {
        "p0": datetime(2027, 5, 4, 1, 30, tzinfo=UTC),
        "p1": datetime(2027, 5, 4, 13, 30, tzinfo=UTC),
        "p2": datetime(2027, 5, 4, 18, tzinfo=UTC),
        "p3": datetime(2027, 5, 5, 2, 30, tzinfo=UTC),
    }


async def test_consent_withdrawn_or_employment_ended_since_the_plan_counts(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    for person in ("refuses", "deletes", "leaves", "inactive", "addressless", "stays"):
        await celebrating(acme, person, 5, 4)
    await people_on_file(acme, "veteran", starts_on=date(2020, 5, 4), email="veteran@example.com")
    assert await plan(acme, EIGHT - DAY) == 7
    birthday = {"kind": "birthday", "month": 5, "day": 4, "consent": False}
    await api.put("/v1/people/refuses/occasions/birthday", json=birthday)
    await api.delete("/v1/people/deletes/occasions/birthday")
    await api.put("/v1/people/veteran/celebrations", json={"work_anniversary": False})
    assert set(await statuses(acme)) == {"leaves", "inactive", "addressless", "stays"}
    await api.patch("/v1/people/leaves", json={"ends_on": "2027-05-03"})
    await api.patch("/v1/people/inactive", json={"active": False})
    await api.patch("/v1/people/addressless", json={"email": None})
    await send(acme, EIGHT, sink)
    assert sink.recipients == ["stays@example.com"]
    assert await statuses(acme) == {
        "leaves": "cancelled",
        "inactive": "cancelled",
        "addressless": "no_address",
        "stays": "sent",
    }


async def test_a_day_that_moves_takes_its_card_along(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4)
    await celebrating(acme, "bob", 5, 4)
    await plan(acme, EIGHT - DAY)
    for day in (6, 8):
        sent = {"kind": "birthday", "month": 5, "day": day, "consent": True}
        await api.put("/v1/people/ann/occasions/birthday", json=sent)
    await plan_and_send(acme, EIGHT, sink)
    assert sink.recipients == ["bob@example.com"]
    await plan_and_send(acme, EIGHT + 4 * DAY, sink)
    assert sink.recipients == ["bob@example.com", "ann@example.com"]
    await api.put("/v1/people/ann/occasions/birthday", json={**sent, "day": 10})
    await plan_and_send(acme, EIGHT + 6 * DAY, sink)
    assert len(sink.mails) == 2, "one card a person, occasion and year"


@pytest.mark.nightly
async def test_the_weekend_rule_moves_the_card(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await api.patch("/v1/organization", json={"weekend_rule": "before"})
    await celebrating(acme, "ann", 5, 8)
    await celebrating(acme, "bob", 5, 9, starts_on=date(2027, 5, 8))
    await plan_and_send(acme, EIGHT + 3 * DAY, sink)
    assert sink.recipients == ["ann@example.com"]
    await plan_and_send(acme, EIGHT + 5 * DAY, sink)
    assert sink.recipients == ["ann@example.com", "bob@example.com"], "nobody is celebrated before they start"


async def test_nothing_is_sent_where_cards_are_off(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4)
    await plan(acme, EIGHT - DAY)
    await api.patch("/v1/organization", json={"cards": {"enabled": False}})
    await plan_and_send(acme, EIGHT, sink)
    assert sink.mails == []
    assert await statuses(acme) == {}


@pytest.mark.nightly
async def test_a_refused_address_is_noted_and_a_busy_server_is_asked_again(acme: Tenant, sink: Sink) -> None:
    for person in ("gone", "full", "fine"):
        await celebrating(acme, person, 5, 4)
    sink.refusals = {"gone@example.com": "550 no such mailbox", "full@example.com": "452 later"}
    await plan_and_send(acme, EIGHT, sink)
    assert await statuses(acme) == {"gone": "bounced", "full": "planned", "fine": "sent"}
    await send(acme, EIGHT + MINUTE, sink)
    assert await statuses(acme) == {"gone": "bounced", "full": "planned", "fine": "sent"}
    sink.refusals = {}
    await send(acme, EIGHT + 5 * MINUTE, sink)
    assert await statuses(acme) == {"gone": "bounced", "full": "sent", "fine": "sent"}
    assert sink.recipients == ["fine@example.com", "full@example.com"]


async def test_a_server_that_is_away_loses_nothing(acme: Tenant, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4)
    await plan(acme, EIGHT)
    with pytest.raises((OSError, aiosmtplib.SMTPException)):
        await send(acme, EIGHT, Sink(url="smtp://127.0.0.1:1"))
    assert await statuses(acme) == {"ann": "planned"}
    await send(acme, EIGHT + MINUTE, sink)
    assert sink.recipients == ["ann@example.com"]


@pytest.mark.parametrize("name", ["Noor\r\nBcc: all@example.com", "<script>", "👨‍👩‍👧‍👦"])
async def test_hostile_names_arrive_and_add_no_header(name: str, acme: Tenant, sink: Sink) -> None:
    await celebrating(acme, "ann", 5, 4, name=name)
    await plan_and_send(acme, EIGHT, sink)
    [(recipient, message)] = sink.mails
    assert recipient == "ann@example.com"
    assert message["Bcc"] is None
    assert "<script>" not in list(message.walk())[3].get_content()


async def test_a_card_that_cannot_be_written_holds_up_no_other(
    acme: Tenant, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = service.order_of

    async def poisoned(session: Any, organization: Any, card: Any, name: str, language: Any) -> Any:
        if name == "Ann":
            raise LookupError("poison")
        return await usual(session, organization, card, name, language)

    monkeypatch.setattr(service, "order_of", poisoned)
    await celebrating(acme, "ann", 5, 4, name="Ann")
    await celebrating(acme, "bob", 5, 4)
    await plan_and_send(acme, EIGHT, sink)
    assert await statuses(acme) == {"ann": "planned", "bob": "sent"}


async def test_two_workers_at_once_send_each_card_once(acme: Tenant, sink: Sink) -> None:
    for number in range(12):
        await celebrating(acme, f"p{number}", 5, 4)
    await asyncio.gather(*(plan(acme, EIGHT) for _ in range(3)))
    await asyncio.gather(*(send(acme, EIGHT, sink) for _ in range(3)))
    assert Counter(sink.recipients) == {f"p{number}@example.com": 1 for number in range(12)}


class Killed(BaseException):
    """kill -9: nothing after it runs, no except and no commit."""


async def test_killed_before_the_server_accepts_the_card_is_sent_later(
    acme: Tenant, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await celebrating(acme, "ann", 5, 4)
    await plan(acme, EIGHT)

    async def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Smtp, "send", killed)
        with pytest.raises(Killed):
            await send(acme, EIGHT, sink)
    await send(acme, EIGHT + HOUR, sink)
    assert sink.mails == [], "its lease is longer than an hour: clocks may differ that much"
    await send(acme, EIGHT + 2 * HOUR, sink)
    assert sink.recipients == ["ann@example.com"]


async def test_killed_between_acceptance_and_commit_the_card_comes_twice_under_one_id(
    acme: Tenant, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once, and the mailbox can tell: the same Message-ID."""
    await celebrating(acme, "ann", 5, 4)
    await plan(acme, EIGHT)

    async def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Round, "_note", killed)
        with pytest.raises(Killed):
            await send(acme, EIGHT, sink)
    await send(acme, EIGHT + 2 * HOUR, sink)
    assert len(sink.mails) == 2
    assert len(set(message_ids(sink))) == 1
    assert await statuses(acme) == {"ann": "sent"}


WORKER = """
import asyncio, sys
from datetime import datetime
from uuid import UUID
from app.calendar.jobs import send_due
from app.core.database import Database
from app.core.settings import Settings

async def work(url, organization, now):
    async def clock(_):
        return datetime.fromisoformat(now)

    await send_due(Database(url, Settings()), UUID(organization), clock)

asyncio.run(work(*sys.argv[1:]))
"""


class KillingSink(Sink):
    """Accepts the mail, and the worker is dead before it can read so."""

    worker: asyncio.subprocess.Process

    async def handle_DATA(self, *arguments: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(*arguments)
        self.worker.kill()
        await self.worker.wait()
        return answer


@pytest.mark.nightly
async def test_kill_9_between_acceptance_and_commit(acme: Tenant, tmp_path: Path) -> None:
    """A real process, really killed: what operate.md says of it."""
    await celebrating(acme, "ann", 5, 4)
    await plan(acme, EIGHT)
    async with listening(KillingSink()) as sink:
        assert isinstance(sink, KillingSink)
        environment = os.environ | {
            "BETROKKEN_SMTP_URL": sink.url,
            "BETROKKEN_MAIL_FROM": "cards@example.com",
            "BETROKKEN_DATA_DIR": str(tmp_path),
            "BETROKKEN_PSEUDONYM_SECRET": "a secret of the worker that is killed",
        }
        arguments = (acme.database.url, str(acme.id), EIGHT.isoformat())
        sink.worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, *arguments, env=environment
        )
        assert await sink.worker.wait() == -signal.SIGKILL
    assert sink.recipients == ["ann@example.com"]
    assert await statuses(acme) == {"ann": "sending"}
    async with listening(Sink()) as later:
        await send(acme, EIGHT + HOUR, later)
        assert later.mails == []
        await send(acme, EIGHT + 2 * HOUR, later)
    assert message_ids(later) == message_ids(sink)
    assert await statuses(acme) == {"ann": "sent"}


@pytest.mark.nightly
async def test_the_next_year_has_a_card_of_its_own(acme: Tenant, sink: Sink) -> None:
    await celebrating(acme, "leap", 2, 29)
    for year, day in ((2027, 28), (2028, 29), (2029, 28)):
        for hour in range(-30, 40, 5):
            eight = datetime(year, 2, day, 7, tzinfo=UTC)
            await plan_and_send(acme, eight + hour * HOUR, sink)
    assert len(set(message_ids(sink))) == len(sink.mails) == 3


async def test_what_operators_see(lone: Tenant, sink: Sink) -> None:
    """Of all organisations together: so there is no other."""

    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0

    sent = value("betrokken_calendar_mails_total", kind="cards", outcome="sent")
    late = value("betrokken_calendar_mail_delay_seconds_sum", kind="cards")
    await celebrating(lone, "ann", 5, 4)
    await plan_and_send(lone, EIGHT + HOUR, sink)
    assert value("betrokken_calendar_mails_total", kind="cards", outcome="sent") == sent + 1
    assert value("betrokken_calendar_mail_delay_seconds_sum", kind="cards") == late + 3600
    server = with_server(lone.database, sink.url)
    await celebrating(lone, "bob", 5, 4)
    await plan(lone, EIGHT + HOUR)
    for due in (1, 0):
        await send_celebrations(server, at(EIGHT + HOUR))
        assert value("betrokken_calendar_mails_due", kind="cards") == due


# ------------------------------------------------------------------ any pattern of restarts and clocks


STEP = st.tuples(
    st.integers(-60, 60),  # minutes that this worker's clock is off
    st.sampled_from(["plan", "send", "both", "two workers", "killed before", "killed after"]),
)
PATTERN = st.lists(STEP, min_size=1, max_size=8)


@pytest.mark.nightly
@settings(max_examples=examples(4), suppress_health_check=list(HealthCheck))
@given(pattern=PATTERN, zone=st.sampled_from(ZONES), start=st.dates(date(2027, 1, 1), date(2028, 12, 31)))
async def test_exactly_one_card_whatever_the_restarts_and_the_clocks(
    app: Any, pattern: list[tuple[int, str]], zone: str, start: date
) -> None:
    """Rounds around eight o'clock, half an hour apart, then quiet ones: one card, one Message-ID."""
    acme = await new_tenant(app, "Acme")
    await celebrating(acme, "ann", start.month, start.day, time_zone=zone)
    if (start.month, start.day) == (2, 29):
        start = start.replace(day=29 if start.year == 2028 else 28)
    async with listening(Sink()) as sink:
        eight = delivery_time(start, zone)
        for number, (minutes, what) in enumerate(pattern):
            now = eight + timedelta(minutes=30 * (number - 3)) + timedelta(minutes=minutes)
            await one_round(acme, now, what, sink)
        for hours in (6, 8, 10, 11):
            await plan_and_send(acme, eight + hours * HOUR, sink)
        assert len(set(message_ids(sink))) == 1
        assert await statuses(acme) == {"ann": "sent"}
        copies = 1 + sum(what == "killed after" for _, what in pattern)
        assert len(sink.mails) <= copies


def delivery_time(day: date, zone: str) -> datetime:
    return window(day, "08:00", zone).send_at


async def one_round(acme: Tenant, now: datetime, what: str, sink: Sink) -> None:
    if what in ("plan", "both", "two workers"):
        await plan(acme, now)
    if what in ("send", "both"):
        await send(acme, now, sink)
    if what == "two workers":
        await asyncio.gather(send(acme, now, sink), send(acme, now + 59 * MINUTE, sink))
    if what.startswith("killed"):
        await killed_round(acme, now, sink, is_accepted=what == "killed after")


async def killed_round(acme: Tenant, now: datetime, sink: Sink, *, is_accepted: bool) -> None:
    class KilledRound(Round[Any]):
        async def _note(self, *_: Any) -> None:
            raise Killed

        async def _written(self, item: Any) -> Any:
            if not is_accepted:
                raise Killed
            return await super()._written(item)

    database = with_server(acme.database, sink.url)
    with suppress(Killed):
        await KilledRound(database, acme.id, Planned(MAILS, service.compose), at(now)).run()


@pytest.mark.nightly  # a hundred thousand people
async def test_a_day_of_a_hundred_thousand_people_is_planned_once(acme: Tenant) -> None:
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(
            text(
                "INSERT INTO people (organization_id, id, external_id, name, is_active, segments, starts_on,"
                " time_zone) SELECT :id, gen_random_uuid(), 'p' || n, 'Person ' || n, true, '{}',"
                " DATE '2010-01-01' + n % 5000, (CAST(:zones AS text[]))[1 + n % 4]"
                " FROM generate_series(1, 100000) n"
            ),
            {"id": acme.id, "zones": list(ZONES)},
        )
        await session.execute(
            text(
                "INSERT INTO occasions (organization_id, person_id, key, kind, month, day, visibility,"
                " consent, recurrence) SELECT organization_id, id, 'birthday', 'birthday',"
                " 1 + mod(abs(hashtext(name)), 12), 1 + mod(abs(hashtext(external_id)), 28), 'team',"
                " true, 'yearly' FROM people WHERE organization_id = :id"
            ),
            {"id": acme.id},
        )
    planned = await plan(acme, EIGHT)
    assert planned > 5000
    assert await plan(acme, EIGHT) == planned
