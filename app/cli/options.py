"""What several commands have in common."""

import json
from typing import Annotated

import typer

from app.core.one_line import on_one_line
from app.core.schema import shows_nothing

LONGEST_NAME = 200
OWN_KEY = "BETROKKEN_API_KEY"
"""Of who sends a file; no setting of the service."""
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def alone() -> typer.Typer:
    """For a command that has no others below it."""
    return typer.Typer(add_completion=False)


def group(words: str) -> typer.Typer:
    made = typer.Typer(no_args_is_help=True, add_completion=False, help=words)
    made.callback()(lambda: None)  # one command alone would else stand in the place of its group
    return made


def checked_name(name: str) -> str:
    if not 1 <= len(name) <= LONGEST_NAME:
        raise typer.BadParameter(f"a name has 1 to {LONGEST_NAME} characters")
    if shows_nothing(name):
        raise typer.BadParameter("of this name nothing can be seen")
    return name


def show_list(found: list[dict[str, str]], as_json: bool) -> None:
    """A line each; what is in it is separated by tabs, for `cut`."""
    if as_json:
        return typer.echo(json.dumps({"items": found}))
    for each in found:
        typer.echo("\t".join(on_one_line(value) for value in each.values()))
    return None
