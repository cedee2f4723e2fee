"""The newsletter: to whoever said yes, once a month, and with nothing that the API would not tell."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

import app.newsletter
from app.charts import service as charts
from app.metrics.recognition import service as recognition_service
from app.metrics.schemas.recognition import RecognitionGroupOk
from app.newsletter import jobs
from app.newsletter.issues import plan_issues
from app.newsletter.service import CONFIRM, UNSUBSCRIBE
from app.organizations.service import DEFAULTS
from app.recognition.rules import month_end, months_before
from tests.calendar.cards.office import celebrating, with_server
from tests.calendar.staff import people_on_file, team_on_file
from tests.clock import at
from tests.conftest import Tenant, stranger
from tests.contract import ContractClient
from tests.metrics.test_release import answer, finish, start
from tests.sink import Sink, listening
from tests.telling import numbers_in, raw_numbers, read_of, told_by, untold

SUBSCRIPTIONS = "/v1/newsletter/subscriptions"
ZONE = ZoneInfo(DEFAULTS["time_zone"])
NOW = datetime.now(UTC)
FIRST = months_before(NOW.astimezone(ZONE).date(), -1)
"""Of next month: the recognition it tells of is this month's."""
EIGHT = datetime(FIRST.year, FIRST.month, 1, 8, tzinfo=ZONE).astimezone(UTC)
SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 24))]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with listening(Sink()) as found:
        yield found


async def invite(api: ContractClient, **body: Any) -> str:
    answer = await api.post(SUBSCRIPTIONS, json=body)
    assert answer.status_code == 201, answer.text
    subscription: str = answer.json()["id"]
    return subscription


async def subscribed(acme: Tenant, *people: str) -> None:
    """People who confirmed."""
    for person in people:
        await confirmed(acme, person=person)


async def confirmed(acme: Tenant, **body: Any) -> None:
    token = acme.database.keyring.address_token(acme.id, CONFIRM, await as_id(acme, **body))
    assert (await acme.client.post(f"/v1/newsletter/confirm/{token}")).status_code == 200
    told = (await acme.client.get("/v1/audit?action=confirm_newsletter&limit=1")).json()["items"]
    assert [one["actor"] for one in told] == ["own_link"]


async def as_id(acme: Tenant, **body: Any) -> Any:
    found = await invite(acme.client, **body)
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("DELETE FROM newsletters"))
        return await session.scalar(
            text("SELECT id FROM newsletter_subscriptions WHERE id = CAST(:id AS uuid)"), {"id": found}
        )


async def created_at(acme: Tenant, then: datetime) -> None:
    """As if everybody had been invited then."""
    async with acme.database.tenant_session(acme.id) as session:
        update = text("UPDATE newsletter_subscriptions SET created_at = :then")
        await session.execute(update, {"then": then})


async def send(acme: Tenant, now: datetime, sink: Sink | None = None) -> None:
    database = with_server(acme.database, sink.url) if sink else acme.database
    await jobs.send_due(database, acme.id, at(now))


def soon() -> datetime:
    """After what was asked for just now."""
    return datetime.now(UTC) + MINUTE


async def rounds(acme: Tenant, sink: Sink, *times: datetime) -> None:
    for now in times:
        async with acme.database.tenant_session(acme.id) as session:
            await plan_issues(session, now)
        await send(acme, now, sink)


async def issue(acme: Tenant, sink: Sink, receiver: str) -> str:
    """The text of this month's mail to the receiver."""
    await rounds(acme, sink, EIGHT)
    return parts_of(dict(sink.mails)[receiver])[0]


def parts_of(message: EmailMessage) -> tuple[str, str]:
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


async def company(acme: Tenant) -> None:
    """Sales with two teams below, and care; mo leads sales, and works in care."""
    sales = await team_on_file(acme, "sales")
    for team, size in (("north", 12), ("south", 3)):
        team_id = await team_on_file(acme, team, sales)
        await people_on_file(acme, *(f"{team}-{n}" for n in range(size)), team_id=team_id)
    care = await team_on_file(acme, "care")
    await people_on_file(acme, *(f"care-{n}" for n in range(14)), team_id=care)
    await people_on_file(acme, "mo", email="mo@example.com", team_id=care, name="Mo")
    await people_on_file(acme, "ann", email="ann@example.com", team_id=care, name="Ann")
    await acme.client.patch("/v1/teams/sales", json={"lead": "mo"})


