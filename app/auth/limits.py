"""How many requests a key may make, and how many unknown keys may come from an address.

Counted in the memory of each process; told as draft 11 has RateLimit.
"""

import hashlib
import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID, uuid4

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


class KnownKeys:
    """Whose the tokens are that were proven here, by their hash: for what is fair, not what is allowed."""

    def __init__(self) -> None:
        self.organizations: dict[str, str] = {}

    def __contains__(self, token: str) -> bool:
        return token in self.organizations

    def remember(self, scope: Scope, organization_id: UUID) -> None:
        """Its key is a real one: made-up ones are not counted, or they would fill the memory."""
        scope[KNOWN] = str(organization_id)
        token = bearer_token(scope)
        if token is not None:
            self.organizations[token] = scope[KNOWN]
            if len(self.organizations) > MOST_REMEMBERED:
                self.forget(next(iter(self.organizations)))

    def forget(self, token: str) -> None:
        self.organizations.pop(token, None)

    def whose(self, scope: Scope) -> str:
        """The organisation of who asks, else their address."""
        return self.organizations.get(bearer_token(scope) or "") or network_of(scope) or "nobody"

    def lane_of(self, scope: Scope) -> str | None:
        """Whose turn a request takes; None for who watches the service, and for a file that comes slowly."""
        is_watching = bearer_token(scope) is None and scope["path"].startswith(WATCHED)
        is_file = (scope["method"], scope["path"]) == IMPORT
        return None if is_watching or is_file else self.whose(scope)


class ForgettingMiddleware:
    """A key that is refused is known no longer."""

    def __init__(self, app: ASGIApp, keys: KnownKeys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = bearer_token(scope)

        async def judged(message: Message) -> None:
            if token is not None and message["type"] == "http.response.start" and message["status"] == 401:
                self.keys.forget(token)
            await send(message)

        await self.app(scope, receive, judged)


class Allowance:
    """What is left for each name: counted when the answer begins, held back from when the request came.

    Else any number of requests that come at once would find the same left.
    """

    def __init__(self, limit: str) -> None:
        self.item: RateLimitItem = parse(limit)
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        self.held: dict[str, Counter[str]] = {}

    @contextmanager
    def hold(self, name: str, what: str) -> Iterator[Callable[[], None]]:
        """One for each `what`, however often it is under way; gives what lets go of it early."""
        self.held.setdefault(name, Counter())[what] += 1
        with ExitStack() as stack:
            stack.callback(self._let_go, name, what)
            yield stack.close

    def _let_go(self, name: str, what: str) -> None:
        held = self.held[name]
        held[what] -= 1
        if not held[what]:
            del held[what]
        if not held:
            del self.held[name]

    async def is_enough(self, name: str) -> bool:
        """For all that is under way."""
        return len(self.held[name]) <= (await self.left(name))[0]

    async def count(self, name: str) -> None:
        await self.limiter.hit(self.item, name)

    async def left(self, name: str) -> tuple[int, int]:
        """How many, and the seconds until there are as many as ever."""
        stats = await self.limiter.get_window_stats(self.item, name)
        return stats.remaining, max(1, math.ceil(stats.reset_time - time.time()))


class RateLimitMiddleware:
    def __init__(self, app: ASGIApp, limit: str) -> None:
        self.app = app
        self.allowance = Allowance(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = bearer_token(scope)
        if token is None:
            return await self.app(scope, receive, send)
        with self.allowance.hold(token, uuid4().hex) as let_go:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    if KNOWN in scope:
                        await self.allowance.count(token)
                        MutableHeaders(scope=message).update(await self.counted(token))
                    let_go()
                await send(message)

            if await self.allowance.is_enough(token):
                return await self.app(scope, receive, told)
        counted = await self.counted(token)
        retry_after = counted["RateLimit"].rpartition("=")[2]
        refusal = TooManyRequests(headers={**counted, "Retry-After": retry_after})
        await refusal.response(scope["path"])(scope, receive, send)

    async def counted(self, token: str) -> dict[str, str]:
        item = self.allowance.item
        remaining, seconds = await self.allowance.left(token)
        return {
            "RateLimit-Policy": f'"{POLICY}";q={item.amount};w={item.get_expiry()}',
            "RateLimit": f'"{POLICY}";r={remaining};t={seconds}',
        }


class StrangersMiddleware:
    """Ends the guessing of keys: each guess is looked up, or its signature is checked.

    Many may share an address, so keys that were proven here are let through; and one key that is not yet,
    in many requests at once, is one guess.
    """

    def __init__(self, app: ASGIApp, limit: str, keys: KnownKeys) -> None:
        self.app = app
        self.keys = keys
        self.allowance = Allowance(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token, address = bearer_token(scope), network_of(scope)
        if token is None or address is None or not takes_keys(scope["method"], scope["path"]):
            return await self.app(scope, receive, send)
        if token in self.keys:
            return await self.app(scope, receive, self.judging(send, address))
        with self.allowance.hold(address, token) as let_go:
            if await self.allowance.is_enough(address):
                return await self.app(scope, receive, self.judging(send, address, let_go))
        _, seconds = await self.allowance.left(address)
        refusal = TooManyRequests(UNKNOWN_KEYS, headers={"Retry-After": str(seconds), "Connection": "close"})
        await refusal.response(scope["path"])(scope, receive, send)

    def judging(self, send: Send, address: str, let_go: Callable[[], None] = lambda: None) -> Send:
        async def judged(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 401:
                    await self.allowance.count(address)
                let_go()
            await send(message)

        return judged


def network_of(scope: Scope) -> str | None:
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
