"""A process beside the service, for what holds on to the interpreter while it works.

There it can neither stop those who have nothing to do with it, nor end the service with itself. It is a
module that reads orders from its input, one a line, and answers each with a line.
"""

import asyncio
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from app.core.errors import TooManyRequests
from app.core.fairness import FairQueue

MOST_WAITING = 20
"""Orders of one organisation, of those that requests ask for."""
PATIENCE = 120
"""Seconds by the clock, for a process that waits for the processor."""


class TooManyOrders(TooManyRequests):
    detail = "Your organisation waits for too many drawings already: take some before you ask for more."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class Unprinted(Exception):
    """It died over the order, or was ended."""


class Unstarted(Unprinted):
    """The machine had no room for it: it made nothing of the order yet."""


class Hand(threading.local):
    """The process of a thread: started when first needed, and again when it has died."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.process: subprocess.Popen[bytes] | None = None
        self.end: Callable[[], object] = lambda: None
        """At the latest with its thread."""

    def running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.end()
            try:
                self.process = started(self.module)
            except OSError:
                raise Unstarted from None
            self.end = weakref.finalize(threading.current_thread(), end, self.process)
        return self.process

    def make(self, order: bytes) -> bytes:
        process = self.running()
        assert process.stdin is not None
        assert process.stdout is not None
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        try:
            process.stdin.write(order + b"\n")
            process.stdin.flush()
            made = process.stdout.readline()
        except OSError:
            made = b""
        finally:
            patience.cancel()
        if not made.endswith(b"\n"):
            self.end()
            raise Unprinted
        return made


def started(module: str) -> subprocess.Popen[bytes]:
    """Without the service's own environment, where secrets are."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:
        pass


class Press:
    """At most so many processes of a module at once; when all are at work organisations take turns."""

    def __init__(self, module: str, hands: int) -> None:
        self.hand = Hand(module)
        self.turns = FairQueue(hands, hands)
        self.threads = ThreadPoolExecutor(hands, thread_name_prefix="press")

    def refuse_crowd(self, whose: UUID) -> None:
        """A request that would be one too many to wait."""
        if self.turns.waiting_of(str(whose)) >= MOST_WAITING:
            raise TooManyOrders

    async def make(self, order: bytes, whose: UUID) -> bytes:
        async with self.turns.place(str(whose)):
            return await asyncio.get_running_loop().run_in_executor(self.threads, self.hand.make, order)
