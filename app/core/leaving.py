"""How a process that serves ends: it says so before it does.

Who spreads requests over processes looks at readiness now and then. So after SIGTERM this one is not ready,
but takes requests for a while yet, and asks with each answer that its line be closed; only then it is ended,
and what is in hand is finished. A second SIGTERM, or Ctrl-C, does not wait.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fastapi import FastAPI

log = logging.getLogger("betrokken")


@contextmanager
def told_before_leaving(app: FastAPI, grace: int) -> Iterator[None]:
    """Puts `grace` seconds before what ends this process on SIGTERM, where there is such a thing."""
    ending = signal.getsignal(signal.SIGTERM) if _is_main_thread() else None
    if not callable(ending) or not grace:
        yield
        return
    loop = asyncio.get_running_loop()

    def announce(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, ending)
        app.state.is_leaving = True
        loop.call_soon_threadsafe(loop.call_later, grace, signal.raise_signal, signal.SIGTERM)
        loop.call_soon_threadsafe(log.info, "draining")

    signal.signal(signal.SIGTERM, announce)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is announce:
            signal.signal(signal.SIGTERM, ending)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
