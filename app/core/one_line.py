"""Text of somebody's on one line: in a mail another line may be a header, on a terminal another message."""

import unicodedata
from typing import Final

JOINER: Final = "\u200d"
"""Within an emoji, which would fall apart."""


def on_one_line(text: object) -> str:
    return " ".join("".join(_shown(letter) for letter in str(text)).split())


def _shown(letter: str) -> str:
    """What takes no room leaves none; what is no character, or begins another line, is a space."""
    if letter.isprintable() or letter == JOINER:
        return letter
    return "" if unicodedata.category(letter) == "Cf" else " "
