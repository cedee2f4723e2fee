"""What a page is told before anybody has signed in, and where it may ask for a token."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from app.auth.oidc import KEYS_KEPT, LEAST_PAUSE, endpoints_of, origin_of
from app.core.settings import OF_THE_FLOW, Settings
from app.main import create_app
from tests.conftest import client_for
from tests.contract import ContractClient
from tests.organizations.provider import AUDIENCE, Json, Provider, providing

LOGIN = "https://login.example.com"
PLACES = {"authorization_endpoint": f"{LOGIN}/authorize", "token_endpoint": f"{LOGIN}/token"}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as provider:
        provider.discovery = {**PLACES, "end_session_endpoint": f"{LOGIN}/logout"}
        yield provider


def known_to(provider: Provider, settings: Settings, database_url: str, **own: Any) -> FastAPI:
    known = {"oidc_issuer": provider.url, "oidc_audience": AUDIENCE, "oidc_client_id": "page"}
    return create_app(settings.model_copy(update=known | own), database_url)


@pytest.fixture
async def app_with_login(provider: Provider, settings: Settings, database_url: str) -> AsyncIterator[FastAPI]:
    app = known_to(provider, settings, database_url)
    async with app.router.lifespan_context(app):
        yield app


async def policy_of(app: FastAPI, path: str = "/sign-in") -> str:
    return str((await client_for(app, None).get(path)).headers["content-security-policy"])


async def test_without_a_client_there_are_keys_alone(
    anonymous: ContractClient, provider: Provider, settings: Settings, database_url: str
) -> None:
    assert (await anonymous.get("/v1/sign-in")).json() == {"oidc": None}
    app = known_to(provider, settings, database_url, oidc_client_id=None)
    assert (await client_for(app, None).get("/v1/sign-in")).json() == {"oidc": None}
    assert "connect-src 'self';" in await policy_of(app)


async def test_the_provider_says_where_to_go(app_with_login: FastAPI, provider: Provider) -> None:
    answer = await client_for(app_with_login, None).get("/v1/sign-in")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["oidc"] == {
        "issuer": provider.url,
        "client_id": "page",
        **PLACES,
        "end_session_endpoint": f"{LOGIN}/logout",
        "parameters": {"scope": "openid"},
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"scope": "betrokken"}, {"scope": "openid betrokken"}),
        ({"scope": "a openid a", "resource": "urn:x"}, {"scope": "openid a", "resource": "urn:x"}),
    ],
)
async def test_openid_is_always_asked_for(
    given: Json, told: Json, provider: Provider, settings: Settings, database_url: str
) -> None:
    """Else there is no nonce in the answer, and nobody notices that it is another's."""
    app = known_to(provider, settings, database_url, oidc_sign_in_parameters=given)
    assert (await client_for(app, None).get("/v1/sign-in")).json()["oidc"]["parameters"] == told


async def test_only_the_page_one_comes_back_to_may_ask_the_provider(app_with_login: FastAPI) -> None:
    assert f"connect-src 'self' {LOGIN};" in await policy_of(app_with_login)
    for path in ("/respond", "/setup", "/pages/signin.html"):
        assert "connect-src 'self';" in await policy_of(app_with_login, path)
    page = await client_for(app_with_login, None).get("/sign-in")
    again = await client_for(app_with_login, None).get(
        "/sign-in", headers={"If-None-Match": page.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]


async def test_a_provider_that_never_answered_is_told_and_one_that_did_is_remembered(
    app_with_login: FastAPI, provider: Provider
) -> None:
    api, issuer, now = client_for(app_with_login, None), app_with_login.state.issuer, 0.0
    issuer.clock = lambda: now
    provider.is_down = True
    answer = await api.get("/v1/sign-in")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "connect-src 'self';" in await policy_of(app_with_login), "the page itself is there, and says so"
    provider.is_down = False
    assert (await api.get("/v1/sign-in")).status_code == 503
    now = LEAST_PAUSE
    assert (await api.get("/v1/sign-in")).status_code == 200
    asked = len(provider.asked)
    for _ in range(5):
        assert (await api.get("/v1/sign-in")).status_code == 200
    assert len(provider.asked) == asked, "strangers make us ask the provider once"
    provider.is_down = True
    now += KEYS_KEPT
    assert (await api.get("/v1/sign-in")).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "https://login.example.com; script-src *"},
        {"token_endpoint": "https://login.example.com@evil.example/"},
        {"token_endpoint": "https://login.example.com\r\nSet-Cookie: a=b"},
        {"token_endpoint": "http://login.example.com/token"},
        {"authorization_endpoint": "//login.example.com/authorize"},
        {"authorization_endpoint": 7},
    ],
    ids=str,
)
def test_an_address_that_would_run_or_let_in_anything_is_none(said: Json) -> None:
    found = {**PLACES, **said} if said else {}
    assert endpoints_of(found, LOGIN) is None


@pytest.mark.parametrize("said", [{}, {**PLACES, "token_endpoint": None}], ids=["none", "half"])
async def test_where_the_provider_lets_nobody_in_from_a_page_there_are_keys_alone(
    said: Json, app_with_login: FastAPI, provider: Provider
) -> None:
    """Nobody is told to try again shortly, as that would not help."""
    provider.discovery = said
    api = client_for(app_with_login, None)
    for _ in range(2):
        answer = await api.get("/v1/sign-in")
        assert (answer.status_code, answer.json()) == (200, {"oidc": None})
    assert "connect-src 'self';" in await policy_of(app_with_login)


def test_where_one_cannot_sign_out_one_signs_in_all_the_same() -> None:
    for end in (None, "javascript:alert(1)", "ftp://login.example.com"):
        found = endpoints_of({**PLACES, "end_session_endpoint": end}, LOGIN)
        assert found is not None
        assert found.end_session_endpoint is None


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://login.example.com/a;b?c=d", "https://login.example.com"),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("http://[::1]:9/token", "http://[::1]:9"),
        ("https://login.example.com:8443x/", None),
        ("https://*/", None),
        ("data:text/html,x", None),
    ],
)
def test_what_a_policy_may_name(address: str, origin: str | None) -> None:
    assert origin_of(address) == origin


# ------------------------------------------------------------------ settings


def test_a_client_needs_an_issuer() -> None:
    with pytest.raises(ValidationError, match="BETROKKEN_OIDC_ISSUER"):
        Settings(oidc_client_id="page")


@pytest.mark.parametrize("name", sorted(OF_THE_FLOW))
def test_what_protects_the_flow_cannot_be_set(name: str) -> None:
    with pytest.raises(ValidationError, match=f"the page itself sends {name}"):
        Settings(oidc_sign_in_parameters={name: "fixed"})
