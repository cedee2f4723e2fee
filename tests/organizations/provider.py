"""An identity provider: publishes its keys over HTTP and signs what it is asked to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "betrokken"
Json = dict[str, Any]
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
PRIVATE = {"rsa": RSA, "other": OTHER_RSA, "weak": WEAK_RSA, "ec": EC}


def public(kid: str) -> Json:
    """The key of that name as a JWK."""
    key = PRIVATE[kid]
    if isinstance(key, rsa.RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}


@dataclass
class Provider:
    port: int = 0
    keys: list[Json] = field(default_factory=lambda: [public("rsa"), public("ec")])
    discovery: Json = field(default_factory=dict)
    """In place of what it would say."""
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, kid: str = "rsa", alg: str = "RS256", **claims: Any) -> str:
        now = datetime.now(UTC)
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "someone",
            "iat": now,
            "exp": now + timedelta(minutes=5),
            "scope": "people:read metrics:read",
        }
        said = {name: value for name, value in (usual | claims).items() if value is not ...}
        return jwt.encode(said, PRIVATE[kid], algorithm=alg, headers={"kid": kid})

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
        self.asked.append(path)
        said: Json = {"keys": self.keys}
        if path.endswith("openid-configuration"):
            said = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.discovery}
        body = json.dumps(said).encode()
        status = "503 Down" if self.is_down else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    provider = Provider()
    server = await asyncio.start_server(provider.handle, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        await asyncio.sleep(0)
