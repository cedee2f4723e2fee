"""Mails arrive as they were meant, at a real server; what is wrong with one holds up no other."""

import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr, ValidationError

from app.core.database import Database
from app.core.settings import Settings
from app.mail.failures import MailFailure, Refused, TryAgain, Unavailable
from app.mail.message import Mail, message_of
from app.mail.transport import Transport, open_transport
from app.main import create_worker
from tests.sink import Sink, listening

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SENDER = "Acme <survey@example.com>"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with listening(Sink()) as found:
        yield found


def settings(url: str) -> Settings:
    return Settings(smtp_url=SecretStr(url), mail_from=SENDER)


def mail(**changes: str) -> Mail:
    words = {"key": "k", "to": "noor@example.com", "subject": "S", "text": "T\n", "language": "nl"}
    return Mail(**{**words, **changes})


SENT = None
Outcome = type[MailFailure] | None


async def sent(url: str, *mails: Mail) -> list[Outcome]:
    """What each failed with."""
    async with open_transport(settings(url)) as transport:
        return [await outcome_of(transport, one) for one in mails]


async def outcome_of(transport: Transport, one: Mail) -> Outcome:
    try:
        await transport.send(one, NOW)
    except MailFailure as failure:
        return next(kind for kind in (Refused, TryAgain, Unavailable) if isinstance(failure, kind))
    return SENT


async def test_a_mail_arrives_as_it_was_written(sink: Sink) -> None:
    text = "Beste collega,\n\nZoë vraagt: https://example.com/#" + "x" * 90 + "\n"
    assert await sent(sink.url, mail(subject="Enquête – herfst", text=text)) == [SENT]
    ((recipient, message),) = sink.mails
    assert recipient == message["To"] == "noor@example.com"
    assert (message["From"], message["Subject"]) == (SENDER, "Enquête – herfst")
    assert (message["Message-ID"], message["Content-Language"]) == ("<k@example.com>", "nl")
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == text


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"subject": "Hello\nBcc: all@example.com"},
        {"subject": "Hello\u2028Bcc: all@example.com"},
        {"key": "k>\r\nBcc: <all@example.com"},
        {"to": "noor@example.com\r\nBcc: all@example.com"},
        {"to": "noor@example.com, all@example.com"},
        {"to": "Noor <noor@example.com>"},
        {"to": '"noor all"@example.com'},
        {"to": "noor"},
        {"to": "noor@"},
        {"to": ""},
    ],
    ids=repr,
)
async def test_no_text_adds_a_header_or_a_recipient(changes: dict[str, str], sink: Sink) -> None:
    assert await sent(sink.url, mail(**changes), mail()) == [Refused, SENT]
    assert sink.recipients == ["noor@example.com"]


async def test_what_the_server_says_of_one_address_holds_up_no_other(sink: Sink) -> None:
    sink.refusals = {"full@example.com": "452 later", "gone@example.com": "550 no such mailbox"}
    mails = [mail(to=f"{name}@example.com") for name in ("full", "gone", "noor")]
    assert await sent(sink.url, *mails) == [TryAgain, Refused, SENT]
    assert sink.recipients == ["noor@example.com"]


@pytest.mark.parametrize(("answer", "outcome"), [("451 later", TryAgain), ("554 never", Refused)])
async def test_what_the_server_says_of_the_mail_itself(answer: str, outcome: Outcome, sink: Sink) -> None:
    sink.data_answer = answer
    assert await sent(sink.url, mail()) == [outcome]


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    for takes, outcome in ((True, SENT), (False, Refused)):
        async with listening(Sink(), enable_SMTPUTF8=takes) as sink:
            assert await sent(sink.url, mail(to="zoë@example.com")) == [outcome]


LONG = "https://people.example.com/v1/newsletter/unsubscribe/" + "t" * 200


