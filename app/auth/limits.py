"""How many requests a key may make: counted in the memory of each process, told as draft 11 has RateLimit."""

import hashlib
import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import TooManyRequests

POLICY = "key"
KNOWN = "betrokken.key_is_known"


def mark_known(scope: Scope) -> None:
    """Its key is a real one: made-up ones are not counted, or they would fill the memory."""
    scope[KNOWN] = True


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


def bearer_token(scope: Scope) -> str | None:
    """A hash of the token: what counts holds no key."""
    if scope["type"] != "http":
        return None
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return hashlib.sha256(token.strip().encode()).hexdigest()
