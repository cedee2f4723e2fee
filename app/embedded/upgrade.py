"""A data folder of an earlier major version of PostgreSQL gets a cluster of this release's.

The new one is made beside the old one and takes its place when whole; the old one is kept under another name.
Whoever is killed in between has lost nothing: the next start puts a whole one into its place.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.embedded import locks
from app.embedded.accounts import server_account
from app.embedded.cluster import MAJOR, Cluster
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.programs import Programs, binaries_of_packages, installed_binaries
from app.embedded.server import explained

PLACES = (
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/usr/local/pgsql-{}/bin",
    "/opt/homebrew/opt/postgresql@{}/bin",
)


@dataclass(frozen=True)
class Upgrade:
    old_url: str
    new_url: str
    kept: Path
    """Where the old cluster will be."""


@contextmanager
def upgraded(data_dir: Path, binaries: Path | None = None) -> Iterator[Upgrade | None]:
    """Yields both, for the rows to be carried over; None where the folder is of this version already."""
    folder = data_dir.expanduser().resolve()
    old = Cluster(folder / "postgres")
    if not old.folder.exists():
        raise EmbeddedUnavailable(f"there is no PostgreSQL in {folder}: set BETROKKEN_DATA_DIR to its folder")
    if old.major() == MAJOR:
        yield None
        return
    with explained(folder):
        users = locks.join_users(folder)
        with locks.termination_unwinds(), users, locks.turn(folder):
            if not locks.is_last(folder, users) or old.is_ready():
                raise EmbeddedUnavailable(f"{folder} is in use: stop who uses it, then repeat this")
            yield from _both(old, binaries or _binaries_of(old.major()))


def _both(old: Cluster, binaries: Path) -> Iterator[Upgrade]:
    account = server_account(old.folder)
    theirs, ours = Programs(binaries, account), Programs(installed_binaries(), account)
    _require_major(binaries, old.major())
    new = Cluster(old.folder.with_name("postgres.upgrading"))
    kept = old.folder.with_name(f"postgres-{old.major()}")
    if kept.exists():
        raise EmbeddedUnavailable(f"{kept} is there already, of an earlier upgrade: move it away")
    for programs in (theirs, ours):
        programs.reach(old.folder)
    for unfinished in (new.folder, old.next):
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        ours.initialise(new.folder, durable=True)
        theirs.start(old, durable=True)
        ours.start(new, durable=True)
        ours.create_database(new)
        yield Upgrade(old.url(), new.url(), kept)
    finally:
        for cluster in (old, new):
            if cluster.folder.exists():
                cluster.stop()
    new.folder.rename(old.next)
    old.folder.rename(kept)
    old.next.rename(old.folder)


def _binaries_of(major: str) -> Path:
    places = [*binaries_of_packages(), *(Path(place.format(major)) for place in PLACES)]
    for place in places:
        if (place / "postgres").exists() and _major_of(place) == major:
            return place
    raise EmbeddedUnavailable(
        f"PostgreSQL {major} is needed once, to read what it wrote, and is not here: install it, such as by "
        f"apt install postgresql-{major}, and give --binaries /usr/lib/postgresql/{major}/bin"
    )


def _require_major(binaries: Path, major: str) -> None:
    found = _major_of(binaries)
    if found != major:
        raise EmbeddedUnavailable(
            f"{binaries} is of PostgreSQL {found or '?'} and the folder of {major}: give --binaries of that"
        )


def _major_of(binaries: Path) -> str:
    """Of `postgres (PostgreSQL) 16.14`."""
    try:
        said = subprocess.run(
            [binaries / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return next((word.partition(".")[0] for word in said.split() if word[0].isdigit()), "")
