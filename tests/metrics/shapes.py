"""What a release of each metric's version may hold, in every status: its JSON Schema without words.

`python -m tests.metrics.shapes` keeps that of a version that has none yet. It never writes over one: what a
version holds, releases of it hold for good.
"""

import json
from pathlib import Path
from typing import Any

from app.metrics.names import METRICS, Metric

SHAPES = Path(__file__).parent / "bodies" / "shapes"
WORDS = {"title", "description"}


def shape_of(metric: Metric[Any]) -> Any:
    return wordless(metric.numbers.json_schema())


def wordless(node: Any) -> Any:
    if isinstance(node, list):
        return [wordless(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {member: wordless(own) for member, own in value.items()}
        if name in ("properties", "$defs")
        else wordless(value)
        for name, value in node.items()
        if name not in WORDS
    }


def file_of(metric: Metric[Any]) -> Path:
    return SHAPES / f"{metric.name}.{metric.version}.json"


if __name__ == "__main__":
    SHAPES.mkdir(exist_ok=True)
    for one in METRICS.values():
        if not file_of(one).exists():
            file_of(one).write_text(json.dumps(shape_of(one), indent=1, sort_keys=True) + "\n", "utf-8")
