"""openapi.yaml is the law: it is served as it is, its examples hold, and the code has its shapes."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.auth.principal import Scope
from app.core.contract import METHODS, contract, contract_yaml
from app.core.shipped import LOADER
from app.main import ROUTES
from tests import contract as law
from tests.contract import ContractClient, Operation, operations, resolve

NOISE = {"title", "description", "example", "examples", "readOnly", "discriminator", "$ref"}
"""What FastAPI words in its own way, or cannot say; everything else must be equal."""
OPERATIONS = operations()
named = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


async def test_the_contract_is_served_as_it_is(anonymous: ContractClient) -> None:
    assert (await anonymous.get("/openapi.json")).json() == contract()
    assert (await anonymous.get("/openapi.yaml")).text == contract_yaml()
    assert yaml.load(contract_yaml(), Loader=LOADER) == contract()


def test_the_contract_is_openapi() -> None:
    OpenAPIV31SpecValidator(contract()).validate()


def test_where_names_follow_a_pattern_no_other_is_taken() -> None:
    """A pattern of properties alone lets every other name in, and the code does not."""

    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            yield from [node] if "patternProperties" in node else []
        inside: Any = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        for inner in inside:
            yield from objects(inner)

    for node in objects(contract()):
        assert list(node["patternProperties"]) == [node["propertyNames"]["pattern"]], node


def test_every_format_is_one_that_answers_are_held_to() -> None:
    """A validator takes whatever it has no check for."""
    named = set(re.findall(r"\bformat: ([a-z-]+)", contract_yaml())) - {"binary", "csv"}
    assert named
    for name in named:
        assert law.schema_problems({"type": "string", "format": name}, "not one"), name


def test_no_member_has_a_default() -> None:
    """Generators take a member that has a default for one that is always there."""
    assert "default: null" not in contract_yaml()
    schemas = contract()["components"]["schemas"]
    members = [
        (name, member) for name, node in schemas.items() for member in node.get("properties", {}).items()
    ]
    assert not [(name, member) for name, (member, node) in members if "default" in node]
    assert '"default": null' not in json.dumps(contract())


async def test_the_page_needs_nothing_from_elsewhere(anonymous: ContractClient) -> None:
    page = (await anonymous.get("/docs")).text
    assert "http://" not in page
    assert "https://" not in page
    assert "/docs-assets/swagger-ui-bundle.js" in page


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """The document FastAPI makes of the routes: a witness, never served."""
    return FastAPI(routes=[*ROUTES]).openapi()


def test_every_operation_has_a_route_and_every_route_an_operation(built: dict[str, Any]) -> None:
    promised = {(path, method) for path, item in contract()["paths"].items() for method in item}
    kept = {(path, method) for path, item in built["paths"].items() for method in item}
    promised = {(path, method) for path, method in promised if method in METHODS}
    assert not promised - kept, "in openapi.yaml without a route in an app/*/api.py"
    assert not kept - promised, "routes of an app/*/api.py that openapi.yaml does not name"


@named
def test_a_route_is_as_the_contract_has_it(operation: Operation, built: dict[str, Any]) -> None:
    route = built["paths"].get(operation.path, {}).get(operation.method, {})
    assert (route.get("operationId"), route.get("tags")) == (operation.id, operation.node["tags"])
    slice_ = operation.node["tags"][0]
    found = [
        *differences(parameters_of(operation.node, contract()), parameters_of(route, built), "parameters"),
        *differences(body_of(operation.node, contract()), body_of(route, built), "body"),
        *differences(answers_of(operation.node, contract()), answers_of(route, built), "answers"),
    ]
    assert not found, (
        f"{operation.id}: openapi.yaml and the api.py or schemas.py of {slice_} differ:\n" + "\n".join(found)
    )


@named
def test_an_operation_says_all_that_a_reader_needs(operation: Operation) -> None:
    known = {tag["name"] for tag in contract()["tags"]}
    assert len(operation.node["tags"]) == 1
    assert set(operation.node["tags"]) <= known
    assert operation.node["summary"]
    assert operation.node["description"]
    is_opened_by_address = "{token}" in operation.path
    assert operation.is_public == (operation.node["tags"] == ["operations"] or is_opened_by_address)
    assert operation.scopes <= {scope.value for scope in Scope}
    for content in [operation.content, *operation.answers.values()]:
        for media_type, media in content.items():
            assert "example" in media, f"{operation.id} has no example for {media_type}"


@named
def test_examples_are_as_their_schemas(operation: Operation) -> None:
    for place, media in operation.media():
        found = law.problems(f"{place}/schema", media["example"])
        assert not found, f"openapi.yaml: the example at {place}:\n" + "\n".join(found)
    for parameter in operation.node["parameters"]:
        node = resolve(parameter)
        if "example" in node:
            assert not law.schema_problems(node["schema"], node["example"]), node["name"]


def of(response: str) -> str:
    return f"#/components/responses/{response}/content"


def test_problem_examples_are_problems() -> None:
    for name, response in contract()["components"]["responses"].items():
        content = response.get("content", {})
        assert set(content) <= {"application/problem+json", "text/html"}, name
        for kind, media in content.items():
            schema = (
                "#/components/schemas/Problem" if kind != "text/html" else f"{of(name)}/text~1html/schema"
            )
            assert not law.problems(schema, media["example"]), name


# ------------------------------------------------------------------ comparing two documents


def parameters_of(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for reference in operation.get("parameters", []):
        parameter = target(reference, document)
        name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        required = parameter.get("required", False)
        schema = shape(parameter["schema"], document)
        found[f"{name} in {parameter['in']}"] = {"required": required, "schema": without_null(schema)}
    return found


def body_of(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The JSON body. FastAPI names application/json alone, where a PATCH also takes a merge patch."""
    body = operation.get("requestBody", {"content": {}})
    media = body["content"].get("application/json", {})
    return {"required": body.get("required", False), **shape(media.get("schema", {}), document)}


