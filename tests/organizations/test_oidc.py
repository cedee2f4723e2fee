"""Tokens of an identity provider: which are believed, and what their bearers may do."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from app.auth.oidc import KEYS_KEPT, LEAST_PAUSE, Issuer
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant, client_for, new_tenant
from tests.organizations.provider import AUDIENCE, OTHER_RSA, RSA, Json, Provider, providing, public


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as provider:
        yield provider


@pytest.fixture
async def acme(provider: Provider, settings: Settings, database_url: str) -> AsyncIterator[Tenant]:
    """An organisation on a service that trusts the provider."""
    own = {"oidc_issuer": provider.url, "oidc_audience": AUDIENCE}
    app = create_app(settings.model_copy(update=own), database_url)
    async with app.router.lifespan_context(app):
        yield await new_tenant(app, "Acme")


@pytest.fixture
def issuer(acme: Tenant) -> Issuer:
    found: Issuer = acme.app.state.issuer
    return found


async def ask(tenant: Tenant, token: str, path: str = "/v1/me") -> httpx.Response:
    return await client_for(tenant.app, token).get(path)


def of(tenant: Tenant, **claims: Any) -> Json:
    return {"betrokken_organization": str(tenant.id), **claims}


async def test_a_token_says_who_asks_for_which_organization_and_what_he_may(
    acme: Tenant, provider: Provider
) -> None:
    token = provider.token(**of(acme, scope="metrics:read openid people:read"))
    me = (await ask(acme, token)).json()
    assert me == {
        "organization": {"id": str(acme.id), "name": "Acme"},
        "subject": "someone",
        "kind": "oidc",
        "scopes": ["metrics:read", "people:read"],
        "teams": None,
    }
    assert (await ask(acme, token, "/v1/people")).status_code == 200
    refused = await ask(acme, token, "/v1/surveys")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert (await acme.client.get("/v1/me")).json()["kind"] == "api_key"


@pytest.mark.parametrize("kid, alg", [("rsa", "RS256"), ("ec", "ES256")])  # noqa: PT006
async def test_each_key_with_its_own_algorithm(kid: str, alg: str, acme: Tenant, provider: Provider) -> None:
    assert (await ask(acme, provider.token(kid, alg, **of(acme)))).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "kept"),
    [
        (["people:read", "other"], ["people:read"]),
        ("", []),
        (..., []),
        (None, []),
        (7, []),
        ({"people:read": True}, []),
        ([["people:read"], 1], []),
    ],
)
async def test_scopes_as_a_list_as_text_or_as_nonsense(
    scopes: Any, kept: list[str], acme: Tenant, provider: Provider
) -> None:
    assert (await ask(acme, provider.token(**of(acme, scope=scopes)))).json()["scopes"] == kept


HOUR, SKEW = timedelta(hours=1), timedelta(seconds=40)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -HOUR},
        {"exp": ...},
        {"exp": 25 * HOUR},
        {"exp": timedelta(days=365_000)},
        {"exp": 10**400},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": "soon"},
        {"exp": [1]},
        {"exp": None},
        {"nbf": float("inf")},
        {"nbf": [1]},
        {"iat": float("inf")},
        {"iat": {}},
        {"nbf": HOUR},
        {"iat": HOUR},
        {"iss": "https://issuer.example.com"},
        {"iss": ...},
        {"aud": "another service"},
        {"aud": ...},
        {"aud": ["another service"]},
        {"sub": ...},
        {"betrokken_organization": ...},
        {"betrokken_organization": "acme"},
        {"betrokken_organization": None},
        {"betrokken_organization": ["x"]},
        {"betrokken_organization": "00000000-0000-0000-0000-000000000000"},
    ],
    ids=str,
)
async def test_a_token_whose_claims_are_not_for_us(claims: Json, acme: Tenant, provider: Provider) -> None:
    """Lengths of time are from now."""
    now = datetime.now(UTC)
    said = {name: now + value if isinstance(value, timedelta) else value for name, value in claims.items()}
    await refused(acme, provider.token(**(of(acme) | said)))


async def test_clocks_may_differ_a_little(acme: Tenant, provider: Provider) -> None:
    for claims in ({"exp": datetime.now(UTC) - SKEW}, {"nbf": datetime.now(UTC) + SKEW}):
        assert (await ask(acme, provider.token(**of(acme, **claims)))).status_code == 200


async def refused(tenant: Tenant, token: str) -> None:
    answer = await ask(tenant, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def claims_of(tenant: Tenant, provider: Provider) -> Json:
    found: Json = jwt.decode(provider.token(**of(tenant)), options={"verify_signature": False})
    return found


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
async def test_a_token_that_says_it_needs_no_signature(alg: str, acme: Tenant, provider: Provider) -> None:
    body = encoded(claims_of(acme, provider))
    await refused(acme, f"{encoded({'alg': alg, 'typ': 'JWT', 'kid': 'rsa'})}.{body}.")
    signature = provider.token(**of(acme)).rpartition(".")[2]
    await refused(acme, f"{encoded({'alg': alg, 'typ': 'JWT', 'kid': 'rsa'})}.{body}.{signature}")


@pytest.mark.parametrize("kid", ["rsa", None])
async def test_the_public_key_is_no_secret_to_sign_with(
    kid: str | None, acme: Tenant, provider: Provider
) -> None:
    """HS256 with the published key as the secret, in the forms an attacker could take it."""
    head = {"alg": "HS256", "typ": "JWT"} | ({"kid": kid} if kid else {})
    text = f"{encoded(head)}.{encoded(claims_of(acme, provider))}"
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, pem.strip(), json.dumps(public("rsa")).encode(), public("rsa")["n"].encode(), b""):
        signature = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()
        await refused(acme, f"{text}.{signature.rstrip('=')}")


async def test_a_secret_key_that_was_published_by_mistake_opens_nothing(
    acme: Tenant, provider: Provider
) -> None:
    secret = b"a secret of more than thirty-two bytes"
    key = {
        "kty": "oct",
        "kid": "oct",
        "alg": "RS256",
        "k": base64.urlsafe_b64encode(secret).decode().rstrip("="),
    }
    provider.keys = [key, key | {"alg": "HS256", "kid": "hs"}, public("rsa")]
    for kid in ("oct", "hs"):
        claims = claims_of(acme, provider)
        await refused(acme, jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid}))
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 200


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_key_that_is_too_short_signs_nothing(acme: Tenant, provider: Provider) -> None:
    provider.keys = [public("weak"), public("rsa")]
    await refused(acme, provider.token("weak", **of(acme)))
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 200


async def test_a_signature_that_is_another_key_s_or_another_text_s(acme: Tenant, provider: Provider) -> None:
    claims = claims_of(acme, provider)
    await refused(acme, jwt.encode(claims, OTHER_RSA, algorithm="RS256", headers={"kid": "rsa"}))
    await refused(acme, provider.token("rsa", "RS512", **of(acme)))
    await refused(acme, provider.token("rsa", "PS256", **of(acme)))
    head, _, signature = provider.token(**of(acme)).split(".")
    await refused(acme, f"{head}.{encoded(claims | {'scope': 'keys:manage'})}.{signature}")
    embedded = {"kid": "rsa", "jwk": public("other"), "jku": "https://example.com/keys"}
    await refused(acme, jwt.encode(claims, OTHER_RSA, algorithm="RS256", headers=embedded))


@pytest.mark.parametrize("token", ["a.b.c", "..", "x", "é.é.é", "eyJhbGciOiJSUzI1NiJ9..", "bti_x.y.z"])
async def test_what_is_no_token(token: str, acme: Tenant) -> None:
    client = client_for(acme.app, None)
    answer = await client.get("/v1/me", headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401


async def test_a_token_of_one_organization_is_none_of_another(acme: Tenant, provider: Provider) -> None:
    other = await new_tenant(acme.app, "Globex")
    await other.client.put("/v1/people/E-1", json={"name": "Theirs"})
    assert (await ask(acme, provider.token(**of(acme)), "/v1/people/E-1")).status_code == 404
    assert (await ask(acme, provider.token(**of(other)), "/v1/people/E-1")).status_code == 200


async def test_where_no_provider_is_set_no_token_is_taken(
    app: Any, other: Tenant, provider: Provider
) -> None:
    assert app.state.issuer is None
    await refused(other, provider.token(**of(other)))
    assert provider.asked == []


# ------------------------------------------------------------------ the issuer's keys


async def test_keys_are_read_once_and_again_for_a_new_one(
    acme: Tenant, provider: Provider, issuer: Issuer
) -> None:
    now = 1000.0
    issuer.clock = lambda: now
    for _ in range(3):
        assert (await ask(acme, provider.token(**of(acme)))).status_code == 200
    assert len(provider.asked) == 2
    provider.keys = [public("other")]
    for _ in range(3):
        await refused(acme, provider.token("other", **of(acme)))
    assert len(provider.asked) == 2
    now += LEAST_PAUSE
    assert (await ask(acme, provider.token("other", **of(acme)))).status_code == 200
    await refused(acme, provider.token("rsa", **of(acme)))
    assert len(provider.asked) == 4


async def test_a_key_that_was_taken_back_is_forgotten_within_the_hour(
    acme: Tenant, provider: Provider, issuer: Issuer
) -> None:
    now = 1000.0
    issuer.clock = lambda: now
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 200
    provider.keys = [public("other")]
    now += KEYS_KEPT - 1
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 200
    now += 1
    await refused(acme, provider.token(**of(acme)))


async def test_a_provider_that_is_away_stops_nobody_whose_key_is_known(
    acme: Tenant, provider: Provider, issuer: Issuer
) -> None:
    now = 1000.0
    issuer.clock = lambda: now
    provider.is_down = True
    answer = await ask(acme, provider.token(**of(acme)))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "identity provider" in answer.json()["detail"]
    assert (await acme.client.get("/v1/me")).status_code == 200
    provider.is_down, now = False, now + LEAST_PAUSE
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 200
    provider.is_down, now = True, now + KEYS_KEPT
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 200


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://issuer.example.com"},
        {"jwks_uri": None},
        {"jwks_uri": "ftp://example.com/keys"},
        {"jwks_uri": "not an address"},
    ],
    ids=str,
)
async def test_a_provider_that_says_what_is_not_so(discovery: Json, acme: Tenant, provider: Provider) -> None:
    provider.discovery = discovery
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 503


@pytest.mark.parametrize("keys", [[], ["text", 7, {"kty": "RSA"}, {"kty": "new"}], [{"use": "enc"}]], ids=str)
async def test_a_provider_without_a_key_that_can_be_used(
    keys: list[Any], acme: Tenant, provider: Provider
) -> None:
    provider.keys = [public("rsa") | key if key == {"use": "enc"} else key for key in keys]
    assert (await ask(acme, provider.token(**of(acme)))).status_code == 503


# ------------------------------------------------------------------ settings


def test_an_issuer_needs_an_audience() -> None:
    with pytest.raises(ValidationError, match="BETROKKEN_OIDC_AUDIENCE"):
        Settings(oidc_issuer="https://issuer.example.com")


@pytest.mark.parametrize("algorithms", [["HS256"], ["none"], [], ["RS256", "HS512"]])
def test_a_symmetric_algorithm_cannot_be_configured(algorithms: list[Any]) -> None:
    with pytest.raises(ValidationError, match="oidc_algorithms"):
        Settings(oidc_algorithms=algorithms)
