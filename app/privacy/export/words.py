"""The words of the mail and the page that lead to one's own answers."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "words.yaml"


@cache
def words() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


def letter(organization: str, link: str, days: int, language: str) -> Letter:
    """A name is put on one line: in a mail a line may be a header."""
    names = {"organization": " ".join(organization.split()), "link": link, "days": days}
    told = words()
    return Letter(told["subject"][language].format(**names), told["text"][language].format(**names))
