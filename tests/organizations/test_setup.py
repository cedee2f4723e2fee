"""The first organisation: by a link that works once, for an hour, while there is none."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.auth.principal import Scope
from app.cli.serving import brought_up_to_date, show
from app.core.audit import COMMAND_LINE
from app.core.database import Database
from app.core.settings import Settings
from app.demo.service import create_organization as create_demo
from app.main import create_app
from app.organizations.jobs import forget
from app.organizations.service import create_organization, found
from app.organizations.setup.service import PREFIX, new_link
from tests.conftest import Tenant, client_for, database_like, new_tenant
from tests.core.test_limits import from_address

DOOR = "/v1/setup"
JSON = {"Content-Type": "application/json"}
WANTED = {"name": "Acme", "locale": "nl"}


@pytest.fixture
async def empty_url(server_url: str, template: str) -> AsyncIterator[str]:
    async with database_like(server_url, "empty", template) as url:
        yield url


@pytest.fixture
async def empty(empty_url: str, settings: Settings) -> AsyncIterator[FastAPI]:
    """A service without an organisation."""
    app = create_app(settings, empty_url)
    async with app.router.lifespan_context(app):
        yield app


def database_of(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


async def token_of(app: FastAPI) -> str:
    link = await new_link(database_of(app))
    assert link is not None
    return link.token


async def set_up(app: FastAPI, token: str | None, **members: Any) -> httpx.Response:
    return await client_for(app, token).post(DOOR, json=WANTED | members)


async def organizations_in(app: FastAPI) -> int:
    async with database_of(app).system_session(reason="test") as session:
        return int(await session.scalar(text("SELECT count(*) FROM organizations")) or 0)


async def execute(app: FastAPI, statement: str) -> None:
    async with database_of(app).system_session(reason="test") as session:
        await session.execute(text(statement))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_the_link_makes_an_organization_and_its_first_key(empty: FastAPI) -> None:
    made = await set_up(empty, await token_of(empty))
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    body = made.json()
    api = client_for(empty, body["api_key"]["key"])
    me = (await api.get("/v1/me")).json()
    assert me["organization"] == body["organization"]
    assert set(me["scopes"]) == {scope.value for scope in Scope}
    organization = (await api.get("/v1/organization")).json()
    assert (organization["name"], organization["locale"]) == ("Acme", "nl")
    assert [key["id"] for key in (await api.get("/v1/api-keys")).json()["items"]] == [body["api_key"]["id"]]


async def test_both_are_in_the_log_and_the_name_and_the_key_are_not(empty: FastAPI) -> None:
    body = (await set_up(empty, await token_of(empty))).json()
    entries = (await client_for(empty, body["api_key"]["key"]).get("/v1/audit")).json()["items"]
    assert {(entry["actor"], entry["action"], entry["target"]) for entry in entries} == {
        ("setup_link", "create_organization", body["organization"]["id"]),
        ("setup_link", "create_api_key", body["api_key"]["id"]),
    }
    assert "Acme" not in str(entries)
    assert body["api_key"]["key"] not in str(entries)


async def test_an_organization_speaks_english_where_nothing_is_said(empty: FastAPI) -> None:
    made = await client_for(empty, await token_of(empty)).post(DOOR, json={"name": "Acme"})
    api = client_for(empty, made.json()["api_key"]["key"])
    assert (await api.get("/v1/organization")).json()["locale"] == "en"


# ------------------------------------------------------------------ once, for a time, while there is none


async def test_a_link_works_once(empty: FastAPI) -> None:
    token = await token_of(empty)
    assert (await set_up(empty, token)).status_code == 201
    assert code_of(await set_up(empty, token)) == (409, "already_set_up")
    assert await organizations_in(empty) == 1


async def test_of_many_uses_at_once_one_succeeds(empty: FastAPI, empty_url: str, settings: Settings) -> None:
    """On several processes, and with several links."""
    second = create_app(settings, empty_url)
    async with second.router.lifespan_context(second):
        tokens = [await token_of(empty), await token_of(second)]
        tries = [set_up(app, token) for token in tokens for app in (empty, second) for _ in range(4)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*tries))
    assert statuses == [201] + [409] * 15
    assert await organizations_in(empty) == 1


async def test_a_link_outlives_a_restart_and_another_link(
    empty: FastAPI, empty_url: str, settings: Settings
) -> None:
    first, second = await token_of(empty), await token_of(empty)
    restarted = create_app(settings, empty_url)
    async with restarted.router.lifespan_context(restarted):
        assert (await set_up(restarted, first)).status_code == 201
        for token in (first, second):
            assert code_of(await set_up(restarted, token)) == (409, "already_set_up")


async def test_a_link_ends_after_an_hour(empty: FastAPI) -> None:
    token = await token_of(empty)
    await execute(empty, "UPDATE setup_links SET expires_at = expires_at - interval '59 minutes'")
    async with database_of(empty).system_session(reason="test") as session:
        assert await session.scalar(text("SELECT expires_at > now() FROM setup_links"))
    await execute(empty, "UPDATE setup_links SET expires_at = expires_at - interval '1 minute'")
    assert code_of(await set_up(empty, token)) == (409, "setup_link_expired")
    assert await organizations_in(empty) == 0


@pytest.mark.parametrize("way", ["command line", "demo"])
async def test_a_link_ends_with_an_organization_that_was_made_otherwise(way: str, empty: FastAPI) -> None:
    token, database = await token_of(empty), database_of(empty)
    await (found(database, "Other", COMMAND_LINE) if way == "command line" else create_demo(database))
    assert code_of(await set_up(empty, token)) == (409, "already_set_up")
    await execute(empty, "DELETE FROM organizations")
    assert code_of(await set_up(empty, token)) == (409, "already_set_up"), "it does not come to life again"


WAITS_FOR = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE :holder = ANY (pg_blocking_pids(pid)))")


async def test_who_comes_while_another_is_made_waits_for_that(empty: FastAPI) -> None:
    token, database = await token_of(empty), database_of(empty)
    async with database.system_session(reason="test") as session:
        await create_organization(session, "Other", database.keyring)
        holder = await session.scalar(text("SELECT pg_backend_pid()"))
        late = asyncio.create_task(set_up(empty, token))
        async with database.system_session(reason="test") as watching:
            while not await watching.scalar(WAITS_FOR, {"holder": holder}):
                assert not late.done(), late.result().text
    assert code_of(await late) == (409, "already_set_up")
    assert await organizations_in(empty) == 1


async def test_where_there_is_an_organization_there_is_no_link(acme: Tenant) -> None:
    assert await new_link(acme.database) is None


async def test_what_failed_used_nothing_up(empty: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await token_of(empty)
    with monkeypatch.context() as patched:
        patched.setattr("app.organizations.setup.service.ApiKeyWrite", None)
        assert (await set_up(empty, token)).status_code == 500
    assert await organizations_in(empty) == 0
    assert (await set_up(empty, token)).status_code == 201


async def test_serving_prints_it_where_there_is_a_page_for_it(
    empty: FastAPI, empty_url: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    given = settings.model_copy(update={"database_url": SecretStr(empty_url)})
    assert await brought_up_to_date(empty_url, given.model_copy(update={"pages": False})) is None
    link = await brought_up_to_date(empty_url, given)
    assert link is not None
    show(link, "https://hr.example.com/")
    assert f"\n  https://hr.example.com/setup#{link.token}\n" in capsys.readouterr().out
    assert (await set_up(empty, link.token)).status_code == 201
    assert await brought_up_to_date(empty_url, given) is None


# ------------------------------------------------------------------ who has no link


async def test_nobody_else_is_told_anything(empty: FastAPI) -> None:
    """Also not whether there is an organisation, whatever they send."""
    token = await token_of(empty)
    wrong = [None, "x", PREFIX, token[:-1], token + "x", token.upper(), "btk_live_x"]
    for _ in range(2):
        for sent in wrong:
            answer = await set_up(empty, sent)
            assert code_of(answer) == (401, "unauthenticated"), sent
            assert ('error="invalid_token"' in answer.headers["www-authenticate"]) == (sent is not None)
            assert (await set_up(empty, sent, name=1)).status_code == 401
        await set_up(empty, token)


async def test_a_link_opens_nothing_else_and_no_key_opens_it(empty: FastAPI) -> None:
    token = await token_of(empty)
    for path in ("/v1/me", "/v1/respond", "/v1/people"):
        assert (await client_for(empty, token).get(path)).status_code == 401, path
    tenant = await new_tenant(empty, "Acme")
    assert code_of(await tenant.client.post(DOOR, json=WANTED)) == (401, "unauthenticated")


async def test_guesses_are_limited_and_the_link_is_not(empty_url: str, settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"unknown_key_limit": "2/minute"}), empty_url)
    async with app.router.lifespan_context(app):
        token = await token_of(app)
        tried = [
            (await from_address(app, "192.0.2.1", f"{PREFIX}{guess}").post(DOOR, json=WANTED)).status_code
            for guess in range(4)
        ]
        assert tried == [401, 401, 429, 429]
        assert (await from_address(app, "192.0.2.2", token).post(DOOR, json=WANTED)).status_code == 201


async def test_the_token_is_kept_as_a_hash_and_told_to_nobody(
    empty: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = await token_of(empty)
    made = await set_up(empty, token)
    async with database_of(empty).system_session(reason="test") as session:
        kept = await session.scalar(text("SELECT string_agg(l::text, ' ') FROM setup_links l"))
    assert token not in kept
    told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert token not in told
    assert made.json()["api_key"]["key"] not in told


@pytest.mark.parametrize("statement", ["SELECT * FROM setup_links", "UPDATE setup_links SET ended_at = NULL"])
async def test_the_acting_role_has_nothing_of_links(statement: str, acme: Tenant) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with acme.database.tenant_session(acme.id) as session:
            await session.execute(text(statement))


async def test_links_are_forgotten_a_day_after_they_ended(empty: FastAPI) -> None:
    await token_of(empty)
    for hours, left in ((24, 1), (1, 0)):
        await execute(empty, f"UPDATE setup_links SET expires_at = expires_at - interval '{hours} hours'")
        await forget(database_of(empty))
        async with database_of(empty).system_session(reason="test") as session:
            assert await session.scalar(text("SELECT count(*) FROM setup_links")) == left


# ------------------------------------------------------------------ what is sent


NO_BODIES: list[tuple[str, tuple[int, str]]] = [
    ('{"name": "half', (400, "malformed_json")),
    ('{"name": "a", "name": "b"}', (400, "malformed_json")),
    ("{}", (422, "missing_field")),
    ('{"name": ""}', (422, "invalid_value")),
    ('{"name": null}', (422, "invalid_value")),
    ('{"name": "a\\u0000b"}', (422, "invalid_text")),
    (json.dumps({"name": "x" * 201}), (422, "invalid_value")),
    ('{"name": "a", "locale": "Dutch"}', (422, "invalid_value")),
    ('{"name": "a", "scopes": []}', (422, "unknown_field")),
    (json.dumps({"name": "x" * 200_000}), (413, "body_too_large")),
]


async def test_a_body_that_is_none_uses_nothing_up(empty: FastAPI) -> None:
    token = await token_of(empty)
    for sent, told in NO_BODIES:
        assert code_of(await client_for(empty, token).post(DOOR, content=sent, headers=JSON)) == told
    assert (await set_up(empty, token)).status_code == 201


async def test_another_media_type(empty: FastAPI) -> None:
    answer = await client_for(empty, await token_of(empty)).post(
        DOOR, content="name=Acme", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert code_of(answer) == (415, "unsupported_media_type"), "no form of another page sends this"
