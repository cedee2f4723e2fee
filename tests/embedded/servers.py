"""Users of embedded servers, each a process of its own, and what can be seen of the servers."""

import asyncio
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.embedded.cluster import MAJOR
from app.embedded.programs import PACKAGE
from app.embedded.server import embedded_postgres
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become another OS user")

USER = """
import logging, sys
from pathlib import Path
from app.embedded.server import embedded_postgres
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
with embedded_postgres(Path(sys.argv[1]), durable=False) as url:
    try:
        print(url, flush=True)
        sys.stdin.read()
    finally:
        if "--query-last" in sys.argv:
            import asyncio, asyncpg
            async def query():
                connection = await asyncpg.connect(url)
                print("answered", await connection.fetchval("SELECT 1"), flush=True)
                await connection.close()
            asyncio.run(query())
"""

User = subprocess.Popen[str]
StartUser = Callable[..., User]


def said(user: User) -> list[str]:
    """What a user logged until it was inside; its last line is the URL."""
    assert user.stdout
    lines = []
    for line in user.stdout:
        lines.append(line.strip())
        if line.startswith("postgresql:"):
            break
    return lines


def leave(user: User) -> None:
    user.communicate()  # closes its standard input
    assert user.returncode == 0


def servers_below(folder: Path) -> list[int]:
    found = []
    for commandline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = commandline.read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0].endswith("/postgres") and str(folder) in " ".join(words):
            found.append(int(commandline.parent.name))
    return found


def is_stopped(folder: Path) -> bool:
    """A server takes its files away an instant before it is gone."""
    eventually(lambda: not servers_below(folder))
    return True


def fetch(url: str, query: str) -> Any:
    async def connect_and_fetch() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(connect_and_fetch())


def as_nobody(*command: str | Path) -> subprocess.CompletedProcess[str]:
    packages = psql().parents[3]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
    nobody = pwd.getpwnam("nobody")
    return subprocess.run(
        command,
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
    )


def psql() -> Path:
    [program] = [
        Path(place) / PACKAGE / f"pginstall{MAJOR}/bin/psql"
        for place in sys.path
        if (Path(place) / PACKAGE).is_dir()
    ]
    return program


def one_line(stderr: str) -> str:
    """The message of an EmbeddedUnavailable that ended a Python process."""
    return next(line for line in stderr.splitlines() if "EmbeddedUnavailable: " in line)


def enter_and_leave(folder: Path) -> None:
    with embedded_postgres(folder, durable=False) as url:
        assert fetch(url, "SELECT 1") == 1
