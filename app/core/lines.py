"""Lines to the database, on which nobody waits without end.

A network that falls silent says nothing: packets are dropped, by a firewall or a machine that is gone, and
each side believes that the other is thinking. So commands, their cancelling, pings and lines have limits.
"""

import socket
from asyncio import Future
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.telemetry import POOL_IN_USE, POOL_WAITING

CONNECT_SECONDS = 10
MARGIN = 5
"""Seconds that a command may take beyond the server's own limit: who is silent longer has fallen silent."""
CANCEL_SECONDS = 5
PING_SECONDS = 5
FRESH_SECONDS = 1
"""A line that was used so lately is not asked whether it is there: one that was hung up says so itself."""
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}
"""After a minute without a sign of life the kernel ends a line; not each system has all of these."""


class Line(asyncpg.Connection):  # type: ignore[misc]
    """One that does not wait to be heard when it asks for a command to be cancelled."""

    left_at = float("-inf")
    """When it was last given back, by the loop's clock."""

    @property
    def is_fresh(self) -> bool:
        return self._loop.time() - self.left_at < FRESH_SECONDS and not self.is_closed()

    async def _cancel(self, *waiters: "Future[None] | None") -> None:
        impatience = self._loop.call_later(CANCEL_SECONDS, self.terminate)
        try:
            await super()._cancel(*waiters)
        finally:
            impatience.cancel()


async def dial(url: str, statement_timeout: int, **options: Any) -> Line:
    line: Line = await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=statement_timeout + MARGIN,
        connection_class=Line,
        **options,
    )
    keep_alive(line._transport.get_extra_info("socket"))
    return line


OWN_NUMBER = "SELECT pg_backend_pid()"


async def is_pooled(line: asyncpg.Connection) -> bool:
    """A pooler gives numbers of its own to its clients, and does not tell them what they listen for."""
    own: int = await line.fetchval(OWN_NUMBER)
    told: int = line.get_server_pid()
    return own != told


def keep_alive(line: socket.socket) -> None:
    if line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        with suppress(AttributeError, OSError):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class CountedPool(AsyncAdaptedQueuePool):
    """Counts who has a connection, or waits: for a free one, for a new one, for the answer to a ping."""

    def _do_get(self) -> ConnectionPoolEntry:
        POOL_IN_USE.inc()
        try:
            with POOL_WAITING.track_inprogress():
                return super()._do_get()
        except BaseException:
            POOL_IN_USE.dec()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        POOL_IN_USE.dec()
        line: Line | None = record.driver_connection
        if line is not None:
            line.left_at = line._loop.time()
        super()._do_return_conn(record)


def ping_soon(engine: AsyncEngine) -> None:
    """A line whose ping is not answered is ended, and another taken: the pool itself would wait longer.

    A ping is a transaction of its own, so under load none is sent.
    """
    usual: Callable[[Any], bool] = engine.dialect.do_ping

    def ping(connection: Any) -> bool:
        line: Line = connection.driver_connection
        if line.is_fresh:
            return True
        impatience = line._loop.call_later(PING_SECONDS, line.terminate)
        try:
            return usual(connection)
        finally:
            impatience.cancel()

    engine.dialect.do_ping = ping  # type: ignore[method-assign, assignment]
