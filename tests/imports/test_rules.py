"""Files cut anywhere: rows, columns and values without a database."""

import csv
import io
import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.spreadsheets import spreadsheet_safe
from app.imports.files import rules
from app.imports.files.columns import rules as columns
from app.imports.files.encodings import rules as encodings
from app.imports.files.rules import FileRefused, Rows
from app.imports.files.shipped_mappings import mappings
from app.imports.files.values import rules as values
from app.imports.files.values.rules import Flaw, Notation, Unreadable

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


@pytest.mark.nightly
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
    filled = [any(map(values.bare, record)) for record in records]
    assert [content for _, content in found] == [
        record for record, is_row in zip(records, filled, strict=True) if is_row
    ]
    lines = [1]
    for record in records:
        lines.append(lines[-1] + 1 + "".join(record).count("\n"))
    expected = [line for line, is_row in zip(lines, filled, strict=False) if is_row]
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
        ("a\tb, c\td", "\t"),
        ("a|b", "|"),
        ("a^b, c^d", "^"),
        ("id~name~email\n1~Noor, Jan~n@example.com", "~"),
        ("hired at 09:00", ","),
        ("Name, first;Mail\nNoor;n@example.com", ";"),
        ("a,b;c\n1,2", ","),
        ("sep=;\na,b,c;d", ";"),
        ('"sep=\t"\r\na,b,c\td', "\t"),
    ],
)
def test_the_delimiter_is_seen_in_the_header(header: str, delimiter: str) -> None:
    found = rules.read_header(header.encode(), True)
    assert found.delimiter == delimiter


def test_the_line_that_says_the_delimiter_is_no_header() -> None:
    content = b"sep=;\r\nid;name\r\n1;x\r\n"
    header = rules.read_header(content, True)
    assert (header.names, header.lines) == (["id", "name"], 2)
    assert content[header.consumed :] == b"1;x\r\n"


WANTED = {"external_id", "name", "team"}


def fit(cells: list[str]) -> int:
    return len(WANTED.intersection(cells))


@pytest.mark.parametrize(
    ("content", "names", "rest"),
    [
        ("Employees per 30 November\n\nexternal_id;name\n1;Noor\n", ["external_id", "name"], "1;Noor\n"),
        ("Report;;\nAcme;;\nexternal_id;name;team\n1;N;x\n", ["external_id", "name", "team"], "1;N;x\n"),
        ("Report, per team;Acme\nexternal_id;name\n1;Noor\n", ["external_id", "name"], "1;Noor\n"),
        ('"A title\nof two lines"\nexternal_id,name\n1,Noor\n', ["external_id", "name"], "1,Noor\n"),
        ("sep=,\nTitle\nexternal_id,name\n", ["external_id", "name"], ""),
        ("Title\nNummer;Naam\n1;Noor\n", ["Nummer", "Naam"], "1;Noor\n"),
        ("name\nDoe, Jane\nDoe, John\n", ["name"], "Doe, Jane\nDoe, John\n"),
        ("external_id,name\n1,name\n", ["external_id", "name"], "1,name\n"),
        ("Naam\n1\n2\n", ["Naam"], "1\n2\n"),
    ],
)  # fmt: skip
def test_titles_above_the_header_are_passed_over(content: str, names: list[str], rest: str) -> None:
    header = rules.read_header(content.encode(), True, fit)
    assert header.names == names
    assert content.encode()[header.consumed :].decode() == rest
    assert header.lines == content.count("\n") - rest.count("\n")
    lines = [json.dumps(["Title"]), "", json.dumps(["external_id", "name"]), json.dumps(["1", "Noor"])]
    of_sheet = rules.read_names("\n".join(lines).encode(), True, fit)
    assert (of_sheet.names, of_sheet.lines, of_sheet.titles) == (["external_id", "name"], 3, 1)


