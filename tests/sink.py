"""A real mail server that keeps what it is sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


@dataclass
class Sink:
    """Keeps every mail; answers an address or a mail as it is told to."""

    refusals: dict[str, str] = field(default_factory=dict)
    """By address."""
    data_answer: str | None = None
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    url: str = ""
    hold: asyncio.Event | None = None
    """What it waits for after taking a mail, before it says so."""
    hold_after: int = 0
    """How many mails it takes before it first waits."""

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer:
            return self.data_answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=policy.default)
        self.mails.append((envelope.rcpt_tos[0], message))
        if self.hold is not None and len(self.mails) >= self.hold_after:
            await self.hold.wait()
        return "250 OK"

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.mails]


@asynccontextmanager
async def listening(sink: Sink, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Sink]:
    """`tls` from the first byte; what else aiosmtpd's SMTP can be told in options."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()
    sink.url = f"smtp://{host}:{port}"
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
