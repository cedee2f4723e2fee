"""What a file becomes: rows of each kind, in JSON lines and CSV, with a report of what is wrong."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.imports import api as imports_api
from app.imports.jobs import forget_imports, utc_now
from app.imports.run import runner as running
from app.main import create_app
from tests.conftest import Tenant, client_for, stranger
from tests.contract import ContractClient
from tests.imports.files import accepted, counts, csv_report_of, done, faults, lines, report_of, send
from tests.surveys.test_surveys import hire, opened
from tests.waiting import PATIENCE

PEOPLE = [{"external_id": f"E-{number}", "name": f"Person {number}"} for number in range(5)]
MIB = 2**20
KPI = {"title": {"en": "Satisfaction"}, "better": "higher"}


# ------------------------------------------------------------------ kinds


async def test_people_of_json_lines(acme: Tenant, api: ContractClient) -> None:
    found = await done(acme, lines(PEOPLE))
    assert (found["status"], counts(found)) == ("finished", (5, 0, 0, 0))
    assert found["processed"] == found["size"] == len(lines(PEOPLE))
    assert (await api.get("/v1/people/E-4")).json()["name"] == "Person 4"
    again = await done(acme, lines([{"external_id": "E-0", "name": "Other"}, *PEOPLE[1:]]).rstrip())
    assert counts(again) == (0, 1, 4, 0)


async def test_rows_fail_one_by_one_with_their_line(acme: Tenant, api: ContractClient) -> None:
    good, no_name, unknown_team = PEOPLE[0], {"external_id": "E-8"}, PEOPLE[1] | {"team": "nobody"}
    body = lines([good]) + b"\n" + lines([no_name]) + b'{"external_id": "E-9", \n' + lines([unknown_team])
    found = await done(acme, body)
    assert counts(found) == (1, 0, 0, 3)
    report = await report_of(acme, found)
    assert faults(report) == [
        (3, "#/name", "missing_field"),
        (4, None, "malformed_json"),
        (5, "#/team", "unknown_team"),
    ]
    assert [line["external_id"] for line in report] == ["E-8", None, "E-1"]
    assert (await api.get("/v1/people")).json()["items"][0]["external_id"] == "E-0"


async def test_teams_come_in_any_order(acme: Tenant) -> None:
    found = await done(
        acme, b"external_id,name,parent\nbelow,Below,above\nabove,Above,\n", "teams", form="csv"
    )
    assert counts(found) == (2, 0, 0, 0)


@pytest.mark.parametrize("mode", [{"mode": "confidential"}, {"mode": "anonymous", "access": "open"}])
async def test_responses(mode: dict[str, str], acme: Tenant, api: ContractClient) -> None:
    await hire(api, "E-1", "E-2")
    survey = await opened(api, **mode)
    who = "respondent" if mode["mode"] == "confidential" else "team"
    rows = f"{who};answers.S01;answers.S03;answers.E01\n"
    rows += "E-1;4;null;\nE-2;5;9;1\nE-9;x;1;1\n" if who == "respondent" else ";4;null;\n;5;9;1\nnope;x;1;1\n"
    found = await done(acme, rows.encode(), "responses", form="csv", survey_id=survey)
    assert counts(found) == (1, 0, 0, 2)
    report = await report_of(acme, found)
    assert faults(report)[0] == (3, "#/answers/S03", "off_scale")
    assert report[0]["column"] == "answers.S03"
    assert faults(report)[1][:2] == (4, "#/answers/S01")
    async with acme.database.tenant_session(acme.id) as session:
        stored = (await session.scalars(text("SELECT answers[1:3] FROM responses"))).all()
    assert [answers[0] for answers in stored] == [4]
    assert stored[0][2] == -2 or stored[0][2] < 0


async def test_recognitions(acme: Tenant, api: ContractClient) -> None:
    await hire(api, "E-1", "E-2", "E-3")
    rows = "giver,receivers,message,external_id\nE-1,E-2 E-3,Well done,m-1\nE-1,E-1,Well done,m-2\n"
    found = await done(acme, rows.encode(), "recognitions", form="csv")
    assert counts(found) == (1, 0, 0, 1)
    assert faults(await report_of(acme, found)) == [(3, "#/receivers/0", "self_recognition")]
    [event] = (await api.get("/v1/recognitions")).json()["items"]
    assert (event["receivers"], event["source"]) == (["E-2", "E-3"], "import")
    assert counts(await done(acme, rows.encode(), "recognitions", form="csv")) == (0, 0, 1, 1)


async def test_occasions(acme: Tenant, api: ContractClient) -> None:
    await hire(api, "E-1")
    rows = "person;key;kind;month;day;consent\nE-1;birthday;birthday;2;29;ja\nE-1;wed;wedding;2;30;nee\n"
    rows += "E-9;birthday;birthday;1;1;ja\n"
    found = await done(acme, rows.encode(), "occasions", form="csv")
    assert counts(found) == (1, 0, 0, 2)
    report = await report_of(acme, found)
    assert faults(report) == [(3, "#/day", "no_such_day"), (4, "#/person", "unknown_person")]
    assert (await api.get("/v1/people/E-1/occasions/birthday")).json()["consent"] is True
    changed = rows.replace("2;29;ja", "2;28;ja")
    assert counts(await done(acme, rows.encode(), "occasions", form="csv")) == (0, 0, 1, 2)
    assert counts(await done(acme, changed.encode(), "occasions", form="csv")) == (0, 1, 0, 2)


async def test_kpi_values_with_a_decimal_comma(acme: Tenant, api: ContractClient) -> None:
    await api.put("/v1/kpis/csat", json=KPI)
    found = await done(
        acme, b"kpi;period;value\ncsat;2026-Q4;8,1\ncsat;2026-Q3;x\n", "kpi_values", form="csv"
    )
    assert counts(found) == (1, 0, 0, 1)
    [value] = (await api.get("/v1/kpis/csat/values")).json()["items"]
    assert value["value"] == 8.1


# ------------------------------------------------------------------ CSV


CSV = """external_id{0}name{0}active{0}starts_on{0}segments.location
E-1{0}"Wit, Noor; de"{0}ja{0}2021-03-01{0}Utrecht
E-2{0}"Two
lines"{0}false{0}{0}
"""


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_csv_as_spreadsheets_write_it(
    delimiter: str, mark: bytes, end: str, acme: Tenant, api: ContractClient
) -> None:
    content = mark + CSV.format(delimiter).replace("\n", end).encode()
    assert counts(await done(acme, content, form="csv")) == (2, 0, 0, 0)
    one, two = [(await api.get(f"/v1/people/E-{number}")).json() for number in (1, 2)]
    assert (one["name"], one["active"], one["starts_on"]) == ("Wit, Noor; de", True, "2021-03-01")
    assert one["segments"] == {"location": "Utrecht"}
    assert (two["name"], two["active"], two["starts_on"]) == (f"Two{end}lines", False, None)
    assert two["segments"] == {}


async def test_a_fault_names_its_column_and_first_line(acme: Tenant) -> None:
    content = CSV.format(";") + "E-3;x;maybe;01-03-2021;\n"
    found = await done(acme, content.encode(), form="csv")
    report = await report_of(acme, found)
    assert {(line["line"], line["pointer"], line["column"], line["code"]) for line in report} == {
        (5, "#/active", "active", "invalid_value"),
        (5, "#/starts_on", "starts_on", "invalid_value"),
    }


async def test_a_formula_in_a_cell_is_text_and_leaves_as_text(acme: Tenant, api: ContractClient) -> None:
    rows = '=1,"=HYPERLINK(""http://example.com"";""x"")"\n@x,\n'
    found = await done(acme, ("external_id,name\n" + rows).encode(), form="csv")
    assert counts(found) == (1, 0, 0, 1)
    assert (await api.get("/v1/people/=1")).json()["name"] == '=HYPERLINK("http://example.com";"x")'
    header, line = await csv_report_of(acme, found)
    assert header == ["line", "external_id", "pointer", "column", "code", "detail"]
    assert line[:5] == ["3", "'@x", "#/name", "name", "missing_field"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (",".join(f"c{number}" for number in range(10_000)).encode() + b"\n", "too_many_columns"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not_a_table"),
        ("external_id,name\nE-1,Renée\n".encode("cp850"), "unknown_encoding"),
        (b"PK\x03\x04not a workbook", "not_a_table"),
        (b"\n\n", "no_header"),
        (b"external_id,name,name\n", "repeated_column"),
        (b"external_id,nickname\n", "unknown_column"),
    ],
    ids=["10,000 columns", "old Excel", "DOS", "zip", "empty", "twice", "unknown"],
)
async def test_a_file_that_cannot_be_read(content: bytes, code: str, acme: Tenant) -> None:
    found = await done(acme, content, form="csv")
    assert (found["status"], found["problem"]["code"]) == ("failed", code)
    assert counts(found) == (0, 0, 0, 0)


async def test_rows_that_cannot_be_read_spoil_no_other(acme: Tenant, api: ContractClient) -> None:
    rows = [
        b"external_id,name",
        b'E-1,"unclosed',
        b"E-2,good",
        b'E-3,"shut"too early',
        b"E-4,caf\xe9 \xe2\x82\xac",
        b"E-5,too,many",
        b"E-6,nul\x00",
        b"E-7,good",
        b'E-8,"open to the end',
    ]
    found = await done(acme, b"\n".join(rows), form="csv")
    assert counts(found) == (2, 0, 0, 6)
    assert faults(await report_of(acme, found)) == [
        (2, None, "malformed_csv"),
        (4, None, "malformed_csv"),
        (5, None, "invalid_text"),
        (6, None, "too_many_cells"),
        (7, None, "invalid_text"),
        (9, None, "malformed_csv"),
    ]
    people = (await api.get("/v1/people")).json()["items"]
    assert [person["external_id"] for person in people] == ["E-2", "E-7"]


PLAIN = "external_id;name\r\nE-1;Zoë Müller\r\nE-2;René O’Brien\r\n"
EXCEL = "application/vnd.ms-excel"


@pytest.mark.parametrize(
    ("content", "headers", "reading"),
    [
        (PLAIN.encode(), {}, ("utf-8", "crlf", ";")),
        (PLAIN.encode("cp1252"), {}, ("windows-1252", "crlf", ";")),
        (PLAIN.encode("cp1252"), {"Content-Type": "text/csv; charset=utf-8"}, ("windows-1252", "crlf", ";")),
        (PLAIN.encode("cp1252"), {"Content-Type": EXCEL}, ("windows-1252", "crlf", ";")),
        (PLAIN.encode("utf-16"), {}, ("utf-16", "crlf", ";")),
        (PLAIN.replace(";", "\t").encode("utf-16-le"), {}, ("utf-16-le", "crlf", "\t")),
        (PLAIN.replace("\r\n", "\r").encode(), {}, ("utf-8", "cr", ";")),
        (PLAIN.replace("\r\n", "\r").encode("cp1252"), {}, ("windows-1252", "cr", ";")),
        (
            PLAIN.encode("mac-roman"),
            {"Content-Type": "text/csv; charset=macintosh"},
            ("macintosh", "crlf", ";"),
        ),
        (("sep=;\r\n" + PLAIN).encode(), {}, ("utf-8", "crlf", ";")),
        (
            PLAIN.replace(";", "\t").encode(),
            {"Content-Type": "text/tab-separated-values"},
            ("utf-8", "crlf", "\t"),
        ),
        (
            PLAIN.replace(";", ",").encode(),
            {"Content-Type": "application/octet-stream"},
            ("utf-8", "crlf", ","),
        ),
        (
            lines(
                [{"external_id": "E-1", "name": "Zoë Müller"}, {"external_id": "E-2", "name": "René O’Brien"}]
            ),
            {"Content-Type": "application/octet-stream"},
            ("utf-8", "lf", None),
        ),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_file_is_read_however_it_was_saved(
    content: bytes,
    headers: dict[str, str],
    reading: tuple[str, str, str | None],
    dry_run: bool,
    acme: Tenant,
    api: ContractClient,
) -> None:
    found = await done(acme, content, form="csv", headers=headers, dry_run=dry_run)
    assert counts(found) == (2, 0, 0, 0), await report_of(acme, found)
    told = found["reading"]
    assert (told["encoding"], told["line_ends"], told["delimiter"]) == reading
    is_converted = reading[0] != "utf-8" or reading[1] == "cr"
    assert [line["code"] for line in await report_of(acme, found)] == ["converted"] * is_converted
    if not dry_run:
        people = (await api.get("/v1/people")).json()["items"]
        assert [one["name"] for one in people] == ["Zoë Müller", "René O’Brien"]


@pytest.mark.nightly
async def test_a_large_file_of_wide_letters(acme: Tenant) -> None:
    """It is written anew over many chunks, and every line keeps its number."""
    rows = "".join(f"E-{number};{'ë' * 100}\r\n" for number in range(6000))
    content = ("external_id;name\r\n" + rows + "E-x;\r\n").encode("utf-16")
    assert len(content) > 2**20
    found = await done(acme, content, form="csv")
    assert counts(found) == (6000, 0, 0, 1)
    assert faults(await report_of(acme, found))[1:] == [(6002, "#/name", "missing_field")]
    assert found["processed"] == found["size"]


async def test_what_is_not_read_is_told(acme: Tenant, api: ContractClient) -> None:
    rows = "Employee #,First Name,Last Name,Cost centre,Cost centre,Home Email\n7,Noor,de Wit,1,2,x\n"
    for dry_run in (True, False):
        found = await done(acme, rows.encode(), form="csv", mapping="bamboohr", dry_run=dry_run)
        assert found["unread_columns"] == ["Cost centre", "Cost centre", "Home Email"]
        missing = [
            "email",
            "team",
            "manager",
            "starts_on",
            "ends_on",
            "segments.location",
            "segments.division",
        ]
        assert found["unmatched_members"] == sorted(missing)
        report = await report_of(acme, found)
        assert [line["column"] for line in report if line["code"] == "unread_column"] == found[
            "unread_columns"
        ]
        pointers = [line["pointer"] for line in report if line["code"] == "unmatched_member"]
        assert pointers[0] == "#/email"
        assert "#/segments/division" in pointers
    assert counts(found) == (1, 0, 0, 0)


async def test_titles_above_the_header_are_no_rows(acme: Tenant) -> None:
    """As reports of HR systems begin; with a mapping and without, and the report says so."""
    title = "Employees\nPer 30 November 2026, Acme\n\n"
    mapped = title + "Employee #,First Name,Last Name\n7,Noor,de Wit\n"
    plain = title + "external_id,name\nE-8,Sem\n"
    for content, mapping, line in ((mapped, {"mapping": "bamboohr"}, 4), (plain, {}, 4)):
        found = await done(acme, content.encode(), form="csv", **mapping)
        assert counts(found) == (1, 0, 0, 0)
        [told] = [one for one in await report_of(acme, found) if one["code"] == "unread_titles"]
        assert f"line {line}" in told["detail"]


def form_of(content: bytes, kind: str | None = "text/csv") -> tuple[bytes, str]:
    """As a browser sends a form, with a field before the file and one after it."""
    typed = f"\r\nContent-Type: {kind}" if kind else ""
    parts = [
        (b'form-data; name="note"', b"x\r\n--no\r\n"),
        (b'form-data; name="upload"; filename="people.csv"' + typed.encode(), content),
        (b'form-data; name="after"', b"y"),
    ]
    body = b"".join(
        b"--b1\r\nContent-Disposition: " + head + b"\r\n\r\n" + own + b"\r\n" for head, own in parts
    )
    return body + b"--b1--\r\n", "multipart/form-data; boundary=b1"


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.ms-excel", "text/plain", None])
async def test_a_file_may_come_in_a_form(kind: str | None, acme: Tenant) -> None:
    content = b"external_id,name\r\nE-1,Noor\r\n--b\r\n"
    body, form = form_of(content, kind)

    async def bit_by_bit() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    for sent in (body, bit_by_bit()):
        answer = await acme.client.post(
            "/v1/imports",
            params={"kind": "people", "dry_run": True},
            content=sent,
            headers={"Content-Type": form},
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["size"] == len(content)


async def test_a_form_without_a_file_and_one_that_is_cut_off(acme: Tenant) -> None:
    body, form = form_of(b"external_id,name\r\nE-1,Noor\r\n")
    for sent, kind, status, code in (
        (body.replace(b"filename", b"titled"), form, 415, "unsupported_media_type"),
        (body, "multipart/form-data", 415, "unsupported_media_type"),
        (body[: body.index(b"Noor") + 2], form, 400, "body_cut_off"),
        (body.replace(b"text/csv", b"image/png"), form, 415, "unsupported_media_type"),
    ):
        answer = await acme.client.post(
            "/v1/imports", params={"kind": "people"}, content=sent, headers={"Content-Type": kind}
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await acme.client.get("/v1/imports")).json()["items"] == []


# ------------------------------------------------------------------ size


async def fifty_megabytes(start: bytes, end: bytes) -> AsyncIterator[bytes]:
    yield start
    for _ in range(50):
        yield b"x" * MIB
    yield end


@pytest.mark.nightly
@pytest.mark.parametrize("form", ["ndjson", "csv"])
async def test_a_line_of_50_megabytes_fails_alone(form: str, acme: Tenant) -> None:
    if form == "csv":
        content = fifty_megabytes(b"external_id,name\nE-1,", b"\nE-2,good\n")
    else:
        content = fifty_megabytes(b'{"external_id": "E-1", "name": "', b'"}\n' + lines(PEOPLE[:1]))
    found = await done(acme, content, form=form)
    assert counts(found) == (1, 0, 0, 1)
    [line] = await report_of(acme, found)
    assert (line["code"], line["line"]) == ("row_too_long", 1 if form == "ndjson" else 2)


@pytest.mark.nightly
async def test_a_file_of_many_chunks(acme: Tenant, api: ContractClient) -> None:
    people = [{"external_id": f"E-{number}", "name": "x" * 190} for number in range(9000)]
    content = lines(people)
    assert len(content) > 3 * 2**19
    found = await done(acme, gzip.compress(content), headers={"Content-Encoding": "gzip"})
    assert (found["size"], counts(found)) == (len(content), (9000, 0, 0, 0))
    async with acme.database.tenant_session(acme.id) as session:
        assert await session.scalar(text("SELECT count(*) FROM import_chunks")) == 0
        assert await session.scalar(text("SELECT count(*) FROM people")) == 9000


async def test_a_gzip_bomb(acme: Tenant) -> None:
    """The real limits are larger; what counts is that no more than they are is unpacked or kept."""
    settings = acme.app.state.settings.model_copy(update={"max_import_decompressed_bytes": 3 * MIB})
    app = create_app(settings, acme.database.url)
    async with app.router.lifespan_context(app):
        client = client_for(app, await acme.key())
        bomb = gzip.compress(b"\n" * 64 * MIB)
        assert len(bomb) < 70_000
        headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
        answer = await client.post("/v1/imports?kind=people", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    async with acme.database.tenant_session(acme.id) as session:
        assert await session.scalar(text("SELECT count(*) FROM imports")) == 0


async def test_a_declared_size_beyond_the_limit(acme: Tenant) -> None:
    answer = await send(acme, b"{}", headers={"Content-Length": str(256 * MIB + 1)})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_gzip_that_is_cut_off(acme: Tenant) -> None:
    content = gzip.compress(lines(PEOPLE))[:-4]
    answer = await send(acme, content, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_gzip")
    assert (await acme.client.get("/v1/imports")).json()["items"] == []


# ------------------------------------------------------------------ dry run, snapshots


async def test_a_dry_run_says_what_would_be_and_stores_nothing(acme: Tenant, api: ContractClient) -> None:
    found = await done(acme, lines([*PEOPLE, {"external_id": "E-9"}]), dry_run=True)
    assert (found["status"], counts(found)) == ("finished", (5, 0, 0, 1))
    assert faults(await report_of(acme, found)) == [(6, "#/name", "missing_field")]
    assert (await api.get("/v1/people")).json()["items"] == []
    teams = (
        b"external_id,name,parent\n" + b"".join(b"t%d,T,t%d\n" % (n + 1, n) for n in range(3)) + b"t0,T,\n"
    )
    assert counts(await done(acme, teams, "teams", form="csv", dry_run=True)) == (4, 0, 0, 0)
    assert (await api.get("/v1/teams")).json()["items"] == []


async def employed(api: ContractClient) -> dict[str, str | None]:
    people = (await api.get("/v1/people?limit=200")).json()["items"]
    return {person["external_id"]: person["ends_on"] for person in people}


@pytest.mark.parametrize("missing", ["ignore", "report", "end"])
async def test_who_is_not_in_a_full_snapshot(missing: str, acme: Tenant, api: ContractClient) -> None:
    people = [{"external_id": f"E-{number}", "name": "x"} for number in range(20)]
    await done(acme, lines(people))
    await api.put("/v1/people/E-gone", json={"name": "x", "ends_on": "2020-01-01"})
    found = await done(acme, lines(people[:18]), missing=missing)
    summary = (found["summary"]["missing"], found["summary"]["ended"])
    assert summary == {"ignore": (None, 0), "report": (2, 0), "end": (2, 2)}[missing]
    ended = {name for name, ends_on in (await employed(api)).items() if ends_on and ends_on > "2026"}
    assert ended == ({"E-18", "E-19"} if missing == "end" else set())
    report = await report_of(acme, found)
    named = [line["external_id"] for line in report if line["code"] == "missing_from_file"]
    assert named == ([] if missing == "ignore" else ["E-18", "E-19"])


@pytest.mark.parametrize("dry_run", [False, True])
async def test_more_than_a_tenth_missing_stops_before_anything(
    dry_run: bool, acme: Tenant, api: ContractClient
) -> None:
    people = [{"external_id": f"E-{number}", "name": "x"} for number in range(20)]
    await done(acme, lines(people))
    new = {"external_id": "E-new", "name": "x"}
    found = await done(acme, lines([*people[:17], new]), missing="end", dry_run=dry_run)
    assert (found["status"], found["problem"]["code"]) == ("failed", "too_many_missing")
    assert counts(found) == (0, 0, 0, 0)
    assert "E-new" not in await employed(api)
    assert not any((await employed(api)).values())


async def test_a_snapshot_with_nameless_rows_ends_nobody(acme: Tenant, api: ContractClient) -> None:
    people = [{"external_id": f"E-{number}", "name": "x"} for number in range(20)]
    await done(acme, lines(people))
    found = await done(acme, lines(people[:19]) + b'{"external_id": \n', missing="end")
    assert (found["status"], found["problem"]["code"]) == ("failed", "unreadable_rows")
    assert not any((await employed(api)).values())


# ------------------------------------------------------------------ mappings


HRIS = {
    "bamboohr": "Employee #,First Name,Last Name,Work Email,Department,Supervisor EId,Hire Date,Termination"
    " Date,Status\n7,Noor,de Wit,n@example.com,Customer Success,3,2021-03-01,0000-00-00,Active\n",
    "personio": "ID;First name;Last name;Email;Department;Supervisor ID;Hire date;Termination date\n"
    "7;Noor;de Wit;n@example.com;Customer Success;3;01.03.2021;\n",
    "personio de": "ID;Vorname;Nachname;E-Mail;Abteilung;Vorgesetzten-ID;Anstelldatum;Ende des"
    " Arbeitsverhältnisses;Status\n7;Noor;de Wit;n@example.com;Customer Success;3;01.03.2021;;Aktiv\n",
    "personio nl": "ID;Voornaam;Achternaam;E-mail;Afdeling;ID leidinggevende;Aanstellingsdatum;Einde"
    " dienstverband\n7;Noor;de Wit;n@example.com;Customer Success;3;01-03-2021;\n",
    "afas": "Medewerker;Roepnaam;Voorvoegsel;Geboortenaam;Email_werk;Organisatorische_eenheid_omschrijving;"
    "Persoonsnummer_leidinggevende;Datum_in_dienst;Datum_uit_dienst\n"
    "7;Noor;de;Wit;n@example.com;Customer Success;3;01-03-2021;\n",
}


@pytest.mark.parametrize("system", HRIS)
async def test_an_export_loads_as_it_is(system: str, acme: Tenant, api: ContractClient) -> None:
    content, mapping = HRIS[system].encode(), system.partition(" ")[0]
    found = await done(acme, content, form="csv", mapping=mapping)
    assert counts(found) == (1, 0, 0, 0), await report_of(acme, found)
    person = (await api.get("/v1/people/7")).json()
    known = {name: person[name] for name in ("name", "email", "team", "manager", "starts_on", "ends_on")}
    assert known == {
        "name": "Noor de Wit",
        "email": "n@example.com",
        "team": "customer-success",
        "manager": "3",
        "starts_on": "2021-03-01",
        "ends_on": None,
    }
    assert (await api.get("/v1/teams/customer-success")).json()["name"] == "Customer Success"
    assert counts(await done(acme, content, form="csv", mapping=mapping)) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("usage", "partner", "name"),
    [
        ("0", "van;Dam", "Noor de Wit"),
        ("1", "van;Dam", "Noor van Dam - de Wit"),
        ("2", "van;Dam", "Noor van Dam"),
        ("3", "van;Dam", "Noor de Wit - van Dam"),
        ("1", ";", "Noor de Wit"),
        ("2", ";", "Noor de Wit"),
        ("", "van;Dam", "Noor de Wit"),
    ],
)
async def test_afas_says_which_name_somebody_uses(
    usage: str, partner: str, name: str, acme: Tenant, api: ContractClient
) -> None:
    head = "Persoonsnummer;Roepnaam;Voorvoegsel;Geboortenaam;Voorvoegsel_partner;Geboortenaam_partner;"
    rows = f"{head}Naamgebruik_code\n7;Noor;de;Wit;{partner};{usage}\n"
    assert counts(await done(acme, rows.encode(), form="csv", mapping="afas")) == (1, 0, 0, 0)
    assert (await api.get("/v1/people/7")).json()["name"] == name


async def test_half_a_name_is_none(acme: Tenant, api: ContractClient) -> None:
    rows = "Employee #,First Name,Department\n7,Noor,Care\n"
    found = await done(acme, rows.encode(), form="csv", mapping="bamboohr")
    assert (found["status"], found["problem"]["code"]) == ("failed", "mapping_does_not_fit")
    assert "lastName" in found["problem"]["detail"]
    assert (await api.get("/v1/people")).json()["items"] == []
    assert (await api.get("/v1/teams")).json()["items"] == []


async def test_columns_called_alike_are_no_hindrance(acme: Tenant, api: ContractClient) -> None:
    rows = (
        "Employee #,First Name,Last Name,Work Email,Work E-mail,Note,Note\n7,Noor,de Wit,n@example.com,,a,b\n"
    )
    assert counts(await done(acme, rows.encode(), form="csv", mapping="bamboohr")) == (1, 0, 0, 0)
    assert (await api.get("/v1/people/7")).json()["email"] == "n@example.com"


async def test_a_number_is_refused_or_declared(acme: Tenant, api: ContractClient) -> None:
    await api.put("/v1/kpis/csat", json=KPI)
    rows = b"kpi;period;value\ncsat;2026-Q4;1.234\n"
    found = await done(acme, rows, "kpi_values", form="csv")
    [line] = await report_of(acme, found)
    assert (line["code"], line["pointer"], line["column"]) == ("ambiguous_number", "#/value", "value")
    columns = {name: name for name in ("kpi", "period", "value")}
    mapping = json.dumps({"columns": columns, "decimal": ","})
    found = await done(acme, rows, "kpi_values", form="csv", mapping=mapping)
    assert counts(found) == (1, 0, 0, 0)
    [value] = (await api.get("/v1/kpis/csat/values")).json()["items"]
    assert value["value"] == 1234


async def test_answers_as_survey_tools_write_them(acme: Tenant, api: ContractClient) -> None:
    await hire(api, "E-1")
    survey = await opened(api, mode="confidential")
    rows = (
        "respondent,answers.S01,answers.S03,answers.E01\nE-1,4.0,5 - Strongly agree,Agree (4)\n , ,\u00a0,\n"
    )
    found = await done(acme, rows.encode(), "responses", form="csv", survey_id=survey)
    assert (counts(found), found["summary"]["rows"]) == ((1, 0, 0, 0), 1)


async def test_a_mapping_of_ones_own(acme: Tenant, api: ContractClient) -> None:
    mapping = {
        "columns": {"external_id": "Nummer", "name": ["Naam", "Name"], "starts_on": "Start"},
        "dates": ["%d-%m-%Y"],
        "empty": ["n.v.t."],
    }
    rows = "Nummer;Name;Start;Salaris\nE-1;Noor;01-03-2021;1000\nE-2;Sam;n.v.t.;1000\n"
    found = await done(acme, rows.encode(), form="csv", mapping=json.dumps(mapping))
    assert counts(found) == (2, 0, 0, 0)
    assert (await api.get("/v1/people/E-1")).json()["starts_on"] == "2021-03-01"
    other = await done(acme, b"Number;Title\n1;x\n", form="csv", mapping=json.dumps(mapping))
    assert other["problem"]["code"] == "mapping_does_not_fit"
    assert other["unread_columns"] == ["Number", "Title"]


async def test_a_file_that_does_not_fit_says_which_columns_it_has(acme: Tenant) -> None:
    """So that somebody can say what they mean, whatever the file is written in."""
    found = await done(acme, "Nummer;Naam;Plaats\n1;Noor;Urk\n".encode("utf-16"), form="csv")
    assert found["problem"]["code"] == "unknown_column"
    assert found["unread_columns"] == ["Nummer", "Naam", "Plaats"]
    assert found["reading"]["encoding"] == "utf-16"


# ------------------------------------------------------------------ refused at the door


async def test_what_is_refused_before_the_file_is_read(acme: Tenant, api: ContractClient) -> None:
    survey = await opened(api)
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"kind": "responses"}, 422, "survey_required"),
        ({"kind": "responses", "survey_id": "0198f0d0-1c5e-7d0a-8a44-0f6f0a5b7e21"}, 404, "not_found"),
        ({"survey_id": survey}, 422, "not_for_this_import"),
        ({"kind": "teams", "missing": "end"}, 422, "not_for_this_import"),
        ({"mapping": "bamboohr"}, 422, "not_for_this_import"),
        ({"mapping": "workday", "form": "csv"}, 422, "unknown_mapping"),
        ({"mapping": "afas", "form": "csv", "kind": "teams"}, 422, "unknown_mapping"),
        ({"mapping": "{}", "form": "csv"}, 422, "bad_mapping"),
        ({"mapping": '{"columns": ', "form": "csv"}, 422, "bad_mapping"),
        ({"mapping": '{"columns": {"name": ' + "[" * 3000, "form": "csv"}, 422, "bad_mapping"),
        (
            {"mapping": '{"columns": {"name": ' + '{"join":[' * 6 + '"x"' + "]}" * 7 + "}", "form": "csv"},
            422,
            "bad_mapping",
        ),
        ({"mapping": '{"columns": {"name": "x"}, "decimal": "x"}', "form": "csv"}, 422, "bad_mapping"),
        ({"mapping": '{"columns": {"nickname": "x"}}', "form": "csv"}, 422, "bad_mapping"),
        ({"mapping": '{"columns": {"name": "x"}, "dates": ["%d%d"]}', "form": "csv"}, 422, "bad_mapping"),
        (
            {"mapping": '{"columns": {"name": "x"}, "create_teams": true}', "form": "csv", "kind": "teams"},
            422,
            "bad_mapping",
        ),
        ({"headers": {"Content-Type": "application/json"}}, 415, "unsupported_media_type"),
        ({"headers": {"Content-Type": "text/csv; charset=ebcdic"}}, 415, "unsupported_media_type"),
        (
            {"headers": {"Content-Type": "application/octet-stream"}, "mapping": "bamboohr"},
            422,
            "not_for_this_import",
        ),
        ({"kind": "salaries"}, 422, "invalid_value"),
        ({"content": b""}, 422, "empty_file"),
    ]
    for options, status, code in refused:
        answer = await send(acme, **({"content": b"{}\n"} | options))
        assert (answer.status_code, answer.json()["code"]) == (status, code), options
    await api.post(f"/v1/surveys/{survey}/close")
    answer = await send(acme, b"{}\n", "responses", survey_id=survey)
    assert (answer.status_code, answer.json()["code"]) == (409, "survey_not_open")
    invited = await opened(api, mode="anonymous", access="invited")
    answer = await send(acme, b"{}\n", "responses", survey_id=invited)
    assert (answer.status_code, answer.json()["code"]) == (409, "invitation_required")
    assert (await api.get("/v1/imports")).json()["items"] == []


async def test_each_kind_needs_its_own_scope(acme: Tenant) -> None:
    people_only = await acme.client_with("people:write")
    headers = {"Content-Type": "application/x-ndjson"}
    sent = await people_only.post("/v1/imports?kind=people", content=lines(PEOPLE), headers=headers)
    assert sent.status_code == 202
    for kind in ("responses", "recognitions", "occasions", "kpi_values"):
        answer = await people_only.post(f"/v1/imports?kind={kind}", content=b"{}\n", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), kind
    kpis_only = await acme.client_with("kpis:write")
    assert (await kpis_only.get("/v1/imports")).json()["items"] == []
    for path in ("", "/report", "/events"):
        assert (await kpis_only.get(f"/v1/imports/{sent.json()['id']}{path}")).status_code == 404
    assert len((await people_only.get("/v1/imports")).json()["items"]) == 1


async def test_a_repeated_upload_is_one_import(acme: Tenant, api: ContractClient) -> None:
    key = {"Idempotency-Key": "night-1"}
    first, again = [await send(acme, lines(PEOPLE), headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await send(acme, lines(PEOPLE[:2]), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await api.get("/v1/imports")).json()["items"]) == 1


# ------------------------------------------------------------------ watching, forgetting


async def test_progress_can_be_watched(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await done(acme, lines(PEOPLE))
    stream = await api.get(f"/v1/imports/{found['id']}/events")
    event, data, *_ = stream.text.splitlines()
    assert (event, json.loads(data.removeprefix("data: "))["id"]) == ("event: finished", found["id"])
    monkeypatch.setattr(imports_api, "SECONDS_BETWEEN_LOOKS", 0.01)
    waiting = await accepted(acme, lines(PEOPLE))
    before = (await api.get(f"/v1/imports/{waiting}")).json()
    model = imports_api.schemas.Import.model_validate(before)
    seen = []
    async for raw in imports_api.progress(acme.database, acme.id, model):
        if not seen:
            await acme.work()
        seen.append(raw.partition(b"\n")[0])
    assert (seen[0], seen[-1]) == (b"event: queued", b"event: finished")


async def test_the_head_of_what_is_watched_does_not_wait_for_its_end(acme: Tenant) -> None:
    waiting = await accepted(acme, lines(PEOPLE))
    async with asyncio.timeout(PATIENCE):
        answer = await acme.client.head(f"/v1/imports/{waiting}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_who_asks_again_is_told_that_nothing_changed(acme: Tenant, api: ContractClient) -> None:
    path = f"/v1/imports/{await accepted(acme, lines(PEOPLE))}"
    tag = {"If-None-Match": (await api.get(path)).headers["etag"]}
    assert (await api.get(path, headers=tag)).status_code == 304
    await acme.work()
    assert (await api.get(path, headers=tag)).status_code == 200


async def test_pages_of_imports(acme: Tenant, api: ContractClient) -> None:
    ids = [await accepted(acme, lines(PEOPLE)) for _ in range(3)]
    first = (await api.get("/v1/imports?limit=2")).json()
    rest = (await api.get("/v1/imports", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]


@pytest.mark.nightly
async def test_the_contents_of_an_import_are_forgotten(acme: Tenant, api: ContractClient) -> None:
    found = await done(acme, lines([{"external_id": "E-1"}]))
    waiting = await accepted(acme, lines(PEOPLE))
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(text("UPDATE imports SET created_at = now() - interval '31 days'"))
    await forget_imports(acme.database)
    assert (await api.get(f"/v1/imports/{found['id']}")).status_code == 404
    assert (await api.get(f"/v1/imports/{found['id']}/report")).status_code == 404
    assert (await api.get(f"/v1/imports/{waiting}")).status_code == 200


async def test_what_waits_cannot_be_read_without_the_secret(acme: Tenant) -> None:
    await accepted(acme, lines([{"external_id": "E-1", "name": "Noor de Wit"}]))
    async with acme.database.tenant_session(acme.id) as session:
        [stored] = (await session.scalars(text("SELECT data FROM import_chunks"))).all()
    with pytest.raises(zlib.error):
        zlib.decompress(stored[16:-32])
    packed = acme.database.keyring.unseal(acme.id, "import-file", stored)
    assert packed is not None
    assert b"Noor de Wit" in zlib.decompress(packed)
    other = stranger()
    import_id = (await acme.client.get("/v1/imports")).json()["items"][0]["id"]
    await running.run(acme.database, acme.id, UUID(import_id), other, utc_now)
    found = (await acme.client.get(f"/v1/imports/{import_id}")).json()
    assert (found["status"], found["problem"]["code"]) == ("failed", "unreadable_file")


async def test_a_file_that_is_cut_off_is_no_import(acme: Tenant) -> None:
    """Its sender hangs up after a chunk was stored."""
    parts = [
        {"type": "http.request", "body": b"x" * MIB, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop(0)

    async def send_back(message: Any) -> None:
        sent.append(message)

    headers = {
        "authorization": acme.client.headers["authorization"],
        "content-type": "text/csv",
        "transfer-encoding": "chunked",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/imports",
        "raw_path": b"/v1/imports",
        "query_string": b"kind=people",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await acme.app(scope, receive, send_back)
    assert sent[0]["status"] == 400
    async with acme.database.tenant_session(acme.id) as session:
        assert await session.scalar(text("SELECT count(*) FROM imports")) == 0


# ------------------------------------------------------------------ a row a contract


AFAS_HEAD = (
    "Persoonsnummer;Roepnaam;Voorvoegsel;Geboortenaam;Organisatorische_eenheid_omschrijving;"
    "Begindatum_contract;Einddatum_contract\n"
)


def contract_rows(*contracts: tuple[str, str, str], person: str = "7") -> list[str]:
    return [f"{person};Noor;de;Wit;{team};{first};{last}\n" for team, first, last in contracts]


OLD, MIDDLE, NOW = (
    ("Old", "01-01-2015", "31-12-2017"),
    ("Middle", "01-03-2018", "28-02-2020"),
    ("Now", "01-03-2020", ""),
)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("between", [0, pytest.param(1100, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("dry_run", [False, True])
async def test_of_several_contracts_the_present_one_says_who_somebody_is(
    order: tuple[int, ...], between: int, dry_run: bool, acme: Tenant, api: ContractClient
) -> None:
    rows = contract_rows(OLD, MIDDLE, NOW)
    filling = [row for n in range(between) for row in contract_rows(NOW, person=f"X-{n}")]
    content = (AFAS_HEAD + rows[order[0]] + "".join(filling) + rows[order[1]] + rows[order[2]]).encode()
    found = await done(acme, content, form="csv", mapping="afas", dry_run=dry_run)
    assert counts(found) == (1 + between, 0, 2, 0)
    if dry_run:
        return
    person = (await api.get("/v1/people/7")).json()
    assert (person["team"], person["starts_on"], person["ends_on"]) == ("now", "2020-03-01", None)
    assert person["employments"] == [
        {"starts_on": "2015-01-01", "ends_on": "2017-12-31"},
        {"starts_on": "2018-03-01", "ends_on": "2020-02-28"},
        {"starts_on": "2020-03-01", "ends_on": None},
    ]
    for day, team in [("2016-05-05", "old"), ("2019-05-05", "middle"), ("2021-05-05", "now")]:
        assert (await api.get(f"/v1/people/7?as_of={day}")).json()["team"] == team
    teams = [team["external_id"] for team in (await api.get("/v1/teams")).json()["items"]]
    assert teams == ["now"]
    again = await done(acme, content, form="csv", mapping="afas")
    assert counts(again) == (0, 0, 3 + between, 0)


async def test_contracts_whose_first_day_is_not_known(acme: Tenant, api: ContractClient) -> None:
    undated = [("Old", "", "31-12-2015"), ("Middle", "", "31-12-2017"), ("Now", "01-01-2018", "")]
    rows = (*contract_rows(*undated), *contract_rows(NOW, person="8"))
    found = await done(acme, (AFAS_HEAD + "".join(rows)).encode(), form="csv", mapping="afas")
    assert (found["status"], counts(found)) == ("finished", (2, 0, 2, 0))
    for day, team in [("2014-05-05", "middle"), ("2019-05-05", "now")]:
        assert (await api.get(f"/v1/people/7?as_of={day}")).json()["team"] == team


async def test_a_contract_that_follows_keeps_somebody_employed(acme: Tenant, api: ContractClient) -> None:
    """The present one ends, and the next begins the day after; or another runs beside it."""
    following = contract_rows(("Now", "01-01-2020", "31-12-2129"), ("Next", "01-01-2130", ""))
    beside = contract_rows(("Wide", "01-01-2019", ""), ("Short", "01-01-2020", "31-12-2129"), person="8")
    gap = contract_rows(("Now", "01-01-2020", "31-12-2129"), ("Next", "01-03-2130", ""), person="9")
    for rows in ((*following, *beside, *gap), (*gap[::-1], *beside[::-1], *following[::-1])):
        await done(acme, (AFAS_HEAD + "".join(rows)).encode(), form="csv", mapping="afas")
        people = {one["external_id"]: one for one in (await api.get("/v1/people")).json()["items"]}
        assert {key: (one["team"], one["ends_on"]) for key, one in people.items()} == {
            "7": ("now", None),
            "8": ("short", None),
            "9": ("now", "2129-12-31"),
        }
        assert people["8"]["employments"][0] == {"starts_on": "2019-01-01", "ends_on": "2019-12-31"}


async def test_somebody_who_left_has_their_latest_contract(acme: Tenant, api: ContractClient) -> None:
    rows = contract_rows(MIDDLE, OLD)
    await done(acme, (AFAS_HEAD + "".join(rows)).encode(), form="csv", mapping="afas")
    person = (await api.get("/v1/people/7")).json()
    assert (person["team"], person["ends_on"]) == ("middle", "2020-02-28")


async def test_a_new_contract_in_the_file_of_the_next_night(acme: Tenant, api: ContractClient) -> None:
    await done(acme, (AFAS_HEAD + "".join(contract_rows(MIDDLE))).encode(), form="csv", mapping="afas")
    found = await done(
        acme, (AFAS_HEAD + "".join(contract_rows(NOW, MIDDLE))).encode(), form="csv", mapping="afas"
    )
    assert counts(found) == (0, 1, 1, 0)
    assert (await api.get("/v1/people/7")).json()["team"] == "now"
    for day, team in [("2020-02-28", "middle"), ("2020-03-01", "now")]:
        assert (await api.get(f"/v1/people/7?as_of={day}")).json()["team"] == team


async def test_an_employment_of_several_contracts_is_one(acme: Tenant, api: ContractClient) -> None:
    head = AFAS_HEAD.replace("\n", ";Datum_in_dienst;Datum_uit_dienst\n")
    rows = [row.replace("\n", ";01-01-2015;\n") for row in contract_rows(NOW, OLD, MIDDLE)]
    await done(acme, (head + "".join(rows)).encode(), form="csv", mapping="afas")
    person = (await api.get("/v1/people/7")).json()
    assert (person["team"], person["employments"]) == ("now", [{"starts_on": "2015-01-01", "ends_on": None}])
    assert (await api.get("/v1/people/7?as_of=2016-05-05")).json()["team"] == "old"


async def test_rows_of_one_person_that_cannot_be_told_apart(acme: Tenant, api: ContractClient) -> None:
    same, other = contract_rows(NOW), contract_rows(("Other", *NOW[1:]))
    unclear = contract_rows(NOW, ("Old", "soon", ""), person="8")
    for rows in ([*same, *other, *same, *unclear], [*unclear[::-1], *same, *same, *other]):
        found = await done(acme, (AFAS_HEAD + "".join(rows)).encode(), form="csv", mapping="afas")
        assert found["summary"]["failed"] == 4
        report = [
            (line["code"], line["external_id"]) for line in await report_of(acme, found) if line["line"]
        ]
        assert sorted(report) == [
            ("depends_on_failed_row", "8"),
            ("duplicate_in_batch", "7"),
            ("duplicate_in_batch", "7"),
            ("invalid_value", "8"),
        ]
        people = (await api.get("/v1/people")).json()["items"]
        assert [(one["external_id"], one["team"]) for one in people] == [("7", "other")]
    found = await done(acme, (AFAS_HEAD + "".join([*same, *same])).encode(), form="csv", mapping="afas")
    assert counts(found) == (0, 1, 1, 0)


async def test_a_failed_row_leaves_no_team(acme: Tenant, api: ContractClient) -> None:
    rows = [
        "E-1;Noor;Care;E-2",
        "E-2;;Ghosts;",
        "E-3;Sam;Selves;E-3",
        "E-4;Lea;Care;",
        "E-4;Lea;Doubles;",
        "E-5;;Care;",
    ]
    mapping = {
        "columns": {"external_id": "id", "name": "name", "team": "team", "manager": "boss"},
        "create_teams": True,
    }
    content = "id;name;team;boss\n" + "\n".join(rows)
    found = await done(acme, content.encode(), form="csv", mapping=json.dumps(mapping))
    assert counts(found) == (2, 0, 0, 4)
    assert [line["code"] for line in await report_of(acme, found)] == [
        "missing_field",
        "own_manager",
        "duplicate_in_batch",
        "missing_field",
    ]
    teams = [team["external_id"] for team in (await api.get("/v1/teams")).json()["items"]]
    assert teams == ["care"]


async def test_a_team_is_known_by_its_name(acme: Tenant, api: ContractClient) -> None:
    await api.put("/v1/teams/T-1", json={"name": "Customer Success"})
    found = await done(acme, HRIS["bamboohr"].encode(), form="csv", mapping="bamboohr")
    assert counts(found) == (1, 0, 0, 0)
    assert (await api.get("/v1/people/7")).json()["team"] == "T-1"


# ------------------------------------------------------------------ whose manager somebody is


async def managers(api: ContractClient) -> dict[str, str | None]:
    people = (await api.get("/v1/people")).json()["items"]
    return {one["external_id"]: one["manager"] for one in people}


async def test_bamboohr_names_a_manager_by_its_own_number(acme: Tenant, api: ContractClient) -> None:
    """As its reports have it: EEID and Employee # are two numbers, and Supervisor EID is one of the first."""
    rows = [
        "EEID,Employee #,First Name,Last Name,Work Email,Department,Supervisor EID",
        "9,4,Jen,Caldwell,j@example.com,Board,",
        "4,100,Charlotte,Abbott,c@example.com,Sales,9",
        "5,9,Ashley,Adams,a@example.com,Sales,4",
        "6,101,Sam,Vos,s@example.com,Sales,77",
    ]
    found = await done(acme, "\n".join(rows).encode(), form="csv", mapping="bamboohr")
    assert counts(found) == (4, 0, 0, 0)
    assert await managers(api) == {"4": None, "100": "4", "9": "100", "101": None}
    told = [line for line in await report_of(acme, found) if line["code"] == "unknown_manager"]
    assert [(line["line"], line["column"]) for line in told] == [(5, "Supervisor EID")]


