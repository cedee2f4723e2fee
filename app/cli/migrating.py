import typer

from app.cli.options import alone
from app.cli.running import on_database
from app.core import migrations
from app.core.settings import Settings

cli = alone()


@cli.command()
def migrate() -> None:
    """Bring the database to this version's schema; safe to repeat."""
    on_database(Settings(), migrations.migrate)
    typer.echo("The database is up to date.")
