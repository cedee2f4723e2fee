"""How specific a message is, and whether it may still be changed. Pure."""

import re
from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

LONG_FROM = 60
SENTENCE_ENDS = (".", "!", "?", ":")
WORD = re.compile(r"[\w'’-]+")
LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True)
class PhraseLists:
    """Phrases in lower case: what people do, why, when, and what is said of anybody."""

    behaviours: frozenset[str]
    connectives: frozenset[str]
    dates: frozenset[str]
    generic: tuple[str, ...]
    """The longest first."""


def specificity(message: str, value: str | None, values: Collection[str], words: PhraseLists) -> int:
    """0 to 4, a point each: long enough; a value or what was done; why; something concrete.

    Nothing but praise that fits anybody is 0. No validated measure was found: our own choice, experimental.
    """
    spoken = _spoken(message)
    if not _without(spoken, words.generic).strip():
        return 0
    named = words.behaviours | {own.casefold() for own in values}
    points = (
        len(message.strip()) >= LONG_FROM,
        value is not None or _has_any(spoken, named),
        _has_any(spoken, words.connectives),
        _is_concrete(message) or _has_any(spoken, words.dates),
    )
    return sum(points)


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def whole_months(first: date, last: date) -> tuple[date, date]:
    """The whole months that two days lie in: of less, a subtraction could single out a person's day."""
    return first.replace(day=1), month_end(last)


def months_before(day: date, months: int) -> date:
    """The first day of the month that many before, or the first there is."""
    month = max(12 * day.year + day.month - 1 - months, 12 * date.min.year)
    return date(month // 12, month % 12 + 1, 1)


def days_before(day: date, days: int) -> date:
    """Or the first day there is."""
    return date.fromordinal(max(day.toordinal() - days, date.min.toordinal()))


def months_from(first: date, last: date) -> int:
    """How many months two days and what is between them lie in."""
    return 12 * (last.year - first.year) + last.month - first.month + 1


def months_of(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month from that of `first` to that of `last`."""
    month = first.replace(day=1)
    while month <= last:
        yield month, month_end(month)
        month = month_end(month) + timedelta(1)


def may_be_edited(created_at: datetime, now: datetime, minutes: int) -> bool:
    return now - created_at < timedelta(minutes=minutes)


def _spoken(message: str) -> str:
    """Its words in lower case with one blank around each."""
    return f" {' '.join(WORD.findall(message.casefold()))} "


def _has_any(spoken: str, phrases: Collection[str]) -> bool:
    return any(f" {phrase} " in spoken for phrase in phrases)


def _without(spoken: str, phrases: Collection[str]) -> str:
    for phrase in phrases:
        while f" {phrase} " in spoken:
            spoken = spoken.replace(f" {phrase} ", " ")
    return spoken


def _is_concrete(message: str) -> bool:
    """A digit, a link, or a capital that does not merely begin a sentence."""
    if re.search(r"\d", message) or LINK.search(message):
        return True
    pairs = pairwise(message.split())
    inner = (word for before, word in pairs if before[-1] not in SENTENCE_ENDS)
    return any(word[0].isupper() and len(word) > 1 for word in inner)