@pytest.mark.parametrize(
    ("mapping", "head", "rows"),
    [
        (
            "bamboohr",
            "Employee #,First Name,Last Name,Reporting to",
            "1,Jo,Bos,\n2,Noor,de Wit,jo  BOS\n3,A,B,A C",
        ),
        (
            "bamboohr",
            "Employee #,First Name,Last Name,Reporting to",
            '1,Jo,van den Bos,\n2,Noor,de Wit,"Van den Bos, Jo"\n3,A,B,"C, A"',
        ),
        (
            "bamboohr",
            "Employee #,First Name,Last Name,Work Email,Manager's email",
            "1,Jo,Bos,jo@example.com,\n2,Noor,de Wit,n@example.com,JO@example.com\n3,A,B,,x@example.com",
        ),
        ("personio", "ID,Vorname,Nachname,Vorgesetzter", "1,Jo,Bos,\n2,Noor,de Wit,Jo Bos\n3,A,B,A C"),
        ("personio", "ID,Voornaam,Achternaam,Leidinggevende", "1,Jo,Bos,\n2,Noor,de Wit,Jo Bos\n3,A,B,A C"),
    ],
)
async def test_a_manager_is_found_by_what_the_file_calls_them(
    mapping: str, head: str, rows: str, acme: Tenant, api: ContractClient
) -> None:
    found = await done(acme, f"{head}\n{rows}\n".encode(), form="csv", mapping=mapping)
    assert counts(found) == (3, 0, 0, 0)
    assert await managers(api) == {"1": None, "2": "1", "3": None}
    told = [line["line"] for line in await report_of(acme, found) if line["code"] == "unknown_manager"]
    assert told == [4]


async def test_of_two_of_one_name_neither_is_the_manager(acme: Tenant, api: ContractClient) -> None:
    rows = "ID,Vorname,Nachname,Vorgesetzter\n1,Jo,Bos,\n2,Jo,Bos,\n3,Noor,de Wit,Jo Bos\n"
    found = await done(acme, rows.encode(), form="csv", mapping="personio")
    assert await managers(api) == {"1": None, "2": None, "3": None}
    assert "unknown_manager" in [line["code"] for line in await report_of(acme, found)]
