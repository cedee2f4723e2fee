"""Files cut anywhere: rows, columns and values without a database."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports.files import rules
from app.imports.files.rules import FileRefused, Flaw, Rows
from app.imports.files.shipped_mappings import mappings

CELLS = st.text(alphabet='ab,;"\n\r €', max_size=6)
RECORDS = st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=8)


def read_in_windows(content: bytes, size: int, read: Any) -> list[tuple[int, Any]]:
    """What a reader finds that sees `size` bytes at a time, and more where no row ends in these."""
    found: list[tuple[int, Any]] = []
    position, line, wide = 0, 1, size
    while position < len(content):
        window = content[position : position + wide]
        rows: Rows = read(window, position + wide >= len(content), line)
        found += rows.rows
        wide = size if rows.consumed else wide * 2
        position, line = position + rows.consumed, line + rows.lines
    return found


@given(RECORDS, st.integers(1, 40), st.integers(1, 4), st.sampled_from([",", ";"]), st.booleans())
def test_csv_is_read_as_it_was_written_wherever_it_is_cut(
    records: list[list[str]], size: int, limit: int, delimiter: str, ends: bool
) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(records)
    text = buffer.getvalue() if ends else buffer.getvalue().removesuffix("\r\n")
    found = read_in_windows(
        text.encode(), size, lambda window, last, line: rules.csv_rows(window, last, delimiter, line, limit)
    )
    assert [content for _, content in found] == [record for record in records if any(record)]
    lines = [1]
    for record in records:
        lines.append(lines[-1] + 1 + "".join(record).count("\n"))
    expected = [line for line, record in zip(lines, records, strict=False) if any(record)]
    assert [line for line, _ in found] == expected


@given(st.lists(st.dictionaries(CELLS, CELLS, max_size=2), max_size=8), st.integers(1, 40), st.integers(1, 4))
def test_json_lines_are_read_wherever_they_are_cut(rows: list[Any], size: int, limit: int) -> None:
    content = "\n\n".join(json.dumps(row) for row in rows).encode()
    found = read_in_windows(
        content, size, lambda window, last, line: rules.json_rows(window, last, line, limit)
    )
    assert [(line, json.loads(row)) for line, row in found] == [
        (1 + 2 * index, row) for index, row in enumerate(rows)
    ]


@given(st.binary(max_size=200), st.integers(1, 60))
def test_any_bytes_come_to_an_end(content: bytes, size: int) -> None:
    for _, row in read_in_windows(
        content, size, lambda window, last, line: rules.csv_rows(window, last, ",", line, 3)
    ):
        assert isinstance(row, list | Flaw)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("a,b", ","),
        ("a;b", ";"),
        ('"x,y";b', ";"),
        ("a", ","),
        ("a;b,c;d", ";"),
    ],
)
def test_the_delimiter_is_seen_in_the_header(header: str, delimiter: str) -> None:
    assert rules.read_header(header.encode(), True).delimiter == delimiter


def test_a_pointer_leads_back_to_its_column() -> None:
    header = rules.read_header(b"external_id,segments.location,segments.a/b", True)
    layout = rules.plain_layout("people", header, {"external_id", "segments"})
    assert layout.column_at("#/segments/location") == "segments.location"
    assert layout.column_at("#/segments/a~1b") == "segments.a/b"
    assert layout.column_at("#/external_id") == "external_id"
    assert layout.column_at("#/external_idea") is None
    assert layout.column_at(None) is None


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (rules.as_flag, "JA", True),
        (rules.as_flag, "onwaar", False),
        (rules.as_flag, "maybe", "maybe"),
        (rules.as_integer, "-3", -3),
        (rules.as_integer, "3.0", "3.0"),
        (rules.as_integer, "٣", "٣"),
        (rules.as_answer, "null", None),
        (rules.as_answer, "NULL", "NULL"),
        (rules.as_number, "8,1", 8.1),
        (rules.as_number, "1.000,5", "1.000,5"),
        (rules.as_number, "1e5", "1e5"),
        (rules.as_identifiers, "E-1; E-2|E-3", ["E-1", "E-2", "E-3"]),
    ],
)
def test_what_a_cell_says(convert: Any, text: str, value: Any) -> None:
    found = convert(text)
    assert (found, type(found)) == (value, type(value))


def test_an_ambiguous_date_is_not_guessed_at() -> None:
    assert rules.as_date("03/04/2021", ["%d-%m-%Y"]) == "03/04/2021"
    assert rules.as_date("03-04-2021", ["%d-%m-%Y"]) == "2021-04-03"
    for mapping in mappings().values():
        assert rules.as_date("03/04/2021", mapping["dates"]) == "03/04/2021"
        assert all(map(rules.is_date_format, mapping["dates"]))


@pytest.mark.parametrize("form", ["%d%d", "%Q", "%", "%%d"])
def test_a_date_format_that_cannot_be(form: str) -> None:
    assert not rules.is_date_format(form)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_begins_a_formula(cell: str) -> None:
    assert rules.spreadsheet_safe(cell) == "'" + cell
    assert rules.spreadsheet_safe("E-1") == "E-1"


def test_an_identifier_for_a_name() -> None:
    assert rules.identifier_of("Customer Success") == rules.identifier_of("customer  success")
    assert rules.identifier_of("Zürich & Überall") == "zurich-uberall"
    assert rules.identifier_of("営業").startswith("team-")
    assert rules.identifier_of("営業") != rules.identifier_of("開発")


@pytest.mark.parametrize(
    ("missing", "employed", "is_refused"), [(10, 100, False), (11, 100, True), (0, 0, False)]
)
def test_a_tenth_may_be_missing(missing: int, employed: int, is_refused: bool) -> None:
    assert rules.is_too_many(missing, employed) is is_refused


def test_a_nul_later_in_the_file_does_not_make_it_utf_16() -> None:
    assert rules.mark_size(b'{"a": "' + b"x" * 100 + b'\0"}') == 0
    with pytest.raises(FileRefused, match="UTF-8"):
        rules.mark_size("{}".encode("utf-16-be"))
