"""Looks after a running server: whoever uses it starts it again when it has gone."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.errors import EmbeddedUnavailable
from app.embedded.room import Gauge
from app.embedded.sockets import is_listening

LOOK_EVERY = 0.5
LONGEST_PAUSE = 15.0

log = logging.getLogger("betrokken.embedded")


@contextmanager
def kept_alive(socket_folder: Path, gauge: Gauge, bring_back: Callable[[], object]) -> Iterator[None]:
    """Meanwhile `bring_back` is called whenever nobody listens in that folder."""
    leaving = threading.Event()
    work = (socket_folder, gauge, bring_back, leaving)
    keeper = threading.Thread(target=_keep, args=work, name="postgres-keeper")
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        keeper.join()


def _keep(
    socket_folder: Path, gauge: Gauge, bring_back: Callable[[], object], leaving: threading.Event
) -> None:
    while not leaving.wait(LOOK_EVERY):
        gauge.look()
        if not is_listening(socket_folder):
            log.warning("postgres_gone", extra={"socket_folder": str(socket_folder)})
            _bring_back(gauge, bring_back, leaving)


def _bring_back(gauge: Gauge, bring_back: Callable[[], object], leaving: threading.Event) -> None:
    pause = 1.0
    while not leaving.is_set():
        try:
            bring_back()
        except EmbeddedUnavailable as error:
            log.error("postgres_does_not_come_back", extra={"reason": str(error), "next_try_in": pause})
            leaving.wait(pause)
            gauge.look()
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            log.warning("postgres_is_back")
            return