def test_a_pointer_leads_back_to_its_column() -> None:
    header = rules.read_header(b"external_id,segments.location,segments.a/b", True)
    layout = columns.plain_layout("people", header, {"external_id", "segments"}, Notation())
    assert layout.column_at("#/segments/location") == "segments.location"
    assert layout.column_at("#/segments/a~1b") == "segments.a/b"
    assert layout.column_at("#/external_id") == "external_id"
    assert layout.column_at("#/external_idea") is None
    assert layout.column_at(None) is None


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (values.as_flag, "JA", True),
        (values.as_flag, "onwaar", False),
        (values.as_flag, "maybe", "maybe"),
        (values.as_integer, "-3", -3),
        (values.as_integer, "3.0", "3.0"),
        (values.as_integer, "٣", "٣"),
        (values.as_answer, "null", None),
        (values.as_answer, "NULL", "NULL"),
        (values.as_answer, "4.0", 4),
        (values.as_answer, "4,00", 4),
        (values.as_answer, "4.5", "4.5"),
        (values.as_answer, "4.000", "4.000"),
        (values.as_answer, "5 - Strongly agree", 5),
        (values.as_answer, "5 – helemaal mee eens", 5),
        (values.as_answer, "5: Strongly agree", 5),
        (values.as_answer, "5. Strongly agree", 5),
        (values.as_answer, "5) Agree", 5),
        (values.as_answer, "5=Agree", 5),
        (values.as_answer, "(5) Agree", 5),
        (values.as_answer, "5 (strongly agree)", 5),
        (values.as_answer, "5 Strongly agree", 5),
        (values.as_answer, "Strongly agree (5)", 5),
        (values.as_answer, "Strongly agree - 5", 5),
        (values.as_answer, "5-Strongly agree", 5),
        (values.as_answer, "-2 - Disagree", -2),
        (values.as_answer, "4 or 5", "4 or 5"),
        (values.as_answer, "3-4", "3-4"),
        (values.as_answer, "4+", "4+"),
        (values.as_answer, "5th", "5th"),
        (values.as_answer, "Agree", "Agree"),
        (values.as_number, "8,1", 8.1),
        (values.as_number, "0,125", 0.125),
        (values.as_number, "1234,567", 1234.567),
        (values.as_number, "1.000,5", 1000.5),
        (values.as_number, "1e5", "1e5"),
        (values.as_identifiers, "E-1; E-2|E-3", ["E-1", "E-2", "E-3"]),
    ],
)
def test_what_a_cell_says(convert: Any, text: str, value: Any) -> None:
    found = convert(text, Notation())
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["1.234", "1,234", "-12.500", "999,000"])
def test_a_number_that_can_be_read_two_ways_is_not_guessed_at(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        values.as_number(text, Notation())
    assert raised.value.code == "ambiguous_number"


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        (",", "1.234", 1234.0),
        (",", "1,234", 1.234),
        (",", "-1.234.567,8", -1234567.8),
        (",", "8.1", "8.1"),
        (".", "1.234", 1.234),
        (".", "1,234", 1234.0),
        (".", "1,234.5", 1234.5),
        (".", "12,34", "12,34"),
        (".", "7", 7.0),
    ],
)
def test_a_number_is_read_as_the_mapping_says(decimal: Any, text: str, value: Any) -> None:
    found = values.as_number(text, Notation(decimal=decimal))
    assert (found, type(found)) == (value, type(value))


def test_an_ambiguous_date_is_not_guessed_at() -> None:
    assert values.as_date("03/04/2021", Notation(["%d-%m-%Y"])) == "03/04/2021"
    assert values.as_date("03-04-2021", Notation(["%d-%m-%Y"])) == "2021-04-03"
    for mapping in mappings().values():
        assert values.as_date("03/04/2021", Notation(mapping["dates"])) == "03/04/2021"
        assert all(map(values.is_date_format, mapping["dates"]))
    both = Notation(["%d/%m/%Y", "%m/%d/%Y"])
    assert values.as_date("13/04/2021", both) == "2021-04-13"
    assert values.as_date("04/04/2021", both) == "2021-04-04"
    with pytest.raises(Unreadable):
        values.as_date("03/04/2021", both)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("01-03-65", "1965-03-01"),
        ("01-03-37", "1937-03-01"),
        ("01-03-36", "2036-03-01"),
        ("01-03-26", "2026-03-01"),
        ("29-02-00", "2000-02-29"),
        ("01-03-2065", "01-03-2065"),
    ],
)
def test_a_year_of_two_digits_is_not_far_in_the_future(text: str, day: str) -> None:
    assert values.as_date(text, Notation(["%d-%m-%y"], this_year=2026)) == day


@pytest.mark.parametrize("text", ["2021-03-01T00:00:00", "2021-03-01 00:00:00.000", "2021-03-01T00:00:00Z"])
def test_midnight_is_a_day(text: str) -> None:
    assert values.as_date(text, Notation()) == "2021-03-01"
    assert values.as_date(text.replace("00:00:00", "12:00:00"), Notation()) != "2021-03-01"


# ------------------------------------------------------------------ columns


