"""Seals and keys, all under the secret of the installation; and the tokens that are shown once."""

import base64
import hashlib
import hmac
import os
import secrets
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from app.core.ciphers import KEY_SIZE, Secret, mac
from app.core.settings import Settings

SECRET_FILE = "pseudonym-secret"  # noqa: S105 a file name
ADDRESS_MAC = 16
ORGANIZATION_KEY = "organization key"
NO_ORGANIZATION = UUID(int=0)
KEY_PREFIX = "btk_"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class SecretMissing(RuntimeError):
    """The service was given no secret, or not the one that opens what is in its database."""


class KeyUnknown(LookupError):
    """Its key was not read: there is no such organisation, or no session of it was opened yet."""


def wrong_secret(place: str = "BETROKKEN_PSEUDONYM_SECRET") -> SecretMissing:
    return SecretMissing(
        f"This database holds keys sealed with another secret than {place}: put back that of its day,"
        " or name it in BETROKKEN_PSEUDONYM_SECRET_PREVIOUS."
    )


def lost_secret(settings: Settings) -> SecretMissing:
    return SecretMissing(
        f"This database holds organisations, and {place_of_secret(settings)} is missing: put back the file"
        " of its day, as it lay in the data folder before, or set BETROKKEN_PSEUDONYM_SECRET to what it held."
    )


def place_of_secret(settings: Settings) -> str:
    if settings.pseudonym_secret is None and settings.database_url is None:
        return f"the secret in {settings.data_dir / SECRET_FILE}"
    return "the secret BETROKKEN_PSEUDONYM_SECRET"


class Keyring:
    """Seals with the first secret, opens with any; derives from the key of an organisation.

    That key is random, and kept sealed in the row of the organisation: another secret seals it anew, and
    changes nothing that was derived from it. One of before there were such keys has the secret of its time.
    """

    def __init__(self, given: Sequence[str], sealed_keys: Mapping[UUID, bytes | None]) -> None:
        self._secrets = [Secret(one) for one in given]
        self._sealed_keys = sealed_keys
        self._keys: dict[UUID, bytes] = {}

    @property
    def marks(self) -> list[bytes]:
        """What a seal begins with, by secret; the first is that of seals made now."""
        return [secret.mark for secret in self._secrets]

    def mac(self, organization_id: UUID, purpose: str, *parts: bytes) -> bytes:
        return mac(self._key(organization_id), organization_id, purpose, *parts)

    def common_macs(self, purpose: str, *parts: bytes) -> list[bytes]:
        """Of no organisation, under each secret: what the first one made, the others made before."""
        return [mac(secret.root, NO_ORGANIZATION, purpose, *parts) for secret in self._secrets]

    def uuid(self, organization_id: UUID, purpose: str, *parts: bytes) -> UUID:
        """The first 16 bytes of the MAC as they are, in the form of a UUID of no version."""
        return UUID(bytes=self.mac(organization_id, purpose, *parts)[:16])

    def address_token(self, organization_id: UUID, purpose: str, thing_id: UUID) -> str:
        """For an address in a mail. It is not stored: only the service can make one."""
        own = self.mac(organization_id, purpose, thing_id.bytes)[:ADDRESS_MAC]
        return base64.urlsafe_b64encode(organization_id.bytes + thing_id.bytes + own).decode()

    def opened(self, purpose: str, token: str) -> tuple[UUID, UUID] | None:
        """Organisation and thing of an address token made for that purpose; None for any other text."""
        try:
            organization_id, thing_id, given = address_parts(token)
            wanted = self.mac(organization_id, purpose, thing_id.bytes)[:ADDRESS_MAC]
        except (ValueError, KeyUnknown):
            return None
        return (organization_id, thing_id) if hmac.compare_digest(given, wanted) else None

    def seal(self, organization_id: UUID, purpose: str, plain: bytes) -> bytes:
        """Encrypts what must be used again."""
        return self._secrets[0].seal(organization_id, purpose, plain)

    def unseal(self, organization_id: UUID, purpose: str, sealed: bytes) -> bytes | None:
        """What was sealed; None where it was changed or sealed under a secret that is not given."""
        for way in (Secret.opened, Secret.opened_unversioned):
            for secret in self._secrets:
                if (plain := way(secret, organization_id, purpose, sealed)) is not None:
                    return plain
        return None

    def resealed(self, organization_id: UUID, purpose: str, sealed: bytes) -> bytes | None:
        """The same under the first secret; None where no secret opens it."""
        plain = self.unseal(organization_id, purpose, sealed)
        return None if plain is None else self.seal(organization_id, purpose, plain)

    def new_key(self, organization_id: UUID) -> bytes:
        """A random key for a new organisation, sealed."""
        return self.seal(organization_id, ORGANIZATION_KEY, secrets.token_bytes(KEY_SIZE))

    def first_key(self, organization_id: UUID) -> bytes:
        """The key of an organisation that has none in its row, sealed."""
        return self.seal(organization_id, ORGANIZATION_KEY, self._secrets[-1].root)

    def _key(self, organization_id: UUID) -> bytes:
        if organization_id not in self._keys:
            self._keys[organization_id] = self._opened_key(organization_id)
        return self._keys[organization_id]

    def _opened_key(self, organization_id: UUID) -> bytes:
        if organization_id not in self._sealed_keys:
            raise KeyUnknown(organization_id)
        sealed = self._sealed_keys[organization_id]
        if sealed is None:
            return self._secrets[-1].root
        key = self.unseal(organization_id, ORGANIZATION_KEY, sealed)
        if key is None:
            raise wrong_secret()
        return key


def address_parts(token: str) -> tuple[UUID, UUID, bytes]:
    """Organisation, thing and MAC, as the token says; ValueError for what is none."""
    raw = base64.urlsafe_b64decode(token)
    return UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:]


def has_secret(settings: Settings) -> bool:
    return settings.pseudonym_secret is not None or settings.database_url is None


def require_secret(settings: Settings) -> None:
    """Before anybody waits for a database that nothing can be sealed in."""
    if not has_secret(settings):
        raise SecretMissing("Set BETROKKEN_PSEUDONYM_SECRET to at least 32 random characters, and keep it.")


def opens_anything(settings: Settings) -> bool:
    """Whether a secret is given of which something may have been sealed."""
    return is_secret_given(settings) or bool(settings.pseudonym_secret_previous)


def is_secret_given(settings: Settings) -> bool:
    """Without making one."""
    return settings.pseudonym_secret is not None or (
        settings.database_url is None and (settings.data_dir / SECRET_FILE).exists()
    )


def load_secrets(settings: Settings) -> list[str]:
    """The first seals, all open."""
    return [_first_secret(settings), *(one.get_secret_value() for one in settings.pseudonym_secret_previous)]


def _first_secret(settings: Settings) -> str:
    """The secret of the settings, or with the bundled PostgreSQL that of the data folder."""
    if settings.pseudonym_secret is not None:
        return settings.pseudonym_secret.get_secret_value()
    require_secret(settings)
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
