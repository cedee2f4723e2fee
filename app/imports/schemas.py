from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.calendar.schemas import OccasionWrite
from app.core.schema import Flag, Identifier, Input, Instant, Schema
from app.imports.files.encodings.rules import Ends, Format
from app.imports.files.values.rules import Decimal, Kind, is_date_format
from app.kpis.schemas import KpiValueWrite
from app.people.persons.schemas import PersonItem
from app.people.teams.schemas import TeamItem
from app.recognition.schemas import RecognitionWrite
from app.surveys.responses.schemas import ResponseWrite

ReportFormat = Literal["ndjson", "csv"]
Missing = Literal["ignore", "report", "end"]
Status = Literal["queued", "running", "finished", "failed"]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
ColumnNames = Annotated[list[ColumnName], Field(min_length=1, max_length=20)]
Code = Annotated[str, Field(min_length=1, max_length=100)]


def _date_format(value: str) -> str:
    if not is_date_format(value):
        raise PydanticCustomError("invalid_value", "Write a format as %d-%m-%Y, each part once.")
    return value


DateFormat = Annotated[str, Field(max_length=40), AfterValidator(_date_format)]


class Joined(Input):
    """All of several, with something between them."""

    join: Annotated[list["Source"], Field(min_length=1, max_length=10)]
    between: Annotated[str, Field(max_length=10)] = " "


class Chosen(Input):
    """One of several, by what is in a column."""

    by: ColumnName | ColumnNames
    of: Annotated[dict[Code, "Source"], Field(min_length=1, max_length=20)]
    otherwise: "Source"


Source = ColumnName | ColumnNames | Joined | Chosen


class ColumnMapping(Input):
    """What the columns of a file mean; `source` says where their names are from."""

    source: str | None = None
    columns: Annotated[dict[str, Source], Field(min_length=1, max_length=300)]
    dates: Annotated[list[DateFormat], Field(max_length=5)] = []
    decimal: Decimal | None = None
    empty: Annotated[list[str], Field(max_length=20)] = []
    create_teams: Flag = False


def is_too_deep(source: Source, levels: int = 5) -> bool:
    """Whether sources are nested deeper than any name needs."""
    inner = (
        []
        if isinstance(source, str | list)
        else source.join
        if isinstance(source, Joined)
        else [*source.of.values(), source.otherwise]
    )
    return levels == 0 or any(is_too_deep(one, levels - 1) for one in inner)


class OccasionRow(OccasionWrite):
    """An occasion as a row has it: with whose it is."""

    person: Identifier
    key: Identifier


class Summary(Schema):
    rows: int
    created: int
    updated: int
    unchanged: int
    failed: int
    missing: int | None
    ended: int


class FileProblem(Schema):
    code: str
    detail: str
    line: int | None


class Reading(Schema):
    encoding: str
    line_ends: Ends | None
    delimiter: str | None
    sheet: str | None


class Import(Schema):
    id: UUID
    kind: Kind
    format: Format
    status: Status
    dry_run: bool
    missing: Missing
    survey_id: UUID | None
    mapping: dict[str, Any] | None
    reading: Reading | None
    unread_columns: list[str]
    unmatched_members: list[str]
    size: int
    processed: int
    summary: Summary
    problem: FileProblem | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


class ImportPage(Schema):
    items: list[Import]
    next_cursor: str | None
    as_of: Instant


class ReportLine(Schema):
    line: int | None
    external_id: str | None
    pointer: str | None
    column: str | None
    code: str
    detail: str


ROWS: dict[Kind, type[Input]] = {
    "people": PersonItem,
    "teams": TeamItem,
    "responses": ResponseWrite,
    "recognitions": RecognitionWrite,
    "occasions": OccasionRow,
    "kpi_values": KpiValueWrite,
}
"""What a row of each kind is."""


def members(kind: Kind) -> set[str]:
    return set(ROWS[kind].model_fields)


def required(kind: Kind) -> set[str]:
    """What every row has to have."""
    return {name for name, field in ROWS[kind].model_fields.items() if field.is_required()}
