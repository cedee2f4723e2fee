"""Everything that is in the database goes into a file, complete for the login that serves.

Row-level security is forced, so that login sees the rows of one organisation at a time: it reads each table
organisation by organisation, in one snapshot. A login that nothing binds reads each table in one go.
"""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.archive import BackupRefused, Contents, Manifest, Sink, Writer, new_archive
from app.core.database import Database, raw_connection
from app.core.migrations import SERVER_VERSION, MigrationRefused, applied_revision
from app.core.rotation import MARKS

LONGEST = 24 * 60 * 60
"""Seconds for a table."""

TABLES = text("""
SELECT c.relname AS name, row_security_active(c.oid) AS is_bound,
    has_table_privilege(c.oid, 'SELECT') AS is_readable,
    NOT row_security_active(c.oid) OR (
        SELECT coalesce(bool_and(p.qual LIKE '%app.organization_id%'), false) FROM pg_policies p
        WHERE p.schemaname = current_schema() AND p.tablename = c.relname
    ) AS is_by_organization,
    a.names AS columns, format('%I', c.relname) AS quoted,
    format('SELECT %s FROM %I%s', a.quoted, c.relname, coalesce(' ORDER BY ' || k.quoted, '')) AS reading,
    format('SELECT count(*) FROM %I', c.relname) AS counting,
    format('SELECT EXISTS (SELECT FROM %I)', c.relname) AS looking
FROM pg_class c,
LATERAL (
    SELECT array_agg(attname ORDER BY attnum)::text[] AS names,
        string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS quoted
    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
) a,
LATERAL (
    SELECT string_agg(quote_ident(b.attname), ', ' ORDER BY n.place) AS quoted
    FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS n(attnum, place), pg_attribute b
    WHERE i.indrelid = c.oid AND i.indisprimary AND b.attrelid = c.oid AND b.attnum = n.attnum
) k
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> 'alembic_version'
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY c.relname
""")
"""In the order of their keys, which are random where rows name nobody: a backup keeps no order of arrival."""
ORGANIZATIONS = text("""
SELECT id FROM organizations ORDER BY id
""")
ENTER = text("""
SELECT set_config('app.organization_id', :organization_id, true)
""")
SEQUENCES = text("""
SELECT sequencename AS name, last_value FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL
""")
UNHURRIED = text("""SET LOCAL statement_timeout = 0""")
LOGIN = text("""SELECT quote_ident(current_user)""")


async def back_up(database: Database, file: Path) -> Manifest:
    patient = database.for_long_statements(LONGEST)
    try:
        tables = await _tables_to_read(patient)
        with new_archive(file) as archive:
            one_snapshot = patient.engine.execution_options(isolation_level="REPEATABLE READ")
            async with AsyncSession(one_snapshot) as session, session.begin():
                return await _write(session, tables, archive)
    finally:
        await patient.close()


async def _tables_to_read(database: Database) -> list[dict[str, Any]]:
    """Refuses what would make the backup incomplete."""
    async with database.system_session(reason="which tables there are") as session:
        if await applied_revision(session) is None:
            raise MigrationRefused(
                "The database holds no tables of Betrokken: is DATABASE_URL the right one?"
            )
        tables = await tables_of(session)
        await _require_readable(session, tables)
        return tables


async def tables_of(session: AsyncSession) -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(TABLES)).mappings()]


async def _require_readable(session: AsyncSession, tables: list[dict[str, Any]]) -> None:
    login = await session.scalar(LOGIN)
    missing = [f"GRANT SELECT ON {t['quoted']} TO {login};" for t in tables if not t["is_readable"]]
    if any(not t["is_by_organization"] for t in tables):
        missing.append(f"ALTER ROLE {login} BYPASSRLS;")
    if missing:
        raise BackupRefused(
            f"The login {login} does not see all rows, so the backup would be incomplete; "
            f"an administrator runs: {' '.join(missing)}"
        )


async def _write(session: AsyncSession, tables: list[dict[str, Any]], archive: Writer) -> Manifest:
    """The tables are locked first, so that the snapshot is of all of them as they were read."""
    await session.execute(UNHURRIED)
    names = ", ".join(table["quoted"] for table in tables)
    await (await raw_connection(session)).execute(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
    if await tables_of(session) != tables:
        raise BackupRefused("The database was migrated meanwhile: repeat this.")
    organizations = list(await session.scalars(ORGANIZATIONS))
    written = {table["name"]: await _write_table(session, table, organizations, archive) for table in tables}
    manifest = await _manifest(session, written)
    archive.finish(manifest)
    return manifest


async def _write_table(
    session: AsyncSession, table: dict[str, Any], organizations: list[UUID], archive: Writer
) -> Contents:
    connection = await raw_connection(session)
    rows = counted = 0
    with archive.table(table["name"]) as sink:
        for organization_id in organizations if table["is_bound"] else [None]:
            if organization_id is not None:
                await session.execute(ENTER, {"organization_id": str(organization_id)})
            rows += await _copy(connection, table, sink)
            counted += await connection.fetchval(table["counting"])
    if rows != counted:
        raise BackupRefused(
            f"Of {table['name']} {rows} rows were written, and it has {counted}: repeat this."
        )
    return Contents(table["columns"], rows)


async def _copy(connection: asyncpg.Connection, table: dict[str, Any], sink: Sink) -> int:
    said: str = await connection.copy_from_query(table["reading"], output=sink)
    return int(said.rsplit(maxsplit=1)[-1])


async def _manifest(session: AsyncSession, written: dict[str, Contents]) -> Manifest:
    sequences = (await session.execute(SEQUENCES)).all()
    revision = await applied_revision(session)
    return Manifest(
        version=version("betrokken"),
        revision=str(revision),
        taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
        server_version=await session.scalar(SERVER_VERSION),
        secret_marks=[bytes(mark).hex() for mark in await session.scalars(MARKS)],
        tables=written,
        sequences={name: last for name, last in sequences},
    )