def mapped(head: str, sources: dict[str, Any], *required: str) -> columns.Layout:
    header = rules.read_header(head.encode(), True)
    return columns.mapped_layout("people", header, columns.Mapped(sources, Notation(), ["n/a"], required))


def one_of(*names: str) -> columns.Alternatives:
    return columns.Alternatives(names)


def test_of_columns_of_one_name_the_one_that_is_filled_in_is_read() -> None:
    layout = mapped("Work Email,Work E-mail,Work E-mail", {"email": one_of("workEmail")})
    assert layout.item(["", "n@example.com", ""]) == {"email": "n@example.com"}
    assert layout.item(["n@example.com", "", "n@example.com"]) == {"email": "n@example.com"}
    found = layout.item(["n@example.com", "m@example.com", ""])
    assert isinstance(found, Flaw)
    assert (found.code, found.pointer) == ("ambiguous_columns", "#/email")


def test_of_columns_of_one_name_the_one_that_is_called_so_wins() -> None:
    layout = mapped("Work Email,Work E-mail", {"email": one_of("Work E-mail")})
    assert layout.item(["n@example.com", "m@example.com"]) == {"email": "m@example.com"}
    assert layout.item(["n@example.com", ""]) == {"email": "n@example.com"}


def test_columns_nobody_mapped_may_be_called_alike() -> None:
    layout = mapped("Id,Note,Note,Employee", {"external_id": one_of("id"), "team": one_of("Team", "Group")})
    assert layout.item(["E-1", "x", "y", ""]) == {"external_id": "E-1"}
    assert layout.unread == ["Note", "Note", "Employee"]
    assert layout.unmatched == {"team": ["Team", "Group"]}


def test_a_number_is_not_the_name() -> None:
    layout = mapped("Employee,Employee #", {"external_id": one_of("Employee #")})
    assert layout.item(["Noor", ""]) == {}
    assert layout.item(["Noor", "7"]) == {"external_id": "7"}


NAME = columns.Join([one_of("First"), one_of("Last")], " ")


def test_a_name_is_joined_of_all_its_columns_or_refused() -> None:
    assert mapped("First,Last", {"name": NAME}).item(["Noor", "de Wit"]) == {"name": "Noor de Wit"}
    assert mapped("First,Last", {"name": NAME}).item(["", "de Wit"]) == {"name": "de Wit"}
    with pytest.raises(FileRefused, match="Last"):
        mapped("First,Team", {"name": NAME, "team": one_of("Team")})
    assert mapped("Team", {"name": NAME, "team": one_of("Team")}).unmatched == {"name": ["First", "Last"]}
    with pytest.raises(FileRefused, match="name"):
        mapped("Team", {"name": NAME, "team": one_of("Team")}, "name")


@pytest.mark.parametrize("nothing", ["", " ", "\u00a0", "\u200b", "\ufeff", "n/a", "\t", "\x00"])
def test_a_row_with_nothing_in_it_is_none(nothing: str) -> None:
    layout = mapped("Id,Name", {"external_id": one_of("id")})
    assert layout.item([nothing, nothing, nothing]) is None
    assert layout.item([nothing, "x"]) == {}


@pytest.mark.parametrize("form", ["%d%d", "%Q", "%", "%%d"])
def test_a_date_format_that_cannot_be(form: str) -> None:
    assert not values.is_date_format(form)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", ' "=1"', "\uff1d1"])
def test_no_cell_begins_a_formula(cell: str) -> None:
    assert spreadsheet_safe(cell) == "'" + cell
    assert spreadsheet_safe("E-1; a=b") == "E-1; a=b"


@pytest.mark.parametrize("sign", [";", "\t", "\r", "\n", "; "])
def test_nor_does_a_part_of_it_where_a_spreadsheet_parts_lines_elsewhere(sign: str) -> None:
    assert spreadsheet_safe(f"Sales{sign}=1;x") == f"Sales{sign}=1;x".replace(sign[0], sign[0] + "'", 1)
    assert "'=1" in spreadsheet_safe(f"{sign[0]}=1")


