"""Connections on which nothing comes: uvicorn waits for the head of a first request without end."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15
READ_SECONDS = 60
"""How long a head may take to come, and an answer to be read."""

NO_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
)


class ImpatientProtocol(HttpToolsProtocol):
    """Ends a connection whose next head does not come in time, or that does not read what it asked for."""

    head: TimerHandle | None = None
    reader: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_idle():
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """What no request can be made of never reaches those who see to every answer."""
        self.transport.write(NO_REQUEST % (len(msg), msg.encode("ascii")))
        self.transport.close()

    def on_headers_complete(self) -> None:
        self._stop("head")
        super().on_headers_complete()

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
