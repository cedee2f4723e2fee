"""The words of the mail to an address that is no longer its person's."""

from functools import cache
from pathlib import Path

import yaml

from app.core.one_line import on_one_line

FILE = Path(__file__).parent / "words.yaml"


@cache
def words() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def letter(organization: str, days: int, language: str) -> tuple[str, str]:
    """Subject and text. A name is put on one line: in a mail a line may be a header."""
    names = {"organization": on_one_line(organization), "days": days}
    return words()["subject"][language].format(**names), words()["text"][language].format(**names)
