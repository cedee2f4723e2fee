"""Idempotency-Key, asked of every POST there is."""

import asyncio
import json

import httpx
import pytest
from sqlalchemy import text

from tests.conftest import Tenant
from tests.contract import ContractClient, Operation, operations

POSTS = [operation for operation in operations() if operation.takes_idempotency_key]
KEY = {"Idempotency-Key": "k"}
each_post = pytest.mark.parametrize("operation", POSTS, ids=lambda operation: operation.id)


async def post(client: ContractClient, operation: Operation) -> httpx.Response:
    if operation.takes_file:
        headers = KEY | {"Content-Type": next(iter(operation.content))}
        return await client.post(operation.url(), content=operation.body, headers=headers)
    return await client.post(operation.url(), json=operation.body, headers=KEY)


def test_every_post_of_a_key_holder_is_safe_to_repeat() -> None:
    """Others are made safe by an invitation, a token that does one thing, or a chat's signed event."""
    posts = [operation for operation in operations() if operation.method == "post"]
    assert all((one in POSTS) == one.takes_keys for one in posts)
    assert all(one.method == "post" for one in POSTS)


@each_post
async def test_a_request_in_flight_holds_its_key(operation: Operation, acme: Tenant) -> None:
    mac = acme.database.keyring.mac(acme.id, "idempotency-key", operation.id.encode(), b"k")
    lock = int.from_bytes(mac[:8], "big", signed=True)
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        answer = await post(acme.client, operation)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")


@each_post
async def test_another_body_under_a_used_key_is_refused(operation: Operation, acme: Tenant) -> None:
    mac = acme.database.keyring.mac(acme.id, "idempotency-key", operation.id.encode(), b"k")
    record = (
        "INSERT INTO idempotency_records (organization_id, operation, key_mac, body_mac, status, headers)"
        " VALUES (:organization_id, :operation, :mac, :mac, 200, '{}')"
    )
    async with acme.database.tenant_session(acme.id) as session:
        values = {"organization_id": acme.id, "operation": operation.id, "mac": mac}
        await session.execute(text(record), values)
    answer = await post(acme.client, operation)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_repeat_is_answered_and_not_done_again(acme: Tenant) -> None:
    body = json.dumps({"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"})
    sent = {"content": body, "headers": KEY | {"Content-Type": "application/json"}}
    first, again = [await acme.client.post("/v1/surveys", **sent) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers.get("idempotent-replayed") is None
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert len((await acme.client.get("/v1/surveys")).json()["items"]) == 1


async def test_what_is_kept_is_told_to_many_at_once(acme: Tenant) -> None:
    body = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"}
    await acme.client.post("/v1/surveys", json=body, headers=KEY)

    async def ten(sent: dict[str, str]) -> list[httpx.Response]:
        return await asyncio.gather(
            *(acme.client.post("/v1/surveys", json=sent, headers=KEY) for _ in range(10))
        )

    assert {answer.headers.get("idempotent-replayed") for answer in await ten(body)} == {"true"}
    others = await ten(body | {"name": "Winter"})
    assert {(one.status_code, one.json()["code"]) for one in others} == {(422, "idempotency_key_reused")}


async def test_a_refusal_frees_the_key(acme: Tenant) -> None:
    body = {"name": "Autumn", "questionnaire": "nobody-knows", "mode": "confidential"}
    assert (await acme.client.post("/v1/surveys", json=body, headers=KEY)).status_code == 422
    body["questionnaire"] = "betrokken-33"
    assert (await acme.client.post("/v1/surveys", json=body, headers=KEY)).status_code == 201


async def test_a_key_is_one_organization_s_and_one_operation_s(acme: Tenant, other: Tenant) -> None:
    body = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"}
    ids = [
        (await one.client.post("/v1/surveys", json=body, headers=KEY)).json()["id"] for one in (acme, other)
    ]
    assert ids[0] != ids[1]
    people = [{"external_id": f"E-{number}", "name": "x"} for number in range(5)]
    await acme.client.post("/v1/people/batch", json={"items": people})
    opened = await acme.client.post(f"/v1/surveys/{ids[0]}/open", headers=KEY)
    assert opened.json()["status"] == "open"
