"""Who is inside a data folder, and whose turn it is: the kernel drops a lock however its process ends."""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

ENDINGS = (signal.SIGTERM, signal.SIGHUP)


def join_users(folder: Path) -> IO[str]:
    return (folder / "postgres.users").open("a")


def stay(users: IO[str]) -> None:
    fcntl.flock(users, fcntl.LOCK_SH)


def is_last(folder: Path, users: IO[str]) -> bool:
    """Never in a folder that was removed, or made again: its server belongs to others, or ends by itself."""
    try:
        if not os.path.samestat(os.fstat(users.fileno()), (folder / "postgres.users").stat()):
            return False
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def is_there(folder: Path) -> bool:
    return (folder / "postgres.lock").exists()


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    with (folder / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def termination_unwinds() -> Iterator[None]:
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
def undisturbed() -> Iterator[None]:
    """Holds back Ctrl-C and its like while giving up would leave a server nobody knows of: about a second."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDINGS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
