"""What a receiver is sent, when again, and when no more."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import WebhookVerificationError

from app.core import outbound
from app.core.settings import Settings
from app.webhooks.jobs import forget_deliveries, wake_webhooks
from app.webhooks.rules import asked_pause
from tests.clock import later
from tests.conftest import Tenant
from tests.waiting import PATIENCE, until
from tests.webhooks.hooks import DATA, EVENT, Json, deliver, happens, log_of, read, subscribed, with_receiver
from tests.webhooks.receiver import Receiver

DAY = timedelta(days=1)


@pytest.fixture
async def both(settings: Settings, module_database: str) -> AsyncIterator[tuple[Tenant, Receiver]]:
    async with with_receiver(settings, module_database) as both:
        yield both


@pytest.fixture
def acme(both: tuple[Tenant, Receiver]) -> Tenant:
    return both[0]


@pytest.fixture
def receiver(both: tuple[Tenant, Receiver]) -> Receiver:
    return both[1]


@pytest.fixture
async def hook(acme: Tenant, receiver: Receiver) -> Json:
    return await subscribed(acme, receiver.url)


async def test_an_event_is_delivered_after_the_change(acme: Tenant, receiver: Receiver, hook: Json) -> None:
    await happens(acme)
    await happens(acme, "person.updated")
    await acme.work()
    [request] = receiver.received
    [entry] = await log_of(acme, hook)
    said = request.message(hook["secret"])
    assert said == {"type": EVENT, "timestamp": entry["created_at"], "data": DATA}
    assert (request.headers["webhook-id"], request.headers["content-type"]) == (
        entry["id"],
        "application/json",
    )
    assert (entry["status"], entry["attempts"], entry["status_code"]) == ("delivered", 1, 204)
    assert (entry["next_attempt_at"], entry["error"]) == (None, None)
    with pytest.raises(WebhookVerificationError):
        request.message("whsec_YW5vdGhlciBzZWNyZXQ=")


async def test_a_failure_is_tried_again_under_the_same_id_for_about_a_day(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    receiver.status = "503 Service Unavailable"
    await happens(acme)
    begin = datetime.now(UTC)
    after, pauses = timedelta(0), []
    for attempt in range(1, 11):
        await deliver(acme, hook, after)
        await deliver(acme, hook, after)
        [entry] = await log_of(acme, hook)
        assert (entry["attempts"], len(receiver.received)) == (attempt, attempt)
        assert (entry["status_code"], entry["error"]) == (503, "refused_by_receiver")
        if entry["next_attempt_at"]:
            last, after = after, datetime.fromisoformat(entry["next_attempt_at"]) - begin
            pauses.append(after - last)
    assert entry["status"] == "failed"
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert len({request.body for request in receiver.received}) == 1
    assert 0.75 * DAY < after < 1.25 * DAY
    assert pauses[0] < timedelta(minutes=2)
    assert pauses[-1] > timedelta(hours=6)
    assert (await read(acme, hook))["enabled"]


async def test_a_receiver_that_asks_for_patience_gets_it(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    receiver.status, receiver.headers = "429 Too Many Requests", "Retry-After: 7200\r\n"
    await happens(acme)
    begin = datetime.now(UTC)
    await deliver(acme, hook, timedelta(0))
    [entry] = await log_of(acme, hook)
    next_at = datetime.fromisoformat(entry["next_attempt_at"])
    assert next_at >= begin + timedelta(hours=2)
    receiver.status, receiver.headers = "200 OK", ""
    await deliver(acme, hook, timedelta(hours=1))
    assert len(receiver.received) == 1
    await deliver(acme, hook, timedelta(hours=3))
    [entry] = await log_of(acme, hook)
    assert (entry["status"], len(receiver.received)) == ("delivered", 2)


NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        (None, timedelta(0)),
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("Fri, 20 Nov 2026 10:00:00 GMT", timedelta(hours=1)),
        ("Fri, 20 Nov 2026 08:00:00 GMT", timedelta(0)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", timedelta(0)),
        ("99999999999999999999", DAY),
        ("Fri, 20 Nov 2099 10:00:00 GMT", DAY),
        ("-5", timedelta(0)),
        ("1.5", timedelta(0)),
        ("\u0661", timedelta(0)),
        ("soon", timedelta(0)),
        ("", timedelta(0)),
    ],
)
def test_what_retry_after_asks_for(said: str | None, pause: timedelta) -> None:
    assert asked_pause(said, NOW) == pause


async def test_what_is_to_be_tried_again_is_woken_when_its_time_has_come(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    receiver.status = "500 Internal Server Error"
    await happens(acme)
    await acme.work()
    receiver.status = "200 OK"
    await wake_webhooks(acme.database)
    await acme.work()
    assert len(receiver.received) == 1
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("UPDATE webhook_deliveries SET due_at = now()"))
    await wake_webhooks(acme.database)
    await acme.work()
    assert len(receiver.received) == 2
    assert (await read(acme, hook))["failing_since"] is None


async def test_410_disables_at_once_and_tells_the_others(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    watcher = await subscribed(acme, receiver.url + "/watch", "webhook.disabled")
    receiver.status = "410 Gone"
    for _ in range(3):
        await happens(acme)
    await deliver(acme, hook)
    gone = await read(acme, hook)
    assert (gone["enabled"], gone["disabled_reason"]) == (False, "gone")
    assert {entry["status"] for entry in await log_of(acme, hook)} == {"failed"}
    receiver.status = "200 OK"
    await deliver(acme, watcher)
    told = receiver.received[-1].message(watcher["secret"])
    assert (told["type"], told["data"]) == ("webhook.disabled", {"webhook_id": hook["id"], "reason": "gone"})
    await happens(acme)
    assert len(await log_of(acme, hook)) == 3


async def test_five_days_of_failure_disable_and_one_delivery_between_does_not(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    async def fail(after: timedelta) -> Json:
        receiver.status = "500 Internal Server Error"
        await happens(acme)
        await deliver(acme, hook, after)
        return await read(acme, hook)

    assert (await fail(0 * DAY))["failing_since"] is not None
    assert (await fail(4.9 * DAY))["enabled"]
    receiver.status = "200 OK"
    await happens(acme)
    await deliver(acme, hook, 4.95 * DAY)
    assert (await read(acme, hook))["failing_since"] is None
    assert (await fail(5 * DAY))["enabled"]
    disabled = await fail(10 * DAY)
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "failing")


async def test_both_secrets_sign_for_a_day_after_a_rotation(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    new = (await acme.client.post(f"/v1/webhooks/{hook['id']}/secret")).json()["secret"]
    await happens(acme)
    await deliver(acme, hook)
    request = receiver.received[-1]
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert request.message(new) == request.message(hook["secret"])
    await happens(acme)
    await deliver(acme, hook, timedelta(hours=25))
    assert len(receiver.received[-1].headers["webhook-signature"].split(" ")) == 1


async def test_an_event_is_sent_again_under_the_same_id(acme: Tenant, receiver: Receiver, hook: Json) -> None:
    await happens(acme)
    await acme.work()
    [entry] = await log_of(acme, hook)
    path = f"/v1/webhooks/{hook['id']}/deliveries/{entry['id']}/redeliver"
    again = await acme.client.post(path)
    assert (again.status_code, again.json()["status"], again.json()["attempts"]) == (202, "pending", 0)
    await acme.work()
    assert [request.headers["webhook-id"] for request in receiver.received] == [entry["id"]] * 2
    assert len(await log_of(acme, hook)) == 1


async def test_a_test_event_goes_to_one_webhook_whatever_it_subscribed_to(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    await subscribed(acme, receiver.url + "/other")
    assert (await acme.client.post(f"/v1/webhooks/{hook['id']}/test")).status_code == 202
    await acme.work()
    [request] = receiver.received
    assert request.path == "/hooks"
    assert {"type": "webhook.test", "data": {}}.items() <= request.message(hook["secret"]).items()


async def test_the_log_is_read_by_status_and_page(acme: Tenant, receiver: Receiver, hook: Json) -> None:
    for _ in range(3):
        await happens(acme)
    await deliver(acme, hook)
    await happens(acme)
    assert len(await log_of(acme, hook, status="delivered")) == 3
    assert len(await log_of(acme, hook, status="pending")) == 1
    path = f"/v1/webhooks/{hook['id']}/deliveries"
    first = (await acme.client.get(path, params={"limit": 3})).json()
    second = (await acme.client.get(path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert len({entry["id"] for entry in first["items"] + second["items"]}) == 4
    assert (await acme.client.get(path, params={"status": "lost"})).status_code == 422


async def test_the_log_is_kept_for_thirty_days(acme: Tenant, receiver: Receiver, hook: Json) -> None:
    await happens(acme)
    await deliver(acme, hook)
    await forget_deliveries(acme.database, clock=later(29 * DAY))
    assert len(await log_of(acme, hook)) == 1
    await forget_deliveries(acme.database, clock=later(31 * DAY))
    assert await log_of(acme, hook) == []


async def test_who_was_erased_is_named_in_no_log_once_the_receiver_knows(
    acme: Tenant, receiver: Receiver
) -> None:
    hook = await subscribed(acme, receiver.url, "person.erased", EVENT)
    await happens(acme, "person.erased")
    await happens(acme)
    receiver.status = "500 Internal Server Error"
    await deliver(acme, hook)
    assert len(await log_of(acme, hook)) == 2
    receiver.status = "200 OK"
    await deliver(acme, hook, timedelta(minutes=2))
    assert {"person.erased", EVENT} == {json.loads(request.body)["type"] for request in receiver.received}
    assert [entry["event"] for entry in await log_of(acme, hook)] == [EVENT]


async def test_a_slow_receiver_holds_up_nobody_else_and_one_place_of_the_queue(
    acme: Tenant, receiver: Receiver, hook: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", PATIENCE)
    receiver.is_silent = True
    for _ in range(30):
        await happens(acme)
    jobs = [asyncio.create_task(deliver(acme, hook)) for _ in range(30)]
    await until(lambda: len(receiver.received) == 8 and sum(job.done() for job in jobs) == 29)
    receiver.hang_up.set()
    await asyncio.gather(*jobs)
    tried = [entry for entry in await log_of(acme, hook) if entry["attempts"]]
    assert len(tried) == len(receiver.received) == 8


async def test_a_receiver_that_does_not_answer_is_noted(
    acme: Tenant, receiver: Receiver, hook: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.2)
    receiver.is_silent = True
    await happens(acme)
    await deliver(acme, hook)
    [entry] = await log_of(acme, hook)
    assert (entry["attempts"], entry["error"], entry["status_code"]) == (1, "timeout", None)


async def test_what_a_dead_worker_left_is_taken_over_when_its_lease_ends(
    acme: Tenant, receiver: Receiver, hook: Json
) -> None:
    await happens(acme)
    async with acme.database.tenant_session(acme.id) as session:
        until = {"until": datetime.now(UTC) + timedelta(minutes=1)}
        await session.execute(text("UPDATE webhooks SET busy_until = :until"), until)
    await deliver(acme, hook)
    assert receiver.received == []
    await deliver(acme, hook, timedelta(minutes=2))
    assert len(receiver.received) == 1


@pytest.mark.nightly
async def test_many_events_are_delivered_each_once(acme: Tenant, receiver: Receiver, hook: Json) -> None:
    people = [{"external_id": f"E-{number}", "name": "Somebody"} for number in range(100)]
    await acme.client.post("/v1/people/batch", json={"items": people})
    await acme.work()
    told = [json.loads(request.body)["data"]["external_id"] for request in receiver.received]
    assert sorted(told) == sorted(person["external_id"] for person in people)


async def test_where_private_addresses_are_refused_nothing_arrives(
    acme: Tenant, receiver: Receiver, hook: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting is that of the worker, at the time of sending."""
    acme.database.settings = acme.database.settings.model_copy(update={"webhooks_private": False})
    await happens(acme)
    await deliver(acme, hook)
    [entry] = await log_of(acme, hook)
    assert (entry["error"], entry["status_code"], receiver.received) == ("bad_url", None, [])


async def test_a_webhook_deleted_or_unknown_is_no_reason_to_fail(acme: Tenant, hook: Json) -> None:
    await happens(acme)
    await acme.client.delete(f"/v1/webhooks/{hook['id']}")
    await deliver(acme, hook)
    await deliver(acme, {"id": str(UUID(int=0))})
