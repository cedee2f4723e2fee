"""The contract: `openapi/openapi.yaml`, served verbatim, and asked what it says as JSON made of it."""

import json
import re
from functools import cache
from typing import Any, Literal

from app.core.resources import resource

CONTRACT = resource("openapi/openapi.yaml")
AS_JSON = resource("openapi/openapi.json")
SCIM = "/scim/v2/"
METHODS = ("get", "put", "post", "patch", "delete")
Door = Literal["key", "invitation", "setup", "address"]
DOORS: dict[str, Door] = {"bearer": "key", "invitation": "invitation", "setup": "setup"}
"""What opens an operation, by its security scheme."""


@cache
def contract_yaml() -> str:
    return CONTRACT.read_text(encoding="utf-8")


@cache
def contract() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(AS_JSON.read_text(encoding="utf-8"))
    return document


@cache
def contract_json() -> str:
    return json.dumps(contract(), ensure_ascii=False)


@cache
def path_patterns() -> list[tuple[re.Pattern[str], str]]:
    """Each path template with its pattern, literal segments before parameters."""
    templates = sorted(contract()["paths"], key=lambda path: path.replace("{", "\x7f"))
    return [(re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path))), path) for path in templates]


Shape = tuple[int, str]


@cache
def patterns_by_shape() -> dict[Shape, list[tuple[re.Pattern[str], str]]]:
    """The few that a path may fit: each request is held against them, several times."""
    found: dict[Shape, list[tuple[re.Pattern[str], str]]] = {}
    for pattern, template in path_patterns():
        assert "{" not in shape_of(template)[1], template
        found.setdefault(shape_of(template), []).append((pattern, template))
    return found


def shape_of(path: str) -> Shape:
    """How many steps it has, and the second, which is literal in every template."""
    steps = path.split("/")
    return len(steps), steps[2] if len(steps) > 2 else ""


def templates_of(path: str) -> list[str]:
    """The templates a path fits, the most literal first: /v1/teams/batch is also that of a team `batch`.

    But /v1/recognitions/batch is none of an event: `batch` is no id that this service gave.
    """
    near = patterns_by_shape().get(shape_of(path), [])
    fit = [template for pattern, template in near if pattern.fullmatch(path)]
    return [template for template in fit if path not in fit or template == path or not names_ids(template)]


@cache
def names_ids(template: str) -> bool:
    """Whether what the path names is addressed by an id of this service, so that no word is one."""
    nodes = map(_resolved, contract()["paths"][template].get("parameters", []))
    named = [node for node in nodes if node["in"] == "path" and f"{{{node['name']}}}" in template]
    return bool(named) and named[0]["schema"].get("format") == "uuid"


@cache
def query_parameters(path: str, method: str) -> dict[str, bool] | None:
    """By name, whether it may be repeated; None where any is let through.

    What is opened by its address alone passes through mailers, calendars and monitors that add their own.
    """
    item = contract()["paths"].get(path, {})
    operation = item.get(method)
    if operation is None or not operation["security"]:
        return None
    nodes = map(_resolved, [*item.get("parameters", []), *operation.get("parameters", [])])
    return {node["name"]: node["schema"].get("type") == "array" for node in nodes if node["in"] == "query"}


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = contract()["components"]["parameters"][name] if name else parameter
    return found


def operation_of(method: str, path: str) -> str | None:
    """Before a route is found, or where none is."""
    for template in templates_of(path):
        found = contract()["paths"][template].get("get" if method == "HEAD" else method.lower())
        if found is not None:
            return str(found["operationId"])
    return None


def allowed_methods(path: str) -> list[str]:
    items = [contract()["paths"][template] for template in templates_of(path)]
    found = [method.upper() for method in METHODS if any(method in item for item in items)]
    return ["HEAD", *found] if "GET" in found else found


def takes_keys(method: str, path: str) -> bool:
    """What is public, signed or not there at all needs none, and is told so by whoever answers it."""
    return opened_by(method, path) == "key"


def opened_by(method: str, path: str) -> Door | None:
    """What one must have, and might guess: a key, a token of one use, or one in the address itself."""
    for template in templates_of(path):
        found = contract()["paths"][template].get(method.lower())
        if found is not None:
            schemes = {name for scheme in found["security"] for name in scheme}
            if schemes & DOORS.keys():
                return next(door for scheme, door in DOORS.items() if scheme in schemes)
            return "address" if "{token}" in template else None
    return "key" if path.startswith(SCIM) else None


def token_in(path: str) -> str:
    """Of an address that is opened by one: the step that its template calls so."""
    [template] = [one for one in templates_of(path) if "{token}" in one][:1]
    place = next(place for place, step in enumerate(template.split("/")) if "{token}" in step)
    return path.split("/")[place]
