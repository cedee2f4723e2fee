"""A database that is away is waited for; what is said of it tells what to do, and no password."""

import logging

import pytest
from pydantic import SecretStr

from app.core.database import Database
from app.core.reaching import DatabaseUnusable, reach
from app.core.settings import Settings
from tests.conftest import SECRET, on_database

CLOSED = "postgresql://anna:hidden@127.0.0.1:1/x"


async def refusal(url: str, patience: float = 0.0) -> str:
    database = Database(url, Settings(pseudonym_secret=SecretStr(SECRET)))
    try:
        with pytest.raises(DatabaseUnusable) as refused:
            await reach(database, patience)
    finally:
        await database.close()
    assert "hidden" not in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (CLOSED, "see that it runs"),
        ("postgresql://anna:hidden@host.invalid/x", "see that it runs"),
        ("postgresql://anna:hidden@/x?host=/nowhere", "see that it runs"),
        ("postgresql://anna:hidden@127.0.0.1:99999/x", "write postgresql://user:password@host:5432/name"),
        ("postgresql://anna:a:hidden/x@host/x", "write postgresql://"),
        ("mysql://anna:hidden@host/x", "write postgresql://"),
        ("hidden", "write postgresql://"),
    ],
)
async def test_an_address_that_leads_nowhere(url: str, advice: str) -> None:
    assert advice in await refusal(url)


async def test_a_database_that_does_not_exist(server_url: str) -> None:
    assert "create it, or correct DATABASE_URL" in await refusal(
        on_database(server_url, "nobody_made_this"), 60
    )


async def test_one_that_is_away_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await refusal(CLOSED, patience=0.8)
    assert [record.getMessage() for record in caplog.records] == ["waiting_for_database"]


async def test_one_that_lets_us_in(server_url: str, settings: Settings) -> None:
    database = Database(server_url, settings)
    await reach(database)
    await database.close()
