"""Who is told of what, and what may be done to a webhook."""

import asyncpg
import pytest

from app.webhooks.schemas import Event
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.webhooks.hooks import Json, log_of, read, subscribed

URL = "https://hooks.example.com/betrokken"
HOOK = {"url": URL, "events": ["person.created", "survey.released"]}


async def test_a_webhook_is_made_with_a_secret_that_is_shown_once(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    api = acme.client
    headers = {"Idempotency-Key": "k"}
    made = await api.post("/v1/webhooks", json=HOOK, headers=headers)
    created = made.json()
    secret = created.pop("secret")
    assert secret.startswith("whsec_")
    assert (created["enabled"], created["events"], created["description"]) == (True, HOOK["events"], None)
    read = await api.get(f"/v1/webhooks/{created['id']}")
    assert read.json() == created
    assert (await api.get("/v1/webhooks")).json()["items"] == [created]
    again = await api.post("/v1/webhooks", json=HOOK, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    stored = await owner.fetchval("SELECT w::text FROM webhooks w WHERE organization_id = $1", acme.id)
    assert secret not in stored
    assert secret.encode().hex() not in stored


async def test_a_list_goes_on_from_page_to_page(api: ContractClient) -> None:
    made = [(await api.post("/v1/webhooks", json=HOOK)).json()["id"] for _ in range(3)]
    first = (await api.get("/v1/webhooks", params={"limit": 2})).json()
    second = (await api.get("/v1/webhooks", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"url": "http://hooks.example.com/"}, "bad_url", "#/url"),
        ({"url": "https://127.0.0.1/"}, "address_not_public", "#/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "address_not_public", "#/url"),
        ({"url": ""}, "invalid_value", "#/url"),
        ({"events": []}, "invalid_value", "#/events"),
        ({"events": ["person.created", "person.created"]}, "invalid_value", "#/events"),
        ({"events": ["person.promoted"]}, "invalid_value", "#/events/0"),
        ({"events": ["webhook.test"]}, "invalid_value", "#/events/0"),
        ({"description": "x" * 201}, "invalid_value", "#/description"),
        ({"secret": "whsec_mine"}, "unknown_field", "#/secret"),
    ],
)
async def test_a_webhook_that_is_refused(change: Json, code: str, pointer: str, api: ContractClient) -> None:
    answer = await api.post("/v1/webhooks", json=HOOK | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer
    made = (await api.post("/v1/webhooks", json=HOOK)).json()["id"]
    patched = await api.patch(f"/v1/webhooks/{made}", json=change)
    assert (patched.status_code, patched.json()["code"]) == (422, code)


async def test_a_webhook_is_changed_and_what_was_read_can_be_sent_back(api: ContractClient) -> None:
    made = (await api.post("/v1/webhooks", json=HOOK)).json()
    path = f"/v1/webhooks/{made['id']}"
    before = await api.get(path)
    same = await api.patch(path, json=before.json(), headers={"If-Match": before.headers["etag"]})
    assert (same.json(), same.headers["etag"]) == (before.json(), before.headers["etag"])
    assert (await api.get(path, headers={"If-None-Match": before.headers["etag"]})).status_code == 304
    changed = await api.patch(path, json={"events": ["card.sent"], "description": "Payroll"})
    assert (changed.json()["events"], changed.json()["description"]) == (["card.sent"], "Payroll")
    assert changed.json()["updated_at"] > before.json()["updated_at"]
    stale = await api.patch(path, json={"url": URL + "/2"}, headers={"If-Match": before.headers["etag"]})
    assert stale.status_code == 412
    assert (await api.patch(path, json={"enabled": None})).status_code == 422


async def test_a_disabled_webhook_is_sent_nothing(acme: Tenant) -> None:
    hook = await subscribed(acme, URL)
    path = f"/v1/webhooks/{hook['id']}"
    waiting = (await acme.client.post(f"{path}/test")).json()
    off = (await acme.client.patch(path, json={"enabled": False})).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "requested")
    assert (await acme.client.patch(path, json={"enabled": False})).json() == off
    [failed] = await log_of(acme, hook)
    assert (failed["status"], failed["error"]) == ("failed", "webhook_disabled")
    for post in (f"{path}/test", f"{path}/deliveries/{waiting['id']}/redeliver"):
        answer = await acme.client.post(post)
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_disabled")
    await acme.client.put("/v1/people/E-1", json={"name": "Somebody"})
    assert await log_of(acme, hook) == [failed]
    on = (await acme.client.patch(path, json={"enabled": True})).json()
    assert (on["enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)


async def test_a_webhook_is_deleted_with_its_log(acme: Tenant, owner: asyncpg.Connection) -> None:
    hook = await subscribed(acme, URL)
    path = f"/v1/webhooks/{hook['id']}"
    assert (await acme.client.post(f"{path}/test")).status_code == 202
    assert (await acme.client.delete(path)).status_code == 204
    assert (await acme.client.delete(path)).status_code == 404
    assert (await acme.client.get(path)).status_code == 404
    count = "SELECT count(*) FROM webhook_deliveries WHERE organization_id = $1"
    assert await owner.fetchval(count, acme.id) == 0


async def test_what_is_not_there_is_not_found(acme: Tenant) -> None:
    hook = await subscribed(acme, URL)
    nobody = "0198f0f7-2b3c-7d4e-8f5a-000000000000"
    for path in (
        f"/v1/webhooks/{nobody}/secret",
        f"/v1/webhooks/{nobody}/test",
        f"/v1/webhooks/{hook['id']}/deliveries/{nobody}/redeliver",
    ):
        assert (await acme.client.post(path)).status_code == 404
    assert (await acme.client.get(f"/v1/webhooks/{nobody}/deliveries")).status_code == 404
    assert (await acme.client.patch(f"/v1/webhooks/{nobody}", json={})).status_code == 404


async def test_nobody_is_told_by_a_webhook_what_he_could_not_read(acme: Tenant) -> None:
    weak = await acme.client_with("webhooks:manage", "people:read")
    for events in (["survey.closed"], ["person.created", "card.sent"], ["recognition.created"]):
        answer = await weak.post("/v1/webhooks", json={"url": URL, "events": events})
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    allowed = {"url": URL, "events": ["person.created", "import.finished", "webhook.disabled"]}
    own = await weak.post("/v1/webhooks", json=allowed)
    assert own.status_code == 201
    hook = await subscribed(acme, URL, "survey.closed")
    for path, change in (
        (f"/v1/webhooks/{hook['id']}", {"url": "https://mine.example.com/"}),
        (f"/v1/webhooks/{own.json()['id']}", {"events": ["survey.closed"]}),
    ):
        assert (await weak.patch(path, json=change)).status_code == 403
    assert (await weak.patch(f"/v1/webhooks/{hook['id']}", json={"enabled": False})).status_code == 200


async def test_a_new_secret_is_shown_once(acme: Tenant) -> None:
    hook = await subscribed(acme, URL)
    path, headers = f"/v1/webhooks/{hook['id']}/secret", {"Idempotency-Key": "k"}
    rotated = (await acme.client.post(path, headers=headers)).json()
    assert rotated["secret"] != hook["secret"]
    assert rotated["earlier_secret_until"] is not None
    again = await acme.client.post(path, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    assert "secret" not in await read(acme, hook)


def test_every_event_can_be_subscribed_to() -> None:
    """Those of the issue, and the one that tells of the webhooks themselves."""
    survey = {f"survey.{name}" for name in ("opened", "closed", "released", "participation", "cancelled")}
    person = {f"person.{name}" for name in ("created", "updated", "left", "erased")}
    others = {"recognition.created", "occasion.due", "card.sent", "import.finished", "webhook.disabled"}
    assert set(Event.__args__) == survey | person | others
