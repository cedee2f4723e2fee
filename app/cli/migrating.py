import asyncio

import typer

from app.cli.options import alone
from app.cli.running import database_url
from app.core import migrations
from app.core.database import Database
from app.core.reaching import reach
from app.core.settings import Settings

cli = alone()


@cli.command()
def migrate() -> None:
    """Bring the database to this version's schema; safe to repeat."""

    async def run(url: str) -> None:
        database = Database(url, settings)
        try:
            await reach(database)
            await migrations.migrate(database)
        finally:
            await database.close()

    settings = Settings()
    with database_url(settings) as url:
        asyncio.run(run(url))
    typer.echo("The database is up to date.")
