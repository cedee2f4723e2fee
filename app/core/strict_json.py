"""JSON as RFC 8259 has it, and nothing that a database or a reader would stumble over."""

import asyncio
import math
import re
from typing import Any

import jiter

from app.core.errors import MalformedJson, PayloadTooLarge, Unprocessable

DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
SUSPICIOUS = (b"e000", b"e+000", b"0" * 300, b"\\u0000", b"\0")
LONG, EXPONENTS = b"0" * 210, (b"0e00", b"0e+00")
"""Bytes, digits written 0, without which a body holds neither a number beyond a double nor a NUL.

Two digits of an exponent bring a number there that has 210 before its point: 1.8e308.
"""
SMALL = 2**16
"""Bytes that a body may have of whom nobody knows yet, and that are parsed where they arrive."""
MOST_VALUES = 2_000_000
"""Parsed, each takes a hundred bytes; the largest batch, 5,000 responses to 200 questions, has a million."""
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


async def parse_aside(body: bytes) -> Any:
    """Nobody waits for the parsing of a large one."""
    return parse_json(body) if len(body) <= SMALL else await asyncio.to_thread(parse_json, body)


def parse_json(body: bytes) -> Any:
    """RFC 8259 JSON without duplicate keys, NaN, Infinity, numbers beyond a double, and NUL in text."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PayloadTooLarge("The body has too many values: send smaller batches.")
    try:
        value = jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        if "hex escape" in str(error) and SURROGATE.search(body):
            raise Unprocessable(
                "The text has half a character (a lone surrogate): send valid Unicode.", code="invalid_text"
            ) from None
        raise MalformedJson(
            f"The body is not JSON{_place_of(error)}: correct it and send it again."
        ) from None
    if is_suspicious(body.translate(DIGITS)):
        refuse_unstorable(value)
    return value


def is_suspicious(digits: bytes) -> bool:
    signs = SUSPICIOUS + EXPONENTS if LONG in digits else SUSPICIOUS
    return any(sign in digits for sign in signs)


def _place_of(error: ValueError) -> str:
    place = re.search(r"line (\d+) column (\d+)", str(error))
    return f", at line {place[1]}, column {place[2]}" if place else ""


def refuse_unstorable(value: Any) -> None:
    if isinstance(value, int | float) and is_beyond_double(value):
        raise MalformedJson("The body has a number that is too large: send one within the range of a double.")
    if isinstance(value, str) and "\0" in value:
        raise Unprocessable("The text has a NUL character: remove it.", code="invalid_text")
    if isinstance(value, dict):
        for key, member in value.items():
            refuse_unstorable(key)
            refuse_unstorable(member)
    elif isinstance(value, list):
        for member in value:
            refuse_unstorable(member)


def is_beyond_double(number: float) -> bool:
    try:
        return math.isinf(number)
    except OverflowError:  # an int
        return True
