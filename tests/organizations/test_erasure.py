"""An organisation goes, with all that is stored of it, and no other is touched."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import text

from app.auth.principal import Principal
from app.organizations.erasure import queries, service
from tests.conftest import Tenant
from tests.world import furnish, rows_of, tenant_tables

WHERE = "/v1/organization"


@pytest.fixture
async def owner(acme: Tenant) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(acme.database.url)
    yield connection
    await connection.close()


async def confirmed(tenant: Tenant) -> dict[str, str]:
    asked = await tenant.client.post(f"{WHERE}/erasure")
    assert asked.status_code == 201
    assert asked.json()["organization"]["id"] == str(tenant.id)
    return {"confirmation_token": asked.json()["confirmation_token"]}


async def places_of(owner: asyncpg.Connection, organization_id: str) -> dict[str, int]:
    """In which tables, of whomever, the organisation is named at all."""
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", organization_id)
    found = {}
    for (table,) in tables:
        query = f"""
            SELECT count(*) FROM "{table}" t WHERE strpos(t::text, $1) > 0
            OR strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0
        """
        found[table] = await owner.fetchval(query, organization_id)
    return {table: count for table, count in found.items() if count}


async def test_nothing_is_left_and_nobody_else_is_touched(
    acme: Tenant, other: Tenant, owner: asyncpg.Connection
) -> None:
    await furnish(acme)
    await other.client.put("/v1/people/E-1042", json={"name": "Noor", "email": "noor@example.com"})
    before = await rows_of(owner, str(other.id))
    assert set(queries.TABLES) >= set(await tenant_tables(owner))
    assert len(await places_of(owner, str(acme.id))) > 30
    params = await confirmed(acme)
    assert (await acme.client.delete(WHERE, params=params)).status_code == 204
    assert await places_of(owner, str(acme.id)) == {}
    assert await rows_of(owner, str(other.id)) == before
    assert (await other.client.get(WHERE)).status_code == 200
    for again in (acme.client.delete(WHERE, params=params), acme.client.get("/v1/me")):
        assert (await again).status_code == 401
    await acme.work()


async def test_a_token_is_for_who_asked_and_for_a_while(acme: Tenant, other: Tenant) -> None:
    theirs = await acme.client_with("organization:write", "privacy:manage")
    for wrong in (
        {"confirmation_token": "yes"},
        {"confirmation_token": "9" * 200},
        {"confirmation_token": "\u0662.é"},
        await confirmed(other),
        await confirmed(acme),
    ):
        refused = await theirs.delete(WHERE, params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_confirmation")
    assert (await theirs.delete(WHERE)).json()["errors"][0]["parameter"] == "confirmation_token"
    assert (await acme.client.get(WHERE)).status_code == 200


@pytest.mark.parametrize("scope", ["organization:write", "privacy:manage"])
async def test_both_scopes_are_needed(scope: str, acme: Tenant) -> None:
    half = await acme.client_with(scope)
    for refused in (half.post(f"{WHERE}/erasure"), half.delete(WHERE, params=await confirmed(acme))):
        answer = await refused
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_a_token_ends(acme: Tenant) -> None:
    who = Principal(acme.id, "somebody", frozenset(), "api_key", None)
    keyring = await acme.database.meet(acme.id)
    now = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
    token = service.token_until(who, int((now + service.LIFE).timestamp()), keyring)
    assert service.is_confirmed(token, who, keyring, now + service.LIFE)
    assert not service.is_confirmed(token, who, keyring, now + service.LIFE + timedelta(seconds=1))


@pytest.mark.nightly
async def test_what_breaks_on_the_way_leaves_everything(
    acme: Tenant, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await acme.client.put("/v1/people/E-1", json={"name": "Noor"})
    params = await confirmed(acme)
    before = await places_of(owner, str(acme.id))
    with monkeypatch.context() as broken:
        broken.setattr(queries, "DELETE_ORGANIZATION", text("SELECT 1 / 0"))
        assert (await acme.client.delete(WHERE, params=params)).status_code == 500
    assert await places_of(owner, str(acme.id)) == before
    assert (await acme.client.get("/v1/people/E-1")).status_code == 200
    assert (await acme.client.delete(WHERE, params=params)).status_code == 204


async def test_of_two_at_once_one_erases(acme: Tenant) -> None:
    params = await confirmed(acme)
    answers = await asyncio.gather(*(acme.client.delete(WHERE, params=params) for _ in range(2)))
    assert {answer.status_code for answer in answers} <= {204, 401}
    assert 204 in {answer.status_code for answer in answers}
