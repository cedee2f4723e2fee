"""Connections on which nothing comes, or a head without end: uvicorn waits for it, and keeps all of it."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15
READ_SECONDS = 60
"""How long a head may take to come, and an answer to be read."""

MOST_BYTES, MOST_LINES = 65_536, 200
"""Of a head, and of what follows a body in chunks."""
TOO_LARGE = "The head of the request is too large: send fewer or shorter headers, and a shorter address."
NO_REQUEST = (
    b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
)


class ImpatientProtocol(HttpToolsProtocol):
    """Ends a connection whose next head does not come in time or in size, or that does not read what it
    asked for.
    """

    outside_bodies = 0
    """Bytes that came since the last of a body, or of what was asked before."""
    lines, size = 0, 0
    is_too_large = False
    head: TimerHandle | None = None
    reader: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        self.outside_bodies += len(data)
        super().data_received(data)
        if self.outside_bodies > MOST_BYTES and not self.transport.is_closing():
            self.is_too_large = True
            self.send_400_response(TOO_LARGE)
        if self._is_idle():
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """What no request can be made of never reaches those who see to every answer."""
        status, said = (
            (b"431 Request Header Fields Too Large", TOO_LARGE)
            if self.is_too_large
            else (b"400 Bad Request", msg)
        )
        self.transport.write(NO_REQUEST % (status, len(said), said.encode("ascii")))
        self.transport.close()

    def on_message_begin(self) -> None:
        self.lines = self.size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _count(self, size: int) -> None:
        """What it raises ends the parsing, with the answer above."""
        self.lines += 1
        self.size += size
        if self.lines > MOST_LINES or self.size > MOST_BYTES:
            self.is_too_large = True
            raise ValueError(TOO_LARGE)

    def on_headers_complete(self) -> None:
        self.outside_bodies = 0
        self._stop("head")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.outside_bodies = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.outside_bodies = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.reader = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop("reader")
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.loop.call_later(READ_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop("head")
        self._stop("reader")
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        return self.parser is not None and (self.cycle is None or self.cycle.response_complete)

    def _await_head(self) -> None:
        if self.head is None:
            self.head = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self.head = None
        if self._is_idle():
            self.transport.abort()

    def _stop(self, name: str) -> None:
        timer: Any = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)
