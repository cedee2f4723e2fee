"""The command line: exit status 0, or another with one line that says what to do.

A command is imported when it is called: who asks for the version does not wait for the service.
"""

import logging
import os
import sys
from io import TextIOWrapper
from typing import TextIO

from app.cli.commands import cli
from app.cli.options import OWN_KEY
from app.core.logging import configure_logging
from app.core.settings import SERVED_AT, SERVED_DATABASE, Settings, misspelt

log = logging.getLogger("betrokken")


def main() -> None:
    """One line on standard error for what an operator can correct; a traceback for what only we can."""
    make_writable(sys.stdout, sys.stderr)
    try:
        configure_logging(Settings().log_level)
        warn_of_misspellings()
        cli()
    except Exception as error:
        from app.cli.refusals import line_of  # noqa: PLC0415 with much that no other command needs

        line = line_of(error)
        if line is None:
            raise
        sys.exit(f"betrokken: {line}")


def make_writable(*streams: TextIO) -> None:
    """A name with an umlaut ends no command where the terminal has no letter for it."""
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def warn_of_misspellings() -> None:
    for name, meant in misspelt(os.environ, [SERVED_DATABASE, SERVED_AT, OWN_KEY]):
        log.warning("unknown_setting", extra={"variable": name, "did_you_mean": meant})
