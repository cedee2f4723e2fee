"""Short codes that people type: nine random letters and one that tells most slips of the finger.

No vowels, so that none is a word, and none of the letters that are taken for another letter or a digit. The
number of letters is prime: weighed by their places, one wrong letter or two exchanged always show.
"""

import re
import secrets

ALPHABET = "BCDFGHJKMNPQRSTVWXZ"
LENGTH = 10
POSSIBLE = len(ALPHABET) ** (LENGTH - 1)
BETWEEN = re.compile(r"[\s\u2010-\u2015-]+")
FORM = re.compile(f"[A-Z0-9]{{{LENGTH}}}")


def new_code() -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return body + ALPHABET[-_weighed(body) * pow(LENGTH, -1, len(ALPHABET)) % len(ALPHABET)]


def typed(text: str) -> str | None:
    """The code that somebody typed, without case, spaces and hyphens; None for what is not of its length."""
    code = BETWEEN.sub("", text).upper()
    return code if FORM.fullmatch(code) else None


def is_well_spelt(code: str) -> bool:
    return set(code) <= set(ALPHABET) and _weighed(code) % len(ALPHABET) == 0


def in_groups(code: str) -> str:
    """As it is printed."""
    return f"{code[:5]}-{code[5:]}"


def _weighed(letters: str) -> int:
    return sum(place * ALPHABET.index(letter) for place, letter in enumerate(letters, start=1))
