import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_, update

from app.core.database import TenantSession
from app.tables import Import, ImportReportLine

RECEIVING = "receiving"
KEPT_DAYS = 30

INSERT_CHUNK = text("""
INSERT INTO import_chunks (organization_id, import_id, ordinal, data)
VALUES (:organization_id, :import_id, :ordinal, :data)
""")
CHUNKS = text("""
SELECT ordinal, data FROM import_chunks
WHERE organization_id = :organization_id AND import_id = :import_id
  AND ordinal = ANY(CAST(:ordinals AS int[]))
""")
CHUNKS_TO_RESEAL = text("""
SELECT import_id, ordinal, data AS sealed FROM import_chunks
WHERE organization_id = :organization_id AND substr(data, 1, 5) <> CAST(:mark AS bytea)
    AND (CAST(:import_id AS uuid) IS NULL
        OR (import_id, ordinal) > (CAST(:import_id AS uuid), CAST(:ordinal AS int)))
ORDER BY import_id, ordinal LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_CHUNK = text("""
UPDATE import_chunks SET data = :sealed
WHERE organization_id = :organization_id AND import_id = :import_id AND ordinal = :ordinal
""")
BEHIND = 1_000_000
"""The ordinals of a file that is written anew."""
DROP_SENT = text("""
DELETE FROM import_chunks
WHERE organization_id = :organization_id AND import_id = :import_id AND ordinal < :behind
""")
MOVE_UP = text("""
UPDATE import_chunks SET ordinal = ordinal - :behind
WHERE organization_id = :organization_id AND import_id = :import_id
""")
DELETE_CHUNKS = text("""
DELETE FROM import_chunks WHERE organization_id = :organization_id AND import_id = :import_id
""")
REPORT_LINES = text("""
INSERT INTO import_report_lines
    (organization_id, import_id, ordinal, line, external_id, pointer, column_name, code, detail)
SELECT CAST(:organization_id AS uuid), CAST(:import_id AS uuid), r.*
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(ordinal int, line int, external_id text, pointer text,
    column_name text, code text, detail text)
""")
MAKE_FILE_PEOPLE = text("""
CREATE TEMPORARY TABLE IF NOT EXISTS file_people (external_id text NOT NULL) ON COMMIT DROP
""")
ADD_FILE_PEOPLE = text("""INSERT INTO file_people SELECT unnest(CAST(:external_ids AS text[]))""")
EMPLOYED = (
    "p.organization_id = :organization_id AND p.is_active AND (p.ends_on IS NULL OR p.ends_on > :today)"
)
MISSING_PEOPLE = text(f"""
SELECT p.external_id
FROM people p
WHERE {EMPLOYED}
AND NOT EXISTS (SELECT
FROM file_people f
WHERE f.external_id = p.external_id)
ORDER BY p.external_id
""")  # noqa: S608 a constant
COUNT_EMPLOYED = text(f"""SELECT count(*) FROM people p WHERE {EMPLOYED}""")  # noqa: S608 a constant
TRY_LOCK = text("""SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))""")
FORGET = text("""
DELETE FROM imports
WHERE organization_id = :organization_id
    AND created_at < now() - make_interval(days => CASE WHEN status = 'receiving' THEN 1 ELSE :days END)
    AND status NOT IN ('queued', 'running')
