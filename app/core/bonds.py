"""What holds tables together and keeps others out: taken off for work on whole tables, and put back after."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

FOREIGN_KEYS = text("""
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS leaving,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        AS coming
FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace
    AND (CAST(:tables AS text[]) IS NULL
        OR CAST(CAST(conrelid AS regclass) AS text) = ANY(CAST(:tables AS text[]))
        OR CAST(CAST(confrelid AS regclass) AS text) = ANY(CAST(:tables AS text[])))
ORDER BY conrelid::regclass::text, conname
""")
"""A partition has those of the whole."""
TRIGGERS = text("""
SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS leaving,
    format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname) AS coming
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT tgisinternal AND tgenabled = 'O' AND c.relnamespace = current_schema()::regnamespace
    AND (CAST(:tables AS text[]) IS NULL
        OR CAST(CAST(tgrelid AS regclass) AS text) = ANY(CAST(:tables AS text[])))
ORDER BY tgrelid::regclass::text, tgname
""")
FORCED = text("""
SELECT format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', relname) AS leaving,
    format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', relname) AS coming
FROM pg_class
WHERE relforcerowsecurity AND relnamespace = current_schema()::regnamespace
    AND (CAST(:tables AS text[]) IS NULL OR format('%I', relname) = ANY(CAST(:tables AS text[])))
ORDER BY relname
""")


class Bond(NamedTuple):
    leaving: str
    coming: str


async def bonds_of(
    connection: AsyncConnection, kind: TextClause, tables: Sequence[str] | None = None
) -> list[Bond]:
    """Of these tables, quoted, or of all."""
    return [Bond(*row) for row in await connection.execute(kind, {"tables": tables})]


async def take_off(connection: AsyncConnection, bonds: Iterable[Bond]) -> None:
    await run(connection, *(bond.leaving for bond in bonds))


async def put_back(connection: AsyncConnection, bonds: Sequence[Bond]) -> None:
    """The last one off is the first one on."""
    await run(connection, *(bond.coming for bond in reversed(bonds)))


async def run(connection: AsyncConnection, *statements: str) -> None:
    """As they stand: a colon in them is no parameter."""
    for statement in statements:
        await connection.exec_driver_sql(statement)
