"""Every test starts real servers; a user of one is a process of its own where the point is how it ends."""

import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.embedded import cluster, programs
from app.embedded.cluster import MAJOR
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.server import embedded_postgres
from tests.embedded.servers import (
    AS_ROOT,
    REPOSITORY,
    USER,
    StartUser,
    User,
    as_nobody,
    enter_and_leave,
    fetch,
    is_stopped,
    leave,
    needs_root,
    one_line,
    psql,
    said,
    servers_below,
)
from tests.waiting import eventually


def test_it_is_set_up_as_the_service_needs_it_and_keeps_what_is_written(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "new" / "data") as url:
        settings = {
            name: fetch(url, f"SHOW {name}")
            for name in ("server_encoding", "timezone", "max_connections", "listen_addresses", "fsync")
        }
        assert settings == {
            "server_encoding": "UTF8",
            "timezone": "UTC",
            "max_connections": "100",
            "listen_addresses": "",
            "fsync": "on",
        }
        assert fetch(url, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"
        fetch(url, "CREATE TABLE kept AS SELECT 'ja' AS word")
    assert is_stopped(tmp_path)
    with embedded_postgres(tmp_path / "new" / "data", durable=False) as url:
        assert fetch(url, "SELECT word FROM kept") == "ja"
        assert fetch(url, "SHOW fsync") == "off"
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_the_database_is_made_again_when_it_is_gone(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, durable=False) as url:
        fetch(url.replace("/betrokken?", "/postgres?"), "DROP DATABASE betrokken")
        enter_and_leave(tmp_path)
        assert fetch(url, "SELECT current_database()") == "betrokken"


def test_one_server_for_all_and_the_last_one_out_stops_it(tmp_path: Path, start_user: StartUser) -> None:
    first = start_user(tmp_path)
    url = said(first)[-1]
    second = start_user(tmp_path)
    assert said(second) == [url]
    server = servers_below(tmp_path)
    enter_and_leave(tmp_path)
    leave(first)
    assert servers_below(tmp_path) == server
    assert fetch(url, "SELECT 1") == 1
    leave(second)
    assert is_stopped(tmp_path)


@pytest.mark.parametrize(
    "ending",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.nightly),
        pytest.param(signal.SIGHUP, marks=pytest.mark.nightly),
    ],
)
def test_a_signal_to_the_whole_process_group_leaves_time_for_a_last_query(
    tmp_path: Path, start_user: StartUser, ending: signal.Signals
) -> None:
    user = start_user(tmp_path, "--query-last")
    said(user)
    os.killpg(user.pid, ending)
    output, _ = user.communicate()
    assert "answered 1" in output
    assert user.returncode == (-ending if ending is signal.SIGINT else 128 + ending)
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_an_interrupt_while_it_starts_leaves_no_process(tmp_path: Path, start_user: StartUser) -> None:
    enter_and_leave(tmp_path)
    for _ in range(3):
        user = start_user(tmp_path)
        while not servers_below(tmp_path):
            assert user.poll() is None
        os.killpg(user.pid, signal.SIGINT)
        user.communicate()
        assert is_stopped(tmp_path)
    enter_and_leave(tmp_path)


