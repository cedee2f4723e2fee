"""Bodies as they come in: within limits of size and time, and whole."""

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import (
    AppError,
    BadRequest,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)
from app.core.fairness import SIZE, FairQueue
from app.core.requests import refuse_bad_address, refuse_bad_head
from app.core.strict_json import SMALL

LINGERING_SECONDS, LINGERING_BYTES = 2, 10 * 2**20
PIECE = 2**18
"""Most bytes that one step of decompression gives."""
LARGE_AT_ONCE = 4
"""Bodies beyond SMALL of one sender that are read, or held, at once."""
RATIO, UNSUSPECTED = 100, 2**20
"""How many bytes a packed one may become, once they are more than UNSUSPECTED."""
BODY_SECONDS, SLOWEST = 30, 10_000
"""What a sender may be waited for, and the bytes by which they earn another second."""


@dataclass(frozen=True)
class BodyLimits:
    """Bytes a body may have."""

    on_wire: int
    decompressed: int


STRANGER = BodyLimits(SMALL, SMALL)
Admit = Callable[[Scope], Awaitable[BodyLimits]]
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
        admit: Admit,
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
