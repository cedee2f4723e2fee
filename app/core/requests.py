"""What a request must be before an endpoint sees it: id, path, size, encoding, JSON."""

import asyncio
import math
import re
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

import jiter
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import logging as app_logging
from app.core.contract import query_parameters, templates_of
from app.core.errors import (
    AppError,
    BadRequest,
    Fault,
    MalformedJson,
    PayloadTooLarge,
    RequestTimeout,
    Unprocessable,
    UnsupportedMediaType,
)
from app.core.fairness import SIZE, FairQueue

LINGERING_SECONDS, LINGERING_BYTES = 2, 10 * 2**20
PIECE = 2**18
"""Most bytes that one step of decompression gives."""
HOST = re.compile(r"([\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(:\d{0,5})?", re.ASCII)
ONCE = ("authorization", "content-type", "content-length", "content-encoding", "idempotency-key")
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
SUSPICIOUS = (b"e000", b"e+000", b"0" * 300, b"\\u0000", b"\0")
LONG, EXPONENTS = b"0" * 210, (b"0e00", b"0e+00")
"""Bytes, digits written 0, without which a body holds neither a number beyond a double nor a NUL.

Two digits of an exponent bring a number there that has 210 before its point: 1.8e308.
"""
SMALL = 2**16
"""Bytes that a body may have of whom nobody knows yet, and that are parsed where they arrive."""
LARGE_AT_ONCE = 4
"""Bodies beyond SMALL of one sender that are read, or held, at once."""
RATIO, UNSUSPECTED = 100, 2**20
"""How many bytes a packed one may become, once they are more than UNSUSPECTED."""
BODY_SECONDS, SLOWEST = 30, 10_000
"""What a sender may be waited for, and the bytes by which they earn another second."""
MOST_VALUES = 2_000_000
"""Parsed, each takes a hundred bytes; the largest batch, 5,000 responses to 200 questions, has a million."""
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class RequestIdMiddleware:
    """Gives every request an id: the sender's X-Request-Id if it is harmless, else a new one.

    And every answer what holds for all of them: no browser guesses that it is something else.
    """

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
                headers["X-Content-Type-Options"] = "nosniff"
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


@dataclass(frozen=True)
class BodyLimits:
    """Bytes a body may have."""

    on_wire: int
    decompressed: int


STRANGER = BodyLimits(SMALL, SMALL)
Admission = Callable[[Scope], Awaitable[BodyLimits]]
"""From a request's head to what its body may be; raises an AppError where nobody may send one."""


class CutOff(BadRequest):
    """Its sender hung up: whoever reads the body stops, and nobody is there to be told."""

    code = "body_cut_off"
    detail = "The request body is incomplete: send it again."


