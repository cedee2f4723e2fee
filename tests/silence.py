"""A way to the database that can fall silent: bytes are taken and not passed on, and nobody hangs up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Way:
    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.met = 0
        """How many lines came while nothing passed."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        login = self.parts.netloc.rpartition("@")[0]
        return f"postgresql://{login}@127.0.0.1:{self.port}{self.parts.path}?sslmode=disable"

    def fall_silent(self) -> None:
        self.flowing.clear()

    def come_back(self) -> None:
        self.flowing.set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.met += not self.flowing.is_set()
        beyond, answering = await self.server()
        self.tasks |= {
            asyncio.create_task(self.pass_on(reader, answering)),
            asyncio.create_task(self.pass_on(beyond, writer)),
        }

    async def server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        given, port = parse_qs(self.parts.query), self.parts.port or 5432
        host = given.get("host", [self.parts.hostname or "localhost"])[0]
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{given.get('port', [port])[0]}")
        return await asyncio.open_connection(host, port)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                await self.flowing.wait()
                writer.write(piece)
                await writer.drain()
        await self.flowing.wait()
        writer.close()


@asynccontextmanager
async def way_to(url: str) -> AsyncIterator[Way]:
    way = Way(url)
    server = await asyncio.start_server(way.meet, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        server.close()
        for task in way.tasks:
            task.cancel()
        await asyncio.gather(*way.tasks, return_exceptions=True)
