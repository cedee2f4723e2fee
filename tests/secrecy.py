"""Whatever a run sent of persons, held against whatever the service told: lines, labels, attributes.

What was sent is gathered where clients send it, by the names of members, and what was told as it is told.
Both are kept once each, and compared when the run is over.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from prometheus_client import REGISTRY

from app.core.logging import OWN_FIELDS

PERSONAL = {
    *("name", "email", "message", "comment", "comments", "text", "label", "date", "token", "key", "answers"),
    *("userName", "displayName", "value", "title", "words", "author", "code", "description"),
}
OWN = {"at", "level", "logger", "request_id", "trace_id", "organization_id", "stack", "generation", "le"}
"""Fields that clocks, libraries and the service itself fill."""
OURS = re.compile(r"[a-z]+(_[a-z]+)*")
"""What looks like a word of the service itself, as `responses`, tells nothing of whoever sends it."""
SHORTEST = 6
LARGEST = 20_000
ALWAYS = re.compile(r"[\w.+-]+@[\w-]+\.\w|btk_\w{20}|[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{10,}")
"""An address, a key, a signed token: whoever sent it."""


def personal_in(body: Any, is_personal: bool = False) -> Iterator[str]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield from personal_in(value, is_personal or name in PERSONAL)
    elif isinstance(body, list):
        for value in body:
            yield from personal_in(value, is_personal)
    elif isinstance(body, str) and is_personal and len(body) >= SHORTEST and not OURS.fullmatch(body):
        yield body


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from (str(name), *texts_in(each))
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, str):
        yield value


@dataclass
class Told:
    sent: set[str] = field(default_factory=set)
    heard: dict[str, str] = field(default_factory=dict)
    """A text, and where it was first told."""

    def remember(self, request: httpx.Request) -> None:
        """What it says of persons, if it is JSON and not a large one."""
        with suppress(ValueError, RecursionError, httpx.RequestNotRead):
            if request.content[:1] in (b"{", b"[") and len(request.content) < LARGEST:
                self.sent.update(personal_in(json.loads(request.content)))

    def hear(self, place: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name not in OWN:
                for each in texts_in(value):
                    self.heard.setdefault(each, f"{place}: {name}")

    def hear_lines(self, text: str) -> None:
        """What a process of its own has written."""
        for line in text.splitlines():
            with suppress(ValueError):
                fields = json.loads(line) if line.startswith('{"at"') else {}
                self.hear(f"{fields.get('logger')} {fields.get('event')}", fields)

    def hear_labels(self) -> None:
        for metric in REGISTRY.collect():
            for sample in metric.samples:
                self.hear(f"label of {sample.name}", sample.labels)

    def betrayals(self) -> list[str]:
        """Where something of a person was told; not what."""
        told = (place for each, place in self.heard.items() if each in self.sent or ALWAYS.search(each))
        return sorted(set(told))


class Listener(logging.Handler):
    def __init__(self, told: Told) -> None:
        super().__init__(logging.INFO)
        self.told = told

    def emit(self, record: logging.LogRecord) -> None:
        """What its line will have of it; an exception is told by its kind alone (test_telemetry.py)."""
        if record.name.startswith("betrokken"):
            fields = {key: value for key, value in vars(record).items() if key not in OWN_FIELDS}
            self.told.hear(f"{record.name} {record.msg}", {"event": record.getMessage(), **fields})


told = Told()


def listen() -> None:
    """To all that this process logs, from the level that operators have."""
    logging.getLogger().addHandler(Listener(told))
    logging.getLogger("betrokken").setLevel(logging.INFO)


def overheard() -> list[str]:
    told.hear_labels()
    return told.betrayals()
