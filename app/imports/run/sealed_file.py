"""A stored file, read a piece at a time. What stays in memory is a window of it."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from app.core.batches import external_id_of
from app.core.database import TenantSession
from app.core.errors import AppError
from app.core.secrets import Keyring
from app.core.strict_json import parse_json
from app.imports import queries, schemas
from app.imports.errors import RowRefused
from app.imports.files import rules
from app.imports.files.columns import rules as columns
from app.imports.files.columns.rules import Layout
from app.imports.files.rules import LONGEST_ROW, FileRefused, FileRow, Rows
from app.imports.files.values.rules import Decimal, Flaw, Kind, Notation, bare
from app.tables import Import

SEAL = "import-file"
CHUNK = 2**19
"""Bytes of a file in one chunk. Files that wait were cut by it: to change it is to read them wrongly."""
CHUNKS_IN_A_WINDOW = LONGEST_ROW // CHUNK + 2


class FilePosition(NamedTuple):
    """Where in a file a row begins."""

    position: int
    line: int


class Item(NamedTuple):
    """What a row holds, or why it cannot be read."""

    line: int
    value: Any | AppError


@dataclass(frozen=True)
class Piece:
    items: Sequence[Item]
    start: FilePosition
    end: FilePosition


class File:
    """The chunks of a file, compressed and sealed: without the secret of the installation nobody reads them.

    It may say who answered what, or who thanked whom, and database logs and backups keep what was deleted.
    """

    def __init__(self, keyring: Keyring, organization_id: UUID, import_id: UUID) -> None:
        self.keyring = keyring
        self.organization_id = organization_id
        self.import_id = import_id
        self.kept: dict[int, bytes] = {}

    async def add(self, session: TenantSession, ordinal: int, plain: bytes) -> None:
        sealed = self.keyring.seal(self.organization_id, SEAL, zlib.compress(plain, 1))
        await queries.add_chunk(session, self.import_id, ordinal, sealed)

    async def chunk(self, session: TenantSession, ordinal: int) -> bytes:
        found = await queries.chunks(session, self.import_id, [ordinal])
        return self.opened(found[ordinal])

    async def window(self, session: TenantSession, position: int) -> bytes:
        """The file from `position` on, beyond the longest row. What is in memory is not read again."""
        first = position // CHUNK
        wanted = range(first, first + CHUNKS_IN_A_WINDOW)
        missing = [ordinal for ordinal in wanted if ordinal not in self.kept]
        found = await queries.chunks(session, self.import_id, missing)
        known = self.kept | {ordinal: self.opened(data) for ordinal, data in found.items()}
        self.kept = {ordinal: known[ordinal] for ordinal in wanted if ordinal in known}
        return b"".join(self.kept.values())[position - first * CHUNK :]

    def opened(self, sealed: bytes) -> bytes:
        packed = self.keyring.unseal(self.organization_id, SEAL, sealed)
        if packed is None:
            raise FileRefused("unreadable_file", "The file was stored under another secret: send it again.")
        return zlib.decompress(packed)


@dataclass(frozen=True)
class Source:
    """A file and, where it is CSV, what its columns mean."""

    file: File
    size: int
    start: FilePosition
    layout: Layout | None

    async def read(self, session: TenantSession, place: FilePosition, limit: int) -> Piece:
        window = await self.file.window(session, place.position)
        is_last = place.position + len(window) >= self.size
        found = self.rows(window, is_last, place.line, limit)
        if not found.consumed and not is_last:
            end = await self.end_of_line(session, place.position)
            found = Rows([FileRow(place.line, rules.TOO_LONG)], end - place.position, 1)
        end_place = FilePosition(place.position + found.consumed, place.line + found.lines)
        read = ((row.line, self.value(row)) for row in found.rows)
        return Piece([Item(line, value) for line, value in read if value is not None], place, end_place)

    def rows(self, window: bytes, is_last: bool, line: int, limit: int) -> Rows:
        if self.layout is None or not self.layout.header.delimiter:
            return rules.json_rows(window, is_last, line, limit)
        return rules.csv_rows(window, is_last, self.layout.header.delimiter, line, limit)

    async def end_of_line(self, session: TenantSession, position: int) -> int:
        """Where the next line begins, however far that is."""
        while window := await self.file.window(session, position):
            if (found := window.find(b"\n")) >= 0:
                return position + found + 1
            position += len(window)
        return self.size

    def value(self, row: FileRow) -> Any | AppError:
        """None where there is nothing in it."""
        content: Any = row.content
        content = parsed(content) if isinstance(content, bytes) else content
        if self.layout is not None and isinstance(content, list):
            content = self.layout.item(content)
        return RowRefused(content) if isinstance(content, Flaw) else content


def parsed(line: bytes) -> Any | AppError:
    try:
        return parse_json(line)
    except AppError as error:
        return error


async def open_source(session: TenantSession, row: Import, keyring: Keyring) -> Source:
    """Raises FileRefused where the file is not one of its format."""
    file = File(keyring, row.organization_id, row.id)
    window = await file.window(session, 0)
    mark = rules.mark_size(window)
    place, layout = FilePosition(mark, 1), None
    if row.format != "ndjson":
        read = rules.read_header if row.format == "csv" else rules.read_names
        header = read(window[mark:], len(window) >= row.size, fit_of(row))
        place = FilePosition(mark + header.consumed, 1 + header.lines)
        layout = layout_or_columns(row, header)
    return Source(file, row.size, place, layout)


def fit_of(row: Import) -> rules.Fit:
    """How many names of columns a row has that the import looks for."""
    if row.mapping is None:
        members = schemas.members(row.kind)  # type: ignore[arg-type]
        return lambda cells: sum(columns.path_of(bare(cell))[0] in members for cell in cells)
    mapping = schemas.ColumnMapping.model_validate(row.mapping)
    known = {
        columns.plainly(name)
        for source in mapping.columns.values()
        for name in columns.names_in(source_of(source))
    } - {""}
    return lambda cells: sum(columns.plainly(bare(cell)) in known for cell in cells)


def layout_or_columns(row: Import, header: rules.Header) -> Layout:
    """Who has yet to say what the columns mean is told which there are."""
    try:
        return layout_of(row, header)
    except FileRefused as refused:
        refused.columns = list(filter(None, header.names))
        raise


def layout_of(row: Import, header: rules.Header) -> Layout:
    kind: Kind = row.kind  # type: ignore[assignment]
    decimal: Decimal | None = "." if row.format == "xlsx" else None
    if row.mapping is None:
        notation = Notation(decimal=decimal, this_year=row.created_at.year)
        return columns.plain_layout(kind, header, schemas.members(kind), notation)
    mapping = schemas.ColumnMapping.model_validate(row.mapping)
    notation = Notation(mapping.dates, mapping.decimal or decimal, row.created_at.year)
    sources = {target: source_of(source) for target, source in mapping.columns.items()}
    mapped = columns.Mapped(sources, notation, mapping.empty, schemas.required(kind))
    return columns.mapped_layout(kind, header, mapped)


def source_of(source: schemas.Source) -> columns.Source:
    if isinstance(source, schemas.Joined):
        return columns.Join([source_of(part) for part in source.join], source.between)
    if isinstance(source, schemas.Chosen):
        cases = {code: source_of(case) for code, case in source.of.items()}
        return columns.Choice(alternatives(source.by), cases, source_of(source.otherwise))
    return alternatives(source)


def alternatives(names: str | list[str]) -> columns.Alternatives:
    return columns.Alternatives([names] if isinstance(names, str) else names)


async def note_people(
    session: TenantSession, source: Source, limit: int, see: Callable[[str, Any], None] = lambda *_: None
) -> int:
    """Notes who is in the file in a table of this transaction; how many rows name nobody."""
    await queries.make_file_people(session)
    place, nameless = source.start, 0
    while place.position < source.size:
        piece = await source.read(session, place, limit)
        named = [(name, item.value) for item in piece.items if (name := external_id_of(item.value))]
        names = [name for name, _ in named]
        for name, value in named:
            see(name, value)
        await queries.add_file_people(session, names)
        place, nameless = piece.end, nameless + len(piece.items) - len(names)
    return nameless


def readable(items: Sequence[Item]) -> Iterator[Item]:
    return (item for item in items if not isinstance(item.value, AppError))
