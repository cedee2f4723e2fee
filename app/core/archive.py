"""The file of a backup: a zip with a member of COPY lines for each table, and last what is in them.

No `pg_dump` is needed for it, which the image does not have, and no version of PostgreSQL is too old or new.
A file that was cut off has no manifest; what was altered on the way fails the checksum of its member.
"""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter, ValidationError

FORMAT = 1
MANIFEST = "manifest.json"
FAST = 1
"""Level of compression: rows of numbers and codes hardly shrink by more."""


class BackupRefused(RuntimeError):
    """Nothing was written, or nothing of it stays; the message is one line and says what to do."""


@dataclass(frozen=True)
class Contents:
    """Of a table: which columns its lines have, and how many there are."""

    columns: list[str]
    rows: int


@dataclass(frozen=True)
class Manifest:
    version: str
    """Of the program that wrote it."""
    revision: str
    """Of the schema."""
    taken_at: str
    server_version: int
    secret_marks: list[str]
    """Of the secrets that seal its keys: as each seal begins."""
    tables: dict[str, Contents] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


AS_WRITTEN = TypeAdapter(Manifest)
DAMAGE = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError)
Sink = Callable[[bytes], Awaitable[None]]


class Writer:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def table(self, name: str) -> Iterator[Sink]:
        with self._archive.open(_member(name), "w", force_zip64=True) as lines:

            async def write(piece: bytes) -> None:
                lines.write(piece)

            yield write

    def finish(self, manifest: Manifest) -> None:
        self._archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))


@contextmanager
def new_archive(file: Path) -> Iterator[Writer]:
    """Comes to its place when it is whole; for its owner alone. Never over another."""
    if file.exists():
        raise BackupRefused(f"{file} is there already: give another name")
    descriptor, unfinished = tempfile.mkstemp(".unfinished", f"{file.name}.", file.parent)
    try:
        with open(descriptor, "wb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=FAST) as archive:
                yield Writer(archive)
            out.flush()
            os.fsync(out.fileno())
        os.link(unfinished, file)
    except FileExistsError:
        raise BackupRefused(f"{file} is there already: give another name") from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)


class Reader:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.manifest = _read(archive.read(MANIFEST))

    @contextmanager
    def table(self, name: str) -> Iterator[IO[bytes]]:
        with self._archive.open(_member(name)) as lines:
            yield lines


@contextmanager
def opened_archive(file: Path) -> Iterator[Reader]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield Reader(archive)
    except DAMAGE as error:
        raise BackupRefused(f"{file} is no whole backup of Betrokken ({error}): take another") from error


def _read(text: bytes) -> Manifest:
    try:
        manifest = AS_WRITTEN.validate_json(text, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "JSON"
        raise BackupRefused(
            f"The manifest of the backup is not as Betrokken writes it ({where}: {fault['msg']}): "
            "take another"
        ) from None
    if manifest.format != FORMAT:
        raise BackupRefused(
            f"The backup was written by Betrokken {manifest.version} in a form that this version does not"
            " read: restore it with that one"
        )
    return manifest


def _member(table: str) -> str:
    return f"tables/{table}.copy"
