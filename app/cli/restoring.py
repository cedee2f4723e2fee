from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import alone
from app.cli.running import on_database
from app.core import restore as core
from app.core.database import Database
from app.core.secrets import is_secret_given, place_of_secret
from app.core.settings import Settings

cli = alone()


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `betrokken backup` wrote.", exists=True, dir_okay=False)],
) -> None:
    """Bring a backup into an empty database, and that to this version's schema."""
    settings = Settings()

    async def work(database: Database) -> str:
        manifest = await core.restore(database, file)
        return (
            f"{manifest.rows} rows of {len(manifest.tables)} tables are restored, as counted there: "
            f"the backup of {manifest.taken_at}."
        )

    typer.echo(on_database(settings, work))
    if not is_secret_given(settings):
        typer.echo(f"Before you start the service, put back {place_of_secret(settings)}: its keys need that.")
