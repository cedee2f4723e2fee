"""Cards are made in a process of their own, which has a limit of time and of memory.

A template is written by a stranger and the libraries that draw it hold on to the interpreter while they do:
here they can neither stop those who have nothing to do with it, nor end the service with themselves.
Time is counted in seconds of the processor, so that a busy machine refuses no card.
"""

import asyncio
import base64
import json
import math
import os
import resource
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import IO, Any

from app.calendar.cards.rendering import Occasion, Rendered, Wish, rendered
from app.calendar.cards.templates import Template, TemplateRefused

SECONDS = 3
PATIENCE = 120
"""Seconds by the clock, for a process that waits for the processor."""
MEMORY = 1 << 30
PRESSES = 2
COSTLY = TemplateRefused("template_too_costly", "making the card takes too long, or too much memory")


class Press(threading.local):
    """The process of a thread: started when first needed, and again when it has died."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.end: Callable[[], object] = lambda: None
        """At the latest with its thread."""

    def running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.end()
            self.process = started()
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
            raise COSTLY
        return made


def started() -> subprocess.Popen[bytes]:
    """Without the service's own environment, where secrets are."""
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:
        pass


PRESS = Press()
HANDS = ThreadPoolExecutor(PRESSES, thread_name_prefix="press")


async def printed(template: Template, occasion: Occasion) -> Rendered:
    """As `rendered`, elsewhere; raises TemplateRefused also where that costs too much."""
    order = json.dumps([asdict(template), asdict(occasion)]).encode()
    made = json.loads(await asyncio.get_running_loop().run_in_executor(HANDS, PRESS.make, order))
    if "code" in made:
        raise TemplateRefused(made["code"], made["message"])
    return Rendered(**made | {"picture": made["picture"] and base64.b64decode(made["picture"])})


# ------------------------------------------------------------------ inside the process


def main(orders: IO[bytes], answers: IO[bytes]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for order in orders:
        spent = math.ceil(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        answers.write(json.dumps(answer(*json.loads(order))).encode() + b"\n")
        answers.flush()


def answer(template: dict[str, Any], occasion: dict[str, Any]) -> dict[str, Any]:
    wishes = [Wish(**wish) for wish in occasion["wishes"]]
    try:
        made = asdict(rendered(Template(**template), Occasion(**occasion | {"wishes": wishes})))
    except TemplateRefused as error:
        return {"code": error.code, "message": str(error)}
    except (MemoryError, RecursionError):
        return {"code": COSTLY.code, "message": str(COSTLY)}
    return made | {"picture": made["picture"] and base64.b64encode(made["picture"]).decode()}


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
