"""What is sealed with a secret: AES-256-GCM, under a key by HKDF-SHA256 of each organisation and purpose.

A seal is a version (1 byte), the mark of its secret (4), a random nonce (12), the text enciphered, and the
tag (16). Mark, organisation and purpose are authenticated with it: in another place it does not open.
"""

import hmac
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x02"
MARK_SIZE = len(VERSION) + 4
NONCE_SIZE = 12
KEY_SIZE = 32
UNVERSIONED_NONCE, UNVERSIONED_TAG = 16, 32


class Secret:
    """One secret of the installation, and what is sealed with it."""

    def __init__(self, secret: str) -> None:
        self.root = secret.encode()
        self.mark = VERSION + _expanded(self.root, MARK_SIZE - len(VERSION), b"betrokken mark of a secret")
        """What each of its seals begins with. It tells secrets apart, and nothing about them."""

    def seal(self, organization_id: UUID, purpose: str, plain: bytes) -> bytes:
        nonce, place = secrets.token_bytes(NONCE_SIZE), _place(organization_id, purpose)
        return self.mark + nonce + self._cipher(place).encrypt(nonce, plain, self.mark + place)

    def opened(self, organization_id: UUID, purpose: str, sealed: bytes) -> bytes | None:
        """None where it was changed, or sealed with another secret or for another place."""
        nonce, text = sealed[MARK_SIZE : MARK_SIZE + NONCE_SIZE], sealed[MARK_SIZE + NONCE_SIZE :]
        if not sealed.startswith(self.mark) or len(nonce) < NONCE_SIZE:
            return None
        place = _place(organization_id, purpose)
        try:
            return self._cipher(place).decrypt(nonce, text, self.mark + place)
        except InvalidTag:
            return None

    def opened_unversioned(self, organization_id: UUID, purpose: str, sealed: bytes) -> bytes | None:
        """A seal of before there were versions: HMAC-SHA256 in counter mode, then authenticated."""
        nonce, tag = sealed[:UNVERSIONED_NONCE], sealed[-UNVERSIONED_TAG:]
        text = sealed[UNVERSIONED_NONCE:-UNVERSIONED_TAG]
        if not hmac.compare_digest(tag, mac(self.root, organization_id, f"{purpose} tag", nonce, text)):
            return None
        counts = [count.to_bytes(8, "big") for count in range(len(text) // KEY_SIZE + 1)]
        stream = f"{purpose} stream"
        pad = b"".join([mac(self.root, organization_id, stream, nonce, count) for count in counts])
        return bytes(left ^ right for left, right in zip(text, pad, strict=False))

    def _cipher(self, place: bytes) -> AESGCM:
        return AESGCM(_expanded(self.root, KEY_SIZE, b"betrokken seal" + place))


def mac(root: bytes, organization_id: UUID, purpose: str, *parts: bytes) -> bytes:
    """HMAC-SHA256 under a key of one organisation and purpose."""
    key = hmac.digest(root, purpose.encode() + b"\0" + organization_id.bytes, "sha256")
    return hmac.digest(key, framed(*parts), "sha256")


def framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _place(organization_id: UUID, purpose: str) -> bytes:
    return framed(organization_id.bytes, purpose.encode())


def _expanded(root: bytes, size: int, purpose: bytes) -> bytes:
    return HKDF(SHA256(), size, salt=None, info=purpose).derive(root)
