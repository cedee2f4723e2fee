"""Much code is loaded in one go, and all of it stays."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COMMAND_LINE = "httpx._main"
"""It comes with `httpx`, brings all that draws on a terminal, and does without where it cannot be had."""


@contextmanager
def for_good() -> Iterator[None]:
    """Nobody looks for garbage in what is loaded, meanwhile or later: a quarter of a start was that."""
    sys.modules.setdefault(COMMAND_LINE, None)  # type: ignore[arg-type]
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
