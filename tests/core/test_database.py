"""What a client sees while the database is away, and after."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.core import migrations
from app.core.database import Database
from app.core.secrets import new_api_key
from app.core.settings import Settings
from app.embedded.server import embedded_postgres
from app.main import create_app
from tests.conftest import GIVEN_DATABASE, SECRET


@pytest.fixture
def alone() -> Settings:
    return Settings(pseudonym_secret=SecretStr(SECRET), worker_enabled=False, database_pool_size=1)


async def client_of(settings: Settings, url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {new_api_key('live')}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            yield client


def assert_unavailable(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_database_nobody_reaches(alone: Settings) -> None:
    async for client in client_of(alone, "postgresql://nobody@127.0.0.1:1/nothing"):
        assert_unavailable(await client.get("/v1/me"))
        assert_unavailable(await client.get("/health/ready"))
        assert (await client.get("/health/live")).status_code == 200


@pytest.mark.nightly
@pytest.mark.skipif(bool(GIVEN_DATABASE), reason="stops and starts a server of its own")
async def test_service_resumes_when_the_database_is_back(alone: Settings, tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, durable=False) as url:
        database = Database(url, alone)
        await migrations.migrate(database)
        await database.close()
    async for client in client_of(alone, url):
        with embedded_postgres(tmp_path, durable=False):
            assert (await client.get("/health/ready")).status_code == 200
        assert_unavailable(await client.get("/v1/me"))
        with embedded_postgres(tmp_path, durable=False):
            assert (await client.get("/health/ready")).status_code == 200
            assert (await client.get("/v1/me")).status_code == 401
