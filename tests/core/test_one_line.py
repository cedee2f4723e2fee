import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.one_line import JOINER, on_one_line

FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Noor  de\tWit ", "Noor de Wit"),
        ("Noor\r\nBcc: all@example.com", "Noor Bcc: all@example.com"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("left\u202eright", "leftright"),
        ("a\u200bb\u00adc", "abc"),
        ("a\x00b\ud800c", "a b c"),
        ("Van\u00a0Dam", "Van Dam"),
        (f"Hi {FAMILY}", f"Hi {FAMILY}"),
    ],
)
def test_what_ends_a_line_or_is_not_seen_is_no_part_of_it(text: str, line: str) -> None:
    assert on_one_line(text) == line


@given(st.text())
def test_a_line_is_printable_whatever_it_was(text: str) -> None:
    line = on_one_line(text)
    assert line.replace(JOINER, "").isprintable()
    assert on_one_line(line) == line == line.strip()
