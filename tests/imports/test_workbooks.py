"""XLSX: read where CSV is, as a person would have typed it; what is no workbook, or too large, is told."""

import datetime
import io
import json
import sys
import zipfile
from time import process_time
from typing import Any

import pytest
from openpyxl import Workbook

from app.imports.files import workbook
from app.imports.files.rules import FileRefused
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import counts, done, faults, report_of

HEAD = ["Employee #", "First Name", "Last Name", "Work Email", "Department", "Hire Date", "Note"]
NOOR = ["7", "Noor", "de Wit", "n@example.com", "Customer Success", datetime.date(2021, 3, 1), None]


def saved(book: Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def sheet_of(*rows: list[Any]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


def rows_in(content: bytes) -> list[list[str]]:
    return list(workbook.Workbook(content).rows())


def test_the_sheet_with_the_columns_is_read() -> None:
    """Not the notes before it; without any that fits, the first."""
    book = Workbook()
    book.active.append(["About this export"])
    people = book.create_sheet("People")
    people.append(["external_id", "name"])
    people.append([42, "Noor"])
    people["A2"].number_format = '"E-"0000'
    fitting = workbook.Workbook(saved(book), ".", lambda cells: cells.count("external_id"))
    assert (fitting.name, fitting.others) == ("People", ["Sheet"])
    assert list(fitting.rows())[1] == ["E-0042", "Noor"]
    assert workbook.Workbook(saved(book)).name == "Sheet"


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "media",
    [
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel",
        "application/octet-stream",
        "text/csv",
    ],
)
async def test_a_workbook_is_read_as_csv_is(
    media: str, dry_run: bool, acme: Tenant, api: ContractClient
) -> None:
    content = sheet_of(HEAD, NOOR, [], ["8", "Sam", "Vos", "no address", "Care", "soon", "x"], [None, " "])
    headers = {"Content-Type": media}
    found = await done(acme, content, mapping="bamboohr", headers=headers, dry_run=dry_run, form="csv")
    assert (found["format"], counts(found), found["summary"]["rows"]) == ("xlsx", (1, 0, 0, 1), 2)
    assert found["reading"] == {"encoding": "utf-8", "line_ends": None, "delimiter": None, "sheet": "Sheet"}
    assert "Note" in found["unread_columns"]
    told = [one for one in faults(await report_of(acme, found)) if one[0] is not None]
    assert (4, "#/starts_on", "invalid_value") in told
    if not dry_run:
        person = (await api.get("/v1/people/7")).json()
        assert (person["name"], person["starts_on"]) == ("Noor de Wit", "2021-03-01")


async def test_a_workbook_without_a_mapping(acme: Tenant, api: ContractClient) -> None:
    await api.put("/v1/kpis/csat", json={"title": {"en": "Satisfaction"}, "better": "higher"})
    content = sheet_of(
        [], ["kpi", "period", "value"], ["csat", "2026-Q4", 8.125], ["csat", "2026-Q3", "#N/A"]
    )
    found = await done(acme, content, "kpi_values", form="csv")
    assert counts(found) == (1, 0, 0, 1)
    assert faults(await report_of(acme, found)) == [(4, "#/value", "cell_error")]
    [value] = (await api.get("/v1/kpis/csat/values")).json()["items"]
    assert value["value"] == 8.125
    columns = {name: name for name in ("kpi", "period", "value")}
    mapping = json.dumps({"columns": columns, "decimal": ","})
    found = await done(acme, content, "kpi_values", form="csv", mapping=mapping)
    assert counts(found) == (0, 0, 1, 1)


@pytest.mark.nightly
async def test_a_large_workbook_keeps_its_lines(acme: Tenant) -> None:
    rows = [[f"E-{number}", "x" * 150] for number in range(5000)]
    found = await done(acme, sheet_of(["external_id", "name"], *rows, ["E-x", None]), form="csv")
    assert counts(found) == (5000, 0, 0, 1)
    assert faults(await report_of(acme, found)) == [(5002, "#/name", "missing_field")]


def test_cells_are_text_as_somebody_would_type_it() -> None:
    book = Workbook()
    moment = datetime.datetime(2021, 3, 1, 14, 30, tzinfo=datetime.UTC).replace(tzinfo=None)
    book.active.append([7, 7.0, 0.1, True, datetime.date(2021, 3, 1), moment, "=1+1", None, " x ", 42])
    book.active["J1"].number_format = "00000"
    book.active["G1"].data_type = "s"
    [cells] = rows_in(saved(book))
    assert cells == ["7", "7", "0.1", "true", "2021-03-01", "2021-03-01T14:30:00", "=1+1", "", " x ", "00042"]


def test_the_first_sheet_that_is_shown_and_filled_is_read() -> None:
    book = Workbook()
    hidden = book.create_sheet("Hidden")
    hidden.append(["hidden"])
    hidden.sheet_state = "hidden"
    for name in ("People", "Codes"):
        book.create_sheet(name).append([name])
    found = workbook.Workbook(saved(book))
    assert (found.name, found.others, list(found.rows())) == ("People", ["Codes"], [["People"]])


async def test_a_sheet_that_is_not_read_is_told(acme: Tenant) -> None:
    book = Workbook()
    book.active.append(["external_id", "name"])
    book.create_sheet("Leavers").append(["external_id", "name"])
    [line] = await report_of(acme, await done(acme, saved(book), form="csv"))
    assert line["code"] == "unread_sheet"
    assert "Leavers" in line["detail"]


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefused) as raised:
        rows_in(content)
    return raised.value.code