class BodyMiddleware:
    """Counts a body on the wire and after decompression, and hands it on whole.

    Who sends it is asked first, of the head alone. A body that its sender cut off reaches nobody. The
    operations of `streamed` read theirs as it comes; of others, what may be large is held in memory for a few
    requests of a sender at once, until they are answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        admit: Admission,
        whose: Callable[[Scope], str],
        streamed: Collection[tuple[str, str]],
    ) -> None:
        self.app = app
        self.admit = admit
        self.whose = whose
        self.streamed = streamed
        self.large = FairQueue(sys.maxsize, LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        body = Body(headers, receive, STRANGER)
        try:
            refuse_bad_head(scope, headers)
            refuse_bad_address(scope)
            if has_body(headers):
                body.limits = await self.admitted(scope, body)
            if (scope["method"], scope["path"]) in self.streamed:
                return await self.app(scope, passed_on(body.pieces(), receive), send)
        except CutOff:
            return
        except AppError as error:
            return await error.response(scope["path"])(scope, receive, send)
        if body.limits is STRANGER or is_small(headers):
            return await self.hand_on(scope, body, receive, send)
        async with self.large.place(self.whose(scope)):
            await self.hand_on(scope, body, receive, send)

    async def hand_on(self, scope: Scope, body: "Body", receive: Receive, send: Send) -> None:
        try:
            whole = b"".join([piece async for piece in body.pieces()])
            scope[SIZE] = len(whole)
        except CutOff:
            return
        except AppError as error:
            return await error.response(scope["path"])(scope, receive, send)
        await self.app(scope, replay(whole, receive), send)

    async def admitted(self, scope: Scope, body: "Body") -> BodyLimits:
        try:
            return await self.admit(scope)
        except AppError as error:
            await body.discard()
            error.headers["Connection"] = "close"
            raise


def has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def is_small(headers: Headers) -> bool:
    declared = headers.get("content-length", "")
    return "content-encoding" not in headers and declared.isdigit() and int(declared) <= SMALL


class Body:
    """A request's body as it comes in, within limits."""

    def __init__(self, headers: Headers, receive: Receive, limits: BodyLimits) -> None:
        self.headers = headers
        self.receive = receive
        self.limits = limits
        self.patience: float = BODY_SECONDS

    async def next_message(self) -> Message:
        """What comes next, if it comes soon enough; what has come buys time, as far as there was at first."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self.patience):
                message = await self.receive()
        except TimeoutError:
            raise RequestTimeout(headers={"Connection": "close"}) from None
        earned = len(message.get("body", b"")) / SLOWEST
        self.patience = min(BODY_SECONDS, self.patience - (clock() - began) + earned)
        return message

    async def pieces(self) -> AsyncIterator[bytes]:
        """The decoded body in pieces of bounded size."""
        decode = self.decoder(self.headers.get("content-encoding", "identity").strip().lower())
        await self.refuse_declared_size()
        on_wire, more = 0, True
        while more:
            message = await self.next_message()
            if message["type"] == "http.disconnect":
                raise CutOff
            chunk, more = message.get("body", b""), message.get("more_body", False)
            on_wire += len(chunk)
            if on_wire > self.limits.on_wire:
                if more:
                    await self.discard()
                raise self.too_large()
            for piece in decode(chunk, not more):
                yield piece

    async def refuse_declared_size(self) -> None:
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.limits.on_wire:
            if "expect" not in self.headers:
                await self.discard()
            raise self.too_large()

    async def discard(self) -> None:
        """Reads on for a while: closing on a sender who still writes would lose them the answer."""
        left, more = LINGERING_BYTES, True
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGERING_SECONDS):
                while more and left > 0:
                    message = await self.receive()
                    left -= len(message.get("body", b""))
                    more = message.get("more_body", False)

    def decoder(self, encoding: str) -> Callable[[bytes, bool], Iterable[bytes]]:
        if encoding in ("identity", ""):
            return lambda chunk, last: [chunk]
        if encoding in ("gzip", "x-gzip"):
            return self.gunzip()
        raise UnsupportedMediaType(
            "This Content-Encoding is not supported: send gzip, or leave the header out.",
            code="unsupported_encoding",
            headers={"Accept-Encoding": "gzip"},
        )

    def gunzip(self) -> Callable[[bytes, bool], Iterable[bytes]]:
        stream, size, packed = zlib.decompressobj(wbits=31), 0, 0

        def decode(chunk: bytes, last: bool) -> Iterable[bytes]:
            nonlocal size, packed
            is_full, packed = True, packed + len(chunk)
            while chunk or is_full:
                try:
                    plain = stream.decompress(chunk, PIECE)
                except zlib.error:
                    raise BadRequest(
                        "The body is not gzip: send it compressed with gzip, or leave Content-Encoding out.",
                        code="malformed_gzip",
                    ) from None
                chunk, is_full, size = stream.unconsumed_tail, len(plain) == PIECE, size + len(plain)
                if size > min(self.limits.decompressed, max(UNSUSPECTED, RATIO * packed)):
                    raise self.too_large()
                yield plain
            if stream.unused_data or (last and not stream.eof):
                raise BadRequest(
                    "The gzip body is cut off or has something after its end: compress it again and send it.",
                    code="malformed_gzip",
                )

        return decode

    def too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"Here a body may have {size_in_words(self.limits.on_wire)} as it is sent and"
            f" {size_in_words(self.limits.decompressed)} unpacked, and be unpacked to {RATIO} times"
            " what was sent: send less at once.",
            headers={"Connection": "close"},
        )


def size_in_words(count: int) -> str:
    return f"{count / 2**20:.4g} MiB" if count >= 2**20 else f"{count / 2**10:.4g} KiB"


def refuse_bad_head(scope: Scope, headers: Headers) -> None:
    """Two programs in a row may each believe another one of two headers (RFC 9112, 3.2)."""
    hosts = headers.getlist("host")
    is_older = scope.get("http_version") == "1.0" and not hosts
    if not is_older and not (len(hosts) == 1 and HOST.fullmatch(hosts[0])):
        raise BadRequest("Send one Host header, with a name and perhaps a port.", code="bad_host")
    twice = next((name for name in ONCE if len(headers.getlist(name)) > 1), None)
    if twice:
        raise BadRequest(f"Send the header {twice} once.", code="repeated_header")


def refuse_bad_address(scope: Scope) -> None:
    if b"%2f" in scope.get("raw_path", b"").lower() or "//" in scope["path"]:
        raise BadRequest("The path has an encoded slash or an empty part: remove it.", code="bad_path")
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Unprocessable("The address has a NUL character: remove it.", code="invalid_text")


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


def passed_on(pieces: AsyncIterator[bytes], receive: Receive) -> Receive:
    """A receive that gives the body piece by piece, then waits for the connection's end."""
    is_over = False

    async def next_piece() -> Message:
        nonlocal is_over
        if is_over:
            return await receive()
        piece = await anext(pieces, None)
        is_over = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not is_over}

    return next_piece


