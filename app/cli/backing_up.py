from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import alone
from app.cli.running import on_database
from app.core.backup import back_up
from app.core.database import Database
from app.core.secrets import place_of_secret
from app.core.settings import Settings

cli = alone()


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; a name that is not taken.")],
) -> None:
    """Write everything that is in the database to a file. The service may run meanwhile.

    The secret is not in it: without that, confidential answers cannot be told apart any more.
    """
    settings = Settings()

    async def work(database: Database) -> str:
        manifest = await back_up(database, file)
        return f"{manifest.rows} rows of {len(manifest.tables)} tables are in {file}, as counted there."

    typer.echo(on_database(settings, work))
    typer.echo(f"Not in it, and needed with it: {place_of_secret(settings)}.")
