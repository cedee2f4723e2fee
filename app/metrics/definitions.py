"""What every number is: name, formula, unit, source; and the words for the codes, in both languages."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.metrics.schemas import Definitions, Labels, MetricDefinition

FILE = Path(__file__).parent / "definitions.yaml"
LANGUAGES = ("en", "nl")


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


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
    document = _document()
    metrics = [
        MetricDefinition(**{**metric, "title": metric["title"][language]}) for metric in document["metrics"]
    ]
    return Definitions(formula_version=formula_version, metrics=metrics, labels=Labels(**document["labels"]))


def notes(metric: str, language: str) -> dict[str, str]:
    """What to keep in mind when reading a metric, by the part of the answer it is about."""
    return {about: texts[language] for about, texts in _document()["notes"][metric].items()}
