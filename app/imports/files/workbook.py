"""A workbook of Excel, row by row, as text. Formulas are not evaluated: what they last gave is read."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from app.imports.files.rules import MOST_TITLES, FileRefused, Fit, fits_nothing

MOST_BYTES = 64 * 2**20
"""Of the file as it is sent: it is in memory while it is read."""
MOST_UNPACKED = 2**30
MOST_PARTS = 2000
MOST_SHARED = 128 * 2**20
"""Of texts and styles, which are in memory too."""
MOST_ROWS = 2**20
MOST_CELLS = 20_000_000
SHEETS = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
NO_VALUE = re.compile(
    rb'<c(?![^<>]*\bt="str")[^<>]*><f[^<>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>\s*|<v></v>\s*)?</c>'
)
"""A formula that no program has evaluated yet. From no place it looks further than a few tags: that takes
time in proportion to the sheet, whatever is in it.
"""
OVERLAP = 2**16
BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError)
ZEROS = re.compile(r'(?:"([^"]*)")?(0{1,20})(?:"([^"]*)")?')
"""A number of so many digits, with what stands around it: E-0042."""


class Workbook:
    """Of the sheets that are shown and have anything in them, the first whose rows fit best as a header."""

    def __init__(self, content: bytes, decimal: str = ".", fit: Fit = fits_nothing) -> None:
        self.decimal = decimal
        self.fit = fit
        check_parts(content)
        try:
            import openpyxl  # noqa: PLC0415 an extra
        except ImportError:
            raise FileRefused(
                "xlsx_not_installed",
                "No XLSX is read here: send CSV UTF-8, or install betrokken[xlsx].",
            ) from None
        try:
            self.book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            self.sheet, self.others = self.choose()
        except FileRefused:
            raise
        except Exception as error:
            raise unreadable() from error

    def choose(self) -> tuple[Any, list[str]]:
        shown = [sheet for sheet in self.book.worksheets if sheet.sheet_state == "visible"]
        filled = [
            sheet
            for sheet in shown
            if any(cell.value is not None for row in rows_of(sheet, 1000) for cell in row)
        ]
        if not filled:
            raise FileRefused("no_header", "No sheet of the workbook has anything in it.")
        chosen = max(filled, key=self.fitting)
        return chosen, [sheet.title for sheet in filled if sheet is not chosen]

    def fitting(self, sheet: Any) -> int:
        """How many columns of the best of its first rows are looked for: a sheet of notes has none."""
        rows = ([text_of(cell, self.decimal) for cell in cells] for cells in rows_of(sheet, MOST_TITLES * 2))
        return max(map(self.fit, rows), default=0)

    @property
    def name(self) -> str:
        return str(self.sheet.title)

    def rows(self) -> Iterator[list[str]]:
        """All of them, from the first row of the sheet on."""
        try:
            for cells in rows_of(self.sheet, MOST_ROWS):
                yield [text_of(cell, self.decimal) for cell in cells]
        except FileRefused:
            raise
        except Exception as error:
            raise unreadable() from error


def too_large(said: str) -> FileRefused:
    return FileRefused("workbook_too_large", f"{said}: send it as CSV.")


def unreadable() -> FileRefused:
    return FileRefused("not_a_table", "The workbook is damaged: open it, and save it as .xlsx again.")


def check_parts(content: bytes) -> None:
    """Refuses what would take too much to unpack before any of it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
            names = {part.filename.lower() for part in parts}
            if "xl/workbook.xml" not in names:
                raise FileRefused("not_a_table", f"The file is {other_package(names)}: save it as .xlsx.")
            shared = sum(part.file_size for part in parts if not SHEETS.fullmatch(part.filename))
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or shared > MOST_SHARED:
                raise too_large("Unpacked, the workbook is too large")
            for part in parts:
                if SHEETS.fullmatch(part.filename):
                    check_formulas(package, part)
    except BROKEN as error:
        raise unreadable() from error


def other_package(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "a binary workbook (.xlsb)"
    return "an OpenDocument file" if "content.xml" in names else "an archive, and no workbook"


def check_formulas(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    rest = b""
    with package.open(part) as stream:
        while block := stream.read(2**20):
            if NO_VALUE.search(rest + block):
                raise FileRefused(
                    "formula_without_value",
                    "Formulas have no values yet: open it in Excel, and save it.",
                )
            rest = block[-OVERLAP:]


def rows_of(sheet: Any, limit: int) -> Iterator[tuple[Any, ...]]:
    """What the file says of its own size is not believed."""
    sheet.reset_dimensions()
    count = 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        count += len(cells)
        if number > limit:
            if limit == MOST_ROWS:
                raise too_large(f"A sheet has at most {MOST_ROWS} rows")
            return
        if count > MOST_CELLS:
            raise too_large(f"A sheet has at most {MOST_CELLS} cells")
        yield cells


def text_of(cell: Any, decimal: str) -> str:
    """As a person would have typed it: days as ISO, whole numbers without a point, zeros in front kept."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        has_time = value.hour or value.minute or value.second or value.microsecond
        return value.isoformat() if has_time else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        value = int(value)
    shown = ZEROS.fullmatch(cell.number_format or "") if isinstance(value, int) else None
    if shown:
        return f"{shown[1] or ''}{str(value).zfill(len(shown[2]))}{shown[3] or ''}"
    return repr(value).replace(".", decimal) if isinstance(value, float) else str(value)
