"""Which commands there are, and where each is found."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.core.loading import for_good
from app.core.one_line import on_one_line

COMMANDS = {
    "serve": "serving",
    "worker": "working",
    "import": "importing",
    "migrate": "migrating",
    "demo": "demonstrating",
    "organizations": "organizations",
    "keys": "keys",
    "secrets": "secrets",
    "backup": "backing_up",
    "restore": "restoring",
    "upgrade-embedded": "upgrading",
}
"""By name, the module of each: in the order in which they are shown."""


USAGE: Any = typer.BadParameter.__mro__[1]
"""All that can be wrong with a command line."""


@contextmanager
def one_line() -> Iterator[None]:
    """What names no command is shown what there is, by typer; all else is one line on standard error."""
    try:
        yield
    except USAGE as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        command = error.ctx.command_path if error.ctx else "betrokken"
        message = on_one_line(error.format_message()).rstrip(".")
        sys.exit(f"betrokken: {message}; see `{command} --help`")


class OneLineErrors(TyperGroup):
    """A wrong option is one line on standard error, like every other refusal."""

    def invoke(self, ctx: Any) -> Any:
        with one_line():
            return super().invoke(ctx)

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with one_line():
            return super().make_context(*arguments, **more)


class CommandsOnDemand(OneLineErrors):
    """Each is imported when it is called, with what it needs and nothing else."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        with for_good():
            command = typer.main.get_command(import_module(f"app.cli.{COMMANDS[cmd_name]}").cli)
        command.name = cmd_name
        return command


cli = typer.Typer(
    cls=CommandsOnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Satisfaction versus engagement, as a service. Settings are environment variables: see settings.md.",
)


@cli.callback(invoke_without_command=True)
def show_version(
    asked: Annotated[bool, typer.Option("--version", help="Print the version and nothing else.")] = False,
) -> None:
    if asked:
        typer.echo(f"betrokken {version('betrokken')}")
        raise typer.Exit
