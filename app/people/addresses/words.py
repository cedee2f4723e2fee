"""The words of the mail to an address that is no longer its person's."""

from functools import cache
from pathlib import Path

from app.core.one_line import on_one_line
from app.core.shipped import read_yaml

FILE = Path(__file__).parent / "words.yaml"


@cache
def words() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = read_yaml(FILE)
    return document


def letter(organization: str, days: int, language: str) -> tuple[str, str]:
    """Subject and text. A name is put on one line: in a mail a line may be a header."""
    names = {"organization": on_one_line(organization), "days": days}
    return words()["subject"][language].format(**names), words()["text"][language].format(**names)
