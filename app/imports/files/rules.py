"""Files into rows: lines of JSON, and records of CSV.

A window is the part of a file that is in memory, from the beginning of a row on.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from app.imports.files.values.rules import Flaw, bare

LONGEST_ROW = 2**20
MOST_COLUMNS = 500
MOST_TITLES, MOST_LINES = 20, 1000
"""Rows in which the header is looked for, and lines of a workbook, of which many are empty."""
UTF_8_MARK = b"\xef\xbb\xbf"
DELIMITERS = (",", ";", "\t", "|", "^", "~")
SAID = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([!#-/:-@\[-^`{-~\t])"?[ \t,;]*\r?\n', re.IGNORECASE)
UNSTORABLE = re.compile("[\x00\udc80-\udcff]")
"""NUL, and what surrogateescape makes of bytes that are not UTF-8."""


class FileRefused(ValueError):
    """Nothing of the file can be read; `code` says why, `columns` what its header has where that was read."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.columns: list[str] = []


TOO_LONG = Flaw("row_too_long", f"A row has at most {LONGEST_ROW} bytes.")
NOT_CSV = Flaw("malformed_csv", "The quotes of this row do not match: double a quote inside a quoted cell.")
NOT_UTF_8 = Flaw("invalid_text", "A cell holds NUL or bytes that are not UTF-8.")


class FileRow(NamedTuple):
    """A JSON line or the cells of a CSV record, with the line it begins on."""

    line: int
    content: bytes | list[str] | Flaw


class Rows(NamedTuple):
    """Rows of a window, and the bytes and lines they take, lines with nothing in them included."""

    rows: list[FileRow]
    consumed: int
    lines: int


def mark_size(start: bytes) -> int:
    """The bytes of a byte order mark."""
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
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
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
        if any(map(bare, cells)):
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
    titles: int = 0
    """Rows above it."""


Fit = Callable[[list[str]], int]
"""How many cells of a row are names of columns that are looked for."""


def fits_nothing(_: list[str]) -> int:
    return 0


def read_header(window: bytes, is_last: bool, fit: Fit = fits_nothing) -> Header:
    """The row that names the columns, after the line in which Excel says the delimiter, and after titles."""
    said = SAID.match(window)
    start = said.end() if said else 0
    rest = window[start:]
    delimiters = (said.group(1).decode(),) if said else DELIMITERS
    first = said.group(1).decode() if said else delimiter_of(rest, is_last)
    tables = {
        one: [row.content for row in csv_rows(rest, is_last, one, 1, MOST_TITLES).rows] for one in delimiters
    }
    delimiter, place = header_in(tables, first, fit)
    found = csv_rows(rest, is_last, delimiter, 1 + bool(said), place + 1)
    cells = found.rows[place].content if found.rows else None
    if not isinstance(cells, list):
        raise FileRefused(
            "no_header", "The file has no header: name the columns in the first row of the CSV file."
        )
    return Header(delimiter, names_of(cells), start + found.consumed, bool(said) + found.lines, place)


def header_in(tables: Mapping[str, Sequence[object]], first: str, fit: Fit) -> tuple[str, int]:
    """The delimiter and the place of the header: the row that fits best, or else the first that is no title.

    `tables` has the first rows by delimiter, and `first` is that of the first row.
    """
    rows = {
        (delimiter, place): cells
        for delimiter in sorted(tables, key=lambda one: one != first)
        for place, cells in enumerate(tables[delimiter])
        if isinstance(cells, list)
    }
    if not rows:
        return first, 0
    best = max(rows, key=lambda one: fit(rows[one]))
    if fit(rows[best]) > fit(rows.get((first, 0), [])):
        return best
    if fit(rows[best]):
        return first, 0
    return next((one for one in rows if is_below_titles(rows, one)), (first, 0))


def is_below_titles(rows: Mapping[tuple[str, int], list[str]], at: tuple[str, int]) -> bool:
    """Whether only titles, which fill one cell, stand above a row that fills several, as the next does."""
    delimiter, place = at
    above = [rows.get((delimiter, one), []) for one in range(place)]
    following = rows.get((delimiter, place + 1))
    return (
        place > 0
        and filled(rows[at]) > 1
        and all(filled(cells) <= 1 for cells in above)
        and following is not None
        and len(following) == len(rows[at])
    )


def filled(cells: list[str]) -> int:
    return sum(map(bool, map(bare, cells)))


def read_names(window: bytes, is_last: bool, fit: Fit = fits_nothing) -> Header:
    """The header of a workbook, whose rows are lines of JSON."""
    rows = json_rows(window, is_last, 1, MOST_LINES).rows[:MOST_TITLES]
    cells = [json.loads(row.content) for row in rows if isinstance(row.content, bytes)]
    if not cells:
        raise FileRefused("no_header", "The sheet has no header: name the columns in its first row.")
    _, place = header_in({"": cells}, "", fit)
    found = json_rows(window, is_last, 1, rows[place].line)
    return Header("", names_of(cells[place]), found.consumed, found.lines, place)


def names_of(cells: list[str]) -> list[str]:
    if len(cells) > MOST_COLUMNS:
        raise FileRefused("too_many_columns", f"A file has at most {MOST_COLUMNS} columns: leave some out.")
    return [bare(name) for name in cells]


def delimiter_of(window: bytes, is_last: bool) -> str:
    """What the header has most of outside of quotes; of as many, what its next row has as many of."""
    counts: dict[str, list[int]] = {}
    for delimiter in DELIMITERS:
        rows = csv_rows(window, is_last, delimiter, 1, 2).rows
        counts[delimiter] = [len(row.content) if isinstance(row.content, list) else 0 for row in rows]
    return max(DELIMITERS, key=lambda one: (counts[one][:1], counts[one][1:] == counts[one][:1]))


def is_too_many(missing: int, employed: int) -> bool:
    """More than a tenth of the people: the file is likelier to be cut off than they are to have left."""
    return missing * 10 > employed