def answers_of(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for status, reference in operation.get("responses", {}).items():
        if status.startswith("2"):
            content = target(reference, document).get("content", {})
            found[status] = {kind: shape(media["schema"], document) for kind, media in content.items()}
    return found


def target(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def without_default(member: dict[str, Any]) -> dict[str, Any]:
    """The contract says in words what an absent member is: see test_no_member_has_a_default."""
    return {key: value for key, value in member.items() if key != "default"}


def shape(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A schema in one form: references followed, alternatives flattened and ordered, words dropped."""
    node = target(schema, document)
    if isinstance(node.get("type"), list):
        others = {key: value for key, value in node.items() if key not in ("type", "default")}
        own = {"default": node["default"]} if "default" in node else {}
        node = {
            "anyOf": [{"type": kind} | (others if kind != "null" else {}) for kind in node["type"]],
            **own,
        }
    kept = {key: value for key, value in node.items() if key not in NOISE}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if kept.get("default", ...) is None:
        del kept["default"]
    if "properties" in kept:
        kept["properties"] = {name: without_default(member) for name, member in kept["properties"].items()}
    if "patternProperties" in kept:
        kept.pop("propertyNames", None)
    if kept.get("additionalProperties") is True:
        del kept["additionalProperties"]
    return {key: inner for key, value in kept.items() for key, inner in inside(key, value, document)}


def inside(key: str, value: Any, document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if key in ("anyOf", "oneOf"):
        yield "anyOf", sorted((shape(one, document) for one in value), key=in_order)
    elif key in ("properties", "patternProperties"):
        yield key, {name: shape(one, document) for name, one in value.items()}
    elif key in ("items", "additionalProperties") and isinstance(value, dict):
        if inner := shape(value, document):
            yield key, inner
    elif key in ("required", "enum"):
        yield key, sorted(value)
    else:
        yield key, value


def in_order(schema: dict[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True).replace(".0", "")


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter cannot be null: FastAPI means that it may be absent."""
    rest = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    return {**{k: v for k, v in schema.items() if k != "anyOf"}, **rest[0]} if len(rest) == 1 else schema


def differences(promised: Any, kept: Any, place: str) -> Iterator[str]:
    if isinstance(promised, dict) and isinstance(kept, dict):
        yield from (f"  {place}/{key} is not in the code" for key in promised.keys() - kept.keys())
        yield from (f"  {place}/{key} is not in openapi.yaml" for key in kept.keys() - promised.keys())
        for key in promised.keys() & kept.keys():
            yield from differences(promised[key], kept[key], f"{place}/{key}")
    elif isinstance(promised, list) and isinstance(kept, list) and len(promised) == len(kept):
        for index, (one, other) in enumerate(zip(promised, kept, strict=True)):
            yield from differences(one, other, f"{place}/{index}")
    elif promised != kept:
        yield f"  {place}: openapi.yaml has {promised}, the code {kept}"


def test_the_comparison_sees_what_differs() -> None:
    """The control: a bound, an enum value, a missing member and a nullability are each found."""
    promised = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1}}}
    for change in (
        {"minimum": 2},
        {"type": "string"},
        {"type": ["integer", "null"]},
        {"enum": [1, 2]},
    ):
        other = {**promised, "properties": {"a": {**promised["properties"]["a"], **change}}}
        assert list(differences(shape(promised, {}), shape(other, {}), "")), change
    assert list(differences(shape(promised, {}), shape({**promised, "required": []}, {}), ""))
    same = {**promised, "title": "A", "properties": {"a": {"minimum": 1.0, "type": "integer", "title": "a"}}}
    assert not list(differences(shape(promised, {}), shape(same, {}), ""))
