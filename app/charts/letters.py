"""How wide text is: near enough to break lines and to place labels, whichever font a reader has."""

from collections.abc import Iterator
from itertools import accumulate
from unicodedata import east_asian_width

SIZE = 14
"""Of every text but the title; smaller is none."""
LINE = 19
SHARES = {"iljI|.,:;'!": 0.25, "ft /·": 0.29, "r()[]-": 0.34, "ckszvxyJ": 0.5, "mwMW%@—−+&": 0.84}
SHARE = {letter: share for letters, share in SHARES.items() for letter in letters}
"""Of the font's size, where it is not as usual."""
PICTURES = "\U0001f000"
"""From here on: some emoji are not wide by Unicode, and drawn so."""
LEAST_LEFT = 4
"""Letters that a line begins with where a word is cut."""
ROOM = 1.05
"""Fonts differ: some are wider than the one that was measured."""


def width_of(text: str, size: float = SIZE) -> float:
    return ROOM * size * sum(map(_share, text))


def _share(letter: str) -> float:
    if letter in SHARE:
        return SHARE[letter]
    if east_asian_width(letter) in "WF" or letter >= PICTURES:
        return 1.0
    return 0.69 if letter.isupper() else 0.556


def wrapped(text: str, width: float, size: float = SIZE) -> list[str]:
    """In lines that fit, broken between words; a long word that does not is cut, with a hyphen."""
    lines: list[str] = []
    for word in _words(text, width, size):
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _words(text: str, width: float, size: float) -> Iterator[str]:
    for word in text.split():
        rest = word
        while width_of(rest, size) > width and len(rest) > LEAST_LEFT + 1:
            fitting = _letters_that_fit(rest, width - width_of("-", size), size)
            taken = max(1, min(fitting, len(rest) - LEAST_LEFT))
            yield f"{rest[:taken]}-"
            rest = rest[taken:]
        yield rest


def _letters_that_fit(text: str, width: float, size: float) -> int:
    room = accumulate(ROOM * size * _share(letter) for letter in text)
    return sum(one <= width for one in room)


def shortened(text: str, width: float, size: float = SIZE) -> str:
    """With an ellipsis, if it does not fit."""
    if width_of(text, size) <= width:
        return text
    return text[: _letters_that_fit(text, width - size, size)].rstrip() + "…"
