"""Mail out: one server, plain text, one recipient a message, nothing in it that tells who read it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.core import telemetry
from app.core.settings import Settings

TIMEOUT = 30
SPECIAL = r"\s\x00-\x1f\x7f@<>()\[\],;:\\\""
ADDRESS = re.compile(rf"([^{SPECIAL}]{{1,64}})@([^{SPECIAL}]{{1,255}})")
PERMANENT = range(500, 600)


class Outcome(StrEnum):
    SENT = "sent"
    DEFERRED = "deferred"
    """The server may take it later."""
    REFUSED = "refused"
    """No server will: the address or the mail itself."""


class NotMailable(ValueError):
    """A text that cannot stand in a header, or an address that is none."""


@dataclass(frozen=True)
class Mail:
    """`key` is the same whenever the same mail is sent again, so that a mailbox may show it once."""

    key: str
    to: str
    subject: str
    text: str
    language: str


@dataclass(frozen=True)
class Post:
    """An open connection to the mail server."""

    client: aiosmtplib.SMTP
    sender: Address

    async def send(self, mail: Mail, now: datetime) -> Outcome:
        """Raises what is wrong with the server or its settings; what is wrong with the mail is an outcome."""
        outcome = await self._outcome(mail, now)
        telemetry.MAILS.labels(outcome).inc()
        return outcome

    async def _outcome(self, mail: Mail, now: datetime) -> Outcome:
        try:
            await self.client.send_message(message_of(mail, self.sender, now))
        except aiosmtplib.SMTPRecipientsRefused as error:
            return verdict(error.recipients[0].code)
        except aiosmtplib.SMTPDataError as error:
            return verdict(error.code)
        except (NotMailable, aiosmtplib.SMTPNotSupported):
            return Outcome.REFUSED
        return Outcome.SENT


def verdict(code: int) -> Outcome:
    return Outcome.REFUSED if code in PERMANENT else Outcome.DEFERRED


def message_of(mail: Mail, sender: Address, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = address_of(mail.to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{one_line(mail.key)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message["Content-Language"] = mail.language
    return message


def address_of(text: str) -> Address:
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise NotMailable("an address is written as name@example.com")
    return Address("", *found.groups())


def one_line(text: str) -> str:
    """A header that went on to a next line could add headers of its own."""
    if not text.isprintable():
        raise NotMailable("a header is one line of printable text")
    return text


@asynccontextmanager
async def post(settings: Settings) -> AsyncIterator[Post]:
    """The mail server of the settings, for as long as it is needed."""
    if settings.smtp_url is None or settings.mail_from is None:
        raise LookupError("mail is to be sent and BETROKKEN_SMTP_URL is not set")
    address = urlsplit(settings.smtp_url.get_secret_value())
    client = aiosmtplib.SMTP(
        hostname=address.hostname,
        port=address.port,
        username=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
        use_tls=address.scheme == "smtps",
        start_tls=True if address.scheme == "smtp+starttls" else None,
        timeout=TIMEOUT,
    )
    async with client:
        yield Post(client, sender_of(settings.mail_from))


def sender_of(text: str) -> Address:
    """`Name <name@example.com>`, or the address alone."""
    name, bracket, rest = text.rpartition("<")
    bare = address_of(rest.removesuffix(">") if bracket else text)
    return Address(one_line(name.strip().strip('"')), bare.username, bare.domain)