def test_an_identifier_for_a_name() -> None:
    assert values.identifier_of("Customer Success") == values.identifier_of("customer  success")
    assert values.identifier_of("Zürich & Überall") == "zurich-uberall"
    assert values.identifier_of("営業").startswith("team-")
    assert values.identifier_of("営業") != values.identifier_of("開発")


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [
        ("2021-3-4", (), "2021-03-04"),
        ("2021/03/04", (), "2021-03-04"),
        ("2021.03.04", (), "2021-03-04"),
        ("20210304", (), "2021-03-04"),
        ("2021-03-04T00:00:00+01:00", (), "2021-03-04"),
        ("2021-03-04 00:00:00.000", (), "2021-03-04"),
        ("2021-03-03T23:00:00Z", (), "2021-03-03T23:00:00Z"),
        ("44259", (), "2021-03-04"),
        ("44259.0", (), "2021-03-04"),
        ("2021-13-04", (), "2021-13-04"),
        ("4-3-2021", (), "4-3-2021"),
        ("4 mrt 2021", ("%d %b %Y",), "2021-03-04"),
        ("4 maart 2021", ("%d %B %Y",), "2021-03-04"),
        ("4. März 2021", ("%d. %B %Y",), "2021-03-04"),
        ("04-Mei-21", ("%d-%b-%y",), "2021-05-04"),
        ("Sept. 4 2021", ("%b %d %Y",), "2021-09-04"),
        ("4 Foo 2021", ("%d %b %Y",), "4 Foo 2021"),
    ],
)
def test_days_are_read_that_can_be_read_one_way(text: str, formats: tuple[str, ...], day: str) -> None:
    assert values.as_date(text, Notation(formats)) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.5", 1234.5),
        ("1.234.567", 1234567.0),
        ("1 234,5", 1234.5),
        ("1\u202f234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("\u22125", -5.0),
        ("5-", -5.0),
        ("+5", 5.0),
        ("12.50.1", "12.50.1"),
        ("1 23", "1 23"),
        ("12%", "12%"),
        ("-", "-"),
    ],
)
def test_numbers_are_read_that_can_be_read_one_way(text: str, number: float | str) -> None:
    assert values.as_number(text, Notation()) == number


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="0012"', "0012"),
        ('="a ""b"" "', 'a "b"'),
        ("'0012", "0012"),
        ("'=1+1", "=1+1"),
        ("'t Hooft", "'t Hooft"),
        ("'s-Gravenhage", "'s-Gravenhage"),
        ("'90s were good", "'90s were good"),
        ("=1+1", "=1+1"),
    ],
)
def test_what_a_spreadsheet_must_not_touch(cell: str, text: str) -> None:
    assert values.meant(cell) == text


@pytest.mark.parametrize(
    "row", [["---", "--"], ["-", ""], ["#N/A", "#N/A"], ["NULL", "n/a"], ["(blank)", ""]]
)
def test_a_row_of_nothing_is_none(row: list[str]) -> None:
    header = rules.read_header(b"external_id,name", True)
    layout = columns.plain_layout("people", header, {"external_id", "name"}, Notation())
    assert layout.item(row) is None
    assert layout.item(["E-1", row[0]]) is not None


@pytest.mark.parametrize(
    ("missing", "employed", "is_refused"), [(10, 100, False), (11, 100, True), (0, 0, False)]
)
def test_a_tenth_may_be_missing(missing: int, employed: int, is_refused: bool) -> None:
    assert rules.is_too_many(missing, employed) is is_refused


# ------------------------------------------------------------------ letters and line ends


TEXT = "id;name\r\n1;Zoë Müller\r\n2;José Señor\r\n3;O’Brien – Šimůnek\r\n"
DUTCH = "id;name\r\n1;Zoë Müller\r\n2;René Señor\r\n3;O’Brien, Žižka\r\n"


@pytest.mark.parametrize(
    ("label", "read_as"),
    [
        ("UTF8", "utf-8"),
        ("latin-1", "cp1252"),
        ("windows-1252", "cp1252"),
        ("ISO-8859-15", "iso8859-15"),
        ("x-mac-roman", "mac-roman"),
        ("Shift_JIS", "shift_jis"),
        ("gb18030", "gb18030"),
        ("koi8-r", "koi8-r"),
        ("ebcdic", None),
        ("base64", None),
        ("utf-7", None),
        ("", None),
    ],
)
def test_charsets_have_many_names(label: str, read_as: str | None) -> None:
    assert encodings.charset_named(label) == read_as


