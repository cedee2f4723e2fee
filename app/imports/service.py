"""Taking a file in: what it is to become is checked, its bytes are stored, and a job is asked to read it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError

from app.auth.principal import Scope
from app.core.bodies import CutOff
from app.core.database import Database, TenantSession
from app.core.errors import AppError, NotFound, UnsupportedMediaType, validated
from app.core.jobs import enqueue
from app.core.secrets import Keyring
from app.core.spreadsheets import csv_line
from app.imports import queries, schemas
from app.imports.errors import BadMapping, EmptyFile, NotForThisImport, SurveyRequired, UnknownMapping
from app.imports.files import rules
from app.imports.files.columns.rules import BESIDE, path_of
from app.imports.files.encodings import rules as encodings
from app.imports.files.forms import rules as forms
from app.imports.files.rules import FileRefused
from app.imports.files.shipped_mappings import mappings
from app.imports.files.values.rules import Kind
from app.imports.run.sealed_file import CHUNK, File
from app.surveys import service as surveys
from app.surveys.responses.errors import InvitationRequired
from app.tables import Import, ImportReportLine

RUN_JOB = "run_import"
QUEUED, RUNNING, FINISHED, FAILED = "queued", "running", "finished", "failed"
REPORT_PAGE = 1000
HEAD = 1000
REPORT_COLUMNS = list(schemas.ReportLine.model_fields)
SCOPES: dict[Kind, Scope] = {
    "people": Scope.PEOPLE_WRITE,
    "teams": Scope.PEOPLE_WRITE,
    "responses": Scope.RESPONSES_WRITE,
    "recognitions": Scope.RECOGNITIONS_WRITE,
    "occasions": Scope.PEOPLE_DATES,
    "kpi_values": Scope.KPIS_WRITE,
}
REPORTS: dict[str, schemas.ReportFormat] = {"application/x-ndjson": "ndjson", "text/csv": "csv"}
FORM, OF_ANY_KIND = "multipart/form-data", "application/octet-stream"
FORMATS: dict[str, encodings.Format | None] = {
    "application/octet-stream": None,
    "application/x-ndjson": "ndjson",
    "text/csv": "csv",
    "text/plain": None,
    "text/tab-separated-values": "csv",
    "application/vnd.ms-excel": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""What a file may be called. Browsers on Windows call CSV by the name of Excel's old format."""
UNKNOWN: Any = object()
ALIASES = {
    "": OF_ANY_KIND,
    "binary/octet-stream": OF_ANY_KIND,
    "application/binary": OF_ANY_KIND,
    **dict.fromkeys(
        ("application/csv", "text/x-csv", "application/x-csv", "text/comma-separated-values"), "text/csv"
    ),
    **dict.fromkeys(("text/tsv", "text/x-tsv"), "text/tab-separated-values"),
    **dict.fromkeys(
        ("application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines"),
        "application/x-ndjson",
    ),
}
"""Other names that programs have for them, which nobody need know."""
COUNTS = ("rows", "created", "updated", "unchanged", "failed", "ended")


@dataclass(frozen=True)
class Wanted:
    """What a file is to become."""

    kind: Kind
    dry_run: bool
    missing: schemas.Missing
    survey_id: UUID | None
    mapping: str | None


@dataclass(frozen=True)
class Expected:
    """How the file is to be read: its format, and what its columns mean where that was said."""

    format: encodings.Format | None
    mapping: dict[str, Any] | None
    charset: str | None


@dataclass(frozen=True)
class Upload:
    """A file that is stored, and not accepted yet."""

    id: UUID
    size: int
    digest: bytes
    head: bytes


def represent(row: Import) -> schemas.Import:
    summary = {name: getattr(row, name) for name in COUNTS} | {"missing": row.not_in_file}
    found = row.reading or {}
    reading = {name: found.get(name) for name in schemas.Reading.model_fields}
    derived = {
        "processed": row.position,
        "summary": summary,
        "reading": reading if "encoding" in found else None,
        "unread_columns": found.get("unread_columns", []),
        "unmatched_members": found.get("unmatched_members", []),
    }
    return schemas.Import.model_validate(row.model_dump() | derived)


