"""Bodies made to cost much. Who sends them needs no key: a body is read before its sender is known."""

import sys
from typing import Any

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
def test_more_values_than_a_batch_needs_are_not_parsed(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.requests.jiter.from_json", None)  # whoever calls it fails
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
