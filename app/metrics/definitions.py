"""What every number is: name, formula, unit, source; and the words for the codes, in both languages."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.core.languages import LANGUAGES
from app.metrics.schemas import Definitions, Labels, MetricDefinition

FILE = Path(__file__).parent / "definitions.yaml"


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


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


def rules(language: str, k: int) -> dict[str, str]:
    """What each rule of disclosure says, of a survey whose smallest group has `k` persons."""
    return {name: words[language].format(k=k) for name, words in document()["rules"].items()}


def notes(metric: str, language: str) -> dict[str, str]:
    """What to keep in mind when reading a metric, by the part of the answer it is about."""
    return {about: texts[language] for about, texts in document()["notes"][metric].items()}
