"""Seals: what opens them, what does not, and those of before they had a version."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core.ciphers import MARK_SIZE, NONCE_SIZE, VERSION, Secret
from app.core.secrets import Keyring, KeyUnknown, SecretMissing

OLD = json.loads((Path(__file__).parent / "old_seals.json").read_text(encoding="utf-8"))
"""Made by the version of 29 November 2026, which had one cipher, one secret and no keys of organisations."""
ORGANIZATION, THING = UUID(OLD["organization"]), UUID(OLD["thing"])
FIRST, SECOND = "the first secret of forty characters....", "the second secret of forty characters..."
LENGTHS = (0, 1, 31, 32, 33, 2**19)


def keyring(*secrets: str, sealed_key: bytes | None = None) -> Keyring:
    return Keyring(secrets, {ORGANIZATION: sealed_key})


@pytest.mark.parametrize("secrets", [(OLD["secret"],), (FIRST, SECOND, OLD["secret"])])
@pytest.mark.parametrize("old", OLD["seals"])
def test_an_old_seal_opens_wherever_its_secret_stands(old: dict[str, str], secrets: tuple[str, ...]) -> None:
    """Four of them begin with what a version may begin with."""
    sealed, plain = bytes.fromhex(old["sealed"]), bytes.fromhex(old["plain"])
    own = keyring(*secrets)
    assert own.unseal(ORGANIZATION, old["purpose"], sealed) == plain
    again = own.resealed(ORGANIZATION, old["purpose"], sealed)
    assert again is not None
    assert again.startswith(own.marks[0])
    assert keyring(secrets[0]).unseal(ORGANIZATION, old["purpose"], again) == plain


@pytest.mark.parametrize("old", OLD["seals"])
def test_an_old_seal_opens_for_its_place_and_untouched(old: dict[str, str]) -> None:
    sealed, own = bytes.fromhex(old["sealed"]), keyring(OLD["secret"])
    assert keyring(FIRST).unseal(ORGANIZATION, old["purpose"], sealed) is None
    assert own.unseal(uuid4(), old["purpose"], sealed) is None
    assert own.unseal(ORGANIZATION, "another", sealed) is None
    assert not [
        one for one in changes_of(sealed) if own.unseal(ORGANIZATION, old["purpose"], one) is not None
    ]


def changes_of(sealed: bytes) -> list[bytes]:
    """With one bit another, cut off at either end, and longer."""
    places = {0, MARK_SIZE - 1, MARK_SIZE, MARK_SIZE + NONCE_SIZE, len(sealed) // 2, len(sealed) - 1}
    flipped = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in places]
    return [*flipped, sealed[1:], sealed[:-1], sealed + b"\0", sealed[:MARK_SIZE], sealed[:20], b""]


def test_what_was_derived_before_there_were_keys_is_derived_still() -> None:
    own = keyring(FIRST, OLD["secret"])
    assert {name: own.mac(ORGANIZATION, name, THING.bytes).hex() for name in OLD["macs"]} == OLD["macs"]
    assert own.opened("unsubscribe", OLD["address_token"]) == (ORGANIZATION, THING)
    rotated = keyring(FIRST, sealed_key=own.first_key(ORGANIZATION))
    assert {name: rotated.mac(ORGANIZATION, name, THING.bytes).hex() for name in OLD["macs"]} == OLD["macs"]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_seal_opens_with_any_of_the_secrets_and_is_made_with_the_first(length: int) -> None:
    plain = b"\7" * length
    sealed = keyring(FIRST, SECOND).seal(ORGANIZATION, "x", plain)
    assert sealed.startswith(VERSION)
    assert len(sealed) == MARK_SIZE + NONCE_SIZE + length + 16
    assert keyring(FIRST).unseal(ORGANIZATION, "x", sealed) == plain
    assert keyring(SECOND, FIRST).unseal(ORGANIZATION, "x", sealed) == plain
    assert keyring(SECOND).unseal(ORGANIZATION, "x", sealed) is None
    assert keyring(SECOND).resealed(ORGANIZATION, "x", sealed) is None


def test_a_seal_opens_for_its_place_and_untouched() -> None:
    own = keyring(FIRST, SECOND)
    sealed = own.seal(ORGANIZATION, "x", b"what is sealed")
    assert own.unseal(uuid4(), "x", sealed) is None
    assert own.unseal(ORGANIZATION, "y", sealed) is None
    assert not [one for one in changes_of(sealed) if own.unseal(ORGANIZATION, "x", one) is not None]


def test_the_mark_is_sealed_too() -> None:
    """Under the mark of another secret the text does not open, also where the key would be right."""
    one, other = Secret(FIRST), Secret(SECOND)
    sealed = one.seal(ORGANIZATION, "x", b"what is sealed")
    one.mark = other.mark
    assert one.opened(ORGANIZATION, "x", other.mark + sealed[MARK_SIZE:]) is None


def test_no_nonce_is_used_twice() -> None:
    own = keyring(FIRST)
    nonces = {own.seal(ORGANIZATION, "x", b"")[MARK_SIZE : MARK_SIZE + NONCE_SIZE] for _ in range(1000)}
    assert len(nonces) == 1000


def test_the_key_of_an_organisation_is_random_and_outlives_its_secret() -> None:
    first = keyring(FIRST)
    one, other = (first.new_key(ORGANIZATION) for _ in range(2))
    macs = [keyring(FIRST, sealed_key=key).mac(ORGANIZATION, "p", b"x") for key in (one, other, None)]
    assert len(set(macs)) == 3
    moved: Any = keyring(SECOND, FIRST).resealed(ORGANIZATION, "organization key", one)
    assert keyring(SECOND, sealed_key=moved).mac(ORGANIZATION, "p", b"x") == macs[0]


def test_a_key_that_no_secret_opens_is_no_other_key() -> None:
    sealed = keyring(FIRST).new_key(ORGANIZATION)
    with pytest.raises(SecretMissing, match="BETROKKEN_PSEUDONYM_SECRET_PREVIOUS"):
        keyring(SECOND, sealed_key=sealed).mac(ORGANIZATION, "p", b"x")
    with pytest.raises(KeyUnknown):
        keyring(SECOND).mac(uuid4(), "p", b"x")
