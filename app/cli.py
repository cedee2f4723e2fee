"""The command line: exit status 0, or another with one line that says what to do."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeVar
from uuid import UUID

import scim2_models  # noqa: F401 as in app.main: it loads in a third of the time before the rest
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from typer.core import TyperGroup

from app.auth.principal import Scope
from app.auth.queries import api_keys_before, delete_api_key
from app.core import migrations
from app.core.audit import COMMAND_LINE, record
from app.core.database import Database, DBAPIError
from app.core.errors import AppError, is_passing
from app.core.logging import configure_logging
from app.core.reaching import DatabaseUnusable, reach
from app.core.rotation import Rotated, prepare_keys, rotate
from app.core.secrets import SecretMissing, has_secret
from app.core.settings import Settings, misspelt
from app.demo import screen
from app.demo.service import prepare
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.room import is_short
from app.embedded.server import embedded_postgres
from app.imports.client import Delivery, SendingFailed, mapping_of, summary_of
from app.main import SEALED, create_worker
from app.organizations import service as organizations
from app.organizations.queries import names_of_organizations, organization_ids
from app.organizations.schemas import ApiKeyWrite
from app.serving import SERVED_AT, SERVED_DATABASE, open_door, reached_at, serve_through, url_of

log = logging.getLogger("betrokken")

LONGEST_NAME = 200
ONE_LINERS = (
    AppError,
    DatabaseUnusable,
    EmbeddedUnavailable,
    SecretMissing,
    SendingFailed,
    SettingsError,
    migrations.MigrationRefused,
    OSError,
)
"""What an operator can correct; the message says how."""


class OneLineErrors(TyperGroup):
    """A wrong option is one line on standard error, like every other refusal."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            command = error.ctx.command_path if error.ctx else "betrokken"
            message = " ".join(error.format_message().split()).rstrip(".")
            sys.exit(f"betrokken: {message}; see `{command} --help`")


def checked_name(name: str) -> str:
    if not 1 <= len(name) <= LONGEST_NAME:
        raise typer.BadParameter(f"a name has 1 to {LONGEST_NAME} characters")
    return name


cli = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Satisfaction versus engagement, as a service. Settings are environment variables: see settings.md.",
)
organizations_cli = typer.Typer(no_args_is_help=True, help="Organisations of this installation.")
keys_cli = typer.Typer(no_args_is_help=True, help="API keys.")
secrets_cli = typer.Typer(no_args_is_help=True, help="The secret that everything is sealed with.")
cli.add_typer(organizations_cli, name="organizations")
cli.add_typer(keys_cli, name="keys")
cli.add_typer(secrets_cli, name="secrets")

T = TypeVar("T")
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@cli.callback(invoke_without_command=True)
def show_version(
    asked: Annotated[bool, typer.Option("--version", help="Print the version and nothing else.")] = False,
) -> None:
    if asked:
        typer.echo(f"betrokken {version('betrokken')}")
        raise typer.Exit


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database of DATABASE_URL, or the bundled PostgreSQL of the data folder while it is needed."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        try:
            with embedded_postgres(settings.data_dir) as url:
                yield url
        except DBAPIError as error:
            if is_passing(error) and is_short(settings.data_dir):
                raise EmbeddedUnavailable(
                    f"the disk of the data folder {settings.data_dir} is full: make room, then start again"
                ) from error
            raise


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]], patience: float = 0.0) -> T:
    """Runs `work` on a database with this version's schema; one that is away is waited for that long."""

    async def run(url: str) -> T:
        database = Database(url, settings)
        try:
            await reach(database, patience)
            await bring_up_to_date(database, settings)
            return await work(database)
        finally:
            await database.close()

    with database_url(settings) as url:
        return asyncio.run(run(url))


async def bring_up_to_date(database: Database, settings: Settings) -> None:
    """Migrates the bundled PostgreSQL; of a given one only checks that somebody has."""
    if settings.database_url is None:
        await migrations.migrate(database)
    else:
        await migrations.require_migrated(database)
    if has_secret(settings):
        await prepare_keys(database)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer requests.")] = 1,
) -> None:
    """Serve the API, and do the background jobs unless BETROKKEN_WORKER_ENABLED is false.

    With the bundled PostgreSQL the schema is brought up to date first; with DATABASE_URL run
    `betrokken migrate` yourself.
    """
    settings = Settings()
    with open_door(host, port) as door, database_url(settings) as url:
        asyncio.run(_brought_up_to_date(url, settings))
        serve_through(door, settings, url, workers)


async def _brought_up_to_date(url: str, settings: Settings) -> None:
    database = Database(url, settings)
    try:
        await reach(database, settings.database_wait)
        await bring_up_to_date(database, settings)
    finally:
        await database.close()


