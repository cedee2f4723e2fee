"""Surveys that open and close by themselves side by side, while the worker is killed."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.process import Api, Service, served_database, serving

PATIENCE = 600
MANY = 200


@dataclass
class Side:
    """A service that serves alone, and a worker beside it that can be killed."""

    api: Api
    environment: dict[str, str]
    log: Path
    worker: subprocess.Popen[bytes] | None = None

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "app", "worker"]
        with self.log.open("a") as output:
            self.worker = subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)

    def kill_worker(self) -> None:
        assert self.worker
        self.worker.kill()
        self.worker.wait()

    def surveys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        path = "/v1/surveys?limit=200"
        while path:
            page = self.api.get(path)
            found += page.json()["items"]
            path = page.links["next"]["url"] if "next" in page.links else ""
        return found

    def count(self, *statuses: str) -> int:
        counts = Counter(survey["status"] for survey in self.surveys())
        return sum(counts[status] for status in statuses)

    def draft_many(self, opens_at: Callable[[], str]) -> None:
        wanted = {"questionnaire": "betrokken-33", "mode": "confidential"}
        for number in range(MANY):
            times = {"name": f"Survey {number}", "opens_at": opens_at()}
            self.api.sent("POST", "/v1/surveys", json=wanted | times)

    def close_many(self, closes_at: Callable[[], str]) -> None:
        for survey in self.surveys():
            self.api.sent("PATCH", f"/v1/surveys/{survey['id']}", json={"closes_at": closes_at()})

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()[-5000:]
            time.sleep(0.2)


@contextmanager
def side_by_side(folder: Path) -> Iterator[Side]:
    with ExitStack() as stack:
        environment = stack.enter_context(served_database(folder))
        served = environment | {"BETROKKEN_WORKER_ENABLED": "false"}
        url = stack.enter_context(serving(served, folder / "serve.log"))
        api = stack.enter_context(Service(url, environment).organization("Times"))
        side = Side(api, environment, folder / "worker.log")
        side.start_worker()
        try:
            yield side
        finally:
            side.kill_worker()


def soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=20)).isoformat()


def lateness(surveys: list[dict[str, Any]], name: str, due: str) -> list[float]:
    """Seconds from the time asked for to the time it happened."""
    moment = datetime.fromisoformat
    return [(moment(survey[name]) - moment(survey[due])).total_seconds() for survey in surveys]


@pytest.mark.nightly
def test_all_open_close_and_are_released_though_the_worker_is_killed(tmp_path: Path) -> None:
    with side_by_side(tmp_path) as side:
        side.draft_many(soon)
        side.wait_until(lambda: side.count("open") > 0)
        side.kill_worker()
        side.start_worker()
        side.wait_until(lambda: side.count("open") == MANY)
        assert min(lateness(side.surveys(), "opened_at", "opens_at")) >= 0
        side.close_many(soon)
        side.wait_until(lambda: side.count("released") > 0)
        side.kill_worker()
        side.start_worker()
        side.wait_until(lambda: side.count("released") == MANY)
        assert min(lateness(side.surveys(), "closed_at", "closes_at")) >= 0
        assert "job_failed" not in side.log.read_text()
