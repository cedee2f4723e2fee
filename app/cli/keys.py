import json
import sys
from datetime import UTC
from typing import Annotated
from uuid import UUID

import typer

from app.auth.principal import Scope
from app.auth.queries import api_keys_before, delete_api_key
from app.cli.options import AsJson, checked_name, group, show_list
from app.cli.running import with_database
from app.core.audit import COMMAND_LINE, record
from app.core.database import Database
from app.core.settings import Settings
from app.organizations import service as organizations
from app.organizations.schemas import ApiKeyWrite

cli = group("API keys.")


@cli.command("list")
def list_keys(
    organization: Annotated[UUID, typer.Option(help="Id of the organisation.")], as_json: AsJson = False
) -> None:
    """List the API keys of an organisation, the newest first; the keys themselves are kept nowhere."""

    async def find(database: Database) -> list[dict[str, str]]:
        async with database.tenant_session(organization) as session:
            await organizations.require_organization(session)
            return [
                {
                    "id": str(key.id),
                    "name": key.name,
                    "created_at": key.created_at.astimezone(UTC).isoformat(timespec="seconds"),
                    "scopes": " ".join(key.scopes),
                }
                for key in await api_keys_before(session, None, None)
            ]

    show_list(with_database(Settings(), find), as_json)


@cli.command("revoke")
def revoke_key(
    key: Annotated[UUID, typer.Argument(help="Id of the key, as `keys list` has it.")],
    organization: Annotated[UUID, typer.Option(help="Id of the organisation.")],
) -> None:
    """Delete an API key: it opens nothing from now on."""

    async def revoke(database: Database) -> bool:
        async with database.tenant_session(organization) as session:
            await organizations.require_organization(session)
            is_gone = await delete_api_key(session, key)
            if is_gone:
                await record(session, COMMAND_LINE, "delete_api_key", str(key))
            return is_gone

    if not with_database(Settings(), revoke):
        sys.exit(f"betrokken: there is no key {key} in that organisation: see `betrokken keys list`")
    typer.echo(f"Key {key} is revoked.")


@cli.command("create")
def create_key(
    organization: Annotated[UUID, typer.Option(help="Id of the organisation.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What the key may do; repeat it.")] = None,
    all_scopes: Annotated[bool, typer.Option("--all-scopes", help="Everything.")] = False,
    name: Annotated[str, typer.Option(help="What the key is for.", callback=checked_name)] = "command line",
    as_json: AsJson = False,
) -> None:
    """Create an API key and show it, this once."""
    scopes = list(Scope) if all_scopes else list(dict.fromkeys(scope or []))
    if not scopes:
        raise typer.BadParameter("give --scope at least once, or --all-scopes")

    async def create(database: Database) -> str:
        wanted = ApiKeyWrite(name=name, scopes=scopes)
        async with database.tenant_session(organization) as session:
            await organizations.require_organization(session)
            issued = await organizations.issue_api_key(session, wanted)
            told = {"name": name, "scopes": sorted(wanted.scopes)}
            await record(session, COMMAND_LINE, "create_api_key", str(issued.id), told)
            return issued.key

    key = with_database(Settings(), create)
    typer.echo(json.dumps({"key": key}) if as_json else key)