async def measured(acme: Tenant) -> None:
    """A survey of them all, released."""
    sizes = {"north": 12, "south": 3, "care": 14}
    people = [f"{team}-{number}" for team, size in sizes.items() for number in range(size)]
    survey = await start(acme.client, name="Autumn")
    for pay in (1, 3, 5):
        await answer(acme.client, survey, people[pay // 2 :: 3], pay)
    await finish(acme, survey)


# ------------------------------------------------------------------ who gets it


async def test_nothing_is_sent_to_who_did_not_confirm(
    acme: Tenant, api: ContractClient, anonymous: ContractClient, sink: Sink
) -> None:
    await people_on_file(acme, "mo", email="mo@example.com", name="Mo")
    await invite(api, person="mo")
    await rounds(acme, sink, soon(), soon())
    [(recipient, message)] = sink.mails
    assert recipient == "mo@example.com"
    assert message["Subject"] == "Would you like the newsletter of Acme?"
    [link] = set(re.findall(r"http\S+/v1/newsletter/confirm/\S+", parts_of(message)[0]))
    path = httpx.URL(link).path
    assert "<form" in (await anonymous.get(path)).text, "a scanner that follows the link confirms nothing"
    await created_at(acme, EIGHT - DAY)
    await rounds(acme, sink, EIGHT)
    assert len(sink.mails) == 1
    [found] = (await api.get(SUBSCRIPTIONS)).json()["items"]
    assert (found["status"], found["confirmed_at"]) == ("pending", None)


async def test_who_confirms_gets_it_once_a_month(
    acme: Tenant, api: ContractClient, anonymous: ContractClient, sink: Sink
) -> None:
    await people_on_file(acme, "mo", email="mo@example.com")
    await invite(api, person="mo")
    await rounds(acme, sink, soon())
    [link] = set(re.findall(r"http\S+/v1/newsletter/confirm/\S+", parts_of(sink.mails[0][1])[0]))
    for _ in range(2):
        assert (await anonymous.post(httpx.URL(link).path)).status_code == 200
    [found] = (await api.get(SUBSCRIPTIONS)).json()["items"]
    assert (found["status"], found["person"], found["email"]) == ("confirmed", "mo", None)
    await rounds(acme, sink, *(EIGHT + number * HOUR for number in (-30, -2, -1, 0, 1, 5, 30, 100)))
    assert len(sink.mails) == 2
    following = datetime.combine(months_before(FIRST, -1), EIGHT.astimezone(ZONE).timetz())
    await rounds(acme, sink, following.replace(tzinfo=ZONE).astimezone(UTC))
    assert len(sink.mails) == 3
    assert len({str(message["Message-ID"]) for _, message in sink.mails}) == 3


async def test_one_click_ends_it_and_there_is_no_second_invitation(
    acme: Tenant, api: ContractClient, anonymous: ContractClient, sink: Sink
) -> None:
    await confirmed(acme, email="Friend@Example.org")
    await rounds(acme, sink, EIGHT)
    [(recipient, message)] = sink.mails
    assert recipient == "friend@example.org"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(message["List-Unsubscribe"]).strip("<>")
    assert all(link in part for part in parts_of(message))
    path = httpx.URL(link).path
    assert "<form" in (await anonymous.get(path)).text
    for _ in range(2):
        assert (await anonymous.post(path, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    await rounds(acme, sink, EIGHT + 31 * DAY, EIGHT + 32 * DAY)
    assert len(sink.mails) == 1
    [found] = (await api.get(SUBSCRIPTIONS)).json()["items"]
    assert found["status"] == "unsubscribed"
    again = await api.post(SUBSCRIPTIONS, json={"email": "friend@example.org"})
    assert (again.status_code, again.json()["code"]) == (409, "unsubscribed")
    confirm = path.replace("unsubscribe", "confirm")
    assert (await anonymous.post(confirm)).status_code == 404, "a token is for one thing"


async def test_a_confirmation_comes_in_time_or_the_address_is_forgotten(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    found = await as_id(acme, email="friend@example.org")
    token = acme.database.keyring.address_token(acme.id, CONFIRM, found)
    await created_at(acme, NOW - 15 * DAY)
    assert (await anonymous.post(f"/v1/newsletter/confirm/{token}")).status_code == 404
    async with acme.database.tenant_session(acme.id) as session:
        await plan_issues(session, NOW)
    assert (await api.get(SUBSCRIPTIONS)).json()["items"] == []


async def test_a_subscription_that_ended_cannot_be_confirmed_by_its_old_invitation(
    acme: Tenant, anonymous: ContractClient
) -> None:
    found = await as_id(acme, email="friend@example.org")
    confirm, end = (
        acme.database.keyring.address_token(acme.id, purpose, found) for purpose in (CONFIRM, UNSUBSCRIBE)
    )
    assert (await anonymous.post(f"/v1/newsletter/unsubscribe/{end}")).status_code == 200
    assert (await anonymous.post(f"/v1/newsletter/confirm/{confirm}")).status_code == 404


async def test_a_token_that_is_not_ours_changes_nothing(acme: Tenant, anonymous: ContractClient) -> None:
    foreign = stranger().address_token(acme.id, CONFIRM, uuid4())
    of_reminders = acme.database.keyring.address_token(acme.id, "unsubscribe", uuid4())
    for door in ("confirm", "unsubscribe"):
        for token in (foreign, of_reminders, "x", "a" * 64):
            assert (await anonymous.get(f"/v1/newsletter/{door}/{token}")).status_code == 404
            assert (await anonymous.post(f"/v1/newsletter/{door}/{token}")).status_code == 404
        for method in ("get", "post"):
            bad = await anonymous.request(method, f"/v1/newsletter/{door}/{'a' * 101}")
            assert bad.status_code == 422
        known = acme.database.keyring.address_token(acme.id, f"newsletter {door}", uuid4())
        large = await anonymous.post(f"/v1/newsletter/{door}/{known}", content=b"x" * (10 * 2**20 + 1))
        assert large.status_code == 413
    gone = acme.database.keyring.address_token(acme.id, UNSUBSCRIBE, uuid4())
    assert (await anonymous.post(f"/v1/newsletter/unsubscribe/{gone}")).status_code == 200


async def test_who_left_or_is_deleted_gets_none(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await people_on_file(acme, "left", "later", "quiet", "stays", email="x@example.com")
    await subscribed(acme, "left", "later", "quiet", "stays")
    await api.patch("/v1/people/left", json={"ends_on": str(FIRST - DAY)})
    async with acme.database.tenant_session(acme.id) as session:
        await plan_issues(session, EIGHT)
    await api.patch("/v1/people/later", json={"active": False})
    await api.patch("/v1/people/quiet", json={"email": None})
    await rounds(acme, sink, EIGHT)
    assert len(sink.mails) == 1
    assert await statuses(acme) == {"later": "cancelled", "quiet": "no_address", "stays": "sent"}
    [stays] = [one for one in (await api.get(SUBSCRIPTIONS)).json()["items"] if one["person"] == "stays"]
    assert (await api.delete(f"{SUBSCRIPTIONS}/{stays['id']}")).status_code == 204
    assert (await api.delete(f"{SUBSCRIPTIONS}/{stays['id']}")).status_code == 404


async def statuses(acme: Tenant) -> dict[str, str]:
    """By person."""
    query = (
        "SELECT p.external_id, n.status FROM newsletters n"
        " JOIN newsletter_subscriptions s"
        " ON s.organization_id = n.organization_id AND s.id = n.subscription_id"
        " JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id"
    )
    async with acme.database.tenant_session(acme.id) as session:
        return {row.external_id: row.status for row in await session.execute(text(query))}


# ------------------------------------------------------------------ when


@pytest.mark.nightly
async def test_it_arrives_in_the_reader_s_morning_on_the_day_of_the_organization(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await api.patch("/v1/organization", json={"newsletter_day": 15, "cards": {"time": "09:30"}})
    zones = {"west": "Pacific/Pago_Pago", "home": None, "east": "Pacific/Kiritimati"}
    for name, zone in zones.items():
        await people_on_file(acme, name, email=f"{name}@example.com", time_zone=zone)
    await subscribed(acme, *zones)
    arrived: dict[str, datetime] = {}
    for number in range(96):
        now = datetime(2027, 5, 14, tzinfo=UTC) + number * HOUR / 2
        await rounds(acme, sink, now)
        for recipient, _ in sink.mails:
            arrived.setdefault(recipient.partition("@")[0], now)
    assert arrived == {
        "east": datetime(2027, 5, 14, 19, 30, tzinfo=UTC),
        "home": datetime(2027, 5, 15, 7, 30, tzinfo=UTC),
        "west": datetime(2027, 5, 15, 20, 30, tzinfo=UTC),
    }
    assert len(sink.mails) == 3


@pytest.mark.parametrize(("late", "mails"), [(2 * HOUR, 1), (2 * DAY, 1), (4 * DAY, 0)])
async def test_after_an_outage_it_is_sent_unless_days_have_passed(
    late: timedelta, mails: int, acme: Tenant, sink: Sink
) -> None:
    await people_on_file(acme, "mo", email="mo@example.com")
    await subscribed(acme, "mo")
    await rounds(acme, sink, EIGHT + late)
    assert len(sink.mails) == mails


@pytest.mark.nightly
async def test_a_day_that_moves_within_the_month_sends_no_second_one(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await people_on_file(acme, "mo", email="mo@example.com")
    await subscribed(acme, "mo")
    await rounds(acme, sink, EIGHT)
    await api.patch("/v1/organization", json={"newsletter_day": 3})
    await rounds(acme, sink, EIGHT + 2 * DAY)
    assert len(sink.mails) == 1
    await api.patch("/v1/organization", json={"newsletter_day": None})
    await rounds(acme, sink, *(EIGHT + number * DAY for number in range(3, 70)))
    assert len(sink.mails) == 1


@pytest.mark.nightly
@pytest.mark.parametrize("seed", SEEDS)
async def test_once_a_month_whatever_the_restarts_and_clocks(seed: int, acme: Tenant, sink: Sink) -> None:
    """Two workers whose clocks are an hour apart at most, less than a lease, over two issues."""
    random = Random(seed)
    people = [f"p{number}" for number in range(3)]
    for person in people:
        await people_on_file(acme, person, email=f"{person}@example.com")
    await subscribed(acme, *people)
    for month in (0, 1):
        day = months_before(FIRST, -month)
        eight = datetime(day.year, day.month, 1, 8, tzinfo=ZONE).astimezone(UTC)
        times = sorted(random.uniform(-5, 40) for _ in range(6))
        for hours in [*times, 50]:
            clocks = [eight + hours * HOUR + random.uniform(-30, 30) * MINUTE for _ in range(2)]
            await asyncio.gather(*(rounds(acme, sink, clock) for clock in clocks))
    assert Counter(recipient for recipient, _ in sink.mails) == {f"{one}@example.com": 2 for one in people}


async def test_a_bounce_is_noted_and_a_busy_server_is_asked_again(acme: Tenant, sink: Sink) -> None:
    for person in ("gone", "full"):
        await people_on_file(acme, person, email=f"{person}@example.com")
    await subscribed(acme, "gone", "full")
    sink.refusals = {"gone@example.com": "550 no such mailbox", "full@example.com": "452 later"}
    await rounds(acme, sink, EIGHT)
    assert await statuses(acme) == {"gone": "bounced", "full": "planned"}
    told = {one["person"]: one["last_mail"] for one in (await acme.client.get(SUBSCRIPTIONS)).json()["items"]}
    assert told["gone"] == {
        "issue": f"{FIRST:%Y-%m}", "status": "bounced", "sent_at": None, "failure": "refused_by_server"
    }  # fmt: skip
    sink.refusals = {}
    await rounds(acme, sink, EIGHT + 5 * MINUTE)
    assert await statuses(acme) == {"gone": "bounced", "full": "sent"}


async def test_operators_see_what_is_due_and_sent(lone: Tenant, sink: Sink) -> None:
    """Of all organisations together: so there is no other."""

    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"kind": "newsletters", **labels}) or 0

    for person in ("mo", "ann"):
        await people_on_file(lone, person, email=f"{person}@example.com")
    await subscribed(lone, "mo", "ann")
    sent = value("betrokken_calendar_mails_total", outcome="sent")
    await rounds(lone, sink, EIGHT - HOUR)
    database = with_server(lone.database, sink.url)
    for due in (2, 0):
        await jobs.send_newsletters(database, at(EIGHT))
        assert value("betrokken_calendar_mails_due") == due
        assert value("betrokken_calendar_mails_total", outcome="sent") == sent + 2
    await jobs.plan_newsletters(lone.database)


async def test_without_a_mail_server_it_is_a_file(acme: Tenant) -> None:
    await people_on_file(acme, "mo", email="mo@files.example")
    await subscribed(acme, "mo")
    async with acme.database.tenant_session(acme.id) as session:
        await plan_issues(session, EIGHT)
    await send(acme, EIGHT)
    files = (acme.database.settings.data_dir / "mail").glob("*.eml")
    assert any(b"To: mo@files.example" in file.read_bytes() for file in files)


# ------------------------------------------------------------------ what it says


async def test_who_leads_a_team_reads_what_the_api_tells_of_it(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await company(acme)
    await measured(acme)
    await thanked(acme)
    await subscribed(acme, "mo", "ann")
    told = lines(await issue(acme, sink, "mo@example.com"))
    [organization] = (await numbers(api))["groups"]
    groups = (await numbers(api, team="sales", by="team"))["groups"]
    reasons = (await api.get("/v1/metrics/definitions")).json()["labels"]["reasons"]
    assert [group["status"] for group in groups] == ["ok", "suppressed", "suppressed"]
    for group in [organization, *groups]:
        name = group["group"]["name"]
        if group["status"] == "ok":
            satisfaction, engagement = group["satisfaction"], group["engagement"]
            [line] = [one for one in told[name] if "satisfaction" in one]
            decimals = 1 if group["precision"] == "exact" else 0
            score, low, high = (
                f"{satisfaction[part]:.{decimals}f}" for part in ("score", "ci_low", "ci_high")
            )
            assert line.startswith(f"satisfaction {score} ({low} to {high}), ")
            assert f"engagement {engagement['score']:.{decimals}f}" in line
            assert line.endswith(f"answers {group['n']}")
        else:
            assert reasons[group["reason"]]["en"] in told[name]
    assert [name for name in told if name != "Acme"] == ["Sales", "North", "South"]
    assert f"messages {await events_of(acme)}, " in told["Acme"][0]
    assert told["Sales"][0].startswith("messages 11, ")
    assert told["North"] == [reasons["complementary"]["en"]] * 2
    assert list(lines(parts_of(dict(sink.mails)["ann@example.com"])[0])) == ["Acme"]


async def thanked(acme: Tenant) -> None:
    for number in range(11):
        event = {"giver": "mo", "receivers": [f"north-{number}"], "message": "Thanks"}
        event["occurred_at"] = NOW.isoformat()
        await acme.client.post("/v1/recognitions", json=event)


def lines(plain: str) -> dict[str, list[str]]:
    """What is said of each group, by name."""
    found: dict[str, list[str]] = {}
    for line in plain.splitlines():
        name, colon, rest = line.removeprefix("- ").partition(": ")
        if line.startswith("- ") and colon and not name[0].isdigit():
            found.setdefault(name, []).append(rest)
    return found


TOLD = ("satisfaction-engagement", "recognition", "celebrations", "overview", "context")
OWN = numbers_in((Path(app.newsletter.__file__).parent / "words.yaml").read_text(encoding="utf-8"))
"""In its own sentences, such as a margin of 95%."""


@pytest.mark.nightly
async def test_no_mail_tells_a_number_that_the_api_does_not(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    """In text, HTML and what stands for its picture; a number of the first respondent would be found."""
    await company(acme)
    await measured(acme)
    await thanked(acme)
    await subscribed(acme, "mo", "ann")
    await rounds(acme, sink, EIGHT)
    by = {"by": ["organization", "team"]}
    answers = [(await api.get(f"/v1/metrics/{one}", params=by)).json() for one in TOLD]
    answers.append(
        [(await api.get("/v1/calendar", params={"from": str(FIRST), "to": str(FIRST + 40 * DAY)})).json()]
    )
    dates = [str(FIRST), str(month_end(FIRST)), str(months_before(FIRST, 1))]
    told = told_by([*answers, *dates, list(range(len(answers[0]["groups"]) + 1))]) | OWN
    raw = untold(raw_numbers([(0, 100), (50, 100), (12.5, 87.5)]), told)
    assert sink.mails
    for _, message in sink.mails:
        plain, html = parts_of(message)
        read = f"{message['Subject']} {plain} {read_of(html)}"
        assert len(numbers_in(read)) > 5
        assert numbers_in(read) - told == set()
        for leaking in (f"{plain} {raw:f}", read_of(html.replace("</body>", f"<p>{raw:f}</p></body>"))):
            assert numbers_in(leaking) - told == {raw}


async def numbers(api: ContractClient, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get("/v1/metrics/satisfaction-engagement", params=params)).json()
    return found


async def events_of(tenant: Tenant) -> int:
    """What the API tells of the organisation next month, when this one is over."""
    day = months_before(FIRST, 1)
    async with tenant.database.tenant_session(tenant.id) as session:
        window = recognition_service.window_of(day, month_end(day), FIRST)
        [told] = await recognition_service.groups(session, window, ["organization"], None)
    assert isinstance(told, RecognitionGroupOk)
    return told.events


@pytest.mark.nightly
async def test_a_picture_shows_where_the_reader_s_groups_stand(acme: Tenant, sink: Sink) -> None:
    await company(acme)
    await measured(acme)
    await subscribed(acme, "mo")
    await rounds(acme, sink, EIGHT)
    mail = dict(sink.mails)["mo@example.com"]
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content().startswith(b"\x89PNG")
    assert len(picture.get_content()) < 200_000
    html = parts_of(mail)[1]
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    assert re.search(r'alt="Satisfaction against engagement of groups \(2\)[^"]+Groups not shown: 2\."', html)


@pytest.mark.nightly
async def test_without_the_extra_the_mail_has_no_picture(
    acme: Tenant, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "find_spec", lambda name: None)
    await company(acme)
    await measured(acme)
    await subscribed(acme, "mo")
    await rounds(acme, sink, EIGHT)
    mail = dict(sink.mails)["mo@example.com"]
    assert not [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert "cid:" not in parts_of(mail)[1]


@pytest.mark.nightly
async def test_a_team_handed_over_is_told_of_no_more(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await company(acme)
    await measured(acme)
    await subscribed(acme, "mo")
    async with acme.database.tenant_session(acme.id) as session:
        await plan_issues(session, EIGHT - HOUR)
    await api.patch("/v1/teams/sales", json={"lead": "ann"})
    assert list(lines(await issue(acme, sink, "mo@example.com"))) == ["Acme"]


@pytest.mark.nightly
async def test_a_team_of_later_than_the_survey_is_told_of_in_recognition_alone(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await company(acme)
    await measured(acme)
    await api.put("/v1/teams/new", json={"name": "New", "lead": "mo"})
    await subscribed(acme, "mo")
    told = lines(await issue(acme, sink, "mo@example.com"))
    assert told["New"] == ["Too few people. This keeps everyone's answers private"]


@pytest.mark.nightly
async def test_an_address_from_elsewhere_reads_no_names(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await company(acme)
    await measured(acme)
    await celebrating(acme, "cy", FIRST.month, 5, name="Cy Jansen")
    await confirmed(acme, email="council@example.org")
    plain = await issue(acme, sink, "council@example.org")
    assert list(lines(plain)) == ["Acme"]
    assert plain.startswith("Hello,\n")
    assert "to celebrate at Acme from 1 " in plain
    assert plain.partition(": 1.\n")[1], "one day, and whose it is is not said"
    assert "Cy" not in re.sub(r"https?://\S+", "", plain), "a token may hold any letters"


async def test_days_to_come_are_those_around_the_reader(acme: Tenant, sink: Sink) -> None:
    await company(acme)
    around: dict[str, dict[str, Any]] = {
        "own-team": {"team": "care"},
        "led": {"team": "south"},
        "report": {"manager": "mo"},
        "elsewhere": {},
    }
    for name, columns in around.items():
        await celebrating(acme, name, FIRST.month, 5, name=name, manager=columns.get("manager"))
        if "team" in columns:
            await acme.client.patch(f"/v1/people/{name}", json=columns)
    for person, visibility in (("mo", "team"), ("led", "private")):
        secret = {"kind": "custom", "month": FIRST.month, "day": 6, "label": "Hush", "consent": True}
        await acme.client.put(f"/v1/people/{person}/occasions/x", json=secret | {"visibility": visibility})
    await subscribed(acme, "mo")
    plain = await issue(acme, sink, "mo@example.com")
    days = [line for line in plain.splitlines() if re.match(r"- \d", line)]
    assert [line.partition(": ")[2] for line in days] == [
        f"{name}: birthday" for name in ("led", "own-team", "report")
    ]


@pytest.mark.nightly
async def test_it_is_in_the_reader_s_language(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await company(acme)
    await measured(acme)
    await api.patch("/v1/people/mo", json={"locale": "nl-NL"})
    await subscribed(acme, "mo")
    await confirmed(acme, email="friend@example.org", language="nl")
    await confirmed(acme, email="other@example.org")
    await rounds(acme, sink, EIGHT)
    subjects = {recipient: str(message["Subject"]) for recipient, message in sink.mails}
    assert subjects["mo@example.com"].startswith("Nieuwsbrief van ")
    assert subjects["friend@example.org"].startswith("Nieuwsbrief van ")
    assert subjects["other@example.org"].startswith("Newsletter of ")
    mail = dict(sink.mails)["mo@example.com"]
    assert mail["Content-Language"] == "nl"
    assert re.search(r"- Acme: tevredenheid \d+(,\d)? \(\d+(,\d)? tot ", parts_of(mail)[0])


async def test_without_a_survey_it_says_so(acme: Tenant, sink: Sink) -> None:
    await people_on_file(acme, "mo", email="mo@example.com")
    await subscribed(acme, "mo")
    assert "There are no survey results yet." in await issue(acme, sink, "mo@example.com")


async def test_hostile_names_add_no_element_and_no_header(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await api.patch("/v1/organization", json={"name": "<script>{{ 1 }}</script>\r\nBcc: all@example.com"})
    await people_on_file(acme, "mo", email="mo@example.com", name="<b>&mo\x0b")
    await subscribed(acme, "mo")
    await rounds(acme, sink, EIGHT)
    [(_, message)] = sink.mails
    plain, html = parts_of(message)
    assert message["Bcc"] is None
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<b>&mo" in plain
    assert "{{ 1 }}" in plain
    addresses = set(re.findall(r"https?://[^\s\"<]+", html)) - {"http://www.w3.org/1999/xhtml"}
    assert addresses == {str(message["List-Unsubscribe"]).strip("<>")}, "nothing is loaded from elsewhere"


# ------------------------------------------------------------------ the API


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 422, "subscriber_not_named"),
        ({"person": "mo", "email": "mo@example.org"}, 422, "subscriber_not_named"),
        ({"person": "nobody"}, 422, "unknown_person"),
        ({"email": "nobody"}, 422, "bad_address"),
        ({"email": "a@b..example"}, 422, "bad_address"),
        ({"email": "a@b.c\r\nBcc: x@y.z"}, 422, "bad_address"),
        ({"email": "MO@example.com"}, 422, "address_of_person"),
        ({"email": "x"}, 422, "invalid_value"),
        ({"person": "mo", "language": "de"}, 422, "invalid_value"),
        ({"person": "ann"}, 409, "already_subscribed"),
    ],
)
async def test_bad_invitations_are_refused(
    acme: Tenant, api: ContractClient, sent: dict[str, Any], status: int, code: str
) -> None:
    await people_on_file(acme, "mo", "ann", email="mo@example.com")
    await invite(api, person="ann")
    answer = await api.post(SUBSCRIPTIONS, json=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_whoever_invites_may_see_the_numbers_himself(acme: Tenant) -> None:
    client = await acme.client_with("calendar:write")
    answer = await client.post(SUBSCRIPTIONS, json={"email": "me@example.org"})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_subscriptions_are_listed(api: ContractClient, other: Tenant) -> None:
    await invite(other.client, email="theirs@example.org")
    for number in range(3):
        await invite(api, email=f"{number}@example.org")
    first = await api.get(SUBSCRIPTIONS, params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    found = [one["email"] for one in first.json()["items"] + rest.json()["items"]]
    assert found == ["2@example.org", "1@example.org", "0@example.org"]


async def test_an_idempotency_key_makes_one(api: ContractClient) -> None:
    key, body = {"Idempotency-Key": "k"}, {"email": "x@example.org"}
    made = await api.post(SUBSCRIPTIONS, json=body, headers=key)
    again = await api.post(SUBSCRIPTIONS, json=body, headers=key)
    assert (again.status_code, again.json()) == (201, made.json())
    reused = await api.post(SUBSCRIPTIONS, json={"email": "y@example.org"}, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_next_month_begins_on_its_first() -> None:
    assert date(FIRST.year, FIRST.month, 1) == FIRST
