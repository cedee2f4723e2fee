"""The words of the mail and the page that lead to one's own answers."""

from functools import cache
from pathlib import Path
from typing import Any

from app.core.shipped import read_yaml

FILE = Path(__file__).parent / "words.yaml"


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = read_yaml(FILE)
    return document
