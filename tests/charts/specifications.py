"""What a specification holds, and whether Vega-Lite would take it."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import altair
from jsonschema_rs import Draft7Validator

Json = dict[str, Any]
SCHEMA = Path(altair.__file__).parent / "vegalite" / "v6" / "schema" / "vega-lite-schema.json"
PLACES = {"x", "y", "dx", "dy", "above", "below", "label_x", "label_y", "wave"}
"""Members of the data that say where something is drawn."""
SMALLEST = 14


@cache
def validator() -> Draft7Validator:
    return Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8"), object_hook=with_a_uri))


def with_a_uri(node: Json) -> Json:
    """Vega-Lite refers to names such as `MarkPropDef<string>`, which no URI has in it as they are."""
    return {**node, "$ref": quote(node["$ref"], "#/")} if isinstance(node.get("$ref"), str) else node


def faults(specification: Json) -> str | None:
    """What Vega-Lite's own schema says against it."""
    found = next(validator().iter_errors(specification), None)
    return None if found is None else f"{found.instance_path}: {found.message}"[:500]


def numbers_of(node: Any, leaving_out: set[str] = frozenset()) -> Iterator[float]:  # type: ignore[assignment]
    if isinstance(node, dict):
        for name, member in node.items():
            if name not in leaving_out:
                yield from numbers_of(member, leaving_out)
    elif isinstance(node, list):
        for member in node:
            yield from numbers_of(member, leaving_out)
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield node


def untold(specification: Json, *answers: Json) -> set[float]:
    """Numbers of the data that no answer tells."""
    told = {number for answer in answers for number in numbers_of(answer)}
    return set(numbers_of(specification["datasets"], PLACES)) - told


def texts_of(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for member in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from texts_of(member)


def small_letters(node: Any) -> Iterator[Json]:
    """Parts whose letters are smaller than may be."""
    if isinstance(node, dict):
        sizes = (size for name, size in node.items() if name.endswith(("fontSize", "FontSize")))
        if any(size < SMALLEST for size in sizes):
            yield node
    for member in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from small_letters(member)
