"""An import of many responses: time, peak memory, and the same counts after kill -9 in the middle.

python -m tests.benchmarks.imports [responses]
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx

from tests.acceptance.process import PATIENCE, Service, eventually, free_port, is_ready
from tests.acceptance.steps import open_survey, put_all
from tests.benchmarks.bench import random_answers, show

RESPONSES = 200_000
MIB = 2**20


class Server:
    """The service as a process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.environment = os.environ | {"BETROKKEN_DATA_DIR": str(folder / "data")}
        self.log = (folder / "serve.log").open("w")
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "app", "serve", "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)
        eventually(lambda: is_ready(self.url))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def peak(self) -> int:
        """Most MiB of memory it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024 // MIB


def write_responses(path: Path, count: int) -> None:
    random = Random(33)
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"respondent": f"E-{number}", "answers": random_answers(random)}) + "\n")


def blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(2**16):
            yield block


def send(api: httpx.Client, survey_id: str, path: Path) -> str:
    params = {"kind": "responses", "survey_id": survey_id}
    headers = {"Content-Type": "application/x-ndjson"}
    answer = api.post("/v1/imports", params=params, content=blocks(path), headers=headers)
    assert answer.status_code == 202, answer.text
    return f"/v1/imports/{answer.json()['id']}"


def wait(api: httpx.Client, path: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = api.get(path).json()
        if found["finished_at"] is not None:
            return found
        time.sleep(0.2)


def main(count: int = RESPONSES) -> None:
    with tempfile.TemporaryDirectory(prefix="betrokken-bench-") as name:
        folder, server = Path(name), Server(Path(name))
        file = folder / "responses.ndjson"
        write_responses(file, count)
        with Service(server.url, server.environment).organization("Bench") as api:
            people = [{"external_id": f"E-{number}", "name": f"E-{number}"} for number in range(count)]
            put_all(api, "/v1/people", people)
            surveys = [open_survey(api, questionnaire="betrokken-33", mode="confidential") for _ in "12"]
            api.timeout = httpx.Timeout(PATIENCE)
            server.kill()
            server.start()
            idle, started = server.peak(), time.perf_counter()
            path = send(api, surveys[0], file)
            stored = time.perf_counter() - started
            found = wait(api, path)
            took, peak = time.perf_counter() - started, server.peak()
            path = send(api, surveys[1], file)
            eventually(lambda: api.get(path).json()["summary"]["rows"] > count // 3)
            server.kill()
            server.start()
            again = wait(api, path)
        server.process.terminate()
        server.process.wait(PATIENCE)
        size = file.stat().st_size / MIB
    show(
        f"Import of {count:,} confidential responses of 33 questions, {size:.0f} MiB of JSON lines",
        ("what", "number"),
        ("until 202, seconds", f"{stored:.1f}"),
        ("until finished, seconds", f"{took:.1f}"),
        ("peak memory of the server idle, MiB", f"{idle}"),
        ("peak memory of the server after it, MiB", f"{peak}"),
        ("created, failed", f"{found['summary']['created']}, {found['summary']['failed']}"),
        (
            "created, failed with a kill in between",
            f"{again['summary']['created']}, {again['summary']['failed']}",
        ),
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
