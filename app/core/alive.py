"""The health check of the image: asks the first process of its container, wherever that listens.

Alone, as `python -I -m app.core.alive`, so that asking costs no more than a Python that starts.
"""

import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

FIRST = Path("/proc/1/cmdline")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 asked, not listened on
SERVING = {"serve", "demo"}
SECONDS = 4


def door_of(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Where a command answers; None where there is nothing to ask, as of a migration."""
    if SERVING & set(command):
        return reached(option("--host", command) or "127.0.0.1", option("--port", command) or "8000")
    listens = environment.get("BETROKKEN_WORKER_LISTEN") if "worker" in command else None
    if not listens:
        return None
    host, _, port = listens.rpartition(":")
    return reached(host.strip("[]") or "127.0.0.1", port)


def option(name: str, command: Sequence[str]) -> str | None:
    """The last, as the command line itself takes it; `--name value` or `--name=value`."""
    found = None
    for at, word in enumerate(command):
        if word == name and at + 1 < len(command):
            found = command[at + 1]
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


def reached(host: str, port: str) -> str:
    written = f"[{host}]" if ":" in host else host
    return f"http://{EVERYWHERE.get(host, written)}:{port}"


def main() -> None:
    command = FIRST.read_bytes().decode().rstrip("\0").split("\0")
    door = door_of(command, os.environ)
    if door is not None:
        urllib.request.urlopen(f"{door}/health/live", timeout=SECONDS).close()  # noqa: S310 our own


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"not alive: {error}")