@pytest.mark.parametrize("takes_utf8", [True, False])
async def test_no_structured_header_is_encoded_or_folded_within(takes_utf8: bool) -> None:
    """However long: a mail program that finds an encoded address in one does not unsubscribe, or thread."""
    domain = "mail." + "sub." * 20 + "example.com"
    sender = Address("Zoë " + "van der " * 12 + "Wolf", "no-reply", domain)
    own = mail(key="k" * 60, unsubscribe=LONG, follows="f" * 60)
    raw = message_of(own, sender, NOW).as_bytes(policy=SMTPUTF8 if takes_utf8 else SMTP)
    head = re.sub(rb"\r\n[ \t]+", b" ", raw.partition(b"\r\n\r\n")[0]).decode()
    for line in (
        f"List-Unsubscribe: <{LONG}>",
        f"Message-ID: <{'k' * 60}@{domain}>",
        f"In-Reply-To: <{'f' * 60}@{domain}>",
        f"References: <{'f' * 60}@{domain}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ):
        assert line in head.split("\r\n"), head
    assert f"<no-reply@{domain}>" in head


async def test_a_domain_beyond_ascii_goes_as_the_dns_has_it() -> None:
    async with listening(Sink(), enable_SMTPUTF8=False) as sink:
        assert await sent(sink.url, mail(to="noor@straße.exämple.com")) == [SENT]
        [(to, arrived)] = sink.mails
        assert to == arrived["To"] == "noor@xn--strae-oqa.xn--exmple-cua.com"


def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login, data.password) == (b"acme", b"p@ss/word")
    return AuthResult(success=is_right, handled=is_right)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_the_user_of_the_address_signs_in() -> None:
    async with listening(Sink(), authenticator=sign_in, auth_required=True, auth_require_tls=False) as sink:
        host = sink.url.removeprefix("smtp://")
        assert await sent(f"smtp://acme:p%40ss%2Fword@{host}", mail()) == [SENT]
        with pytest.raises(Unavailable):
            await sent(f"smtp://acme:wrong@{host}", mail())


async def test_a_server_without_starttls_is_not_used_where_it_is_asked_for(sink: Sink) -> None:
    with pytest.raises(Unavailable):
        await sent(sink.url.replace("smtp", "smtp+starttls", 1), mail())
    assert sink.mails == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for 127.0.0.1 with its key, signed by itself."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("openssl is not on the PATH")
    key, own = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    order = [openssl, *words.split(), "-keyout", str(key), "-out", str(own)]
    subprocess.run(order, check=True, capture_output=True)
    own.write_text(own.read_text() + key.read_text())
    return own


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_encryption_comes_before_the_mail_and_only_with_who_can_prove_its_name(
    scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    own: dict[str, Any] = {"tls": context} if scheme == "smtps" else {"tls_context": context}
    async with listening(Sink(), **own) as sink:
        url = sink.url.replace("smtp", scheme, 1)
        with pytest.raises(Unavailable):
            await sent(url, mail())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await sent(url, mail()) == [SENT]
    assert len(sink.mails) == 1


@pytest.mark.parametrize(
    "url",
    [
        "localhost:25",
        "http://host",
        "smtp://",
        "smtp://user:se/cret@host",
        "smtp://host:port",
        "smtp://ho st",
    ],
)
def test_a_mail_server_that_cannot_be_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ValidationError, match="smtp_url") as refused:
        settings(url)
    assert "cret" not in str(refused.value)


def test_a_mail_server_needs_a_sender() -> None:
    with pytest.raises(ValidationError, match="BETROKKEN_MAIL_FROM"):
        Settings(smtp_url=SecretStr("smtp://localhost"))


@pytest.mark.parametrize(("own", "warnings"), [({}, 1), ({"public_url": "https://hr.example.com"}, 0)])
def test_who_mails_without_an_address_of_their_own_is_warned(
    own: dict[str, str], warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    for found in (settings("smtp://localhost"), Settings()):
        create_worker(Database("postgresql://localhost/none", found.model_copy(update=own)))
    assert [one.getMessage() for one in caplog.records] == ["links_of_mails_lead_nowhere"] * warnings
