"""A server that goes away while it is used comes back by itself, at the same address and with its data."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import asyncpg
import pytest

from app.embedded.server import embedded_postgres
from tests.embedded.servers import (
    StartUser,
    fetch,
    is_stopped,
    leave,
    said,
    servers_below,
)
from tests.waiting import eventually

SLOW = "SELECT count(*) FROM generate_series(1, 30000000)"
AWAY = (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for process in servers_below(tmp_path):
        os.kill(process, signal.SIGKILL)


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def kill_whole(folder: Path) -> None:
    for process in servers_below(folder):
        os.kill(process, signal.SIGKILL)


def kill_the_first_process_alone(folder: Path) -> None:
    os.kill(postmaster(folder), signal.SIGKILL)


def stop_cleanly(folder: Path) -> None:
    os.kill(postmaster(folder), signal.SIGINT)


def make_table(url: str) -> None:
    """Written down, as a server that is not durable does not at once."""
    fetch(url, "CREATE TABLE kept AS SELECT 1")
    fetch(url, "CHECKPOINT")


def is_back(url: str, gone: int, folder: Path) -> bool:
    try:
        return bool(fetch(url, "SELECT count(*) FROM kept") == 1) and postmaster(folder) != gone
    except AWAY:
        return False


@pytest.mark.parametrize(
    "end",
    [
        kill_whole,
        pytest.param(kill_the_first_process_alone, marks=pytest.mark.nightly),
        pytest.param(stop_cleanly, marks=pytest.mark.nightly),
    ],
)
def test_it_is_started_again(folder: Path, end: Callable[[Path], None]) -> None:
    with embedded_postgres(folder, durable=False) as url:
        make_table(url)
        gone = postmaster(folder)
        end(folder)
        eventually(lambda: is_back(url, gone, folder))
    assert is_stopped(folder)


@pytest.mark.nightly
def test_it_waits_for_the_last_statement_of_the_old_one(folder: Path) -> None:
    """Which holds the old one's memory: a second server beside it would spoil the data."""
    with embedded_postgres(folder, durable=False) as url:
        make_table(url)
        gone = postmaster(folder)
        slow = Thread(target=ignore_its_end, args=(url, SLOW))
        slow.start()
        eventually(lambda: fetch(url, f"SELECT count(*) FROM pg_stat_activity WHERE query = '{SLOW}'") == 1)
        kill_the_first_process_alone(folder)
        eventually(lambda: is_back(url, gone, folder))
        slow.join()


def ignore_its_end(url: str, statement: str) -> None:
    with suppress(*AWAY):
        fetch(url, statement)


@pytest.mark.parametrize("name", [pytest.param("data", marks=pytest.mark.nightly), "x" * 120])
def test_of_two_users_one_starts_it_and_both_have_it_again(
    folder: Path, start_user: StartUser, name: str
) -> None:
    users = [start_user(folder / name) for _ in range(2)]
    [url] = {said(user)[-1] for user in users}
    make_table(url)
    gone = postmaster(folder / name)
    kill_whole(folder)
    eventually(lambda: is_back(url, gone, folder / name))
    told = [user.communicate()[0] for user in users]
    assert "postgres_gone" in "".join(told)
    assert "postgres_does_not_come_back" not in "".join(told)
    assert is_stopped(folder)


def test_no_empty_cluster_takes_the_place_of_a_removed_one(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with embedded_postgres(folder / "data", durable=False):
        kill_whole(folder)
        shutil.rmtree(folder / "data")
        eventually(lambda: "was removed while in use" in str([vars(record) for record in caplog.records]))
    assert not (folder / "data" / "postgres").exists()


@pytest.mark.nightly
def test_who_leaves_a_removed_folder_leaves_the_new_one_alone(folder: Path, start_user: StartUser) -> None:
    old = start_user(folder / "data")
    said(old)
    kill_whole(folder)
    shutil.rmtree(folder / "data")
    with embedded_postgres(folder / "data", durable=False) as url:
        leave(old)
        assert fetch(url, "SELECT 1") == 1
