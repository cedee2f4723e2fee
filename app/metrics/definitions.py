"""What every number is: name, formula, unit, source; and the words for the codes, in both languages."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.core.languages import LANGUAGES
from app.metrics.schemas import ContextQuadrant, Definitions, Labels, MetricDefinition

FOLDER = Path(__file__).parent


@cache
def document() -> dict[str, Any]:
    return _read("definitions.yaml")


@cache
def meanings() -> dict[str, Any]:
    """What each metric means, what to do next, and in Dutch what `document` says of it in English alone."""
    return _read("meanings.yaml")


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return read


def definitions(language: str, formula_version: str) -> Definitions:
    known = document()
    metrics = [_definition(metric, language) for metric in known["metrics"]]
    return Definitions(formula_version=formula_version, metrics=metrics, labels=labels())


def labels() -> Labels:
    return Labels(**document()["labels"])


def quadrants() -> list[ContextQuadrant]:
    """In the order in which they are shown."""
    return [ContextQuadrant(**quadrant) for quadrant in document()["quadrants"]]


def _definition(metric: dict[str, Any], language: str) -> MetricDefinition:
    plain = meanings()["metrics"][metric["name"]]
    said = {name: plain[name][language] for name in ("meaning", "next_step")}
    technical = _in_dutch(metric, plain["formula"]) if language == "nl" else {}
    return MetricDefinition(**{**metric, "title": metric["title"][language], **said, **technical})


def _in_dutch(metric: dict[str, Any], formula: str) -> dict[str, str]:
    """Names of papers are the same in any language."""
    sources = [meanings()["sources"].get(part, part) for part in metric["source"].split("; ")]
    return {"formula": formula, "unit": meanings()["units"][metric["unit"]], "source": "; ".join(sources)}


def worded(texts: dict[str, str], language: str) -> str:
    """In the language, else in English, else in the first there is."""
    return texts.get(language) or texts.get(LANGUAGES[0]) or next(iter(texts.values()))


def scale_titles(language: str) -> dict[str, str]:
    scales = document()["labels"]["scales"]
    return {key: words[language] for key, words in scales.items()}


def facet_titles(language: str) -> dict[str, str]:
    """Of a topic its mean answer is told: it is not called as a score with another scale is."""
    own = document()["topics"]
    return scale_titles(language) | {key: words[language] for key, words in own.items()}


def rules(language: str, k: int) -> dict[str, str]:
    """What each rule of disclosure says, of a survey whose smallest group has `k` persons."""
    return {name: words[language].format(k=k) for name, words in document()["rules"].items()}


def notes(metric: str, language: str) -> dict[str, str]:
    """What to keep in mind when reading a metric, by the part of the answer it is about."""
    return {about: texts[language] for about, texts in document()["notes"][metric].items()}
