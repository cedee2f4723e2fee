"""What every number is: name, formula, unit, source; and the words for the codes, in both languages."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.metrics.schemas import Definitions, Labels, MetricDefinition

FILE = Path(__file__).parent / "definitions.yaml"
LANGUAGES = ("en", "nl")


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


def language_of(accept_language: str | None, default: str) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110), else the default, else English."""
    offers = (_offer(part) for part in (accept_language or "").split(","))
    wanted = [tag for weight, tag in sorted(offers, key=lambda offer: -offer[0]) if weight > 0]
    primary = [tag.partition("-")[0] for tag in [*wanted, default.lower()]]
    return next((tag for tag in primary if tag in LANGUAGES), LANGUAGES[0])


def _offer(part: str) -> tuple[float, str]:
    tag, _, parameter = part.strip().lower().partition(";")
    try:
        weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
    except ValueError:
        weight = 0.0
    return weight, tag.strip()


def definitions(language: str, formula_version: str) -> Definitions:
    known = document()
    metrics = [
        MetricDefinition(**{**metric, "title": metric["title"][language]}) for metric in known["metrics"]
    ]
    return Definitions(formula_version=formula_version, metrics=metrics, labels=Labels(**known["labels"]))


def worded(texts: dict[str, str], language: str) -> str:
    """In the language, else in English, else in the first there is."""
    return texts.get(language) or texts.get(LANGUAGES[0]) or next(iter(texts.values()))


def scale_titles(language: str) -> dict[str, str]:
    scales = document()["labels"]["scales"]
    return {key: words[language] for key, words in scales.items()}
