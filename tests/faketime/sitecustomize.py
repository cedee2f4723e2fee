"""What libfaketime 0.9 leaves undone, for every Python of a run under it, which finds this by PYTHONPATH."""

import os
import select
import subprocess
import time
from typing import Any

CLOCK = {name: os.environ[name] for name in os.environ if name == "LD_PRELOAD" or "FAKE" in name}
start = subprocess.Popen.__init__


def start_under_the_same_clock(self: Any, *arguments: Any, env: Any = None, **more: Any) -> None:
    """The embedded PostgreSQL is given an environment of its own, and would live in another year."""
    start(self, *arguments, env=None if env is None else CLOCK | dict(env), **more)


def sleep(seconds: float) -> None:
    """libfaketime takes the true monotonic time at which Python wants to wake for a false one."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


subprocess.Popen.__init__ = start_under_the_same_clock  # type: ignore[method-assign]
time.sleep = sleep
