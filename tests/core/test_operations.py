import httpx
from fastapi import FastAPI

from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_for, on_database, own_name, run_sql
from tests.contract import ContractClient


async def test_alive_and_ready(anonymous: ContractClient) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_an_empty_database_is_not_ready(server_url: str, settings: Settings) -> None:
    name = own_name("empty")
    await run_sql(
        server_url,
        f"CREATE DATABASE {name} TEMPLATE template0",
    )
    try:
        app = create_app(settings, on_database(server_url, name))
        async with app.router.lifespan_context(app):
            answer = await client_for(app, None).get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_migrated")
        assert "retry-after" in answer.headers
    finally:
        await run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_the_page_of_the_contract_needs_no_other_host(app: FastAPI, anonymous: ContractClient) -> None:
    page = (await anonymous.get("/docs")).text
    assert "http://" not in page
    assert "https://" not in page
    assets = [part.split('"')[0] for part in page.split('="')[1:] if part.startswith("/docs-assets")]
    assert len(assets) == 3
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as plain:
        for asset in assets:
            assert (await plain.get(asset)).status_code == 200, asset
