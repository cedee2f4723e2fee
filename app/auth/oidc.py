"""Tokens of an identity provider (OpenID Connect Discovery 1.0, RFC 7517, RFC 8725).

Nothing of a token is believed before its signature: its `alg` must be one of the configured ones, none of
which is symmetric, and that of the key; the key is one that the issuer publishes, found by `kid`.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from app.auth.principal import Claims
from app.core.errors import Unavailable
from app.core.outbound import NotSent, get_json
from app.core.settings import Settings

log = logging.getLogger("betrokken.oidc")

CLOCK_SKEW = 60
KEYS_KEPT = 3600
LEAST_PAUSE = 30
"""Seconds between two looks at the issuer's keys, however many unknown ones tokens name."""
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
DISCOVERY = "/.well-known/openid-configuration"
UNREADABLE = (jwt.PyJWTError, ArithmeticError, ValueError, TypeError, RecursionError)
"""What the library raises for a token, also for one with times that are none."""
REQUIRED = ["exp", "iss", "aud", "sub"]


class BadToken(Exception):
    """Not a token of this issuer for us, or not any more."""


class IssuerUnreachable(Unavailable):
    detail = "The identity provider cannot be reached: try again shortly, or use an API key."


@dataclass(frozen=True)
class Endpoints:
    """Where people sign in and out, as the issuer says."""

    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None


class Issuer:
    def __init__(self, url: str, audience: str, algorithms: list[str], longest_life: int) -> None:
        """No token is good for more than `longest_life` seconds from now, whatever it says."""
        self.longest_life = longest_life
        self.url = url
        self.audience = audience
        self.algorithms = algorithms
        self.clock = time.monotonic
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._endpoints: Endpoints | None = None
        self._read_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def claims_of(self, token: str) -> Claims:
        """Raises BadToken; Unavailable while the issuer's keys could never be read."""
        try:
            header = jwt.get_unverified_header(token)
        except UNREADABLE:
            raise BadToken from None
        if header.get("alg") not in self.algorithms:
            raise BadToken
        key = await self._key(header.get("kid"))
        try:
            claims: Claims = jwt.decode(
                token,
                key,
                algorithms=self.algorithms,
                audience=self.audience,
                issuer=self.url,
                leeway=CLOCK_SKEW,
                options={"require": REQUIRED, "enforce_minimum_key_length": True},
            )
        except UNREADABLE:
            raise BadToken from None
        if int(claims["exp"]) > int(time.time()) + self.longest_life + CLOCK_SKEW:
            raise BadToken
        return claims

    async def endpoints(self) -> Endpoints | None:
        """None where the issuer tells of none to go to. Raises Unavailable while it never answered."""
        if not self._is_fresh():
            async with self._asking:
                await self._look_again(self._is_fresh)
        if self._endpoints is None and not self._keys:
            raise IssuerUnreachable
        return self._endpoints

    async def _key(self, kid: str | None) -> jwt.PyJWK:
        if not self._has_fresh(kid):
            async with self._asking:
                await self._look_again(lambda: self._has_fresh(kid))
        if not self._keys:
            raise IssuerUnreachable
        if kid not in self._keys:
            raise BadToken
        return self._keys[kid]

    def _has_fresh(self, kid: str | None) -> bool:
        return kid in self._keys and self._is_fresh()

    def _is_fresh(self) -> bool:
        return self.clock() - self._read_at < KEYS_KEPT

    async def _look_again(self, is_enough: Callable[[], bool]) -> None:
        """Keys that cannot be read now stay as they were."""
        now = self.clock()
        if is_enough() or now - self._asked_at < LEAST_PAUSE:
            return
        self._asked_at = now
        try:
            self._keys = keys_of(await self._published())
            self._read_at = now
        except NotSent as refusal:
            log.warning("identity_provider_unreachable", extra={"reason": refusal.reason})

    async def _published(self) -> Any:
        found = await get_json(self.url.rstrip("/") + DISCOVERY)
        address = found.get("jwks_uri") if isinstance(found, dict) else None
        if not isinstance(address, str) or found.get("issuer") != self.url:
            raise NotSent("not_this_issuer")
        if not is_as_safe(address, self.url):
            raise NotSent("keys_not_over_https")
        self._endpoints = endpoints_of(found, self.url)
        if self._endpoints is None:
            log.warning("identity_provider_without_sign_in")
        return await get_json(address)


def is_as_safe(address: str, issuer: str) -> bool:
    return address.startswith("https://") or not issuer.startswith("https://")


def endpoints_of(found: Mapping[str, Any], issuer: str) -> Endpoints | None:
    """None where people cannot sign in there."""
    names = ("authorization_endpoint", "token_endpoint", "end_session_endpoint")
    signing_in, token, signing_out = (usable(found.get(name), issuer) for name in names)
    return None if signing_in is None or token is None else Endpoints(signing_in, token, signing_out)


def usable(address: object, issuer: str) -> str | None:
    """An address that a browser may be sent to: of a scheme that runs nothing."""
    if not isinstance(address, str) or origin_of(address) is None or not is_as_safe(address, issuer):
        return None
    return address


def origin_of(address: str) -> str | None:
    """Scheme, host and port, as a policy of content names them; None where that is no plain web address."""
    found = ORIGIN.match(address)
    return found[0] if found and address[found.end() :][:1] in ("", "/", "?") else None


def keys_of(published: Any) -> dict[str | None, jwt.PyJWK]:
    """The keys for signatures, by id; a secret key that was published is none."""
    listed = published.get("keys") if isinstance(published, dict) else None
    found: dict[str | None, jwt.PyJWK] = {}
    for data in listed if isinstance(listed, list) else []:
        if not isinstance(data, dict) or data.get("kty") == "oct" or data.get("use", "sig") != "sig":
            continue
        try:
            found[data.get("kid")] = jwt.PyJWK(data)
        except jwt.PyJWTError:
            continue
    if not found:
        raise NotSent("no_keys")
    return found


def issuer_of(settings: Settings) -> Issuer | None:
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    algorithms: list[str] = [*settings.oidc_algorithms]
    return Issuer(settings.oidc_issuer, settings.oidc_audience, algorithms, settings.oidc_longest_life)
