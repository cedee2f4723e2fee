import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import alone
from app.core.archive import Manifest
from app.core.backup import back_up
from app.core.database import Database
from app.core.restore import restore
from app.core.settings import Settings
from app.embedded.cluster import MAJOR
from app.embedded.upgrade import upgraded

cli = alone()


@cli.command()
def upgrade_embedded(
    binaries: Annotated[
        Path | None, typer.Option(help="Folder of the programs of the version that made the data folder.")
    ] = None,
) -> None:
    """Carry the data folder over to the PostgreSQL of this release. The old one is kept beside it."""
    settings = Settings().model_copy(update={"database_url": None, "database_direct_url": None})
    with upgraded(settings.data_dir, binaries) as clusters:
        if clusters is None:
            typer.echo(f"The data folder is of PostgreSQL {MAJOR} already.")
            return
        manifest = asyncio.run(carried_over(settings, clusters.old_url, clusters.new_url))
    typer.echo(
        f"{manifest.rows} rows of {len(manifest.tables)} tables are in PostgreSQL {MAJOR}, as counted. "
        f"What was there is kept in {clusters.kept}: remove it when you have seen that all is well."
    )


async def carried_over(settings: Settings, old_url: str, new_url: str) -> Manifest:
    old, new = Database(old_url, settings), Database(new_url, settings)
    try:
        with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix="upgrade-") as folder:
            file = Path(folder) / "backup"
            await back_up(old, file)
            return await restore(new, file)
    finally:
        await old.close()
        await new.close()
