"""A disk that fills up is called that; when there is room again everything goes on."""

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.embedded import cluster, room
from app.embedded.server import embedded_postgres
from tests.acceptance.process import Service, free_port, is_ready
from tests.embedded.servers import REPOSITORY, fetch, is_stopped, needs_root, servers_below
from tests.embedded.test_keeping import postmaster
from tests.waiting import eventually

MB = 2**20


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_each_turn_of_the_disk_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gauge = room.Gauge(tmp_path)
    with caplog.at_level(logging.WARNING):
        for free in (900, 20, 10, 0, 31, 32, 900, 3):
            monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Usage(999, 0, free * MB))
            gauge.look()
    assert [record.getMessage() for record in caplog.records] == ["disk_full", "disk_has_room", "disk_full"]


@pytest.mark.nightly
def test_a_server_that_does_not_come_to_an_end_is_stopped_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash on a full disk: PostgreSQL 18 then waits for itself for ever."""
    monkeypatch.setattr(cluster, "ORDERLY", 1.0)
    with embedded_postgres(tmp_path, durable=False) as url:
        fetch(url, "CREATE TABLE kept AS SELECT 1")
        fetch(url, "CHECKPOINT")
        checkpointer = fetch(url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        os.kill(checkpointer, signal.SIGSTOP)
    assert is_stopped(tmp_path)
    with embedded_postgres(tmp_path, durable=False) as url:
        assert fetch(url, "SELECT count(*) FROM kept") == 1


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        yield
    finally:
        for process in servers_below(folder):
            os.kill(process, signal.SIGKILL)
        assert is_stopped(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    file = folder / "fill"
    with file.open("wb") as stream:
        try:
            while True:
                stream.write(bytes(MB))
                stream.flush()
        except OSError:
            file.touch()
    return file


@pytest.mark.nightly
@pytest.mark.acceptance
@needs_root
def test_a_disk_that_fills_up_while_serving(tmp_path: Path) -> None:
    with small_disk(tmp_path, 96):
        port, log = free_port(), tmp_path.with_suffix(".log")
        environment = os.environ | {"BETROKKEN_DATA_DIR": str(tmp_path / "data")}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        with log.open("w") as output, subprocess.Popen(command, env=environment, stderr=output) as service:
            eventually(lambda: is_ready(url))
            with Service(url, environment).organization("Small") as api:
                filling = fill(tmp_path)
                sent = 0
                while (answer := add_people(api, sent)).is_success:
                    sent += 1
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                eventually(lambda: '"event": "disk_full"' in log.read_text())
                filling.unlink()
                eventually(lambda: add_people(api, sent).is_success)
                found = api.sent("GET", f"/v1/people/E-{sent}-0")
                assert found["external_id"] == f"E-{sent}-0"
            service.terminate()
        assert '"event": "disk_has_room"' in log.read_text()
        assert not servers_below(tmp_path)


def add_people(api: httpx.Client, batch: int) -> httpx.Response:
    items = [{"external_id": f"E-{batch}-{number}", "name": "N" * 150} for number in range(1000)]
    return api.post("/v1/people/batch", json={"items": items})


@pytest.mark.nightly
@pytest.mark.acceptance
@needs_root
def test_a_disk_that_fills_up_under_a_command(tmp_path: Path) -> None:
    with small_disk(tmp_path, 80):
        data = tmp_path / "data"
        command = [sys.executable, "-m", "app", "demo", "--port", "0", "--data-dir", str(data)]
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        with subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
        ) as demo:
            eventually(lambda: (data / "postgres" / "postmaster.pid").exists() and bool(postmaster(data)))
            fill(tmp_path)
            _, told = demo.communicate()
        assert demo.returncode == 1
        assert "Traceback" not in told
        assert "make room" in told.splitlines()[-1]
        assert not servers_below(tmp_path)
