"""Bodies made to cost much. Who sends them needs no key: a body is read before its sender is known."""

import sys
from typing import Any

import pytest

from app.core.errors import MalformedJson, PayloadTooLarge
from app.core.strict_json import MOST_VALUES, parse_json


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * MOST_VALUES + b"[]]",
        b"[" + b"{}," * MOST_VALUES + b"{}]",
        b"[" + b"1," * MOST_VALUES + b"1]",
    ],
)
def test_more_values_than_a_batch_needs_are_not_parsed(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.strict_json.jiter.from_json", None)  # whoever calls it fails
    with pytest.raises(PayloadTooLarge):
        parse_json(body)


def test_long_numbers_cost_no_more_than_their_length() -> None:
    """Numbers short of a double's range are looked at by the search for bytes alone, not one by one."""
    calls = []

    def count(frame: Any, event: str, _: Any) -> None:
        calls.append((event, frame.f_code.co_name))

    long_numbers = b"[" + b",".join([b"1" * 299] * 20_000) + b"]"
    sys.setprofile(count)
    try:
        parse_json(long_numbers)
    finally:
        sys.setprofile(None)
    assert len(calls) < 30, calls[:30]


def test_a_number_of_many_digits_is_still_beyond_a_double() -> None:
    with pytest.raises(MalformedJson):
        parse_json(b'{"value": 1' + b"0" * 400 + b".0}")


BEYOND = {
    "an exponent of two digits": "1" + "0" * 250 + "e99",
    "the shortest of them": "2" + "0" * 209 + "e99",
    "with a sign": "1" + "0" * 250 + "E+99",
    "with a fraction": "9" * 250 + ".5e90",
    "an exponent of one digit": "9" * 300 + "e9",
    "an integer": "9" * 401,
    "the least integer": "1" + "0" * 309,
    "the first that is not rounded down": str(2**1024 - 2**970),
}


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("number", BEYOND.values(), ids=BEYOND.keys())
def test_numbers_beyond_a_double(number: str, sign: str) -> None:
    for body in (f"{sign}{number}", f'[1.5e10, {{"a": [{"1," * 70_000} {sign}{number}, "e12"]}}]'):
        with pytest.raises(MalformedJson):
            parse_json(body.encode())


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    "number",
    [
        "1e308",
        "1.7976931348623157e308",
        "1" + "0" * 308,
        "1" + "0" * 209 + "e99",
        str(2**1024 - 2**970 - 1),
        "0." + "0" * 400 + "1",
        "0." + "0" * 400 + "1e500",
        "1" + "0" * 250 + "e-99",
        "1e-999",
        "0e999",
    ],
)
def test_numbers_that_a_double_holds(number: str, sign: str) -> None:
    assert float(parse_json(f"[{sign}{number}]".encode())[0]) == float(sign + number)
