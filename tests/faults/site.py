"""A service as an operator runs it: watched, started again when it is gone, its database behind a network."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from app.embedded.server import embedded_postgres
from tests.acceptance.process import environment_of, free_port, run
from tests.silence import Way
from tests.waiting import PATIENCE

CLOCK = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class Network(Way):
    """A way that can also be cut, slow, or closed to whoever is new."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.delay = 0.0
        self.is_closed = False
        self.lines: set[asyncio.StreamWriter] = set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_closed:
            writer.transport.abort()
            return
        self.lines.add(writer)
        try:
            await super().meet(reader, writer)
        except OSError:
            writer.transport.abort()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def delayed(n: int = -1) -> bytes:
            piece = await read(n)
            await asyncio.sleep(self.delay)
            return piece

        read = reader.read
        reader.read = delayed  # type: ignore[method-assign]
        await super().pass_on(reader, writer)

    async def cut(self) -> None:
        for line in self.lines:
            line.transport.abort()
        self.lines.clear()


class Site:
    def __init__(self, folder: Path, database: str, network: Network, program: str, clock: bool) -> None:
        self.folder, self.database, self.network = folder, database, network
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clock = folder / "clock"
        self.clock.write_text("+0")
        self.environment = environment_of(network.url) | {
            "BETROKKEN_DATA_DIR": str(folder / "service"),
            "BETROKKEN_DATABASE_STATEMENT_TIMEOUT": "8",
            "BETROKKEN_ORGANIZATION_CONCURRENCY": "8",
            "BETROKKEN_SHUTDOWN_GRACE": "1",
        }
        if clock and CLOCK:
            self.environment |= {
                "LD_PRELOAD": str(CLOCK),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        self.command = [sys.executable, "-m", program, "serve", "--port", str(self.port)]
        self.is_wanted = True
        self.log = (folder / "log").open("a")
        self.service = self._start()
        self.watch = threading.Thread(target=self._keep_up)
        self.watch.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, env=self.environment, stdout=self.log, stderr=self.log)

    def _keep_up(self) -> None:
        """As systemd and Kubernetes do."""
        while self.is_wanted:
            if self.service.poll() is not None:
                self.service = self._start()
            time.sleep(0.1)

    def wait_until_ready(self) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as client:
            deadline = time.monotonic() + PATIENCE
            while not is_ready(client):
                assert time.monotonic() < deadline, "waited in vain"
                time.sleep(0.25)

    def close(self) -> None:
        self.is_wanted = False
        self.watch.join()
        self.service.send_signal(signal.SIGCONT)
        self.service.kill()
        self.service.wait()
        self.log.close()

    def send(self, ending: signal.Signals) -> None:
        self.service.send_signal(ending)

    def server_processes(self) -> list[int]:
        """The first one, then its children."""
        first = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        below = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, below)]

    def sql(self, *statements: str) -> list[Any]:
        return asyncio.run(self._sql(statements))

    async def _sql(self, statements: tuple[str, ...]) -> list[Any]:
        connection = await asyncpg.connect(self.database)
        try:
            return [await connection.fetch(statement) for statement in statements]
        finally:
            await connection.close()

    @contextmanager
    def holding(self, *statements: str) -> Iterator[None]:
        """A transaction of somebody else, who takes their time."""
        let_go, has_begun = threading.Event(), threading.Event()

        async def hold() -> None:
            connection = await asyncpg.connect(self.database)
            try:
                async with connection.transaction():
                    for statement in statements:
                        await connection.execute(statement)
                    has_begun.set()
                    await asyncio.to_thread(let_go.wait)
            finally:
                has_begun.set()
                await connection.close()

        thread = threading.Thread(target=lambda: asyncio.run(hold()))
        thread.start()
        has_begun.wait()
        try:
            yield
        finally:
            let_go.set()
            thread.join()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").is_success
    except httpx.TransportError:
        return False


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def call(self, work: Callable[[], Any]) -> None:
        self.loop.call_soon_threadsafe(work)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


@contextmanager
def site(folder: Path, program: str, clock: bool) -> Iterator[tuple[Site, Loop]]:
    """Its clock can be stepped where that is asked for: it then looks at a file again and again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with embedded_postgres(folder) as database:
        loop = Loop()
        network = Network(database)

        async def open_way() -> asyncio.Server:
            return await asyncio.start_server(network.meet, "127.0.0.1", 0)

        server = loop.do(open_way())
        network.port = server.sockets[0].getsockname()[1]
        run(environment_of(database), "migrate")
        made = Site(folder, database, network, program, clock)
        try:
            made.wait_until_ready()
            yield made, loop
        finally:
            made.close()
            loop.call(server.close)
            loop.do(network.cut())
            loop.close()