""")


async def add_import(session: AsyncSession, values: Mapping[str, Any]) -> None:
    session.add(Import(**values))
    await session.flush()


async def add_chunk(session: TenantSession, import_id: UUID, ordinal: int, data: bytes) -> None:
    key = {"import_id": import_id, "ordinal": ordinal}
    await session.execute(INSERT_CHUNK, {**key, "data": data})


async def chunks(session: TenantSession, import_id: UUID, ordinals: Sequence[int]) -> dict[int, bytes]:
    """Those of the chunks that there are."""
    key = {"import_id": import_id}
    rows = await session.execute(CHUNKS, {**key, "ordinals": list(ordinals)})
    return {row.ordinal: row.data for row in rows}


async def replace_chunks(session: TenantSession, import_id: UUID) -> None:
    """Puts what was written behind a file in its place."""
    for statement in (DROP_SENT, MOVE_UP):
        await session.execute(statement, {"import_id": import_id, "behind": BEHIND})


async def delete_chunks(session: TenantSession, import_id: UUID) -> None:
    await session.execute(DELETE_CHUNKS, {"import_id": import_id})


async def find(session: TenantSession, import_id: UUID) -> Import | None:
    """One whose file has come whole."""
    found = await session.get(Import, (session.organization_id, import_id), populate_existing=True)
    return None if found is None or found.status == RECEIVING else found


async def hold(session: TenantSession, import_id: UUID) -> Import | None:
    """Locks the import until this transaction ends: one worker at a time moves it on."""
    key = (session.organization_id, import_id)
    return await session.get(Import, key, populate_existing=True, with_for_update=True)


async def change(session: TenantSession, import_id: UUID, values: Mapping[str, object]) -> None:
    """Rows read before stay as they were read."""
    where = (col(Import.organization_id) == session.organization_id, col(Import.id) == import_id)
    statement = update(Import).where(*where).values(**values)
    await session.execute(statement, execution_options={"synchronize_session": False})


async def delete(session: TenantSession, import_id: UUID) -> None:
    row = await session.get(Import, (session.organization_id, import_id))
    if row is not None:
        await session.delete(row)


async def imports_before(
    session: TenantSession,
    kinds: Sequence[str],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Import]:
    """Of these kinds, newest first."""
    query = select(Import).where(
        col(Import.organization_id) == session.organization_id,
        col(Import.kind).in_(kinds),
        col(Import.status) != RECEIVING,
    )
    if after is not None:
        query = query.where(tuple_(col(Import.created_at), col(Import.id)) < after)
    newest_first = query.order_by(col(Import.created_at).desc(), col(Import.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def add_report_lines(
    session: TenantSession, import_id: UUID, rows: Sequence[dict[str, object]]
) -> None:
    key = {"import_id": import_id}
    await session.execute(REPORT_LINES, {**key, "rows": json.dumps(rows)})


DELETE_REPORT = text("""
DELETE FROM import_report_lines
WHERE organization_id = :organization_id AND import_id = :import_id
""")


async def delete_report(session: TenantSession, import_id: UUID) -> None:
    await session.execute(DELETE_REPORT, {"import_id": import_id})


async def report_lines_after(
    session: TenantSession, import_id: UUID, after: int, limit: int
) -> Sequence[ImportReportLine]:
    query = select(ImportReportLine).where(
        col(ImportReportLine.organization_id) == session.organization_id,
        col(ImportReportLine.import_id) == import_id,
        col(ImportReportLine.ordinal) > after,
    )
    return (await session.scalars(query.order_by(col(ImportReportLine.ordinal)).limit(limit))).all()


EMPTY_FILE_PEOPLE = text("""TRUNCATE file_people""")


async def make_file_people(session: AsyncSession) -> None:
    """An empty table for who is in the file; it goes with the transaction."""
    await session.execute(MAKE_FILE_PEOPLE)
    await session.execute(EMPTY_FILE_PEOPLE)


async def add_file_people(session: AsyncSession, external_ids: Sequence[str]) -> None:
    await session.execute(ADD_FILE_PEOPLE, {"external_ids": list(external_ids)})


REPEATED_PEOPLE = text("""SELECT external_id FROM file_people GROUP BY external_id HAVING count(*) > 1""")


async def repeated_people(session: TenantSession) -> set[str]:
    """Who is in the file more than once."""
    return set((await session.scalars(REPEATED_PEOPLE)).all())


async def missing_people(session: TenantSession, today: date) -> Sequence[str]:
    """Who is employed and not in the file."""
    return (await session.scalars(MISSING_PEOPLE, {"today": today})).all()


async def count_employed(session: TenantSession, today: date) -> int:
    count: int = await session.scalar(COUNT_EMPLOYED, {"today": today})
    return count


async def is_first(session: AsyncSession, import_id: UUID) -> bool:
    """Whether no other transaction works on this import; until this one ends none will."""
    return bool(await session.scalar(TRY_LOCK, {"name": f"import {import_id}"}))


async def forget_old(session: TenantSession) -> None:
    """Drops the current organisation's imports, and files that never came whole."""
    await session.execute(FORGET, {"days": KEPT_DAYS})
