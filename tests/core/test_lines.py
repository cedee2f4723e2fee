"""A line to the database that was just used is taken as it is; one that was hung up is not taken."""

import asyncpg
import pytest
from sqlalchemy import text

from app.core import lines
from app.core.database import Database, raw_connection
from app.core.settings import Settings
from tests.waiting import until

ONE = text("SELECT 1")


async def asked_on(database: Database) -> asyncpg.Connection:
    async with database.system_session(reason="test") as session:
        await session.execute(ONE)
        return await raw_connection(session)


async def sent_beside_the_first(database: Database) -> list[str]:
    """To a line that comes back from the pool; of what is prepared nothing is logged."""
    sent: list[str] = []
    line = await asked_on(database)
    line.add_query_logger(lambda record: sent.append(record.query))
    assert await asked_on(database) is line
    return sent


async def test_a_fresh_line_is_not_asked_whether_it_is_there(database_url: str, settings: Settings) -> None:
    database = Database(database_url, settings)
    assert await sent_beside_the_first(database) == ["BEGIN;", "COMMIT;"]
    await database.close()


async def test_a_line_that_was_left_for_a_while_is(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FRESH_SECONDS", 0)
    database = Database(database_url, settings)
    assert len(await sent_beside_the_first(database)) > 2
    await database.close()


async def test_a_line_that_was_hung_up_is_not_taken(
    database_url: str, settings: Settings, owner: asyncpg.Connection
) -> None:
    database = Database(database_url, settings)
    line = await asked_on(database)
    await owner.execute("SELECT pg_terminate_backend($1)", line.get_server_pid())
    await until(line.is_closed)
    assert await asked_on(database) is not line
    await database.close()
