"""What a request must be before an endpoint sees it: id, path, size, encoding, JSON."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import jiter
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import logging as app_logging
from app.core.errors import (
    AppError,
    BadRequest,
    MalformedJson,
    PayloadTooLarge,
    Unprocessable,
    UnsupportedMediaType,
)

LINGERING_SECONDS = 2
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
SUSPICIOUS = re.compile(rb"[eE]\+?0*[1-9]\d{2}|(?<!\d)\d{300}|\\u0000|\x00")
"""Bytes without which a body holds neither a number beyond a double nor a NUL."""
MOST_VALUES = 2_000_000
"""Parsed, each takes a hundred bytes; the largest batch, 5,000 responses to 200 questions, has a million."""
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class RequestIdMiddleware:
    """Gives every request an id: the sender's X-Request-Id if it is harmless, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        offered = Headers(scope=scope).get("x-request-id", "")
        value = offered if SAFE_REQUEST_ID.fullmatch(offered) else uuid4().hex
        app_logging.request_id.set(value)
        app_logging.organization_id.set(None)

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = value
                headers.add_vary_header("Authorization, Accept-Language, Accept-Encoding")
            await send(message)

        await self.app(scope, receive, with_id)


class OriginMiddleware(CORSMiddleware):
    """Cross-origin requests; the refusal of a preflight is a problem like any other."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        refusal = BadRequest("This origin, method or header is not let in: see BETROKKEN_CORS_ORIGINS.")
        return refusal.response(None)


class BodyMiddleware:
    """Reads the body once, counted on the wire and after decompression, and hands it on whole.

    A body that its sender cut off reaches nobody.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_decompressed: int) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_decompressed = max_decompressed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            refuse_bad_address(scope)
            body = await self.read(Headers(scope=scope), receive)
        except AppError as error:
            return await error.response(scope["path"])(scope, receive, send)
        if body is not None:
            await self.app(scope, replay(body, receive), send)

    async def read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The decoded body; None where the sender hung up before its end."""
        decode = self.decoder(headers.get("content-encoding", "identity").strip().lower())
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.max_bytes:
            if "expect" not in headers:
                await self.discard(receive)
            raise self.too_large()
        parts, on_wire, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk, more = message.get("body", b""), message.get("more_body", False)
            on_wire += len(chunk)
            if on_wire > self.max_bytes:
                if more:
                    await self.discard(receive)
                raise self.too_large()
            parts.append(decode(chunk, not more))
        return b"".join(parts)

    async def discard(self, receive: Receive) -> None:
        """Reads on for a while: closing on a sender who still writes would lose him the answer."""
        left, more = self.max_bytes, True
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGERING_SECONDS):
                while more and left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    more = message.get("more_body", False)

    def decoder(self, encoding: str) -> Callable[[bytes, bool], bytes]:
        if encoding in ("identity", ""):
            return lambda chunk, last: chunk
        if encoding in ("gzip", "x-gzip"):
            return self.gunzip()
        raise UnsupportedMediaType("Content-Encoding is gzip or absent.", code="unsupported_encoding")

    def gunzip(self) -> Callable[[bytes, bool], bytes]:
        stream, size = zlib.decompressobj(wbits=31), 0

        def decode(chunk: bytes, last: bool) -> bytes:
            nonlocal size
            try:
                plain = stream.decompress(chunk, self.max_decompressed - size + 1)
            except zlib.error:
                raise BadRequest("The body is not gzip.", code="malformed_gzip") from None
            size += len(plain)
            if size > self.max_decompressed:
                raise self.too_large()
            if stream.unused_data or (last and not stream.eof):
                raise BadRequest("The gzip body is not one whole member.", code="malformed_gzip")
            return plain

        return decode

    def too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"A body may have {self.max_bytes} bytes on the wire and {self.max_decompressed} decompressed:"
            " send smaller batches.",
            headers={"Connection": "close"},
        )


def refuse_bad_address(scope: Scope) -> None:
    if b"%2f" in scope.get("raw_path", b"").lower() or "//" in scope["path"]:
        raise BadRequest("A path has neither an encoded slash nor an empty segment.", code="bad_path")
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Unprocessable("An address holds no NUL character.", code="invalid_text")


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once, then waits for the connection's end."""
    sent = False

    async def once() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def parse_json(body: bytes) -> Any:
    """RFC 8259 JSON without duplicate keys, NaN, Infinity, numbers beyond a double, and NUL in text."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PayloadTooLarge("The body holds too many values: send smaller batches.")
    try:
        value = jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        if "hex escape" in str(error) and SURROGATE.search(body):
            raise Unprocessable("Text holds no lone surrogate.", code="invalid_text") from None
        raise MalformedJson(f"The body is not JSON: {error}.") from None
    if SUSPICIOUS.search(body):
        refuse_unstorable(value)
    return value


def refuse_unstorable(value: Any) -> None:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise MalformedJson("The body holds a number beyond the range of a double.")
    if isinstance(value, str) and "\0" in value:
        raise Unprocessable("Text holds no NUL character.", code="invalid_text")
    if isinstance(value, dict):
        for key, member in value.items():
            refuse_unstorable(key)
            refuse_unstorable(member)
    elif isinstance(value, list):
        for member in value:
            refuse_unstorable(member)


class StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


class Route(APIRoute):
    """A route whose JSON is parsed strictly and whose body has the media type of the contract."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()
        accepted = ["application/json"]
        if "PATCH" in (self.methods or ()):
            accepted.append("application/merge-patch+json")

        async def strict(request: Request) -> Response:
            parsed = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                require_media_type(request, accepted)
                await parsed.json()  # here: FastAPI hides what is raised when it asks for the JSON itself
            return await handler(parsed)

        return strict


def require_media_type(request: Request, accepted: list[str]) -> None:
    offered = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if offered not in accepted:
        raise UnsupportedMediaType(f"Send Content-Type: {' or '.join(accepted)}.")
