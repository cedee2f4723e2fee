"""COPY, and INSERT of unnested arrays: the least that many rows at once can cost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from tests.benchmarks.bench import seconds

PEOPLE = """
CREATE TABLE bulk_people (id text PRIMARY KEY, name text, team text, changed_at timestamptz DEFAULT now())
"""
UPSERT = """
INSERT INTO bulk_people (id, name, team) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (id) DO UPDATE SET name = excluded.name, team = excluded.team, changed_at = now()
WHERE (bulk_people.name, bulk_people.team) IS DISTINCT FROM (excluded.name, excluded.team)
"""
Work = Callable[[asyncpg.Connection], Awaitable[object]]


def on(database_url: str, work: Work) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            await work(connection)
        finally:
            await connection.close()

    asyncio.run(run())


def copied(database_url: str, table: str, count: int) -> float:
    """Seconds that a COPY of so many rows of a table takes, into an empty one with the same indexes."""
    took: list[float] = []

    async def copy(connection: asyncpg.Connection) -> None:
        records = await connection.fetch(f"SELECT * FROM {table} LIMIT $1", count)
        await connection.execute(f"CREATE TABLE bulk_{table} (LIKE {table} INCLUDING ALL)")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await connection.copy_records_to_table(f"bulk_{table}", records=records)
        took.append(loop.time() - began)
        await connection.execute(f"DROP TABLE bulk_{table}")

    on(database_url, copy)
    return took[0]


def upserted(database_url: str, batches: Sequence[Sequence[tuple[str, str, str]]]) -> float:
    columns: list[list[Any]] = [[list(column) for column in zip(*batch, strict=True)] for batch in batches]

    async def upsert(connection: asyncpg.Connection) -> None:
        for own in columns:
            await connection.execute(UPSERT, *own)

    return seconds(lambda: on(database_url, upsert))
