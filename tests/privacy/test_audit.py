"""The audit log has what was done and who did it, and nobody can make it say otherwise."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.auth.principal import Scope
from app.core import audit
from app.surveys.jobs import tend_surveys
from tests.conftest import Tenant, new_tenant
from tests.contract import ContractClient, Operation, operations
from tests.world import MARK, furnish, open_survey

DRAFT = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"}


async def entries(api: ContractClient, **filters: str) -> list[dict[str, Any]]:
    answer = await api.get("/v1/audit", params=filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_change_of_the_organization_is_told_by_its_members(api: ContractClient) -> None:
    await api.patch("/v1/organization", json={"name": "Acme & Sons", "milestones": [1]})
    (entry,) = await entries(api)
    me = (await api.get("/v1/me")).json()["subject"]
    assert (entry["actor"], entry["action"], entry["target"]) == (me, "update_organization", None)
    assert entry["details"] == {"members": ["milestones", "name"]}


async def test_what_is_created_is_named(api: ContractClient) -> None:
    key = (await api.post("/v1/api-keys", json={"name": "Chat", "scopes": ["people:read"]})).json()
    survey = (await api.post("/v1/surveys", json=DRAFT)).json()
    await api.delete(f"/v1/api-keys/{key['id']}")
    deleted, drafted, made = await entries(api)
    assert (drafted["action"], drafted["target"]) == ("create_survey", survey["id"])
    assert (deleted["action"], deleted["target"]) == ("delete_api_key", key["id"])
    assert (made["action"], made["target"]) == ("create_api_key", key["id"])
    assert made["details"]["scopes"] == ["people:read"]
    assert "Chat" not in str(made), "a name may be a person's, and no entry can be erased"
    assert key["key"] not in str(made)


async def test_what_a_door_lets_through_is_told(api: ContractClient) -> None:
    await api.patch("/v1/organization", json={"minimum_group_size": 8, "cards": {"enabled": False}})
    await api.patch("/v1/organization", json={"minimum_group_size": 8, "name": "Noor's"})
    await api.put("/v1/teams/T", json={"name": "Team"})
    for limit in ({"teams": ["T"]}, {"person": "E-1"}):
        await api.post("/v1/api-keys", json={"name": "m", "scopes": ["metrics:read"], **limit})
    hook = {"url": "https://hooks.example.com/very/secret", "events": ["survey.opened"]}
    made = (await api.post("/v1/webhooks", json=hook)).json()
    await api.patch(f"/v1/webhooks/{made['id']}", json={"url": "https://elsewhere.example.com/secret"})
    moved, hooked, person, teams, same, changed = await entries(api)
    assert changed["details"]["changed"] == {"minimum_group_size": [5, 8], "cards_enabled": [True, False]}
    assert "changed" not in same["details"]
    assert [one["details"]["limited_to"] for one in (teams, person)] == ["teams", "person"]
    assert hooked["details"]["host"] == "hooks.example.com"
    assert moved["details"] == {
        "members": ["url"],
        "host": "elsewhere.example.com",
        "events": ["survey.opened"],
    }
    assert "secret" not in str([moved, hooked])


async def test_opening_and_closing_are_told_also_where_nobody_asked(lone: Tenant) -> None:
    api = lone.client
    for number in range(5):
        await api.put(f"/v1/people/E-{number}", json={"name": "Noor"})
    survey = (await api.post("/v1/surveys", json=DRAFT | {"opens_at": "2131-01-01T00:00:00Z"})).json()
    async with lone.database.tenant_session(lone.id) as session:
        await session.execute(text("UPDATE surveys SET opens_at = now()"))
    await tend_surveys(lone.database)
    await api.post(f"/v1/surveys/{survey['id']}/close")
    closed, opened, _ = await entries(api, target=survey["id"])
    assert (opened["actor"], opened["action"]) == ("system", "open_survey")
    assert (closed["actor"], closed["action"]) == (
        (await api.get("/v1/me")).json()["subject"],
        "close_survey",
    )


@pytest.mark.nightly
async def test_a_read_of_attributed_answers_is_told(acme: Tenant, api: ContractClient) -> None:
    await furnish(acme)
    survey = await open_survey(acme)
    await api.get(f"/v1/surveys/{survey}/responses")
    newest = (await entries(api, target=survey))[0]
    assert newest["action"] == "list_responses"


async def test_what_is_refused_or_replayed_is_not_told_twice(api: ContractClient) -> None:
    assert (await api.patch("/v1/organization", json={"minimum_group_size": 1})).status_code == 422
    assert (await api.delete(f"/v1/api-keys/{uuid4()}")).status_code == 404
    assert await entries(api) == []
    for _ in range(2):
        await api.post("/v1/surveys", json=DRAFT, headers={"Idempotency-Key": "k"})
    assert len(await entries(api)) == 1


async def test_what_cannot_be_told_is_not_done(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "ADD", text("SELECT 1 / 0"))
    assert (await api.patch("/v1/organization", json={"name": "Unseen"})).status_code == 500
    monkeypatch.undo()
    assert (await api.get("/v1/organization")).json()["name"] == "Acme"


def is_told(operation: Operation) -> bool:
    """What the contract says of it, word by word."""
    told = {"responses:read", "privacy:manage"}
    changed = {"organization:write", "keys:manage", "webhooks:manage", "surveys:write", "calendar:write"}
    return bool(operation.scopes & (told if operation.method == "get" else told | changed))


TOLD = [operation for operation in operations() if is_told(operation) and operation.id != "erase_person"]


@pytest.fixture(scope="module")
async def furnished(app: FastAPI) -> tuple[Tenant, dict[str, str]]:
    acme = await new_tenant(app, "Acme")
    return acme, await furnish(acme)


@pytest.mark.parametrize("operation", TOLD, ids=lambda operation: operation.id)
async def test_every_operation_of_these_scopes_is_told(
    operation: Operation, furnished: tuple[Tenant, dict[str, str]]
) -> None:
    """Where it succeeds with the example of the contract, there is its entry, and no name in it."""
    acme, world = furnished
    before = await entries(acme.client, action=operation.id)
    kind = next(iter(operation.content), None)
    answer = await acme.client.request(
        operation.method,
        operation.url(**world),
        json=operation.body,
        headers={"Content-Type": kind} if kind else {},
    )
    after = await entries(acme.client, action=operation.id)
    assert len(after) - len(before) == (1 if answer.is_success else 0), answer.text
    told = [
        entry for entry in after if entry["action"] != "create_api_key"
    ]  # what a key is called is no secret
    assert MARK not in str(told)
    assert "E-1042" not in str(told)


async def test_a_person_stands_in_it_as_a_mark(acme: Tenant, api: ContractClient) -> None:
    for person in ("E-1", "E-2"):
        await api.put(f"/v1/people/{person}", json={"name": "Noor"})
        await api.get(f"/v1/people/{person}/export")
    (entry,) = await entries(api, person="E-1")
    assert (entry["action"], entry["target"]) == ("export_person", None)
    assert entry["person"] != (await entries(api, person="E-2"))[0]["person"]
    assert await entries(api, person="E-3") == []


async def test_it_is_read_by_page_and_filter(api: ContractClient) -> None:
    for name in ("one", "two", "three"):
        await api.patch("/v1/organization", json={"name": name})
    first = (await api.get("/v1/audit?limit=2")).json()
    rest = (await api.get(f"/v1/audit?limit=2&cursor={first['next_cursor']}")).json()
    found = first["items"] + rest["items"]
    assert len({one["id"] for one in found}) == 3
    assert rest["next_cursor"] is None
    times = [one["recorded_at"] for one in found]
    assert times == sorted(times, reverse=True)
    assert len(await entries(api, recorded_after=times[1])) == 2
    assert len(await entries(api, recorded_before=times[1])) == 1
    assert await entries(api, actor="system") == []
    assert len(await entries(api, action="update_organization")) == 3
    assert (await api.get("/v1/audit?recorded_after=yesterday")).status_code == 422


async def test_nobody_reads_it_without_its_scope(acme: Tenant) -> None:
    client = await acme.client_with(*sorted({scope.value for scope in Scope} - {"audit:read"}))
    assert (await client.get("/v1/audit")).status_code == 403


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"],
)
async def test_the_acting_role_can_only_add(statement: str, acme: Tenant) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with acme.database.tenant_session(acme.id) as session:
            await session.execute(text(statement))
