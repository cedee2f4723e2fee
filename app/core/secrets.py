"""Keys derived from the one secret of the installation, and the tokens that are shown once."""

import base64
import hashlib
import hmac
import os
import secrets
import zlib
from pathlib import Path
from uuid import UUID

from app.core.settings import Settings

SECRET_FILE = "pseudonym-secret"  # noqa: S105 a file name
ADDRESS_MAC = 16
KEY_PREFIX = "btk_"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class SecretMissing(RuntimeError):
    """The service was given a database but no secret."""


class Keyring:
    """HMAC-SHA256 keys, one for each organisation and purpose (RFC 5869 in spirit: extract once, expand)."""

    def __init__(self, secret: str) -> None:
        self._root = secret.encode()

    def mac(self, organization_id: UUID, purpose: str, *parts: bytes) -> bytes:
        return hmac.digest(self._key(organization_id, purpose), _framed(*parts), "sha256")

    def _key(self, organization_id: UUID, purpose: str) -> bytes:
        return hmac.digest(self._root, purpose.encode() + b"\0" + organization_id.bytes, "sha256")

    def uuid(self, organization_id: UUID, purpose: str, *parts: bytes) -> UUID:
        """The first 16 bytes of the MAC as they are, in the form of a UUID of no version."""
        return UUID(bytes=self.mac(organization_id, purpose, *parts)[:16])

    def address_token(self, organization_id: UUID, purpose: str, thing_id: UUID) -> str:
        """For an address in a mail. It is not stored: only the service can make one."""
        mac = self.mac(organization_id, purpose, thing_id.bytes)[:ADDRESS_MAC]
        return base64.urlsafe_b64encode(organization_id.bytes + thing_id.bytes + mac).decode()

    def opened(self, purpose: str, token: str) -> tuple[UUID, UUID] | None:
        """Organisation and thing of an address token made for that purpose; None for any other text."""
        try:
            raw = base64.urlsafe_b64decode(token)
            organization_id, thing_id, mac = UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:]
        except ValueError:
            return None
        wanted = self.mac(organization_id, purpose, thing_id.bytes)[:ADDRESS_MAC]
        return (organization_id, thing_id) if hmac.compare_digest(mac, wanted) else None

    def seal(self, organization_id: UUID, purpose: str, plain: bytes) -> bytes:
        """Encrypts what must be used again: HMAC-SHA256 in counter mode, then authenticated."""
        nonce = secrets.token_bytes(16)
        cipher = self._xored(organization_id, purpose, nonce, plain)
        return nonce + cipher + self.mac(organization_id, purpose + " tag", nonce, cipher)

    def unseal(self, organization_id: UUID, purpose: str, sealed: bytes) -> bytes | None:
        """What was sealed; None where it was changed or sealed under another secret."""
        nonce, cipher, tag = sealed[:16], sealed[16:-32], sealed[-32:]
        if not hmac.compare_digest(tag, self.mac(organization_id, purpose + " tag", nonce, cipher)):
            return None
        return self._xored(organization_id, purpose, nonce, cipher)

    def _xored(self, organization_id: UUID, purpose: str, nonce: bytes, data: bytes) -> bytes:
        key, start = self._key(organization_id, purpose + " stream"), _framed(nonce) + (8).to_bytes(8, "big")
        counts = range(len(data) // 32 + 1)
        blocks = b"".join([hmac.digest(key, start + count.to_bytes(8, "big"), "sha256") for count in counts])
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(blocks[: len(data)], "big")
        return mixed.to_bytes(len(data), "big")


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def load_secret(settings: Settings) -> str:
    """The secret of the settings, or with the bundled PostgreSQL that of the data folder."""
    if settings.pseudonym_secret is not None:
        return settings.pseudonym_secret.get_secret_value()
    if settings.database_url is not None:
        raise SecretMissing("Set BETROKKEN_PSEUDONYM_SECRET to at least 32 random characters, and keep it.")
    return _secret_of_folder(settings.data_dir)


def _secret_of_folder(data_dir: Path) -> str:
    data_dir.mkdir(parents=True, exist_ok=True)
    file = data_dir / SECRET_FILE
    try:
        with open(file, "x", opener=_owner_only) as new:
            new.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return file.read_text()


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def new_api_key(environment: str) -> str:
    """`btk_<env>_<43 random characters><6 of checksum>`; the checksum lets scanners tell it from noise."""
    body = f"{KEY_PREFIX}{environment}_" + "".join(secrets.choice(BASE62) for _ in range(43))
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    return key.startswith(KEY_PREFIX) and hmac.compare_digest(_checksum(key[:-6]).encode(), key[-6:].encode())


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
