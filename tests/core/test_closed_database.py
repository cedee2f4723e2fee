from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_for, on_database, own_name, run_sql


async def test_a_database_that_lets_nobody_in_is_unavailable(server_url: str, settings: Settings) -> None:
    name = own_name("closed")
    await run_sql(
        server_url,
        f"CREATE DATABASE {name} TEMPLATE template0 ALLOW_CONNECTIONS false",
    )
    try:
        app = create_app(settings, on_database(server_url, name))
        async with app.router.lifespan_context(app):
            answer = await client_for(app, None).get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
    finally:
        await run_sql(server_url, f"DROP DATABASE {name}")