@cli.command()
def worker() -> None:
    """Do the background jobs, without serving the API. SIGTERM lets those in hand finish."""

    async def work(database: Database) -> None:
        work = asyncio.create_task(create_worker(database).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        with suppress(asyncio.CancelledError):
            await work

    settings = Settings()
    with_database(settings, work, settings.database_wait)


@cli.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="A .csv or .ndjson file, .gz or not.", exists=True, dir_okay=False)
    ],
    kind: Annotated[str, typer.Option(help="What its rows are, such as people.")],
    url: Annotated[
        str, typer.Option(envvar="BETROKKEN_PUBLIC_URL", help="Address of the service.")
    ] = "http://127.0.0.1:8000",
    key: Annotated[
        str, typer.Option(envvar="BETROKKEN_API_KEY", help="API key with the scope of that kind.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing but the report.")] = False,
    missing: Annotated[
        str, typer.Option(help="People not in a full snapshot: ignore, report, end.")
    ] = "ignore",
    survey: Annotated[UUID | None, typer.Option(help="Survey of responses.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="bamboohr, personio, afas, or a .json file with a mapping.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where to save the report, as .csv or .ndjson.")] = None,
) -> None:
    """Send a file to a running service, and wait until all its rows are stored or refused."""
    if not key:
        raise typer.BadParameter("give --key or set BETROKKEN_API_KEY")
    options = {"kind": kind, "dry_run": dry_run, "missing": missing}
    options |= {"survey_id": str(survey)} if survey else {}
    options |= {"mapping": mapping_of(mapping)} if mapping else {}
    delivery = Delivery(file, url.rstrip("/"), key, options)
    found = delivery.send(Console(stderr=True))
    if report is not None:
        delivery.save_report(found, report)
    typer.echo(summary_of(found))
    if found["problem"] is not None:
        sys.exit(f"betrokken: {found['problem']['code']}: {found['problem']['detail']}")
    if found["summary"]["failed"]:
        sys.exit(f"betrokken: {found['summary']['failed']} rows were refused: save the report with --report")


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


@cli.command()
def demo(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
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
    settings = Settings().model_copy(update={"data_dir": data_dir.expanduser()})
    with open_door(host, port) as door, database_url(settings) as url:
        settings = reached_at(settings, url_of(door))
        progress = screen.progress_bar()
        made = with_database(
            settings, lambda database: prepare(database, settings, datetime.now(UTC), progress)
        )
        screen.show(made, url_of(door))
        serve_through(door, settings, url)


@organizations_cli.command("create")
def create_organization(
    name: Annotated[str, typer.Argument(help="Its name.", callback=checked_name)], as_json: Json = False
) -> None:
    """Create an organisation."""

    async def create(database: Database) -> UUID:
        return await organizations.found(database, name, COMMAND_LINE)

    organization_id = with_database(Settings(), create)
    typer.echo(json.dumps({"id": str(organization_id)}) if as_json else f"Organisation {organization_id}")


@organizations_cli.command("list")
def list_organizations(as_json: Json = False) -> None:
    """List the organisations, by name."""

    async def find(database: Database) -> list[dict[str, str]]:
        async with database.system_session(reason="list organisations") as session:
            return [{"id": str(id_), "name": name} for id_, name in await names_of_organizations(session)]

    found = with_database(Settings(), find)
    show_list(found, as_json)


def show_list(found: list[dict[str, str]], as_json: bool) -> None:
    """A line each; what is in it is separated by tabs, for `cut`."""
    if as_json:
        return typer.echo(json.dumps({"items": found}))
    for each in found:
        typer.echo("\t".join(" ".join(value.split()) for value in each.values()))
    return None


@keys_cli.command("list")
def list_keys(
    organization: Annotated[UUID, typer.Option(help="Id of the organisation.")], as_json: Json = False
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


@keys_cli.command("revoke")
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


@keys_cli.command("create")
def create_key(
    organization: Annotated[UUID, typer.Option(help="Id of the organisation.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What the key may do; repeat it.")] = None,
    all_scopes: Annotated[bool, typer.Option("--all-scopes", help="Everything.")] = False,
    name: Annotated[str, typer.Option(help="What the key is for.", callback=checked_name)] = "command line",
    as_json: Json = False,
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


@secrets_cli.command("rotate")
def rotate_secrets() -> None:
    """Seal with BETROKKEN_PSEUDONYM_SECRET what BETROKKEN_PSEUDONYM_SECRET_PREVIOUS sealed.

    Safe beside a running service that has both, safe to repeat, and to go on with after it was cut off.
    """

    async def work(database: Database) -> Rotated:
        async with database.system_session(reason="list organisations to rotate") as session:
            ids = await organization_ids(session)
        with screen.progress_bar() as progress:
            task = progress.add_task("Organisations", total=len(ids))
            return await rotate(database, ids, SEALED, lambda: progress.advance(task))

    rotated = with_database(Settings(), work)
    if rotated.unreadable:
        sys.exit(
            f"betrokken: {rotated.resealed} sealed anew; {rotated.unreadable} were sealed with a secret that"
            " is not given: add it to BETROKKEN_PSEUDONYM_SECRET_PREVIOUS and repeat this"
        )
    typer.echo(f"{rotated.resealed} sealed anew. Nothing is sealed with an earlier secret.")


def main() -> None:
    """One line on standard error for what an operator can correct; a traceback for what only we can."""
    make_writable(sys.stdout, sys.stderr)
    try:
        configure_logging(Settings().log_level)
        warn_of_misspellings()
        cli()
    except ValidationError as error:
        first = error.errors()[0]
        sys.exit(f"betrokken: the setting {'.'.join(map(str, first['loc']))}: {first['msg']}")
    except DBAPIError as error:
        if not is_passing(error):
            raise
        sys.exit(f"betrokken: the database cannot be used: {' '.join(str(error.orig).split())}")
    except ONE_LINERS as error:
        sys.exit(f"betrokken: {' '.join(str(error).split())}")


def make_writable(*streams: TextIO) -> None:
    """A name with an umlaut ends no command where the terminal has no letter for it."""
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def warn_of_misspellings() -> None:
    for name, meant in misspelt(
        os.environ, [SERVED_DATABASE, SERVED_AT, *_variables_of(typer.main.get_command(cli))]
    ):
        log.warning("unknown_setting", extra={"variable": name, "did_you_mean": meant})


def _variables_of(command: Any) -> Iterator[str]:
    """Those that an option of the command, or of one below it, is read from."""
    for parameter in command.params:
        yield from [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
    for below in getattr(command, "commands", {}).values():
        yield from _variables_of(below)
