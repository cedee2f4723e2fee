"""Mail out: one server, one recipient a message, nothing in it that tells who read it."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.core import telemetry
from app.core.settings import Settings

log = logging.getLogger("betrokken.mail")

TIMEOUT = 30
JOINER = "\u200d"
"""Between the parts of an emoji."""
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
    html: str | None = None
    picture: bytes | None = None
    """A PNG that the HTML shows as cid:card."""
    sender: str | None = None
    """A name, or a name and an address, in place of those of the settings."""
    unsubscribe: str | None = None
    """An address that takes RFC 8058's one click."""


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
    message["From"] = sender_in_place_of(sender, mail.sender)
    message["To"] = address_of(mail.to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{one_line(mail.key)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{one_line(mail.unsubscribe)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    if mail.html:
        add_html(message, mail.html, mail.picture)
    message["Content-Language"] = mail.language
    return message


def add_html(message: EmailMessage, html: str, picture: bytes | None) -> None:
    message.add_alternative(html, subtype="html")
    if picture is not None:
        html_part = message.get_payload()[1]  # type: ignore[index]
        html_part.add_related(picture, "image", "png", cid="<card>", filename="card.png")  # type: ignore[union-attr]


def sender_in_place_of(sender: Address, wanted: str | None) -> Address:
    if not wanted:
        return sender
    return sender_of(wanted) if "@" in wanted else Address(one_line(wanted), sender.username, sender.domain)


def address_of(text: str) -> Address:
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise NotMailable("an address is written as name@example.com")
    return Address("", *found.groups())


def one_line(text: str) -> str:
    """A header that went on to a next line could add headers of its own."""
    if not text.replace(JOINER, "").isprintable():
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
        try:
            yield Post(client, sender_of(settings.mail_from))
        except asyncio.CancelledError:
            client.close()  # who is told to stop does not wait for the server's goodbye
            raise


def sender_of(text: str) -> Address:
    """`Name <name@example.com>`, or the address alone."""
    name, bracket, rest = text.rpartition("<")
    bare = address_of(rest.removesuffix(">") if bracket else text)
    return Address(one_line(name.strip().strip('"')), bare.username, bare.domain)


class Folder:
    """Where mails go while no mail server is configured: a file each, for a person to open."""

    def __init__(self, path: Path, sender: Address) -> None:
        self.path = path
        self.sender = sender

    async def send(self, mail: Mail, now: datetime) -> Outcome:
        """The same mail written again is the same file."""
        try:
            content = message_of(mail, self.sender, now).as_bytes(policy=SMTP)
        except NotMailable:
            return Outcome.REFUSED
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.path / f"{mail.key}.part"
        unfinished.write_bytes(content)
        unfinished.replace(self.path / f"{mail.key}.eml")
        log.info("mail_written_to_folder", extra={"folder": str(self.path), "hint": "set BETROKKEN_SMTP_URL"})
        return Outcome.SENT


@asynccontextmanager
async def post_or_folder(settings: Settings) -> AsyncIterator[Post | Folder]:
    """The mail server of the settings, or else a folder of the data folder."""
    if settings.smtp_url is not None:
        async with post(settings) as office:
            yield office
    else:
        sender = settings.mail_from or "Betrokken <betrokken@localhost>"
        yield Folder(settings.data_dir / "mail", sender_of(sender))
