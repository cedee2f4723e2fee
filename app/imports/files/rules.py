"""Files into rows, and rows into items: lines, CSV records, columns and the values of their cells.

A window is the part of a file that is in memory, from the beginning of a row on.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

Kind = Literal["people", "teams", "responses", "recognitions", "occasions", "kpi_values"]
LONGEST_ROW = 2**20
MOST_COLUMNS = 500
UTF_8_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UNSTORABLE = re.compile("[\x00\udc80-\udcff]")
"""NUL, and what surrogateescape makes of bytes that are not UTF-8."""
NESTED = ("answers", "segments")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
FLAGS = dict.fromkeys(("true", "1", "yes", "y", "ja", "j", "waar"), True) | dict.fromkeys(
    ("false", "0", "no", "n", "nee", "onwaar"), False
)


class FileRefused(ValueError):
    """Nothing of the file can be read; `code` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Flaw(NamedTuple):
    """Why a row cannot be read."""

    code: str
    detail: str


TOO_LONG = Flaw("row_too_long", f"A row has at most {LONGEST_ROW} bytes.")
NOT_CSV = Flaw("malformed_csv", "The quotes of this row do not match: double a quote inside a quoted cell.")
NOT_UTF_8 = Flaw("invalid_text", "A cell holds NUL or bytes that are not UTF-8.")
TOO_MANY_CELLS = Flaw("too_many_cells", "The row has more cells than the header: quote cells that hold one.")


class FileRow(NamedTuple):
    """A JSON line or the cells of a CSV record, with the line it begins on."""

    line: int
    content: bytes | list[str] | Flaw


class Rows(NamedTuple):
    """Rows of a window, and the bytes and lines they take, empty lines included."""

    rows: list[FileRow]
    consumed: int
    lines: int


def mark_size(start: bytes) -> int:
    """The bytes of a byte order mark; UTF-16 is refused by its mark or its NULs."""
    if start.startswith(UTF_16_MARKS) or b"\0" in start[:64]:
        raise FileRefused("not_utf8", "The file is not UTF-8: save it as CSV UTF-8, or as UTF-8 JSON lines.")
    return len(UTF_8_MARK) if start.startswith(UTF_8_MARK) else 0


def json_rows(window: bytes, is_last: bool, first_line: int, limit: int) -> Rows:
    *lines, rest = window.split(b"\n", limit)
    if is_last and len(lines) < limit and rest:
        lines, rest = [*lines, rest], b""
    rows = [
        FileRow(first_line + index, TOO_LONG if len(line) > LONGEST_ROW else line)
        for index, line in enumerate(lines)
        if line.strip()
    ]
    return Rows(rows, len(window) - len(rest), len(lines))


class _Lines:
    """The whole lines of a window, one after the other, for a csv.reader; it can go back."""

    def __init__(self, window: bytes, is_last: bool) -> None:
        self.window = window
        self.is_last = is_last
        self.end = self.count = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        stop = self.window.find(b"\n", self.end) + 1
        if not stop and self.is_last:
            stop = len(self.window)
        if stop <= self.end:
            raise StopIteration
        line = self.window[self.end : stop]
        self.end, self.count = stop, self.count + 1
        return line.decode("utf-8", "surrogateescape")

    def is_over(self) -> bool:
        return not self.is_last and self.window.find(b"\n", self.end) < 0


def csv_rows(window: bytes, is_last: bool, delimiter: str, first_line: int, limit: int) -> Rows:
    """A record whose quotes do not match is a flaw of its first line, and reading goes on with the next."""
    lines = _Lines(window, is_last)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[FileRow] = []
    while len(rows) < limit:
        end, count = lines.end, lines.count
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            is_cut = "unexpected end" in str(error) and lines.is_over()
            lines.end, lines.count = end, count
            if is_cut:
                break
            next(lines)
            rows.append(FileRow(first_line + count, NOT_CSV))
            continue
        if any(cells):
            rows.append(FileRow(first_line + count, _checked(cells, lines.end - end)))
    return Rows(rows, lines.end, lines.count)


def _checked(cells: list[str], size: int) -> list[str] | Flaw:
    if size > LONGEST_ROW:
        return TOO_LONG
    return NOT_UTF_8 if UNSTORABLE.search("".join(cells)) else cells


class Header(NamedTuple):
    delimiter: str
    names: list[str]
    consumed: int
    lines: int


def read_header(window: bytes, is_last: bool) -> Header:
    """The first row of a CSV file. The delimiter is a semicolon where it has more of these than commas."""
    first = window.partition(b"\n")[0]
    bare = re.sub(rb'"[^"]*"', b"", first)
    delimiter = ";" if bare.count(b";") > bare.count(b",") else ","
    found = csv_rows(window, is_last, delimiter, 1, 1)
    if not found.rows or isinstance(found.rows[0].content, Flaw | bytes):
        raise FileRefused(
            "no_header", "The file has no header: name the columns in the first row of the CSV file."
        )
    names = [name.strip() for name in found.rows[0].content]
    if len(names) > MOST_COLUMNS:
        raise FileRefused("too_many_columns", f"A file has at most {MOST_COLUMNS} columns: leave some out.")
    named = [name for name in names if name]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise FileRefused("repeated_column", f"Two columns are called {twice}: rename or remove one of them.")
    return Header(delimiter, names, found.consumed, found.lines)


# -------------------------------------------------------------------------------------------- columns