@pytest.mark.nightly
def test_a_second_interrupt_does_not_leave_the_server_behind(tmp_path: Path, start_user: StartUser) -> None:
    user = start_user(tmp_path)
    said(user)
    with (tmp_path / "postgres.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the user waits for its turn to leave
        os.killpg(user.pid, signal.SIGINT)
        eventually(lambda: has(user, "SigBlk", signal.SIGINT))
        os.killpg(user.pid, signal.SIGINT)
        assert has(user, "ShdPnd", signal.SIGINT)
    user.communicate()
    assert is_stopped(tmp_path)


def has(user: User, signals: str, one: signal.Signals) -> bool:
    """Whether the kernel has the signal among those of the process that are blocked, or that wait."""
    status = Path(f"/proc/{user.pid}/status").read_text()
    found = re.search(rf"^{signals}:\s+(\w+)$", status, re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (one - 1) & 1)


@pytest.mark.parametrize("does_the_server_survive", [pytest.param(True, marks=pytest.mark.nightly), False])
def test_a_killed_user_is_forgotten(
    tmp_path: Path, start_user: StartUser, does_the_server_survive: bool
) -> None:
    killed = start_user(tmp_path)
    url = said(killed)[-1]
    fetch(url, "CREATE TABLE kept AS SELECT 1")
    fetch(url, "CHECKPOINT")
    server = servers_below(tmp_path)
    killed.kill()
    killed.wait()
    if not does_the_server_survive:
        os.kill(server[0], signal.SIGKILL)
        assert is_stopped(tmp_path)
    with embedded_postgres(tmp_path, durable=False) as url:
        assert (servers_below(tmp_path) == server) is does_the_server_survive
        assert fetch(url, "SELECT count(*) FROM kept") == 1
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_a_process_number_that_now_belongs_to_another_program_is_not_taken_for_the_server(
    tmp_path: Path,
) -> None:
    enter_and_leave(tmp_path)
    account = (tmp_path / "postgres").stat().st_uid
    bystander = subprocess.Popen(["sleep", "infinity"], user=account if AS_ROOT else None)
    stale = [
        str(bystander.pid),
        str(tmp_path / "postgres"),
        "1",
        "5432",
        str(tmp_path / "postgres"),
        "",
        "",
        "ready",
    ]
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(stale))
    enter_and_leave(tmp_path)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_a_killed_server_whose_end_nobody_has_noted_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_and_leave(tmp_path)
    account = (tmp_path / "postgres").stat().st_uid
    killed = subprocess.Popen(["true"], user=account if AS_ROOT else None)
    eventually(lambda: f"{killed.pid} (true) Z" in Path(f"/proc/{killed.pid}/stat").read_text())
    (tmp_path / "postgres" / ".s.PGSQL.5432.lock").write_text(
        f"{killed.pid}\n{tmp_path}\n1\n5432\n{tmp_path}\n"
    )
    with monkeypatch.context() as patch:
        patch.setattr(programs.time, "sleep", lambda _: killed.wait())
        enter_and_leave(tmp_path)
    assert killed.returncode == 0, "it was waited for"
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_a_server_that_takes_long_to_open_its_socket_is_waited_for(
    tmp_path: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = start_user(tmp_path)
    said(user)
    server = servers_below(tmp_path)
    door, aside = (tmp_path / "postgres" / name for name in (".s.PGSQL.5432", "aside"))
    door.rename(aside)
    looks: list[float] = []

    def look_again(pause: float) -> None:
        looks.append(pause)
        if len(looks) == 3:
            aside.rename(door)

    with monkeypatch.context() as patch:
        patch.setattr(cluster, "GRACE", 0.0)
        patch.setattr(cluster.time, "sleep", look_again)
        enter_and_leave(tmp_path)
    assert servers_below(tmp_path) == server
    leave(user)
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_users_starting_at_the_same_moment_make_one_cluster(tmp_path: Path, start_user: StartUser) -> None:
    users = [start_user(tmp_path) for _ in range(3)]
    logs = [said(user) for user in users]
    assert len({log[-1] for log in logs}) == 1
    assert sum(log.count("cluster_created") for log in logs) == 1
    for user in users:
        leave(user)
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_a_cluster_that_was_cut_off_while_being_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text(MAJOR)
    enter_and_leave(tmp_path)
    assert not (tmp_path / "postgres.new").exists()


@pytest.mark.parametrize("name", ["x" * 120, "a b:c,d@é%"])
def test_a_folder_no_socket_path_can_name(tmp_path: Path, name: str) -> None:
    with embedded_postgres(tmp_path / name, durable=False) as url:
        assert fetch(url, "SELECT 1") == 1
        socket_folder = Path(re.findall(r"host=([^&]+)", url)[0])
        assert socket_folder.stat().st_mode & 0o077 == 0
    assert not socket_folder.exists()


@pytest.mark.nightly
@needs_root
def test_root_runs_it_as_an_os_user_of_its_own_that_can_pass_but_not_list(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with embedded_postgres(private / "data", durable=False):
        owner = Path(f"/proc/{servers_below(private)[0]}").stat().st_uid
        assert pwd.getpwuid(owner).pw_name == "betrokken-db"
    assert private.stat().st_mode & 0o777 == 0o710


@needs_root
def test_root_is_told_which_folder_is_closed_to_the_server(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o750)
    os.chown(shared, -1, pwd.getpwnam("nobody").pw_gid)
    shared.chmod(0o750)
    with pytest.raises(EmbeddedUnavailable, match=rf"chmod o\+x {shared}"):
        enter_and_leave(shared / "data")


@needs_root
def test_another_os_user_gets_in_neither_by_the_folder_nor_by_the_socket(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, durable=False) as url:
        socket_folder = tmp_path / "postgres"
        assert as_nobody(psql(), url).returncode != 0
        for folder in (socket_folder, *tmp_path.parents[:-2], tmp_path):  # as if every mode were wrong
            folder.chmod(folder.stat().st_mode | 0o005)
        (socket_folder / ".s.PGSQL.5432").chmod(0o777)
        refused = as_nobody(psql(), url)
        assert "Peer authentication failed" in refused.stderr
        socket_folder.chmod(0o700)


@needs_root
def test_an_ordinary_user_needs_nothing_more(tmp_path: Path) -> None:
    python = shutil.which("python3", path=os.defpath)
    if not python or as_nobody(python, "-c", "import sys; assert sys.version_info >= (3, 11)").returncode:
        pytest.skip("there is no Python 3.11 that an ordinary OS user may run")
    folder = tmp_path / "data"
    folder.mkdir()
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    for parent in tmp_path.parents[:-2]:
        parent.chmod(0o711)
    tmp_path.chmod(0o711)
    ran = as_nobody(python, "-c", USER, str(folder))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[:1] == ["cluster_created"]
    enter_and_leave(folder)  # root then runs it as its owner
    assert is_stopped(folder)
    folder.chmod(0o500)
    refused = as_nobody(python, "-c", USER, str(folder / "below"))
    assert "Permission denied" in one_line(refused.stderr)


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    bare = subprocess.run(
        [sys.executable, "-S", "-c", USER, str(tmp_path)],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "pip install 'betrokken[embedded]'" in one_line(bare.stderr)


@pytest.mark.nightly
def test_the_folder_of_another_major_version_is_left_alone(tmp_path: Path) -> None:
    enter_and_leave(tmp_path)
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedUnavailable, match="made by PostgreSQL 16 and this release brings 18"):
        enter_and_leave(tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedUnavailable, match=rf"{tmp_path}/data cannot be used .*BETROKKEN_DATA_DIR"):
        enter_and_leave(tmp_path / "data")


@pytest.mark.nightly
def test_a_server_that_cannot_start_tells_why_in_one_line(tmp_path: Path) -> None:
    enter_and_leave(tmp_path)
    (tmp_path / "postgres" / "postgresql.auto.conf").write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(EmbeddedUnavailable, match=r'postgresql\.auto\.conf" contains errors') as failure:
        enter_and_leave(tmp_path)
    assert "\n" not in str(failure.value)
    assert is_stopped(tmp_path)


@needs_root
def test_a_full_disk_is_called_that(tmp_path: Path) -> None:
    """In a mount namespace of its own: the small disk is gone with the process."""
    small_disk = f"mount -t tmpfs -o size=12m,mode=755 none {tmp_path}"
    if subprocess.run(
        ["unshare", "--mount", "sh", "-c", small_disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    start = f'{small_disk} && exec "$0" -c "$1" {tmp_path}'
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", start, sys.executable, USER],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
    )
    assert f"the disk of {tmp_path} has 12 MB left" in one_line(ran.stderr)
