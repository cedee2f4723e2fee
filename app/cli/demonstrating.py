from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Host, Port, alone
from app.cli.running import database_url, with_database
from app.core.secrets import require_secret
from app.core.settings import Settings
from app.demo import screen
from app.demo.service import DemoSettings, prepare
from app.serving import open_door, reached_at, serve_through, url_of

cli = alone()


@cli.command()
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: Annotated[
        Path,
        typer.Option(
            envvar="BETROKKEN_DATA_DIR", help="Folder of the bundled PostgreSQL and the demo's key."
        ),
    ] = Path(".betrokken"),
) -> None:
    """Serve a demo organisation of 240 people. The first start fills it, later ones use the same data.

    Prints its scores by team, an API key and a curl line to try.

    With DATABASE_URL the organisation is made in that database; run `betrokken migrate` first.
    """
    settings: Settings = DemoSettings().model_copy(update={"data_dir": data_dir.expanduser()})
    require_secret(settings)
    with open_door(host, port) as door, database_url(settings) as url:
        settings = reached_at(settings, url_of(door))
        progress = screen.progress_bar()
        made = with_database(
            settings, lambda database: prepare(database, settings, datetime.now(UTC), progress)
        )
        screen.show(made, url_of(door), settings.pages)
        serve_through(door, settings, url)
