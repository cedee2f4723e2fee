"""Makes `openapi.yaml` of its parts in `src`, and `openapi.json` of that: `make contract`.

Where a part lies says where it belongs: `schemas/people.yaml` is a piece of `components/schemas`. A reference
to `#/components/...` stays; one to a file, such as `../examples/people.yaml#/person`, is replaced by what is
there. This works on the nodes of YAML and not on their meaning, so the bundle is laid out as its parts are.
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
HEADING = "# Made of the parts in openapi/src by `make contract`: change those.\n"
COMPONENTS = ("parameters", "headers", "responses", "schemas")
TEXT, MAPPING = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unbundled(Exception):
    """Says which part is wrong, and what to do about it."""


def bundle(parts: Path) -> str:
    root = filled(parts / "openapi.yaml", parsed(parts / "openapi.yaml"))
    names = ["shared", *(member(tag, "name").value for tag in member(root, "tags").value)]
    for kind in ("paths", "webhooks"):
        root.value.insert(-1, (scalar(kind), gathered(parts / kind, names)))
    member(root, "components").value.extend(
        (scalar(kind), gathered(parts / kind, names)) for kind in COMPONENTS
    )
    # Not the emitter in C: it breaks long lines in other places.
    text = yaml.serialize(root, Dumper=yaml.SafeDumper, allow_unicode=True, width=120)
    return HEADING + str(text)


def as_json(bundled: str) -> str:
    """What the service reads when it starts, a hundred times as fast; in lines, so that git can merge it."""
    return json.dumps(yaml.load(bundled, Loader=LOADER), ensure_ascii=False, indent=0) + "\n"  # noqa: S506 a safe loader


def gathered(place: Path, names: list[str]) -> yaml.MappingNode:
    """What one file says, or the files of a folder, in the order of the tags that they are named after."""
    files = {file.stem: file for file in place.glob("*.yaml")} or {"shared": place.with_suffix(".yaml")}
    for name in files.keys() - names:
        raise Unbundled(f"{files[name]}: call it by a tag of openapi.yaml, or shared")
    ordered = [files[name] for name in names if name in files]
    pairs = [pair for file in ordered for pair in filled(file, parsed(file)).value]
    return checked(place, yaml.MappingNode(MAPPING, pairs))


@cache
def parsed(file: Path) -> yaml.MappingNode:
    if not file.exists():
        raise Unbundled(f"{file} is not there")
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=LOADER)
    if not isinstance(node, yaml.MappingNode):
        raise Unbundled(f"{file}: a part is a mapping, from names to what they are")
    return node


def filled(file: Path, node: Any) -> Any:
    """A copy, in which what a reference to a file means stands in its place."""
    if isinstance(node, yaml.ScalarNode):
        return yaml.ScalarNode(node.tag, node.value, style=node.style)
    if isinstance(node, yaml.SequenceNode):
        return yaml.SequenceNode(
            node.tag, [filled(file, one) for one in node.value], flow_style=node.flow_style
        )
    if place := place_meant(node):
        return looked_up((file.parent / place[0]).resolve(), place[1])
    pairs = [(filled(file, key), filled(file, value)) for key, value in node.value]
    return checked(file, yaml.MappingNode(node.tag, pairs, flow_style=node.flow_style))


def place_meant(node: yaml.MappingNode) -> tuple[str, str] | None:
    """File and name, if it is nothing but a reference to a file."""
    match node.value:
        case [(yaml.ScalarNode(value="$ref"), yaml.ScalarNode(value=reference))] if reference[0] != "#":
            file, _, name = reference.partition("#/")
            return file, name
    return None


def looked_up(file: Path, name: str) -> Any:
    found = [value for key, value in parsed(file).value if key.value == name]
    if not found:
        raise Unbundled(f"{file} has no {name}")
    return filled(file, found[0])


def checked(place: Path, node: yaml.MappingNode) -> yaml.MappingNode:
    """Refuses what YAML takes in silence: a name twice, `on` and 200, which are no text, and `<<`."""
    names = [key.value for key, _ in node.value]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Unbundled(f"{place}: twice there: {', '.join(sorted(twice))}")
    for key, _ in node.value:
        if key.tag != TEXT:
            raise Unbundled(f"{place}: write '{key.value}' between quotes")
    return node


def member(node: yaml.MappingNode, name: str) -> Any:
    return next(value for key, value in node.value if key.value == name)


def scalar(text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(TEXT, text)


if __name__ == "__main__":
    try:
        bundled = bundle(FOLDER / "src")
        (FOLDER / "openapi.yaml").write_text(bundled, encoding="utf-8")
        (FOLDER / "openapi.json").write_text(as_json(bundled), encoding="utf-8")
    except Unbundled as fault:
        sys.exit(str(fault))
