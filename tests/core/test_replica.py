"""Numbers are read of a replica, unless who reads asks for this moment, or the replica is away."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from pydantic import SecretStr

from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant, client_for
from tests.contract import ContractClient, operations
from tests.metrics.test_release import names_of, released, staff

READ_ONLY = "options=-c%20default_transaction_read_only%3Don"
NUMBERS = "/v1/metrics/satisfaction-engagement"
READS = [
    op for op in operations() if op.method == "get" and op.path.startswith(("/v1/metrics", "/v1/charts"))
]
AWAY = "postgresql://nobody@127.0.0.1:1/nothing"
Reader = Callable[[str], AbstractAsyncContextManager[ContractClient]]


@pytest.fixture
def reader(acme: Tenant, database_url: str, settings: Settings) -> Reader:
    """A client of a service with that replica."""

    @asynccontextmanager
    async def reading(replica: str) -> AsyncIterator[ContractClient]:
        given = settings.model_copy(update={"database_read_url": SecretStr(replica)})
        app = create_app(given, database_url)
        async with app.router.lifespan_context(app):
            yield client_for(app, await acme.key())

    return reading


def read_only(url: str) -> str:
    """The same database, in transactions that write nothing, as those of a hot standby."""
    return f"{url}{'&' if '?' in url else '?'}{READ_ONLY}"


@pytest.mark.nightly
async def test_every_read_of_numbers_does_where_nothing_can_be_written(
    acme: Tenant, reader: Reader, database_url: str
) -> None:
    await staff(acme.client, {"sales": 12})
    await released(acme, names_of("sales", 12))
    async with reader(read_only(database_url)) as client:
        for read in READS:
            answer = await client.get(read.url())
            assert answer.status_code < 500, f"{read.path}: {answer.text}"


async def test_what_is_read_of_the_replica_and_what_is_not(
    acme: Tenant, reader: Reader, database_url: str
) -> None:
    async with reader(read_only(database_url)) as client:
        used = client._transport.app.state.database.replica.engine.pool  # type: ignore[attr-defined]
        for path, headers in [("/v1/me", {}), ("/v1/surveys", {}), (NUMBERS, {"Cache-Control": "no-cache"})]:
            await client.get(path, headers=headers)
            assert used.checkedin() == 0, path
        await client.get(NUMBERS)
        assert used.checkedin() == 1


async def test_where_the_replica_is_away_the_database_answers(
    acme: Tenant, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    await staff(acme.client, {"sales": 12})
    await released(acme, names_of("sales", 12))
    async with reader(AWAY) as client:
        for _ in range(2):
            assert (await client.get(NUMBERS)).status_code == 200
    assert [each.message for each in caplog.records].count("replica_away") == 1
