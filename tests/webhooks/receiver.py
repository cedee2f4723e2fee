"""A web server that remembers what it is sent, and answers as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from tests.contract import check_event

OK = "204 No Content"
Answer = Callable[[], str]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: str

    def message(self, secret: str) -> Any:
        """What it says, if the signature is right."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """How events differ from the contract; whoever listens fails by them in the end."""
    status: str = OK
    headers: str = ""
    is_silent: bool = False
    """Takes a request and does not answer until told to hang up."""
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    def take(self, request: Received) -> None:
        self.received.append(request)
        if "webhook-id" in request.headers:
            try:
                check_event(json.loads(request.body), request.headers)
            except AssertionError as fault:
                self.faults.append(str(fault))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            cased = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines[1:] if line}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.take(Received(lines[0].split(" ")[1], cased, body.decode()))
            if self.is_silent:
                await asyncio.wait(
                    [asyncio.ensure_future(reader.read()), asyncio.ensure_future(self.hang_up.wait())],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                return
            writer.write(f"HTTP/1.1 {self.status}\r\n{self.headers}Content-Length: 0\r\n\r\n".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(scheme="https" if tls else "http")
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await asyncio.sleep(0)
    assert receiver.faults == []


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption()))
    return paths


def server_tls(name: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """For a server of that name, and the certificate a client may choose to trust."""
    certificate, key = certificate_for(name, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
