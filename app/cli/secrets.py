import sys

import typer

from app.cli.options import group
from app.cli.running import with_database
from app.core.database import Database
from app.core.rotation import Rotated, rotate
from app.core.settings import Settings
from app.demo.screen import progress_bar
from app.main import SEALED
from app.organizations.queries import organization_ids

cli = group("The secret that everything is sealed with.")


@cli.command("rotate")
def rotate_secrets() -> None:
    """Seal with BETROKKEN_PSEUDONYM_SECRET what BETROKKEN_PSEUDONYM_SECRET_PREVIOUS sealed.

    Safe beside a running service that has both, safe to repeat, and to go on with after it was cut off.
    """

    async def work(database: Database) -> Rotated:
        async with database.system_session(reason="list organisations to rotate") as session:
            ids = await organization_ids(session)
        with progress_bar() as progress:
            task = progress.add_task("Organisations", total=len(ids))
            return await rotate(database, ids, SEALED, lambda: progress.advance(task))

    rotated = with_database(Settings(), work)
    if rotated.unreadable:
        sys.exit(
            f"betrokken: {rotated.resealed} sealed anew; {rotated.unreadable} were sealed with a secret that"
            " is not given: add it to BETROKKEN_PSEUDONYM_SECRET_PREVIOUS and repeat this"
        )
    typer.echo(f"{rotated.resealed} sealed anew. Nothing is sealed with an earlier secret.")
