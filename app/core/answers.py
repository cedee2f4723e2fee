"""How an answer leaves: packed for who takes it so, and without its body for who asks for the head."""

import asyncio
import re
import zlib
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST = 1024
"""Bytes from which packing saves a packet."""
LARGE = 2**16
"""Bytes whose packing others would wait for."""
GZIP = 31
TEXT = re.compile(r"text/|image/svg\+xml|application/(.*\+)?(json|yaml|xml|javascript|x-ndjson)\b")
CODING = re.compile(r"([\w*-]+)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?))?")


class HeadMiddleware:
    """Answers HEAD as GET, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self.app(scope, receive, send)
        scope["method"] = "GET"
        is_answered = False

        async def without_body(message: Message) -> None:
            nonlocal is_answered
            scope["method"] = "HEAD"  # where the server sees that the length it is told of does not come
            if message["type"] != "http.response.body":
                await send(message)
            elif not is_answered:
                await send({**message, "body": b"", "more_body": False})
                is_answered = True
                if message.get("more_body", False):
                    answering.cancel()  # the rest of a stream may never end

        answering: asyncio.Future[None] = asyncio.ensure_future(self.app(scope, receive, without_body))
        try:
            await answering
        except asyncio.CancelledError:
            if not is_answered or not answering.cancelled():
                raise


class PackingMiddleware:
    """Compresses texts with gzip for who accepts that."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and takes_gzip(Headers(scope=scope).get("accept-encoding", "")):
            send = Packing(send).send
        await self.app(scope, receive, send)


class Packing:
    """One answer, whose head waits for the first of its body: that says how long it is."""

    def __init__(self, send: Send) -> None:
        self.pass_on = send
        self.start: Message = {}
        self.packer: Any = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] != "http.response.body":
            await self.pass_on(message)
        else:
            await self.send_body(message)

    async def send_body(self, message: Message) -> None:
        start, self.start = self.start, {}
        if start and is_worth_it(start, message):
            self.packer = zlib.compressobj(wbits=GZIP)
        packed = await self.packed(message) if self.packer else message
        if start:
            await self.pass_on(marked(start, packed) if self.packer else start)
        await self.pass_on(packed)

    async def packed(self, message: Message) -> Message:
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        if len(body) < LARGE:
            return {**message, "body": self.pack(body, is_last)}
        return {**message, "body": await asyncio.to_thread(self.pack, body, is_last)}

    def pack(self, body: bytes, is_last: bool) -> bytes:
        parts: list[bytes] = [self.packer.compress(body)]
        parts.append(self.packer.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH))
        return b"".join(parts)


def takes_gzip(accepted: str) -> bool:
    """RFC 9110, section 12.5.3: by name, else by the star; a weight of nothing refuses."""
    weights = {
        match[1].lower().removeprefix("x-"): float(match[2] or 1)
        for part in accepted.split(",")
        if (match := CODING.fullmatch(part.strip()))
    }
    return weights.get("gzip", weights.get("*", 0)) > 0


def is_worth_it(start: Message, first: Message) -> bool:
    headers = Headers(raw=start["headers"])
    is_long = first.get("more_body", False) or len(first.get("body", b"")) >= LEAST
    is_text = TEXT.match(headers.get("content-type", "")) is not None
    return is_long and is_text and "content-encoding" not in headers


def marked(start: Message, first: Message) -> Message:
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["Content-Encoding"] = "gzip"
    if first.get("more_body", False):
        del headers["Content-Length"]
    else:
        headers["Content-Length"] = str(len(first["body"]))
    return {**start, "headers": headers.raw}
