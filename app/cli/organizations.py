import json
from typing import Annotated
from uuid import UUID

import typer

from app.cli.options import AsJson, checked_name, group, show_list
from app.cli.running import with_database
from app.core.audit import COMMAND_LINE
from app.core.database import Database
from app.core.secrets import require_secret
from app.core.settings import Settings
from app.organizations import service as organizations
from app.organizations.queries import names_of_organizations

cli = group("Organisations of this installation.")


@cli.command("create")
def create_organization(
    name: Annotated[str, typer.Argument(help="Its name.", callback=checked_name)], as_json: AsJson = False
) -> None:
    """Create an organisation."""

    async def create(database: Database) -> UUID:
        return await organizations.found(database, name, COMMAND_LINE)

    settings = Settings()
    require_secret(settings)
    organization_id = with_database(settings, create)
    typer.echo(json.dumps({"id": str(organization_id)}) if as_json else f"Organisation {organization_id}")


@cli.command("list")
def list_organizations(as_json: AsJson = False) -> None:
    """List the organisations, by name."""

    async def find(database: Database) -> list[dict[str, str]]:
        async with database.system_session(reason="list organisations") as session:
            return [{"id": str(id_), "name": name} for id_, name in await names_of_organizations(session)]

    found = with_database(Settings(), find)
    show_list(found, as_json)
