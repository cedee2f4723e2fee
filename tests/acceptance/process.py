"""The service as its users meet it: a process, its command line, and HTTP."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from tests.conftest import GIVEN_DATABASE, SECRET, on_database, run_sql
from tests.contract import check_answer

PATIENCE = 60.0


class Api(httpx.Client):
    """Holds every answer to the contract."""

    def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
        response = super().request(*args, **kwargs)
        check_answer(response)
        return response

    def sent(self, method: str, path: str, **kwargs: Any) -> Any:
        """The body of an answer that is a success."""
        response = self.request(method, path, **kwargs)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:1000]}"
        return response.json()


@dataclass(frozen=True)
class Service:
    url: str
    environment: dict[str, str]

    def command(self, *arguments: str) -> Any:
        """What the command prints with --json."""
        done = run(self.environment, *arguments, "--json")
        return json.loads(done.stdout)

    def organization(self, name: str) -> Api:
        """A client of a new organisation, with every scope."""
        organization_id = self.command("organizations", "create", name)["id"]
        key = self.command("keys", "create", "--organization", organization_id, "--all-scopes")["key"]
        return Api(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"betrokken {' '.join(arguments)}: {done.stderr}"
    return done


@contextmanager
def served_database(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a service with a database of its own: embedded, or on the server of DATABASE_URL."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BETROKKEN_")}
    environment = inherited | {"BETROKKEN_DATA_DIR": str(folder / "data")}
    if GIVEN_DATABASE is None:
        yield environment
        return
    name = f"betrokken_acceptance_{os.getpid()}"
    asyncio.run(run_sql(GIVEN_DATABASE, f"CREATE DATABASE {name} TEMPLATE template0"))
    environment |= {"DATABASE_URL": on_database(GIVEN_DATABASE, name), "BETROKKEN_PSEUDONYM_SECRET": SECRET}
    try:
        run(environment, "migrate")
        yield environment
    finally:
        asyncio.run(run_sql(GIVEN_DATABASE, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    with (
        log.open("w") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            eventually(lambda: process.poll() is not None or is_ready(url))
            assert process.poll() is None, log.read_text()
            yield url
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return cast(int, listener.getsockname()[1])


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").is_success
    except httpx.TransportError:
        return False


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
