"""Numbers in what people read, held against what the API tells: what no answer tells is a leak."""

import json
import re
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from typing import Any

NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
LINK = re.compile(r"https?://\S+")
IN_TAG = re.compile(r'\b(?:alt|title|aria-label)="([^"]*)"')
NOT_READ = re.compile(r"<(style|head|script)\b.*?</\1>|<!--.*?-->|<[^>]+>", re.DOTALL | re.IGNORECASE)
DIGITS = (0, 1, 2, 3)
"""With how many decimals something may be written."""


def numbers_in(text: str) -> set[Decimal]:
    """Without their sign, which is written in more ways than one."""
    return {Decimal(found.replace(",", ".")).normalize() for found in NUMBER.findall(LINK.sub("", text))}


def told_by(answers: Iterable[Any]) -> set[Decimal]:
    """All that may be written of them: each number rounded, also as a percentage, and those within texts."""
    return {number for answer in answers for number in told_in(answer)}


def told_in(node: Any) -> Iterator[Decimal]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from numbers_in(name)
            yield from told_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from told_in(value)
    elif isinstance(node, str):
        yield from numbers_in(node)
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield from written(abs(Decimal(json.dumps(node))))


def written(value: Decimal) -> Iterator[Decimal]:
    for shown in (value, 100 * value):
        for digits in DIGITS:
            yield shown.quantize(Decimal(10) ** -digits, ROUND_HALF_UP).normalize()


def read_of(html: str) -> str:
    """Of a mail: what is read, also by who sees no picture."""
    return unescape(" ".join([NOT_READ.sub(" ", html), *IN_TAG.findall(html)]))


def raw_numbers(scores: Iterable[tuple[float, float]]) -> Iterator[Decimal]:
    """What would tell of persons, the first respondent first: their scores, and what they make together."""
    for satisfaction, engagement in scores:
        one, other = Decimal(str(satisfaction)), Decimal(str(engagement))
        together = (one + other) / 2, (one + 2 * other) / 3, (2 * one + other) / 3, (one + 4 * other) / 5 + 1
        for number in (one, other, abs(one - other), *together):
            yield number.quantize(Decimal("0.01")).normalize()


def untold(raw: Iterable[Decimal], told: set[Decimal]) -> Decimal:
    """A raw number that is not by chance what a group tells too: with it the attack is tried."""
    return next(number for number in raw if number not in told)
