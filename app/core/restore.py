"""A backup comes into an empty database: its schema, then all its rows at once, then this version's schema.

For the owner of the tables alone: in that transaction they are not under row-level security, have no foreign
keys and no triggers, and get them again before it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import migrations
from app.core.archive import BackupRefused, Manifest, Reader, opened_archive
from app.core.backup import LONGEST, tables_of
from app.core.bonds import FORCED, FOREIGN_KEYS, TRIGGERS, bonds_of, put_back, run, take_off
from app.core.database import Database, raw_connection
from app.core.errors import sqlstate_of
from app.core.migrations import applied_revision
from app.core.secrets import is_secret_given

RELATIONS = text("""
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY c.relname
""")
SET_SEQUENCE = text("""
SELECT setval(format('%I', CAST(:name AS text))::regclass, :last)
""")
MOST_SHOWN = 3
OF_THE_FILE = ("22", "23", "427", "42P")
"""Values, keys, columns and tables that are not as the schema has them (classes of SQLSTATE)."""


async def restore(database: Database, file: Path) -> Manifest:
    with opened_archive(file) as archive:
        manifest = archive.manifest
        _require_known(manifest)
        _require_secret(database, manifest)
        await _require_empty(database, manifest)
        await migrations.migrate(database, manifest.revision)
        patient = database.for_long_statements(LONGEST)
        try:
            with _refused_in_a_line():
                await _load(patient, archive)
        finally:
            await patient.close()
    await migrations.migrate(database)
    return manifest


def _require_known(manifest: Manifest) -> None:
    if manifest.revision not in migrations.revisions():
        raise BackupRefused(
            f"The backup was written by Betrokken {manifest.version}, which is newer than this one: "
            "restore it with that version"
        )


def _require_secret(database: Database, manifest: Manifest) -> None:
    """Where one is given: what nobody can open is better known before than after."""
    if is_secret_given(database.settings) and not opens(database, manifest):
        raise BackupRefused(
            "The keys in the backup are sealed with another secret than the one given: set "
            "BETROKKEN_PSEUDONYM_SECRET, or the file pseudonym-secret of the data folder, to that of its day"
        )


def opens(database: Database, manifest: Manifest) -> bool:
    return set(manifest.secret_marks) <= {mark.hex() for mark in database.keyring.marks}


async def _require_empty(database: Database, manifest: Manifest) -> None:
    """One that was migrated to the schema of the backup, and nothing more, is empty too."""
    async with database.system_session(reason="is the database empty") as session:
        found = list(await session.scalars(RELATIONS))
        if found and await applied_revision(session) == manifest.revision:
            found = await _tables_with_rows(session)
    if found:
        named = ", ".join(found[:MOST_SHOWN]) + (", ..." if len(found) > MOST_SHOWN else "")
        raise BackupRefused(f"The database is not empty ({named}): create another for the backup")


async def _tables_with_rows(session: AsyncSession) -> list[str]:
    """Of those that are under no row-level security; the others hang on `organizations`."""
    connection = await raw_connection(session)
    return [
        table["name"]
        for table in await tables_of(session)
        if not table["is_bound"] and await connection.fetchval(table["looking"])
    ]


@contextmanager
def _refused_in_a_line() -> Iterator[None]:
    """What PostgreSQL says of a row may hold its values."""
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        code = sqlstate_of(error)
        if not code.startswith(OF_THE_FILE):
            raise
        raise BackupRefused(
            f"PostgreSQL refuses what the backup holds (SQLSTATE {code}): nothing was restored; take another"
        ) from None


async def _load(database: Database, archive: Reader) -> None:
    async with database.system_session(reason="restore") as session:
        connection = await session.connection()
        kinds = (FORCED, FOREIGN_KEYS, TRIGGERS)
        bonds = [bond for kind in kinds for bond in await bonds_of(connection, kind)]
        await take_off(connection, bonds)
        await _load_tables(session, archive)
        await put_back(connection, bonds)
        for name, last in archive.manifest.sequences.items():
            await session.execute(SET_SEQUENCE, {"name": name, "last": last})
        await run(connection, "ANALYZE")


async def _load_tables(session: AsyncSession, archive: Reader) -> None:
    there = {table["name"]: table for table in await tables_of(session)}
    _require_same(set(archive.manifest.tables), set(there))
    connection = await raw_connection(session)
    for name, contents in archive.manifest.tables.items():
        with archive.table(name) as lines:
            await connection.copy_to_table(name, source=lines, columns=contents.columns)
        found = await connection.fetchval(there[name]["counting"])
        if found != contents.rows:
            raise BackupRefused(
                f"{name} has {found} rows, and the backup {contents.rows}: nothing was restored; take another"
            )


def _require_same(held: set[str], made: set[str]) -> None:
    if unknown := sorted(held - made):
        raise BackupRefused(f"The backup holds tables that no Betrokken makes: {', '.join(unknown)}")
    if missing := sorted(made - held):
        raise BackupRefused(f"The backup has nothing of {', '.join(missing)}: it is not whole; take another")
