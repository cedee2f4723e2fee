"""Holds every answer to the contract: a client that validates what it receives, and remembers it."""

import json
from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from app.core.contract import contract, template_of

URI = "urn:contract"
SHARED_STATUSES = {400, 401, 403, 405, 406, 413, 415, 429, 500, 503}
seen: set[tuple[str, str, int]] = set()
"""Every (method, path template, status) this process has met."""


@cache
def registry() -> Registry[Any]:
    resource = Resource.from_contents(contract(), default_specification=DRAFT202012)
    return Registry().with_resource(URI, resource)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = contract()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def pointer_to(*steps: str) -> str:
    return "#/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)


@cache
def validator(reference: str) -> Draft202012Validator:
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator({"$ref": URI + reference}, registry=registry(), format_checker=checker)


def problems(reference: str, instance: Any) -> list[str]:
    found = validator(reference).iter_errors(instance)
    return [f"{error.json_path}: {error.message}"[:500] for error in found]


def check_answer(response: httpx.Response) -> None:
    """Fails with the line of the contract to read when an answer is not as promised."""
    method, status = response.request.method.lower(), response.status_code
    path = unquote(response.request.url.path)
    template = template_of(path)
    operation = contract()["paths"].get(template, {}).get(method) if template else None
    if operation is None or status in (405, 500):
        assert status in (400, 404, 405, 500), f"{method} {path} is not in openapi.yaml but gave {status}"
        return check_problem(response)
    seen.add((method, str(template), status))
    place = f"openapi.yaml: {operation['operationId']} {status}"
    if str(status) not in operation["responses"]:
        assert status in SHARED_STATUSES, f"{place} is not documented; got {response.text[:500]}"
        return check_problem(response)
    node = operation["responses"][str(status)]
    reference = node.get("$ref") or pointer_to("paths", str(template), method, "responses", str(status))
    content = resolve(node).get("content")
    if content is None:
        assert not response.content, f"{place} has no body in the contract; got {response.text[:200]}"
        return None
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in content, f"{place} sends {media_type}, the contract has {list(content)}"
    if media_type.endswith("json") and "schema" in content[media_type]:
        schema = f"{reference}/content/{media_type.replace('/', '~1')}/schema"
        found = problems(schema, json.loads(response.text, parse_constant=refuse_constant))
        assert not found, f"{place} body is not as in the contract:\n" + "\n".join(found[:5])
    return None


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} left the service")


def check_problem(response: httpx.Response) -> None:
    assert response.headers["content-type"] == "application/problem+json", response.text[:500]
    assert not problems("#/components/schemas/Problem", response.json())


class ContractClient(httpx.AsyncClient):
    async def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
        response = await super().request(*args, **kwargs)
        check_answer(response)
        return response
