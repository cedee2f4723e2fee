"""A mail as it is written: one recipient, nothing in it that tells who read it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from app.core.one_line import JOINER
from app.mail.failures import Refused

SPECIAL = r"\s\x00-\x1f\x7f@<>()\[\],;:\\\""
ADDRESS = re.compile(rf"([^{SPECIAL}]{{1,64}})@([^{SPECIAL}]{{1,255}})")


LONGEST_LINE = 998
"""Characters of a line by RFC 5322. Shorter ones stay whole: some readers keep the blank after a fold."""


class Whole(UnstructuredHeader, BaseHeader):
    """An address or an identifier, which no mail program reads once it is encoded, or folded within."""

    def fold(self, *, policy: Policy) -> str:
        is_short = len(self.name) + len(": ") + len(self) <= LONGEST_LINE
        return f"{self.name}:{' ' if is_short else policy.linesep + ' '}{self}{policy.linesep}"


HEADERS = HeaderRegistry()
for name in (
    "Message-ID",
    "In-Reply-To",
    "References",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
):
    HEADERS.map_to_type(name, Whole)
AS_READ = default.clone(header_factory=HEADERS)


class NotMailable(Refused, ValueError):
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
    follows: str | None = None
    """The key of a mail to the same reader, beside which a mailbox shows it."""


def message_of(mail: Mail, sender: Address, now: datetime) -> EmailMessage:
    message = EmailMessage(AS_READ)
    message["From"] = sender_in_place_of(sender, mail.sender)
    message["To"] = mail_address(mail.to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{one_line(mail.key)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.follows:
        message["In-Reply-To"] = message["References"] = f"<{one_line(mail.follows)}@{sender.domain}>"
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


def sender_of(text: str) -> Address:
    """`Name <name@example.com>`, or the address alone."""
    name, bracket, rest = text.rpartition("<")
    bare = mail_address(rest.removesuffix(">") if bracket else text)
    return Address(one_line(name.strip().strip('"')), bare.username, bare.domain)


def mail_address(text: str) -> Address:
    found = ADDRESS.fullmatch(text)
    if found is None:
        raise NotMailable("an address is written as name@example.com")
    name, domain = found.groups()
    return Address("", name, domain if domain.isascii() else as_asked_for(text))


def as_asked_for(text: str) -> str:
    """The domain of an address as the DNS has it (A-labels): so any server takes it."""
    try:
        return validate_email(text, check_deliverability=False).ascii_domain
    except EmailNotValidError as error:
        raise NotMailable("the domain of the address can be none") from error


def one_line(text: str) -> str:
    """A header that went on to a next line could add headers of its own."""
    if not text.replace(JOINER, "").isprintable():
        raise NotMailable("a header is one line of printable text")
    return text
