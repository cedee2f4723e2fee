"""How tests wait: for what must happen, never for a while. Who waits in vain says so after PATIENCE."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

import asyncpg

PATIENCE = 300.0
"""Seconds; longer than anything takes on a machine busy with other work. Nothing is measured by it."""
BLOCKED = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
)


def as_in_a_terminal() -> None:
    """For a child before its program starts: no signal is ignored.

    Tests that run in the background, or by nohup, have SIGINT or SIGHUP ignored, and children inherit that:
    a program that respects it, as it should, would then not end by that signal.
    """
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Asks less and less often: who asks takes time from what is waited for."""
    pause = 0.005
    async with asyncio.timeout(PATIENCE):
        while not await _holds(condition):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)


async def _holds(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> bool:
    found = condition()
    return found if isinstance(found, bool) else await found


async def until_blocked(owner: asyncpg.Connection, transactions: int = 1) -> None:
    """So many others wait for a lock that somebody holds in this database."""

    async def are_blocked() -> bool:
        return int(await owner.fetchval(BLOCKED)) >= transactions

    await until(are_blocked)
