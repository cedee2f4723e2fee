"""Mails to a mail server, over one connection."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.mail.failures import Bounced, MailFailure, Refused, TryAgain, Unavailable
from app.mail.message import Mail, message_of

TIMEOUT = 30
PERMANENT = range(500, 600)


@dataclass(frozen=True)
class Smtp:
    client: aiosmtplib.SMTP
    sender: Address

    async def send(self, mail: Mail, now: datetime) -> None:
        message = message_of(mail, self.sender, now)
        with own_failures():
            await self.client.send_message(message)


@asynccontextmanager
async def connected(url: str, sender: Address) -> AsyncIterator[Smtp]:
    client = client_of(url)
    with own_failures():
        await client.connect()
    try:
        yield Smtp(client, sender)
    except asyncio.CancelledError:
        client.close()  # who is told to stop does not wait for the server's goodbye
        raise
    finally:
        await say_goodbye(client)


def client_of(url: str) -> aiosmtplib.SMTP:
    address = urlsplit(url)
    return aiosmtplib.SMTP(
        hostname=address.hostname,
        port=address.port,
        username=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
        use_tls=address.scheme == "smtps",
        start_tls=True if address.scheme == "smtp+starttls" else None,
        timeout=TIMEOUT,
    )


async def say_goodbye(client: aiosmtplib.SMTP) -> None:
    """What fails here fails no mail."""
    try:
        if client.is_connected:
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        client.close()


@contextmanager
def own_failures() -> Iterator[None]:
    try:
        yield
    except (aiosmtplib.SMTPException, OSError) as error:
        raise failure_of(error) from error


def failure_of(error: Exception) -> MailFailure:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return failure_by(error.recipients[0].code)
    if isinstance(error, aiosmtplib.SMTPDataError):
        return failure_by(error.code, Bounced)
    return Refused() if isinstance(error, aiosmtplib.SMTPNotSupported) else Unavailable()


def failure_by(code: int, permanent: type[Refused] = Refused) -> MailFailure:
    return permanent() if code in PERMANENT else TryAgain()
