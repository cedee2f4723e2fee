"""Bodies made to cost much. Who sends them needs no key: a body is read before its sender is known."""

from time import perf_counter

import pytest

from app.core.errors import MalformedJson, PayloadTooLarge
from app.core.requests import MOST_VALUES, parse_json


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * MOST_VALUES + b"[]]",
        b"[" + b"{}," * MOST_VALUES + b"{}]",
        b"[" + b"1," * MOST_VALUES + b"1]",
    ],
)
def test_more_values_than_a_batch_needs_are_not_parsed(body: bytes) -> None:
    started = perf_counter()
    with pytest.raises(PayloadTooLarge):
        parse_json(body)
    assert perf_counter() - started < 0.5


def test_long_numbers_cost_no_more_than_their_length() -> None:
    long_numbers = b"[" + b",".join([b"1" * 299] * 20_000) + b"]"
    started = perf_counter()
    parse_json(long_numbers)
    assert perf_counter() - started < 1


def test_a_number_of_many_digits_is_still_beyond_a_double() -> None:
    with pytest.raises(MalformedJson):
        parse_json(b'{"value": 1' + b"0" * 400 + b".0}")