def format_of(content_type: str) -> tuple[encodings.Format | None, str | None]:
    """The format, where its name says it, and the charset, where that says more than UTF-8 does."""
    kind, _, parameters = content_type.lower().partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
    name, said = kind.strip(), encodings.charset_named(charset)
    form = FORMATS.get(ALIASES.get(name, name), UNKNOWN)
    if form == UNKNOWN or said is None:
        raise UnsupportedMediaType(
            "Send the file as JSON lines, CSV or XLSX, in UTF-8 or with its charset.",
            headers={"Accept-Post": ", ".join([*FORMATS, FORM])},
        )
    return form, None if said == encodings.UTF_8 else said


async def file_sent(content_type: str, pieces: AsyncIterator[bytes]) -> forms.FormFile:
    """The body, or the file in the form that it is."""
    if content_type.partition(";")[0].strip().lower() != FORM:
        return forms.FormFile(content_type, pieces)
    try:
        found = await forms.file_in(content_type, pieces)
    except FileRefused as error:
        raise UnsupportedMediaType(error.detail) from error
    kind = found.content_type or OF_ANY_KIND
    return forms.FormFile(kind, whole(found.pieces))


async def whole(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in pieces:
            yield piece
    except forms.CutShort as error:
        raise CutOff from error


async def check(session: TenantSession, wanted: Wanted, content_type: str, now: datetime) -> Expected:
    """Refuses before the file is read what would fail anyway."""
    form, charset = format_of(content_type)
    if wanted.missing != "ignore" and wanted.kind != "people":
        raise NotForThisImport.parameter(
            "missing", "Only an import of people can be a full list: leave missing out."
        )
    check_mapping(wanted.mapping, form)
    if wanted.kind == "responses":
        await check_survey(session, wanted.survey_id, now)
    elif wanted.survey_id is not None:
        raise NotForThisImport.parameter(
            "survey_id", "Only responses belong to a survey: leave survey_id out."
        )
    mapping = None if wanted.mapping is None else mapping_of(wanted.kind, wanted.mapping).model_dump()
    return Expected(form, mapping, charset)


def check_mapping(mapping: object, form: encodings.Format | None) -> None:
    if mapping is not None and form == "ndjson":
        raise NotForThisImport.parameter(
            "mapping", "Only the columns of CSV or XLSX can be mapped: leave mapping out."
        )


async def check_survey(session: TenantSession, survey_id: UUID | None, now: datetime) -> None:
    if survey_id is None:
        raise SurveyRequired.parameter("survey_id")
    survey = await surveys.found_open(session, survey_id, now)
    if survey.mode == "anonymous" and survey.access == "invited":
        raise InvitationRequired


def mapping_of(kind: Kind, given: str) -> schemas.ColumnMapping:
    """A mapping by the name of a shipped one, or as a JSON object."""
    if not given.lstrip().startswith("{"):
        if given not in mappings() or kind != "people":
            known = ", ".join(mappings())
            raise UnknownMapping.parameter(
                "mapping", f"Mappings of people are {known}; or send a JSON object."
            )
        return validated(schemas.ColumnMapping, mappings()[given])
    try:
        mapping = schemas.ColumnMapping.model_validate(json.loads(given))
        too_deep = any(map(schemas.is_too_deep, mapping.columns.values()))
    except (ValueError, ValidationError, RecursionError) as error:
        raise BadMapping.parameter(
            "mapping", "This is not a mapping: see the example in the API documentation."
        ) from error
    if too_deep:
        raise BadMapping.parameter("mapping", "join and by are nested too deep: five levels are enough.")
    known_members = schemas.members(kind) | (BESIDE if kind == "people" else set())
    stranger = next((one for one in mapping.columns if path_of(one)[0] not in known_members), None)
    if stranger is not None:
        raise BadMapping.parameter(
            "mapping", f"Rows of {kind} have no field {stranger}: correct or remove it in the mapping."
        )
    if mapping.create_teams and kind != "people":
        raise BadMapping.parameter(
            "mapping", "Only an import of people can create teams: leave create_teams out of the mapping."
        )
    return mapping


async def receive(
    database: Database,
    organization_id: UUID,
    wanted: Wanted,
    expected: Expected,
    keyring: Keyring,
    pieces: AsyncIterator[bytes],
) -> Upload:
    """Stores the file as it comes in. No transaction waits for the sender: each chunk has its own."""
    import_id, size, digest, head = uuid4(), 0, sha256(), b""
    file = File(keyring, organization_id, import_id)
    async with database.tenant_session(organization_id) as session:
        own = {"format": expected.format or "csv", "mapping": expected.mapping}
        reading = {"charset": expected.charset} if expected.charset else None
        values = asdict(wanted) | own | {"status": queries.RECEIVING, "reading": reading}
        await queries.add_import(session, {"organization_id": organization_id, "id": import_id, **values})
    try:
        async for chunk in in_chunks(pieces):
            digest.update(chunk)
            head = head or chunk[:HEAD]
            async with database.tenant_session(organization_id) as session:
                await file.add(session, size // CHUNK, chunk)
            size += len(chunk)
    except AppError:
        await discard(database, organization_id, import_id)
        raise
    return Upload(import_id, size, digest.digest(), head)


async def in_chunks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, cut anew."""
    buffer = bytearray()
    async for piece in pieces:
        buffer += piece
        while len(buffer) >= CHUNK:
            yield bytes(buffer[:CHUNK])
            del buffer[:CHUNK]
    if buffer:
        yield bytes(buffer)


async def accept(session: TenantSession, upload: Upload, expected: Expected) -> schemas.Import:
    """From here on the file is read, whatever happens to this process."""
    if upload.size == 0:
        raise EmptyFile
    form = encodings.format_of(upload.head, expected.format)
    check_mapping(expected.mapping, form)
    values = {"status": QUEUED, "size": upload.size, "format": form}
    await queries.change(session, upload.id, values)
    await enqueue(session, RUN_JOB, session.organization_id, upload.id)
    return await read_import(session, upload.id)


@asynccontextmanager
async def accepting(
    database: Database, organization_id: UUID, upload: Upload
) -> AsyncIterator[TenantSession]:
    """The transaction that accepts a file; one that is refused in it does not stay."""
    try:
        async with database.tenant_session(organization_id) as session:
            yield session
    except AppError:
        await discard(database, organization_id, upload.id)
        raise


async def discard(database: Database, organization_id: UUID, import_id: UUID) -> None:
    """For a file that is not accepted; what a crash leaves of one is forgotten after a day."""
    async with database.tenant_session(organization_id) as session:
        await queries.delete(session, import_id)


async def read_import(session: TenantSession, import_id: UUID) -> schemas.Import:
    return represent(await found(session, import_id))


def no_import(import_id: UUID) -> NotFound:
    return NotFound(f"There is no import {import_id}: check the id, or send the file again.")


async def found(session: TenantSession, import_id: UUID) -> Import:
    row = await queries.find(session, import_id)
    if row is None:
        raise no_import(import_id)
    return row


# ---------------------------------------------------------------------------------------------- report


def represent_line(row: ImportReportLine) -> schemas.ReportLine:
    return schemas.ReportLine.model_validate(row.model_dump() | {"column": row.column_name})


async def report(
    database: Database, organization_id: UUID, import_id: UUID, form: schemas.ReportFormat
) -> AsyncIterator[bytes]:
    """The report as it is now, a page at a time."""
    if form == "csv":
        yield csv_line(REPORT_COLUMNS)
    after = -1
    while True:
        async with database.tenant_session(organization_id) as session:
            rows = await queries.report_lines_after(session, import_id, after, REPORT_PAGE)
        if not rows:
            return
        lines = [represent_line(row) for row in rows]
        yield b"".join(map(as_csv if form == "csv" else as_json, lines))
        after = rows[-1].ordinal


def as_json(line: schemas.ReportLine) -> bytes:
    return line.model_dump_json().encode() + b"\n"


def as_csv(line: schemas.ReportLine) -> bytes:
    return csv_line(["" if value is None else value for value in line.model_dump().values()])


def failure(error: AppError | rules.FileRefused, line: int | None) -> Mapping[str, Any]:
    return {"code": error.code, "detail": error.detail, "line": line}
