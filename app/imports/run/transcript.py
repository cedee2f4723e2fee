"""A file as it is read: UTF-8 in lines, whatever it was sent as. Written once, in its place."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

from app.core.database import TenantSession
from app.core.secrets import Keyring
from app.imports import queries
from app.imports.files.encodings import rules
from app.imports.files.encodings.rules import UTF_8, Letters, Transcriber
from app.imports.files.workbook import MOST_BYTES, Workbook, too_large
from app.imports.run.sealed_file import CHUNK, File, fit_of
from app.tables import Import

ROWS_AT_ONCE = 500
POINT = "."
NAMES = {"cp1252": "windows-1252", "mac-roman": "macintosh"}
ReadSoFar = dict[str, Any]


async def write(session: TenantSession, row: Import, keyring: Keyring) -> None:
    """Raises FileRefused where the file is none that can be read."""
    file = File(keyring, row.organization_id, row.id)
    rules.refuse_other_files(await file.chunk(session, 0), row.format)  # type: ignore[arg-type]
    own = from_workbook if row.format == "xlsx" else from_text
    reading, size = await own(session, file, row)
    await queries.change(session, row.id, {"reading": reading, "size": size})


async def from_text(session: TenantSession, file: File, row: Import) -> tuple[ReadSoFar, int]:
    letters = Letters()
    async for chunk in chunks_of(session, file, row.size):
        letters.see(chunk)
    encoding = letters.encoding((row.reading or {}).get("charset"))
    head = Transcriber(encoding, "lf").add(letters.head[: len(letters.head) // 4 * 4], False)
    ends = rules.line_ends(head)
    reading = {"encoding": NAMES.get(encoding, encoding), "line_ends": ends}
    if encoding == UTF_8 and ends != "cr":
        return reading, row.size
    pen, transcriber, seen = Pen(session, file), Transcriber(encoding, ends), 0
    async for chunk in chunks_of(session, file, row.size):
        seen += len(chunk)
        await pen.add(transcriber.add(chunk, seen == row.size))
    return reading, await pen.close()


async def from_workbook(session: TenantSession, file: File, row: Import) -> tuple[ReadSoFar, int]:
    """A line a row, so that the number of a line is that of its row."""
    if row.size > MOST_BYTES:
        raise too_large(f"A workbook has at most {MOST_BYTES} bytes")
    content = b"".join([chunk async for chunk in chunks_of(session, file, row.size)])
    decimal = (row.mapping or {}).get("decimal") or POINT
    book = await asyncio.to_thread(Workbook, content, decimal, fit_of(row))
    rows, pen = book.rows(), Pen(session, file)
    while lines := await asyncio.to_thread(lambda: [line_of(cells) for cells in islice(rows, ROWS_AT_ONCE)]):
        await pen.add(b"".join(lines))
    reading = {"encoding": UTF_8, "line_ends": None, "sheet": book.name, "unread_sheets": book.others}
    return reading, await pen.close()


def line_of(cells: list[str]) -> bytes:
    return (json.dumps(cells, ensure_ascii=False) if any(cells) else "").encode() + b"\n"


async def chunks_of(session: TenantSession, file: File, size: int) -> AsyncIterator[bytes]:
    for ordinal in range(-(-size // CHUNK)):
        yield await file.chunk(session, ordinal)


class Pen:
    """Writes a file anew behind the one that is read, and then takes its place."""

    def __init__(self, session: TenantSession, file: File) -> None:
        self.session = session
        self.file = file
        self.buffer = bytearray()
        self.written = 0

    async def add(self, text: bytes) -> None:
        self.buffer += text
        while len(self.buffer) >= CHUNK:
            await self.put(bytes(self.buffer[:CHUNK]))
            del self.buffer[:CHUNK]

    async def put(self, chunk: bytes) -> None:
        ordinal = queries.BEHIND + self.written // CHUNK
        await self.file.add(self.session, ordinal, chunk)
        self.written += len(chunk)

    async def close(self) -> int:
        """The bytes of the file that is there now."""
        if self.buffer:
            await self.put(bytes(self.buffer))
        await queries.replace_chunks(self.session, self.file.import_id)
        return self.written
