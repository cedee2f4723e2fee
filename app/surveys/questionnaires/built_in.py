"""The questionnaire every organisation has from the start, in each of its versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.core.shipped import read_yaml

KEY: Final = "betrokken-33"
FILES: Final = ("betrokken-33.yaml", "betrokken-33-v2.yaml")
"""One a version, oldest first. A version that was ever shipped stays as it was asked."""
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class BuiltIn:
    key: str
    version: int
    made_at: datetime
    content: dict[str, Any]

    def scales(self) -> list[dict[str, Any]]:
        """Each once."""
        found: list[dict[str, Any]] = []
        for question in self.content["questions"]:
            if question["scale"] not in found:
                found.append(question["scale"])
        return found


@cache
def versions() -> Mapping[int, BuiltIn]:
    found = [_read(read_yaml(FOLDER / file)) for file in FILES]
    return {one.version: one for one in found}


def built_in() -> BuiltIn:
    """The newest."""
    return versions()[max(versions())]


def _read(document: dict[str, Any]) -> BuiltIn:
    """Labels stand once in the file, by scale, and belong to each question on it."""
    head = {name: document.pop(name) for name in ("key", "version", "made_at")}
    for labelled in document.pop("scales", []):
        for question in document["questions"]:
            if question["scale"] == {"low": labelled["low"], "high": labelled["high"]}:
                question["scale"] = labelled
    return BuiltIn(**head, content=document)
