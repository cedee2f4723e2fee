"""Bytes on disk of a response of 33 questions with its indexes: python -m tests.benchmarks.storage"""

import asyncio

import asyncpg

from tests.benchmarks.bench import (
    RESPONSES,
    TEAMS,
    Bench,
    batches,
    bench,
    close_and_wait,
    hire,
    open_anonymous,
    open_confidential,
    show,
    submit,
)

AIMS = {"confidential": 400, "anonymous": 300}


def size(database_url: str, *before: str) -> int:
    """Bytes of the table of responses with its indexes, once the statements `before` are done."""

    async def ask() -> int:
        connection = await asyncpg.connect(database_url)
        try:
            for statement in before:
                await connection.execute(statement)
            found: int = await connection.fetchval("SELECT pg_total_relation_size('responses')")
            return found
        finally:
            await connection.close()

    return asyncio.run(ask())


def as_loaded(run: Bench, count: int) -> dict[str, int]:
    """By mode, of that many responses each."""
    persons = [{"respondent": name} for name in hire(run.api, count)]
    empty = size(run.database_url)
    submit(run.api, open_confidential(run.api), batches(persons))
    confidential = size(run.database_url)
    survey_id = open_anonymous(run.api)
    cells = [{"team": TEAMS[number % len(TEAMS)]} for number in range(count)]
    submit(run.api, survey_id, batches(cells))
    anonymous = size(run.database_url)
    close_and_wait(run.api, survey_id)
    return {"confidential": confidential - empty, "anonymous": anonymous - confidential}


def main(count: int = RESPONSES) -> None:
    with bench() as run:
        measured = as_loaded(run, count)
        vacuumed = size(run.database_url, "VACUUM FULL responses")
    rows = [(mode, f"{used / count:.0f}", f"{AIMS[mode]}") for mode, used in measured.items()]
    both = ("both, closed, after VACUUM FULL", f"{vacuumed / count / 2:.0f}", "")
    title = f"Bytes a response with its indexes, {count:,} each, as loaded"
    show(title, ("mode", "bytes", "aim"), *rows, both)


if __name__ == "__main__":
    main()
