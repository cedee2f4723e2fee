"""Who is told of whose days: one mail a day, none to those who do not want it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.calendar.reminders.service import plan_digests, unsubscribe_token
from tests.calendar.cards.office import celebrating, send
from tests.calendar.staff import people_on_file, team_on_file
from tests.calendar.test_calendar import put
from tests.conftest import Tenant, stranger
from tests.contract import ContractClient
from tests.sink import Sink, listening

REMINDERS = "/v1/reminders"
EIGHT = datetime(2027, 5, 1, 6, tzinfo=UTC)
"""Three days before 4 May, at eight in Amsterdam."""


@pytest.fixture
async def sink(api: ContractClient) -> AsyncIterator[Sink]:
    """A server that gets reminders alone: cards are off."""
    await api.patch("/v1/organization", json={"cards": {"enabled": False}})
    async with listening(Sink()) as found:
        yield found


async def remind(api: ContractClient, **more: Any) -> None:
    answer = await api.post(REMINDERS, json={"days_before": 3, **more})
    assert answer.status_code == 201, answer.text


async def rounds(acme: Tenant, sink: Sink, *times: datetime) -> None:
    for now in times:
        async with acme.database.tenant_session(acme.id) as session:
            await plan_digests(session, now)
        await send(acme, now, sink)


def told(sink: Sink) -> dict[str, list[str]]:
    """The lines of each mail, by its receiver."""
    return {
        recipient.partition("@")[0]: [
            line.removeprefix("- ") for line in message.get_content().splitlines() if line.startswith("- ")
        ]
        for recipient, message in sink.mails
    }


@pytest.fixture
async def staff(acme: Tenant) -> None:
    sales = await team_on_file(acme, "sales")
    sales_nl = await team_on_file(acme, "sales-nl", sales)
    await celebrating(acme, "ann", 5, 4, team_id=sales_nl, manager="mo", locale="nl")
    await celebrating(acme, "bob", 5, 4, team_id=sales_nl, manager="mo", locale="nl")
    await people_on_file(acme, "mo", email="mo@example.com", team_id=sales, locale="nl")
    await people_on_file(acme, "hr", email="hr@example.com")
    await people_on_file(acme, "mute", team_id=sales_nl)
    await people_on_file(acme, "gone", email="gone@example.com", team_id=sales_nl, ends_on=date(2027, 4, 30))


@pytest.mark.usefixtures("staff")
async def test_a_manager_is_told_of_all_in_one_mail(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await put(api, "ann", "wedding", 5, 2, kind="wedding", year=2020)
    await remind(api, recipient="manager")
    await remind(api, recipient="manager", days_before=1)
    await rounds(acme, sink, *(EIGHT + timedelta(hours=hour) for hour in (-10, -1, 0, 1, 5)))
    [(recipient, message)] = sink.mails
    assert recipient == "mo@example.com"
    assert told(sink) == {"mo": ["2 mei: Ann: trouwdag", "4 mei: Ann is jarig", "4 mei: Bob is jarig"]}
    assert message["Subject"] == "Binnenkort: 2 mei: Ann: trouwdag en nog 2"
    await rounds(acme, sink, *(EIGHT + timedelta(days=number) for number in (1, 2, 3)))
    assert len(sink.mails) == 2, "three days before and one day before"


@pytest.mark.usefixtures("staff")
async def test_a_team_is_told_but_nobody_of_their_own_day(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await remind(api, recipient="team")
    await rounds(acme, sink, EIGHT)
    assert told(sink) == {"ann": ["4 mei: Bob is jarig"], "bob": ["4 mei: Ann is jarig"]}


@pytest.mark.usefixtures("staff")
async def test_a_person_is_told_of_a_team_and_of_some_kinds(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await people_on_file(acme, "cy", starts_on=date(2027, 5, 4))
    await put(api, "cy", "secret", 5, 4, visibility="private")
    await remind(api, recipient="person", person="hr", team="sales")
    await remind(api, recipient="person", person="hr", kinds=["first_day"])
    await rounds(acme, sink, EIGHT)
    assert told(sink) == {"hr": ["4 May: Ann: birthday", "4 May: Bob: birthday", "4 May: Cy: first day"]}


@pytest.mark.usefixtures("staff")
async def test_consent_withdrawn_since_counts(acme: Tenant, api: ContractClient, sink: Sink) -> None:
    await remind(api, recipient="manager")
    async with acme.database.tenant_session(acme.id) as session:
        await plan_digests(session, EIGHT - timedelta(hours=2))
    await put(api, "ann", "birthday", 5, 4, kind="birthday", consent=False)
    await rounds(acme, sink, EIGHT)
    assert told(sink) == {"mo": ["4 mei: Bob is jarig"]}
    await put(api, "bob", "birthday", 5, 5, kind="birthday")
    async with acme.database.tenant_session(acme.id) as session:
        await plan_digests(session, EIGHT + timedelta(hours=20))
    await api.delete("/v1/people/bob/occasions/birthday")
    await rounds(acme, sink, EIGHT + timedelta(days=1))
    assert len(sink.mails) == 1


async def test_reminders_arrive_in_the_reader_s_morning(
    acme: Tenant, api: ContractClient, sink: Sink
) -> None:
    await celebrating(acme, "ann", 5, 4)
    for name, zone in (("west", "Pacific/Pago_Pago"), ("east", "Pacific/Kiritimati")):
        await people_on_file(acme, name, email=f"{name}@example.com", time_zone=zone)
        await remind(api, recipient="person", person=name)
    start, arrived = datetime(2027, 4, 30, tzinfo=UTC), {}
    for hour in range(72):
        await rounds(acme, sink, start + timedelta(hours=hour))
        for name in told(sink):
            arrived.setdefault(name, start + timedelta(hours=hour))
    assert arrived == {
        "east": datetime(2027, 4, 30, 18, tzinfo=UTC),
        "west": datetime(2027, 5, 1, 19, tzinfo=UTC),
    }
    assert len(sink.mails) == 2


@pytest.mark.usefixtures("staff")
async def test_one_click_unsubscribes(
    acme: Tenant, api: ContractClient, anonymous: ContractClient, sink: Sink
) -> None:
    await remind(api, recipient="manager")
    await remind(api, recipient="person", person="hr", days_before=3)
    await rounds(acme, sink, EIGHT)
    message = dict(sink.mails)["mo@example.com"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(message["List-Unsubscribe"]).strip("<>")
    assert link in message.get_content()
    path = httpx.URL(link).path
    page = await anonymous.get(path)
    assert "<form" in page.text, "a scanner that follows the link changes nothing"
    await put(api, "ann", "more", 5, 5)
    await rounds(acme, sink, EIGHT + timedelta(days=1))
    assert len(sink.mails) == 4
    for _ in range(2):
        form = {"List-Unsubscribe": "One-Click"}
        assert (await anonymous.post(path, data=form)).status_code == 200
    await put(api, "ann", "still", 5, 6)
    await rounds(acme, sink, EIGHT + timedelta(days=2))
    assert [recipient for recipient, _ in sink.mails[4:]] == ["hr@example.com"]


async def test_a_token_that_is_not_ours_changes_nothing(acme: Tenant, anonymous: ContractClient) -> None:
    foreign = unsubscribe_token(stranger(), acme.id, uuid4())
    known = unsubscribe_token(acme.database.keyring, acme.id, uuid4())
    for token in (foreign, "x", "a" * 64, known[:-4]):
        assert (await anonymous.get(f"/v1/unsubscribe/{token}")).status_code == 404
        assert (await anonymous.post(f"/v1/unsubscribe/{token}")).status_code == 404
    for method in ("get", "post"):
        assert (await anonymous.request(method, f"/v1/unsubscribe/{'a' * 101}")).status_code == 422
        assert (await anonymous.request(method, "/v1/unsubscribe/ü")).status_code == 422
    assert (await anonymous.post(f"/v1/unsubscribe/{known}")).status_code == 200, "the person is gone"
    too_large = await anonymous.post(f"/v1/unsubscribe/{known}", content=b"x" * (10 * 2**20 + 1))
    assert too_large.status_code == 413


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"recipient": "person"}, "recipient_not_named"),
        ({"recipient": "manager", "person": "ann"}, "recipient_not_named"),
        ({"recipient": "person", "person": "nobody"}, "unknown_person"),
        ({"recipient": "team", "team": "nobody-s"}, "unknown_team"),
        ({"recipient": "team", "days_before": 61}, "invalid_value"),
        ({"recipient": "team", "days_before": -1}, "invalid_value"),
        ({"recipient": "team", "kinds": []}, "invalid_value"),
        ({"recipient": "everybody"}, "invalid_value"),
    ],
)
async def test_bad_reminders_are_refused(api: ContractClient, sent: dict[str, Any], code: str) -> None:
    answer = await api.post(REMINDERS, json={"days_before": 3, **sent})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_reminders_are_listed_and_deleted(api: ContractClient) -> None:
    for days in (1, 2, 3):
        await remind(api, recipient="team", days_before=days)
    first = await api.get(REMINDERS, params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    found = first.json()["items"] + rest.json()["items"]
    assert [reminder["days_before"] for reminder in found] == [3, 2, 1]
    assert (await api.delete(f"{REMINDERS}/{found[0]['id']}")).status_code == 204
    assert (await api.delete(f"{REMINDERS}/{found[0]['id']}")).status_code == 404


async def test_nobody_is_reminded_twice_of_the_same(api: ContractClient) -> None:
    await remind(api, recipient="team", days_before=3, kinds=["birthday", "wedding"])
    same = {"recipient": "team", "days_before": 3, "kinds": ["wedding", "birthday"]}
    double = await api.post(REMINDERS, json=same)
    assert (double.status_code, double.json()["code"]) == (409, "reminder_exists")
    for other in ({"days_before": 2}, {"recipient": "manager"}, {"kinds": None}, {"kinds": ["wedding"]}):
        assert (await api.post(REMINDERS, json=same | other)).status_code == 201


async def test_a_reminder_s_idempotency_key_makes_one(api: ContractClient) -> None:
    key, body = {"Idempotency-Key": "k"}, {"recipient": "team", "days_before": 3}
    made = await api.post(REMINDERS, json=body, headers=key)
    again = await api.post(REMINDERS, json=body, headers=key)
    assert (again.status_code, again.json()) == (201, made.json())
    reused = await api.post(REMINDERS, json={**body, "days_before": 4}, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
