"""How many requests a key may make."""

import re

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from app.core.settings import Settings
from app.main import create_app
from tests.conftest import SECRET, Tenant, client_for
from tests.contract import ContractClient
from tests.scim.client import scim_for

POLICY = '"key";q=3;w=60'


def limited(acme: Tenant, database_url: str, limit: str) -> FastAPI:
    settings = Settings(pseudonym_secret=SecretStr(SECRET), worker_enabled=False, rate_limit=limit)
    app = create_app(settings, database_url)
    app.state.database = acme.database
    return app


def remaining(answer: httpx.Response) -> int:
    told = re.fullmatch(r'"key";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert told, answer.headers["ratelimit"]
    assert 1 <= int(told[2]) <= 60
    return int(told[1])


async def test_a_key_is_told_what_is_left_and_then_to_wait(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "3/minute")
    api = client_for(app, await acme.key())
    answers = [await api.get("/v1/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [remaining(answer) for answer in answers] == [2, 1, 0, 0]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {POLICY}
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert "retry-after" not in answers[0].headers


async def test_each_key_has_its_own(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "1/minute")
    one, two = [client_for(app, await acme.key()) for _ in range(2)]
    assert [(await one.get("/v1/me")).status_code for _ in range(2)] == [200, 429]
    assert (await two.get("/v1/me")).status_code == 200


async def test_refusals_count_and_made_up_keys_and_the_public_do_not(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "2/minute")
    made_up = client_for(app, "made-up")
    for _ in range(4):
        assert (await made_up.get("/v1/me")).status_code == 401
        assert "ratelimit" not in (await made_up.get("/health/live")).headers
    api = client_for(app, await acme.key("people:read"))
    assert (await api.get("/v1/people/nobody")).status_code == 404
    assert (await api.put("/v1/people/E-1", json={"name": "x"})).status_code == 403
    assert (await api.get("/v1/me")).status_code == 429


async def test_scim_is_refused_in_its_own_form(acme: Tenant, database_url: str) -> None:
    scim = scim_for(limited(acme, database_url, "1/minute"), await acme.key())
    assert (await scim.get("/Users")).headers["ratelimit-policy"] == '"key";q=1;w=60'
    refused = await scim.get("/Users")
    assert (refused.status_code, refused.json()["status"]) == (429, "429")
    assert refused.headers["retry-after"]


async def test_by_default_the_limit_is_beyond_any_sync(api: ContractClient) -> None:
    answer = await api.get("/v1/me")
    assert answer.headers["ratelimit-policy"] == '"key";q=120000;w=60'


async def test_it_can_be_switched_off(acme: Tenant, database_url: str) -> None:
    api = client_for(limited(acme, database_url, "none"), await acme.key())
    assert "ratelimit" not in (await api.get("/v1/me")).headers


@pytest.mark.parametrize("limit", ["many", "0", "10", "ten/minute", "10/fortnight"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    with pytest.raises(ValidationError, match="600/minute"):
        Settings(rate_limit=limit)
