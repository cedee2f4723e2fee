"""Much code is loaded in one go, and all of it stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """Nobody looks for garbage in what is loaded, meanwhile or later: a quarter of a start was that."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
