"""Who may do what, asked of every operation of the contract."""

import json
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.auth.principal import Scope
from app.core.secrets import new_api_key
from tests.conftest import Tenant, client_for, new_tenant
from tests.contract import ContractClient, Operation, operations
from tests.world import MARK, furnish, rows_of

PROTECTED = [
    operation
    for operation in operations()
    if operation.takes_keys or operation.is_by_invitation or operation.is_by_setup_link
]
KEYED = [operation for operation in PROTECTED if operation.takes_keys]
SCOPED = [operation for operation in PROTECTED if operation.scopes]
SCOPES_OF_BODY = {
    "create_api_key": next(one.body["scopes"] for one in KEYED if one.id == "create_api_key"),
    "create_webhook": ["people:read", "surveys:read"],
}
"""What an example asks to pass on, which its sender must have too."""
READ_TO_KNOW_WHO_ASKS = ("credentials", "api_keys", "set_config")


def each(found: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", found, ids=lambda operation: operation.id)


async def send(client: ContractClient, operation: Operation, url: str | None = None) -> httpx.Response:
    """The operation's example request."""
    kind = next(iter(operation.content), None)
    headers = {"Content-Type": kind} if kind else {}
    content = json.dumps(operation.body) if kind else None
    return await client.request(operation.method, url or operation.url(), content=content, headers=headers)


@each(PROTECTED)
async def test_without_a_valid_key_the_answer_is_401(operation: Operation, app: FastAPI) -> None:
    for key in (None, "garbage", "btk_live_", new_api_key("live")):
        answer = await send(client_for(app, key), operation)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), key
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith("Bearer"), key
        assert ('error="invalid_token"' in challenge) == (key is not None), key


async def test_a_key_is_a_bearer_token_and_nothing_else(acme: Tenant, anonymous: ContractClient) -> None:
    key = await acme.key()
    for value in (key, f"Basic {key}", f"Bearer {key}x", f"Bearer {key[:-1]}", "Bearer"):
        assert (await anonymous.get("/v1/me", headers={"Authorization": value})).status_code == 401, value
    assert (await anonymous.get("/v1/me", headers={"Authorization": f"bearer {key}"})).status_code == 200


@each([operation for operation in PROTECTED if operation.is_by_invitation])
async def test_no_api_key_opens_the_respondents_door(operation: Operation, acme: Tenant) -> None:
    answer = await send(acme.client, operation)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@each(SCOPED)
async def test_without_the_scope_nothing_is_read(
    operation: Operation, acme: Tenant, queries: list[str]
) -> None:
    client = await acme.client_with(*sorted({scope.value for scope in Scope} - operation.scopes))
    queries.clear()
    answer = await send(client, operation)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert operation.scopes & set(challenge.partition('scope="')[2].rstrip('"').split())
    assert all(any(word in query for word in READ_TO_KNOW_WHO_ASKS) for query in queries), queries


@each(SCOPED)
async def test_the_named_scope_is_enough(operation: Operation, acme: Tenant) -> None:
    given = SCOPES_OF_BODY.get(operation.id, [])
    answer = await send(await acme.client_with(*operation.scopes, *given), operation)
    assert answer.status_code not in (401, 403)


@pytest.mark.parametrize(
    "path", sorted({one.url() for one in operations() if one.is_public and "{token}" not in one.path})
)
async def test_public_operations_need_no_key(path: str, anonymous: ContractClient) -> None:
    assert (await anonymous.get(path)).status_code == 200


# ------------------------------------------------------------------ another organisation


@pytest.fixture(scope="module")
async def world(app: FastAPI) -> dict[str, str]:
    return await furnish(await new_tenant(app, MARK))


def statuses_to_a_stranger(operation: Operation) -> Iterator[int]:
    """A thing of another organisation is not found; a PUT of its key makes one's own."""
    has_path = any(parameter["in"] == "path" for parameter in operation.parameters)
    if not has_path:
        yield from (200, 201, 202, 422)
        if operation.path.startswith("/v1/metrics/"):
            yield 404
    elif operation.method == "put":
        yield from (201, 404, 422)
    else:
        yield 404


@each(KEYED)
async def test_an_invitation_opens_nothing_but_its_own_door(
    operation: Operation, world: dict[str, str], app: FastAPI
) -> None:
    client = client_for(app, world["invitation"])
    assert (await client.get("/v1/respond")).status_code == 200
    answer = await send(client, operation, operation.url(**world))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@each(KEYED)
async def test_another_organization_sees_and_changes_nothing(
    operation: Operation, world: dict[str, str], other: Tenant, owner: asyncpg.Connection
) -> None:
    before = await rows_of(owner, world["organization"])
    answer = await send(other.client, operation, operation.url(**world))
    assert answer.status_code in set(statuses_to_a_stranger(operation)), answer.text
    assert MARK not in answer.text
    assert world["organization"] not in answer.text
    assert await rows_of(owner, world["organization"]) == before


async def test_the_world_is_there_to_be_seen(world: dict[str, str], owner: asyncpg.Connection) -> None:
    """The control: without rows the test above could not fail."""
    found = await rows_of(owner, world["organization"])
    assert [table for table, rows in found.items() if not rows] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/metrics/satisfaction-engagement?survey_id={survey_id}", 404),
        ("/v1/metrics/participation?survey_id={survey_id}", 404),
        ("/v1/metrics/satisfaction-engagement?survey_id={released_survey_id}", 404),
        ("/v1/metrics/outcomes?survey_id={released_survey_id}", 404),
        ("/v1/metrics/recognition-engagement?survey_id={released_survey_id}", 404),
        ("/v1/people?team=sales-nl", 422),
        ("/v1/calendar?from=2027-01-01&to=2027-12-31&team=sales-nl", 422),
    ],
)
async def test_filters_do_not_reach_another_organization(
    path: str, status: int, world: dict[str, str], other: Tenant
) -> None:
    assert (await other.client.get(path.format(**world))).status_code == status


@pytest.mark.parametrize("path", ["/v1/teams/sales", "/v1/people/E-1042", "/v1/questionnaires/acme-2026"])
async def test_a_put_of_a_key_of_another_organization_makes_ones_own(
    path: str, world: dict[str, str], other: Tenant
) -> None:
    assert world
    example = next(operation.body for operation in operations() if operation.id == "put_questionnaire")
    body = example if "questionnaires" in path else {"name": "Ours"}
    assert (await other.client.put(path, json=body)).status_code == 201
    assert MARK not in (await other.client.get(path)).text
