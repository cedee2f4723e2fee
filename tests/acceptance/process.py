"""The service as its users meet it: a process, its command line, and HTTP."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import httpx

from app.auth.principal import Scope
from app.cli.running import with_database
from app.core.database import Database
from app.core.settings import Settings
from app.organizations import service as organizations
from app.organizations.schemas import ApiKeyWrite
from tests import secrecy
from tests.conftest import GIVEN_DATABASE, SECRET, on_database, run_sql
from tests.contract import check_answer
from tests.waiting import PATIENCE, eventually


class Api(httpx.Client):
    """Holds every answer to the contract."""

    def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
        response = super().request(*args, **kwargs)
        secrecy.told.remember(response.request)
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

    def organization(self, name: str) -> Api:
        """A client of a new organisation, with every scope; made in this process, which no test is about."""

        async def key_of_new(database: Database) -> str:
            async with database.system_session(reason="test") as session:
                organization_id = await organizations.create_organization(session, name, database.keyring)
            async with database.tenant_session(organization_id) as session:
                wanted = ApiKeyWrite(name="test", scopes=list(Scope))
                return (await organizations.issue_api_key(session, wanted)).key

        with patch.dict(os.environ, self.environment, clear=True):
            key = with_database(Settings(), key_of_new)
        return Api(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"betrokken {' '.join(arguments)}: {done.stderr}"
    return done


def own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BETROKKEN_")}


def environment_of(database_url: str) -> dict[str, str]:
    return own_environment() | {"DATABASE_URL": database_url, "BETROKKEN_PSEUDONYM_SECRET": SECRET}


@contextmanager
def served_database(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a service with a database of its own: embedded, or on the server of DATABASE_URL."""
    if GIVEN_DATABASE is None:
        yield own_environment() | {"BETROKKEN_DATA_DIR": str(folder / "data")}
        return
    name = f"betrokken_acceptance_{os.getpid()}"
    asyncio.run(run_sql(GIVEN_DATABASE, f"CREATE DATABASE {name} TEMPLATE template0"))
    environment = environment_of(on_database(GIVEN_DATABASE, name))
    try:
        run(environment, "migrate")
        yield environment | {"BETROKKEN_DATA_DIR": str(folder / "data")}
    finally:
        asyncio.run(run_sql(GIVEN_DATABASE, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def serving(environment: dict[str, str], log: Path, *options: str, code: Path | None = None) -> Iterator[str]:
    """The service, of this checkout or of another."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", *options]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            cwd=code,
            env={"BETROKKEN_SHUTDOWN_GRACE": "0"} | environment,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield ready_url(process, log)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)
            secrecy.told.hear_lines(log.read_text())


def ready_url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the process says that it serves, once it does."""
    eventually(lambda: process.poll() is not None or any(map(is_ready, urls_in(log))))
    assert process.poll() is None, log.read_text()
    return urls_in(log)[0]


def urls_in(log: Path) -> list[str]:
    """Of whole lines: the last may still be being written."""
    lines = log.read_text().rpartition("\n")[0].splitlines()
    return [json.loads(line)["url"] for line in lines if '"event": "serving"' in line]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return cast(int, listener.getsockname()[1])


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=PATIENCE).is_success
    except httpx.TransportError:
        return False
