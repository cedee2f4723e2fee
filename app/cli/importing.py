import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from app.cli.options import OWN_KEY, alone
from app.imports.client import Delivery, mapping_of, summary_of

cli = alone()


@cli.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="A .csv or .ndjson file, .gz or not.", exists=True, dir_okay=False)
    ],
    kind: Annotated[str, typer.Option(help="What its rows are, such as people.")],
    url: Annotated[
        str, typer.Option(envvar="BETROKKEN_PUBLIC_URL", help="Address of the service.")
    ] = "http://127.0.0.1:8000",
    key: Annotated[str, typer.Option(envvar=OWN_KEY, help="API key with the scope of that kind.")] = "",
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
