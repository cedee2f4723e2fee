"""Debian's PgBouncer, in transaction mode, in front of the PostgreSQL of the tests."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from app.embedded.accounts import SERVER_ACCOUNT
from tests.acceptance.process import free_port
from tests.waiting import eventually

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
SESSIONS = 2
"""So few that transactions of different clients, and of different organisations, share one."""
CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
"""


@contextmanager
def pooled(url: str, folder: Path) -> Iterator[str]:
    """The same database, through a pooler whose sessions belong to whoever has a transaction."""
    assert PROGRAM is not None
    port, log = free_port(), folder / "pgbouncer.log"
    configuration = folder / "pgbouncer.ini"
    told = CONFIGURATION.format(server=server_of(url), port=port, sessions=SESSIONS)
    configuration.write_text(told, encoding="utf-8")
    command = [PROGRAM, *as_somebody(folder), str(configuration)]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            eventually(lambda: process.poll() is not None or "process up" in log.read_text())
            assert process.poll() is None, log.read_text()
            yield f"postgresql://anybody@127.0.0.1:{port}{urlsplit(url).path}"
        finally:
            process.terminate()


def server_of(url: str) -> str:
    parts = urlsplit(url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    given = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    words = asked | {name: unquote(str(value)) for name, value in given.items() if value is not None}
    return " ".join(f"{name}='{value}'" for name, value in words.items())


def as_somebody(folder: Path) -> list[str]:
    """It does not run as root."""
    if os.geteuid() != 0:
        return []
    for above in (folder, *folder.parents):
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
    with suppress(KeyError):
        return ["-u", pwd.getpwnam(SERVER_ACCOUNT).pw_name]
    return ["-u", "nobody"]