def test_a_formula_nobody_has_evaluated_is_not_taken_for_nothing() -> None:
    assert refusal(sheet_of(["a"], ["=1+1"])) == "formula_without_value"


def package(**parts: bytes) -> bytes:
    """A workbook with other parts than it had."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet_of(["a"]))) as old:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                new.writestr(name, parts.pop(name.rpartition("/")[2].partition(".")[0], old.read(name)))
            for name, content in parts.items():
                new.writestr(name, content)
    return buffer.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


def test_what_unpacks_to_too_much_is_refused_before_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 2**22)
    bomb = package(sheet1=b" " * 2**23)
    assert len(bomb) < 30_000
    assert refusal(bomb) == "workbook_too_large"
    monkeypatch.setattr(workbook, "MOST_SHARED", 2**20)
    assert refusal(package(sharedStrings=b" " * 2**21)) == "workbook_too_large"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (
            b'<row r="1"><c r="A1"><v>1</v></c></row><row r="99999999"><c><v>1</v></c></row>',
            "workbook_too_large",
        ),
        (b'<row r="99999999"><c r="A99999999"><v>1</v></c></row>', "no_header"),
        (b'<row r="1"><c r="A1" t="s"><v>999</v></c></row>', "not_a_table"),
        (b"<row", "not_a_table"),
    ],
)
def test_a_sheet_that_is_not_what_it_says(row: bytes, code: str) -> None:
    assert refusal(package(sheet1=SHEET % row)) == code


def test_wide_rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 100_000)
    rows = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in range(1, 20))
    assert refusal(package(sheet1=SHEET % rows)) == "workbook_too_large"


def test_entities_are_not_multiplied() -> None:
    laughs = (
        b'<!DOCTYPE x [<!ENTITY a "ha">]>'
        + SHEET % b'<row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row>'
    )
    assert refusal(package(sheet1=laughs)) == "not_a_table"


@pytest.mark.parametrize(
    ("name", "said"), [("xl/workbook.bin", "xlsb"), ("content.xml", "OpenDocument"), ("a.txt", "archive")]
)
def test_another_archive_is_told_what_it_is(name: str, said: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(FileRefused, match=said):
        rows_in(buffer.getvalue())


async def test_an_installation_without_the_extra_says_so(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    found = await done(acme, sheet_of(["external_id", "name"]), form="csv")
    assert (found["status"], found["problem"]["code"]) == ("failed", "xlsx_not_installed")


async def test_a_workbook_has_a_size(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.imports.run.transcript.MOST_BYTES", 1000)
    found = await done(acme, sheet_of(["external_id", "name"]), form="csv")
    assert found["problem"]["code"] == "workbook_too_large"


@pytest.mark.parametrize("piece", [b"<c", b"<c><f/>" + b" " * 50, b'<c t="x" ', b"<c><f/><v "])
def test_looking_for_formulas_takes_no_longer_than_the_sheet_is(piece: bytes) -> None:
    """64 kB of these once took half a minute, and nothing else was done: what they unpack from is small."""
    started = process_time()
    assert refusal(package(sheet1=SHEET % (piece * (2**20 // len(piece))))) == "not_a_table"
    assert process_time() - started < 20
