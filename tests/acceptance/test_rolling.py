"""Two services behind a balancer are restarted one by one under load: no request is lost."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.acceptance.process import PATIENCE, Service, free_port, is_ready
from tests.waiting import eventually, until

pytestmark = [pytest.mark.nightly, pytest.mark.acceptance]
LOOKS_EVERY = 1.0
CLIENTS = 4


@dataclass
class Balancer:
    """Looks at readiness every second, and sends in turn to those that were ready then."""

    urls: list[str]
    ready: list[str] = field(default_factory=list)
    sent: int = 0
    failures: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    async def look(self, client: httpx.AsyncClient) -> None:
        while True:
            found = await asyncio.gather(*(self._is_ready(client, url) for url in self.urls))
            self.ready = [url for url, is_up in zip(self.urls, found, strict=True) if is_up]
            await asyncio.sleep(LOOKS_EVERY)

    @staticmethod
    async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
        try:
            return (await client.get(f"{url}/health/ready", timeout=5)).is_success
        except httpx.TransportError:
            return False

    async def send(self, client: httpx.AsyncClient, person: str) -> None:
        if not self.ready:
            await until(lambda: bool(self.ready))
        self.sent += 1
        url = self.ready[self.sent % len(self.ready)]
        try:
            answer = await client.put(f"{url}/v1/people/{person}", json={"name": person})
        except httpx.TransportError as error:
            self.failures.append(f"{type(error).__name__} of {url}")
            return
        if answer.status_code == 201:
            self.kept.append(person)
        else:
            self.failures.append(f"{answer.status_code} of {url}: {answer.text[:200]}")


def started(environment: dict[str, str], port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("a") as output:
        command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    eventually(lambda: process.poll() is not None or is_ready(f"http://127.0.0.1:{port}"))
    assert process.poll() is None, log.read_text()
    return process


def people(api: httpx.Client) -> set[str]:
    found: set[str] = set()
    path: str | None = "/v1/people?limit=200"
    while path:
        page = api.get(path)
        found |= {item["external_id"] for item in page.json()["items"]}
        path = page.links["next"]["url"] if "next" in page.links else None
    return found


async def test_no_request_is_lost(served: dict[str, str], tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    balancer = Balancer([f"http://127.0.0.1:{port}" for port in ports])
    environment = os.environ | served
    with ExitStack() as ending:
        processes = {}
        for port in ports:
            processes[port] = await asyncio.to_thread(started, environment, port, tmp_path / str(port))
        ending.callback(lambda: [process.kill() for process in processes.values()])
        made = await asyncio.to_thread(Service(balancer.urls[0], served).organization, "Rolling")
        headers = dict(made.headers)
        made.close()
        restarted = asyncio.Event()
        numbers = count()

        async def load(client: httpx.AsyncClient) -> None:
            while not restarted.is_set():
                await balancer.send(client, f"E-{next(numbers)}")

        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as client:
            looking = asyncio.create_task(balancer.look(client))
            loads = [asyncio.create_task(load(client)) for _ in range(CLIENTS)]
            for port in ports:
                await until(lambda: len(balancer.ready) == 2)
                processes[port].send_signal(signal.SIGTERM)
                await asyncio.to_thread(processes[port].wait, PATIENCE)
                processes[port] = await asyncio.to_thread(started, environment, port, tmp_path / str(port))
            await until(lambda: len(balancer.ready) == 2)
            restarted.set()
            await asyncio.gather(*loads)
            looking.cancel()
        print(f"{balancer.sent} requests sent, {len(balancer.failures)} failed")
        assert balancer.failures == []
        assert len(balancer.kept) > 100
        with httpx.Client(base_url=balancer.urls[0], headers=headers, timeout=PATIENCE) as reader:
            assert people(reader) == set(balancer.kept)
        for port in ports:
            assert '"event": "draining"' in (tmp_path / str(port)).read_text()
            processes[port].send_signal(signal.SIGINT)
            await asyncio.to_thread(processes[port].wait, PATIENCE)