Path = tuple[str, ...]
Source = str | Sequence[str] | Mapping[Literal["join"], Sequence[str]]
"""A column, the first there is of several, or all there are of several, joined by a space."""


@dataclass(frozen=True)
class Column:
    """Where in an item the cells at these places go."""

    path: Path
    places: Sequence[int]

    @property
    def pointer(self) -> str:
        steps = (step.replace("~", "~0").replace("/", "~1") for step in self.path)
        return "#/" + "/".join(steps)


@dataclass(frozen=True)
class Layout:
    """What each column of a file means."""

    kind: Kind
    header: Header
    columns: Sequence[Column]
    dates: Sequence[str] = ()
    empty: Collection[str] = ()

    def column_at(self, pointer: str | None) -> str | None:
        """The name of the column that a pointer into an item leads back to."""
        for column in self.columns:
            if pointer and f"{pointer}/".startswith(f"{column.pointer}/"):
                return self.header.names[column.places[0]]
        return None

    def item(self, cells: Sequence[str]) -> dict[str, Any] | Flaw:
        """An empty cell is an absent member."""
        if any(cells[len(self.header.names) :]):
            return TOO_MANY_CELLS
        item: dict[str, Any] = {"answers": {}} if self.kind == "responses" else {}
        for column in self.columns:
            parts = (cells[place].strip() for place in column.places if place < len(cells))
            text = " ".join(part for part in parts if part and part not in self.empty)
            if text:
                inside = item.setdefault(column.path[0], {}) if len(column.path) > 1 else item
                inside[column.path[-1]] = self.value(column.path[0], text)
        return item

    def value(self, member: str, text: str) -> Any:
        if member.endswith("_on"):
            return as_date(text, self.dates)
        convert = CONVERSIONS[self.kind].get(member)
        return convert(text) if convert else text


def path_of(name: str) -> Path:
    head, dot, rest = name.partition(".")
    return (head, rest) if dot and head in NESTED else (name,)


def plain_layout(kind: Kind, header: Header, members: Collection[str]) -> Layout:
    """Every column is called as the member it goes to."""
    columns = [Column(path_of(name), [place]) for place, name in enumerate(header.names) if name]
    stranger = next((column.path[0] for column in columns if column.path[0] not in members), None)
    if stranger is not None:
        raise FileRefused("unknown_column", f"There is no field {stranger}: rename the column, or map it.")
    return Layout(kind, header, columns)


def mapped_layout(
    kind: Kind, header: Header, columns: Mapping[str, Source], dates: Sequence[str], empty: Collection[str]
) -> Layout:
    """Columns that no member is mapped from are left out, and so are members whose columns are not there."""
    places = {_plainly(name): place for place, name in enumerate(header.names)}
    found = {target: _places(source, places) for target, source in columns.items()}
    mapped = [Column(path_of(target), where) for target, where in found.items() if where]
    if not mapped:
        raise FileRefused(
            "mapping_does_not_fit",
            "The file has none of the columns in the mapping: check that they belong together.",
        )
    return Layout(kind, header, mapped, dates, empty)


def _plainly(name: str) -> str:
    """Hire Date, hire_date and hireDate are one name."""
    return re.sub(r"[\W_]", "", name).lower()


def _places(source: Source, places: Mapping[str, int]) -> list[int]:
    joined = isinstance(source, Mapping)
    names = [source] if isinstance(source, str) else source["join"] if isinstance(source, Mapping) else source
    found = [places[_plainly(name)] for name in names if _plainly(name) in places]
    return found if joined else found[:1]


# --------------------------------------------------------------------------------------------- values


def as_date(text: str, formats: Sequence[str]) -> str:
    """The ISO date of a text in one of the formats; any other text as it is."""
    for form in formats:
        try:
            return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 a date has no zone
        except ValueError:
            continue
    return text


def is_date_format(form: str) -> bool:
    parts = re.findall(r"%(.?)", form)
    return len(set(parts)) == len(parts) and set(parts) <= set("dmYybBHMSfz")


def as_flag(text: str) -> bool | str:
    return FLAGS.get(text.lower(), text)


def as_integer(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text


def as_answer(text: str) -> int | str | None:
    """`null` is an answer too: not applicable, or not known."""
    return None if text == "null" else as_integer(text)


def as_number(text: str) -> float | str:
    """With a point, or with a comma as Dutch spreadsheets write it."""
    is_number = re.fullmatch(r"-?[0-9]{1,15}([.,][0-9]{1,15})?", text)
    return float(text.replace(",", ".")) if is_number else text


def as_identifiers(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,;|]+", text) if part]


CONVERSIONS: dict[Kind, dict[str, Callable[[str], Any]]] = {
    "people": {"active": as_flag},
    "teams": {},
    "responses": {"answers": as_answer},
    "recognitions": {"receivers": as_identifiers},
    "occasions": {"month": as_integer, "day": as_integer, "year": as_integer, "consent": as_flag},
    "kpi_values": {"value": as_number},
}


def identifier_of(name: str) -> str:
    """An identifier for a team that is known by its name alone; always the same for the same name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:128] or "team-" + blake2b(name.encode(), digest_size=8).hexdigest()


def spreadsheet_safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell


def is_too_many(missing: int, employed: int) -> bool:
    """More than a tenth of the people: the file is likelier to be cut off than they are to have left."""
    return missing * 10 > employed
