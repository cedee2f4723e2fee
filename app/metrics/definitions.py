"""What every number is: name, formula, unit, source; and the words for the codes, in both languages."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.metrics.schemas import Definitions, Labels, MetricDefinition

FILE = Path(__file__).parent / "definitions.yaml"


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return document


def definitions(language: str, formula_version: str) -> Definitions:
    document = _document()
    metrics = [
        MetricDefinition(**{**metric, "title": metric["title"][language]}) for metric in document["metrics"]
    ]
    return Definitions(formula_version=formula_version, metrics=metrics, labels=Labels(**document["labels"]))
