"""Much code is loaded in one go, and all of it stays."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LEFT_OUT = ("httpx._main", "watchfiles")
"""What `httpx` and `uvicorn` take where they find it, and we have no use for: the one's own command, which
brings all that draws on a terminal, and the other's look at files that change."""


@contextmanager
def for_good() -> Iterator[None]:
    """Nobody looks for garbage in what is loaded, meanwhile or later: a quarter of a start was that."""
    for name in LEFT_OUT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