def test_letters_of_elsewhere_are_not_taken_for_ours() -> None:
    """Else people would be stored under names that nobody has."""
    foreign = {
        "cp1251": "id;name\n1;Иван Петров\n",
        "cp1253": "id;name\n1;Νίκος\n",
        "big5": "id;name\n1;李明\n",
        "cp1250": "id;name\n1;Wałęsa\n",
        "iso8859-2": "id;name\n1;Kołodziej\n",
        "mac-roman": "id;name\n1;Müller\n",
    }
    for encoding, text in foreign.items():
        with pytest.raises(rules.FileRefused, match="say its charset"):
            encoding_of(text.encode(encoding))
        assert encoding_of(text.encode(encoding), encoding) == encoding
    for text in (
        "naïve éééé",
        "Ærøskøbing",
        "Saint-Exupéry",
        "Col·legi",
        "Mª José",
        "O´Brien",
        "œuvre",
        "ŠIMŮNEK",
    ):
        assert encoding_of(text.encode("cp1252", "ignore")) in ("cp1252", "utf-8")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b'[{"external_id": "E-1"}]', "a list of JSON"),
        (b'"external_id,name\\nE-1,Noor\\n"', "in the quotes of a JSON text"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"PAR1", "Parquet"),
        (b"\x28\xb5\x2f\xfd", "compressed"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(head: bytes, words: str) -> None:
    with pytest.raises(rules.FileRefused, match=words):
        encodings.refuse_other_files(head, "csv")


def encoding_of(content: bytes, said: str | None = None, size: int = 7) -> str:
    letters = encodings.Letters()
    for start in range(0, len(content), size):
        letters.see(content[start : start + size])
    letters.head = content
    return letters.encoding(said)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (b"id;name\n1;x\n", "utf-8"),
        (DUTCH.encode("cp1252"), "cp1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32"),
        (DUTCH.replace("\r\n", "\r").encode("cp1252"), "cp1252"),
        ("name\rRené Müller\rZoë\r".encode("mac-roman"), "mac-roman"),
        (TEXT.encode() + b"4;caf\xe9\r\n", "utf-8"),
        (b'{"a": "' + b"x" * 100 + b'\0"}', "utf-8"),
        (b"id\0\0\0\0\0\0;\0\0\0\0\0", "utf-8"),
    ],
)
def test_letters_are_told_apart(content: bytes, encoding: str) -> None:
    assert encoding_of(content) == encoding


def test_letters_that_cannot_be_told_are_not_guessed_at() -> None:
    content = "name\r\nRenée Gänse\r\n".encode("cp850")
    with pytest.raises(FileRefused) as raised:
        encoding_of(content)
    assert raised.value.code == "unknown_encoding"
    assert encoding_of(content, "cp850") == "cp850"
    assert encoding_of(TEXT.encode(), "cp850") == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "mac-roman", "utf-8"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_file_is_written_anew_wherever_it_is_cut(encoding: str, size: int) -> None:
    text = 'id,name\r1,"Zoë\rMüller"\r2,René\r'
    content = text.encode(encoding)
    transcriber = encodings.Transcriber(encoding, "cr")
    found = b"".join(
        transcriber.add(content[start : start + size], start + size >= len(content))
        for start in range(0, len(content), size)
    )
    assert found.decode().removeprefix("\ufeff") == text.replace("\r", "\n")


def test_a_file_that_breaks_off_in_a_letter_is_refused() -> None:
    with pytest.raises(FileRefused):
        encodings.Transcriber("utf-16-le", "lf").add("ab".encode("utf-16-le")[:-1], True)


@pytest.mark.parametrize(
    ("head", "ends"),
    [(b"a,b\r1", "cr"), (b"a,b\r\n1", "crlf"), (b"a\n", "lf"), (b"a", "lf"), (b'"a\r","b\r"\n1', "lf")],
)
def test_line_ends_are_seen_outside_of_quotes(head: bytes, ends: str) -> None:
    assert encodings.line_ends(head) == ends


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "before 2007"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"<html><table>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
    ],
)
def test_a_file_of_another_program_is_told_what_it_is(head: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        encodings.refuse_other_files(head, "csv")


def test_a_file_is_known_by_its_first_bytes() -> None:
    assert encodings.format_of(b"PK\x03\x04...", "csv") == "xlsx"
    assert encodings.format_of(b'\xef\xbb\xbf {"a": 1}', None) == "ndjson"
    assert encodings.format_of(b"id;name", None) == "csv"
    assert encodings.format_of(b'{"a": 1}', "csv") == "csv"


@pytest.mark.parametrize("cell", ["a" * 50_000, "a: " * 20_000, "a " * 30_000, "a" + " " * 50_000 + "a"])
def test_a_long_cell_is_read_in_proportion_to_its_length(cell: str) -> None:
    """One of these once took more than a minute, and nothing else was done: a file has a million cells."""
    started = process_time()
    assert values.as_answer(values.bare(cell), Notation()) == cell.strip()
    assert process_time() - started < 1
