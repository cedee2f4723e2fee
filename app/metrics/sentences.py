"""What an association may be said to be, in words."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from app.metrics.formulas import Lagged

FILE = Path(__file__).parent / "sentences.yaml"


@cache
def templates() -> dict[str, dict[str, str]]:
    """By language; read once."""
    document: dict[str, dict[str, str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def recognition_sentence(result: Lagged, language: Literal["en", "nl"]) -> str | None:
    """None where there is nothing to say."""
    found = result.association
    if found is None:
        return None
    is_open = found.ci.low <= 0 <= found.ci.high
    kind = "open" if is_open else "higher" if found.value > 0 else "lower"
    low, high = (found.ci.low, found.ci.high) if is_open else sorted(map(abs, (found.ci.low, found.ci.high)))
    shown = {
        name: f"{number:.1f}".replace(".", "," if language == "nl" else ".")
        for name, number in {"x": abs(found.value), "low": low, "high": high}.items()
    }
    closing = "not_separable" if result.direction == "not_separable" else "association"
    words = templates()[language]
    return f"{words[kind].format(**shown)} {words[closing]}"