def parse_json(body: bytes) -> Any:
    """RFC 8259 JSON without duplicate keys, NaN, Infinity, numbers beyond a double, and NUL in text."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PayloadTooLarge("The body has too many values: send smaller batches.")
    try:
        value = jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        if "hex escape" in str(error) and SURROGATE.search(body):
            raise Unprocessable(
                "The text has half a character (a lone surrogate): send valid Unicode.", code="invalid_text"
            ) from None
        raise MalformedJson(
            f"The body is not JSON{_place_of(error)}: correct it and send it again."
        ) from None
    if is_suspicious(body.translate(DIGITS)):
        refuse_unstorable(value)
    return value


def is_suspicious(digits: bytes) -> bool:
    signs = SUSPICIOUS + EXPONENTS if LONG in digits else SUSPICIOUS
    return any(sign in digits for sign in signs)


def _place_of(error: ValueError) -> str:
    place = re.search(r"line (\d+) column (\d+)", str(error))
    return f", at line {place[1]}, column {place[2]}" if place else ""


def refuse_unstorable(value: Any) -> None:
    if isinstance(value, int | float) and is_beyond_double(value):
        raise MalformedJson("The body has a number that is too large: send one within the range of a double.")
    if isinstance(value, str) and "\0" in value:
        raise Unprocessable("The text has a NUL character: remove it.", code="invalid_text")
    if isinstance(value, dict):
        for key, member in value.items():
            refuse_unstorable(key)
            refuse_unstorable(member)
    elif isinstance(value, list):
        for member in value:
            refuse_unstorable(member)


def is_beyond_double(number: float) -> bool:
    try:
        return math.isinf(number)
    except OverflowError:  # an int
        return True


class StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            is_small = len(body) <= SMALL
            self._json = parse_json(body) if is_small else await asyncio.to_thread(parse_json, body)
        return self._json


class Route(APIRoute):
    """A route whose query has the parameters of the contract, whose body its media type, and strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()
        accepted = ["application/json"]
        if "PATCH" in (self.methods or ()):
            accepted.append("application/merge-patch+json")

        async def strict(request: Request) -> Response:
            refuse_other_methods(request, self.path_format)
            refuse_unknown_parameters(request, self.path_format)
            parsed = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                require_media_type(request, accepted)
                await parsed.json()  # here: FastAPI hides what is raised when it asks for the JSON itself
            return await handler(parsed)

        return strict


def require_media_type(request: Request, accepted: list[str]) -> None:
    offered = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if offered not in accepted:
        raise UnsupportedMediaType(
            f"Send Content-Type: {' or '.join(accepted)}.", headers=accepting(request.method, accepted)
        )


def accepting(method: str, kinds: Iterable[str]) -> dict[str, str]:
    """The header that says which media types a body may have (RFC 5789, 9110 and W3C's LDP)."""
    name = {"POST": "Accept-Post", "PATCH": "Accept-Patch"}.get(method, "Accept")
    return {name: ", ".join(kinds)}


def refuse_other_methods(request: Request, path: str) -> None:
    """Where the path is one of the contract's and this route one of its siblings with a parameter there."""
    templates = templates_of(request.url.path)
    if templates and path not in templates:
        raise HTTPException(405)


class UnknownParameter(Unprocessable):
    code = "unknown_parameter"


class RepeatedParameter(Unprocessable):
    code = "repeated_parameter"


def refuse_unknown_parameters(request: Request, path: str) -> None:
    """A misspelt filter would answer with everything."""
    known = query_parameters(path, request.method.lower())
    if known is None:
        return
    given = [name for name, _ in request.query_params.multi_items()]
    faults = [_unknown(name, list(known)) for name in dict.fromkeys(given) if name not in known]
    if faults:
        raise UnknownParameter(" ".join(fault.detail for fault in faults[:5]), errors=faults)
    repeated = next((name for name in given if not known[name] and given.count(name) > 1), None)
    if repeated is not None:
        raise RepeatedParameter.parameter(repeated, f"{repeated} may be given once: leave the others out.")


def _unknown(name: str, known: list[str]) -> Fault:
    nearest = get_close_matches(name, known, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"it takes {', '.join(known) or 'none'}."
    return Fault("unknown_parameter", f"There is no parameter {name[:100]} here: {hint}", parameter=name)
