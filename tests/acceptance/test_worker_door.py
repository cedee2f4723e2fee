"""What a process that only works answers: whether it lives, whether it can work, and its numbers."""

import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.core.jobs import LONGEST_DEAFNESS, Worker
from app.main import create_worker_app
from app.serving import answering, open_door, url_of
from tests.acceptance.process import is_ready
from tests.conftest import Tenant
from tests.waiting import PATIENCE, eventually


@pytest.fixture
def worker(acme: Tenant) -> Worker:
    return Worker(acme.database, jobs={}, schedules={})


@pytest.fixture
async def beside(acme: Tenant, worker: Worker) -> AsyncIterator[httpx.AsyncClient]:
    door = open_door("127.0.0.1", 0)
    async with answering(door, create_worker_app(acme.database, worker)):
        async with httpx.AsyncClient(base_url=url_of(door), timeout=PATIENCE) as client:
            yield client


async def test_it_answers_probes_and_prometheus_and_nothing_else(beside: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        assert (await beside.get(path)).json() == {"status": "ok"}
    assert "betrokken_jobs_total" in (await beside.get("/metrics")).text
    assert (await beside.get("/v1/me")).status_code == 404


async def test_a_worker_that_the_database_does_not_speak_to_is_not_ready(
    beside: httpx.AsyncClient, worker: Worker
) -> None:
    worker.heard_at -= LONGEST_DEAFNESS + 1
    answer = await beside.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "worker_silent")
    assert (await beside.get("/health/live")).status_code == 200


@pytest.mark.nightly
def test_the_command_has_that_port(served: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "app", "worker"]
        environment = served | {"BETROKKEN_WORKER_LISTEN": str(port), "BETROKKEN_DATA_DIR": str(tmp_path)}
        refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert f"give another BETROKKEN_WORKER_LISTEN, such as BETROKKEN_WORKER_LISTEN={port + 1}" in (
            refused.stderr
        )
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: is_ready(f"http://127.0.0.1:{port}"))
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0
