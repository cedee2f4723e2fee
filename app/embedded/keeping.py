"""Looks after a running server: whoever uses it starts it again when it has gone."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.errors import EmbeddedUnavailable
from app.embedded.sockets import is_listening

LOOK_EVERY = 0.5
LONGEST_PAUSE = 15.0

log = logging.getLogger("betrokken.embedded")


@contextmanager
def kept_alive(socket_folder: Path, bring_back: Callable[[], object]) -> Iterator[None]:
    """Meanwhile `bring_back` is called whenever nobody listens in that folder."""
    leaving = threading.Event()
    keeper = threading.Thread(target=_keep, args=(socket_folder, bring_back, leaving), name="postgres-keeper")
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        keeper.join()


def _keep(socket_folder: Path, bring_back: Callable[[], object], leaving: threading.Event) -> None:
    while not leaving.wait(LOOK_EVERY):
        if not is_listening(socket_folder):
            log.warning("postgres_gone", extra={"socket_folder": str(socket_folder)})
            _bring_back(bring_back, leaving)


def _bring_back(bring_back: Callable[[], object], leaving: threading.Event) -> None:
    pause = 1.0
    while not leaving.is_set():
        try:
            bring_back()
        except EmbeddedUnavailable as error:
            log.error("postgres_does_not_come_back", extra={"reason": str(error), "next_try_in": pause})
            leaving.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            log.warning("postgres_is_back")
            return
