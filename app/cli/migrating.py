from typing import Annotated

import typer

from app.cli.options import alone
from app.cli.running import on_database
from app.core import migrations
from app.core.citus import spread
from app.core.settings import Settings

cli = alone()


@cli.command()
def migrate(
    citus: Annotated[
        bool,
        typer.Option("--citus", help="Then spread the tables by organisation over the machines of Citus."),
    ] = False,
) -> None:
    """Bring the database to this version's schema; safe to repeat."""
    settings = Settings()
    on_database(settings, migrations.migrate)
    typer.echo(on_database(settings, spread) if citus else "The database is up to date.")
