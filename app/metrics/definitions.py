"""What every number is: name, formula, unit, source; and the words for the codes, in both languages."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict

from app.core.languages import LANGUAGES
from app.core.shipped import read_yaml
from app.metrics.schemas import ContextQuadrant, Definitions, Labels, MetricDefinition, Translations

FOLDER = Path(__file__).parent
Translated = dict[str, str]
"""By language."""


class Defined(TypedDict):
    name: str
    title: Translated
    formula: str
    unit: str
    source: str
    version: str


class DefinitionsFile(TypedDict):
    metrics: list[Defined]
    topics: Translations
    labels: dict[str, Translations]
    quadrants: list[Mapping[str, object]]
    notes: dict[str, Translations]
    rules: Translations
    sentences: Translations


class Meaning(TypedDict):
    meaning: Translated
    next_step: Translated
    formula: str


class MeaningsFile(TypedDict):
    """In Dutch what `DefinitionsFile` says in English alone."""

    units: dict[str, str]
    sources: dict[str, str]
    metrics: dict[str, Meaning]


@cache
def document() -> DefinitionsFile:
    read: DefinitionsFile = read_yaml(FOLDER / "definitions.yaml")
    return read


@cache
def meanings() -> MeaningsFile:
    """What each metric means, and what to do next."""
    read: MeaningsFile = read_yaml(FOLDER / "meanings.yaml")
    return read


def definitions(language: str, formula_version: str) -> Definitions:
    known = document()
    metrics = [_definition(metric, language) for metric in known["metrics"]]
    return Definitions(formula_version=formula_version, metrics=metrics, labels=labels())


def labels() -> Labels:
    return Labels.model_validate(document()["labels"])


def quadrants() -> list[ContextQuadrant]:
    """In the order in which they are shown."""
    return [ContextQuadrant.model_validate(quadrant) for quadrant in document()["quadrants"]]


def _definition(metric: Defined, language: str) -> MetricDefinition:
    plain, is_dutch = meanings()["metrics"][metric["name"]], language == "nl"
    return MetricDefinition(
        name=metric["name"],
        title=metric["title"][language],
        meaning=plain["meaning"][language],
        next_step=plain["next_step"][language],
        formula=plain["formula"] if is_dutch else metric["formula"],
        unit=meanings()["units"][metric["unit"]] if is_dutch else metric["unit"],
        source=_in_dutch(metric["source"]) if is_dutch else metric["source"],
        version=metric["version"],
    )


def _in_dutch(source: str) -> str:
    """Names of papers are the same in any language."""
    return "; ".join(meanings()["sources"].get(part, part) for part in source.split("; "))


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
