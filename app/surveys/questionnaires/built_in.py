"""The questionnaire every organisation has from the start."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "betrokken-33.yaml"


@dataclass(frozen=True)
class BuiltIn:
    key: str
    version: int
    made_at: datetime
    content: dict[str, Any]


@cache
def built_in() -> BuiltIn:
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    head = {name: document.pop(name) for name in ("key", "version", "made_at")}
    return BuiltIn(**head, content=document)
