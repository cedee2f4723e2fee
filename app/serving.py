"""Listens and serves, in one process or several."""

import errno
import logging
import os
import socket
import sys
import tempfile
from asyncio import create_task
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from app.core.connections import ImpatientProtocol
from app.core.loading import for_good
from app.core.logging import configure_logging
from app.core.settings import SERVED_AT, SERVED_DATABASE, Settings
from app.core.tracing import start_tracing

log = logging.getLogger("betrokken")

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 shown, not listened on
OPTIONS: dict[str, Any] = {
    "http": ImpatientProtocol,
    "ws": "none",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": 10,
}


class DoorShut(OSError):
    """Nothing can listen there; the message is one line and says what to do."""


def open_door(host: str, port: int, option: str = "--port ") -> socket.socket:
    """Listens at once: a port that is taken is told before any work, and an early caller waits."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0].lower()
        raise DoorShut(
            f"cannot listen on {host}, port {port} ({reason}): {_way_out(error, port, option)}"
        ) from error


def _way_out(error: OSError, port: int, option: str) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        other = port + 1 if 1024 <= port < 65535 else 8000
        return f"give another {option.strip(' =')}, such as {option}{other}"
    return "give a --host of this machine, such as --host 127.0.0.1 or 0.0.0.0"


def url_of(door: socket.socket) -> str:
    host, port, *_ = door.getsockname()
    written = f"[{host}]" if ":" in host else host
    return f"http://{EVERYWHERE.get(host, written)}:{port}"


def reached_at(settings: Settings, url: str) -> Settings:
    """With this as its public address, for its mails; who asks for something is told of where they asked."""
    if "public_url" in settings.model_fields_set:
        return settings
    found = settings.model_copy(update={"public_url": url})
    found.model_fields_set.discard("public_url")
    return found


def serve_through(door: socket.socket, settings: Settings, database_url: str, workers: int = 1) -> None:
    """Until SIGINT or SIGTERM."""
    start_tracing(settings.otlp_url)
    log.info("serving", extra={"url": url_of(door), "workers": workers})
    with suppress(KeyboardInterrupt):
        if workers == 1:
            app = loaded(reached_at(settings, url_of(door)), database_url)
            config = uvicorn.Config(app, **OPTIONS)
            uvicorn.Server(config).run(sockets=[door])
        else:
            _serve_by_many(door, database_url, workers)


def _serve_by_many(door: socket.socket, database_url: str, workers: int) -> None:
    """Processes that inherit the door, with a folder in which they add up their telemetry."""
    os.environ |= {SERVED_DATABASE: database_url, SERVED_AT: url_of(door)}
    with tempfile.TemporaryDirectory(prefix="betrokken-telemetry-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        config = uvicorn.Config("app.serving:app_of_one_process", factory=True, workers=workers, **OPTIONS)
        door.set_inheritable(True)
        processes = ServingProcesses(config, sockets=[door])
        processes.run()
        if processes.cannot_start:
            sys.exit(STARTUP_FAILURE)


class Beside(uvicorn.Server):
    """Answers beside other work of its process, which ends by itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def answering(door: socket.socket, app: FastAPI) -> AsyncIterator[None]:
    """As long as other work goes on."""
    server = Beside(uvicorn.Config(app, **OPTIONS))
    serving = create_task(server.serve(sockets=[door]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class ServingProcesses(Multiprocess):
    """One that died is told of and replaced.

    uvicorn also kills one that does not answer its parent for some seconds: on a busy machine each that still
    imports, again and again.
    """

    cannot_start = False

    def keep_subprocess_alive(self) -> None:
        for place, process in enumerate(self.processes):
            if not process.process.is_alive():
                self._replace(place, process)

    def _replace(self, place: int, gone: Process) -> None:
        log.error("process_died", extra={"pid": gone.pid, "exit_status": gone.exitcode})
        if gone.exitcode == STARTUP_FAILURE:
            self.cannot_start = True
            self.should_exit.set()
        else:
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()


def app_of_one_process() -> FastAPI:
    settings = reached_at(Settings(), os.environ[SERVED_AT])
    configure_logging(settings.log_level)
    start_tracing(settings.otlp_url)
    return loaded(settings, os.environ[SERVED_DATABASE])


def loaded(settings: Settings, database_url: str) -> FastAPI:
    """The parent of several processes does without."""
    with for_good():
        from app.main import create_app  # noqa: PLC0415

        return create_app(settings, database_url)
