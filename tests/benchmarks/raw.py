"""The least a server can do: bare ASGI that answers ready bytes, GET /blob/<size>."""

from functools import cache
from typing import Any

HEAD = [(b"content-type", b"application/json")]


@cache
def blob(size: int) -> bytes:
    return b"x" * size


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return await live(receive, send)
    body = blob(int(scope["path"].rpartition("/")[2]))
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*HEAD, length]})
    await send({"type": "http.response.body", "body": body})


async def live(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
