"""How many requests a key may make, and how many unknown keys may come from an address.

Counted in the memory of each process; told as draft 11 has RateLimit.
"""

import hashlib
import ipaddress
import math
import time
from uuid import UUID

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.contract import takes_keys
from app.core.errors import TooManyRequests

POLICY = "key"
IMPORT = ("POST", "/v1/imports")
WATCHED = ("/health/", "/metrics")
MOST_REMEMBERED = 100_000
"""Keys whose requests go on while their address has sent too many unknown ones."""
UNKNOWN_KEYS = (
    "Too many unknown keys came from this address: check the key, and wait as long as Retry-After says."
)
KNOWN = "betrokken.key_is_known"


def mark_known(scope: Scope, organization_id: UUID) -> None:
    """Its key is a real one: made-up ones are not counted, or they would fill the memory."""
    scope[KNOWN] = str(organization_id)
    remember(scope)


ORGANIZATIONS: dict[str, str] = {}
"""By the hash of a token that was proven here, whose it is: for what is fair, not for what is allowed."""


def remember(scope: Scope) -> None:
    token = bearer_token(scope)
    if token is not None:
        ORGANIZATIONS[token] = scope[KNOWN]
        if len(ORGANIZATIONS) > MOST_REMEMBERED:
            del ORGANIZATIONS[next(iter(ORGANIZATIONS))]


def lane_of(scope: Scope) -> str | None:
    """Whose turn a request takes; None for who watches the service, and for a file that comes in slowly."""
    token = bearer_token(scope)
    is_watching = token is None and scope["path"].startswith(WATCHED)
    if is_watching or (scope["method"], scope["path"]) == IMPORT:
        return None
    return ORGANIZATIONS.get(token or "") or address_of(scope) or "nobody"


class RateLimitMiddleware:
    def __init__(self, app: ASGIApp, limit: str) -> None:
        self.app = app
        self.item: RateLimitItem = parse(limit)
        self.limiter = FixedWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = bearer_token(scope)
        if token is None:
            return await self.app(scope, receive, send)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and KNOWN in scope:
                await self.limiter.hit(self.item, token)
                MutableHeaders(scope=message).update(await self.counted(token))
            await send(message)

        if await self.limiter.test(self.item, token):
            return await self.app(scope, receive, told)
        counted = await self.counted(token)
        retry_after = counted["RateLimit"].rpartition("=")[2]
        refusal = TooManyRequests(headers={**counted, "Retry-After": retry_after})
        await refusal.response(scope["path"])(scope, receive, send)

    async def counted(self, token: str) -> dict[str, str]:
        stats = await self.limiter.get_window_stats(self.item, token)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.item.amount};w={self.item.get_expiry()}',
            "RateLimit": f'"{POLICY}";r={stats.remaining};t={seconds}',
        }


class StrangersMiddleware:
    """Ends the guessing of keys: each guess is looked up, or its signature is checked.

    Many may share an address, so keys that were proven here are let through.
    """

    def __init__(self, app: ASGIApp, limit: str) -> None:
        self.app = app
        self.item: RateLimitItem = parse(limit)
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        self.proven: dict[str, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token, address = bearer_token(scope), address_of(scope)
        if token is None or address is None or not takes_keys(scope["method"], scope["path"]):
            return await self.app(scope, receive, send)

        async def judged(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self.learn(scope, token, address, is_refused=message["status"] == 401)
            await send(message)

        if token in self.proven or await self.limiter.test(self.item, address):
            return await self.app(scope, receive, judged)
        stats = await self.limiter.get_window_stats(self.item, address)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        refusal = TooManyRequests(UNKNOWN_KEYS, headers={"Retry-After": str(seconds), "Connection": "close"})
        await refusal.response(scope["path"])(scope, receive, send)

    async def learn(self, scope: Scope, token: str, address: str, *, is_refused: bool) -> None:
        if is_refused:
            self.proven.pop(token, None)
            await self.limiter.hit(self.item, address)
        elif KNOWN in scope:
            self.proven[token] = None
            if len(self.proven) > MOST_REMEMBERED:
                del self.proven[next(iter(self.proven))]


def address_of(scope: Scope) -> str | None:
    """Of the client, or of its network where each has as many addresses as it likes."""
    try:
        address = ipaddress.ip_address(scope["client"][0])
    except (KeyError, TypeError, ValueError):
        return None
    is_plenty = address.version == 6 and address.ipv4_mapped is None
    return str(ipaddress.ip_network((address, 64), strict=False)) if is_plenty else str(address)


def bearer_token(scope: Scope) -> str | None:
    """A hash of the token: what counts holds no key."""
    if scope["type"] != "http":
        return None
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return hashlib.sha256(token.strip().encode()).hexdigest()
