"""Holds every answer to the contract: a client that validates what it receives, and remembers it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote

import httpx
from jsonschema_rs import Draft202012Validator, Registry, ValidationError

from app.core.contract import METHODS, contract, templates_of
from tests import secrecy

URI = "urn:contract"
BESIDE = re.compile(r"/|/calendar|/manage|/respond|/setup|/sign-in|/pages/.+")
"""The service's own pages: clients of the contract, and not in it."""
SHARED_STATUSES = {400, 401, 403, 405, 406, 408, 413, 415, 429, 500, 503}
seen: set[tuple[str, str]] = set()
"""Every (operationId, status), (operationId, problem code) and ("webhooks", event) this process has met."""


@cache
def registry() -> Registry:
    return Registry([(URI, contract())])


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
    return Draft202012Validator(
        {"$ref": URI + quote(reference, "#/~")}, registry=registry(), validate_formats=True
    )


def problems(reference: str, instance: Any) -> list[str]:
    return list(map(told, validator(reference).iter_errors(instance)))


def schema_problems(schema: dict[str, Any], instance: Any) -> list[str]:
    return list(map(told, Draft202012Validator(schema, validate_formats=True).iter_errors(instance)))


def told(error: ValidationError) -> str:
    return f"{error.instance_path}: {error.message}"[:500]


@dataclass(frozen=True)
class Operation:
    """One operation of the contract, and an example request for it."""

    path: str
    method: str
    node: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.node["operationId"])

    @property
    def is_public(self) -> bool:
        return not self.node["security"]

    @property
    def scopes(self) -> set[str]:
        return {scope for scheme in self.node["security"] for scope in scheme.get("bearer", [])}

    @property
    def is_by_invitation(self) -> bool:
        return {"invitation": []} in self.node["security"]

    @property
    def is_by_setup_link(self) -> bool:
        return {"setup": []} in self.node["security"]

    @property
    def takes_keys(self) -> bool:
        """Others are public, or signed by who sends them."""
        return any("bearer" in scheme for scheme in self.node["security"])

    @cached_property
    def parameters(self) -> list[dict[str, Any]]:
        return [resolve(parameter) for parameter in self.node["parameters"]]

    @property
    def takes_idempotency_key(self) -> bool:
        return any(parameter["name"] == "Idempotency-Key" for parameter in self.parameters)

    @property
    def content(self) -> dict[str, Any]:
        """The request body by media type; empty where there is none."""
        return dict(self.node.get("requestBody", {}).get("content", {}))

    @property
    def body(self) -> Any:
        """The example body; None where there is none."""
        return next((media["example"] for media in self.content.values()), None)

    @property
    def takes_file(self) -> bool:
        """Its body is no JSON document but a file that is read later."""
        return isinstance(self.body, str)

    @property
    def answers(self) -> dict[str, dict[str, Any]]:
        """The contents of its own successful answers by status."""
        items = self.node["responses"].items()
        return {status: resolve(node).get("content", {}) for status, node in items if status < "300"}

    def media(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The place and node of every body and answer that has a schema."""
        place = pointer_to("paths", self.path, self.method)
        for kind, media in self.content.items():
            yield f"{place}/requestBody/content/{kind.replace('/', '~1')}", media
        for status, content in self.answers.items():
            for kind, media in content.items():
                yield f"{place}/responses/{status}/content/{kind.replace('/', '~1')}", media

    def url(self, **path: str) -> str:
        """The address with the contract's examples for what is not given."""
        names = [parameter for parameter in self.parameters if parameter["in"] == "path"]
        query = [
            parameter for parameter in self.parameters if parameter.get("required") and parameter not in names
        ]
        url = self.path.format(**{node["name"]: path.get(node["name"], node["example"]) for node in names})
        return str(httpx.URL(url, params={node["name"]: node["example"] for node in query}))


@cache
def operations() -> list[Operation]:
    return [
        Operation(path, method, {**node, "parameters": shared + node.get("parameters", [])})
        for path, item in contract()["paths"].items()
        for shared in [item.get("parameters", [])]
        for method, node in item.items()
        if method in METHODS
    ]


def check_answer(response: httpx.Response) -> None:
    """Fails with the line of the contract to read when an answer is not as promised."""
    method, status = response.request.method.lower(), response.status_code
    if method == "head":
        assert not response.content, "HEAD is answered without a body"
        return None
    path = response.request.url.raw_path.decode().partition("?")[0]
    paths = contract()["paths"]
    template = next((one for one in templates_of(path) if method in paths[one]), None)
    operation = paths[template][method] if template else None
    if operation is None and BESIDE.fullmatch(path) and status in (200, 304):
        return None
    if operation is None or status in (405, 500):
        assert status in (400, 404, 405, 500), f"{method} {path} is not in openapi.yaml but gave {status}"
        return check_problem(response)
    place = f"openapi.yaml: {operation['operationId']} {status}"
    remember(operation, response, place)
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
    if is_json(media_type) and "schema" in content[media_type]:
        schema = f"{reference}/content/{media_type.replace('/', '~1')}/schema"
        found = problems(schema, json.loads(response.text, parse_constant=refuse_constant))
        assert not found, f"{place} body is not as in the contract:\n" + "\n".join(found[:5])
    return None


def is_json(content_type: str) -> bool:
    """One JSON document, and not JSON lines."""
    return re.match(r"application/(.*\+)?json\b", content_type) is not None


def remember(operation: dict[str, Any], response: httpx.Response, place: str) -> None:
    """Keeps the status and the problem codes, which are those of the operation or of every one."""
    codes = codes_of(response)
    unknown = codes - generic_codes() - set(operation.get("x-problem-codes", []))
    assert not unknown, f"{place}: {unknown} is not among its x-problem-codes"
    seen.update((operation["operationId"], what) for what in {str(response.status_code), *codes})


def codes_of(response: httpx.Response) -> set[str]:
    """The code of a problem, or of the problems inside a batch's answer."""
    if not is_json(response.headers.get("content-type", "")) or not response.content:
        return set()
    body = response.json()
    if response.status_code >= 400:
        return {body["code"], *(fault["code"] for fault in body["errors"])}
    results = body.get("results", []) if "summary" in body else []
    return {result["problem"]["code"] for result in results if "problem" in result}


def check_event(message: Any, headers: Mapping[str, str]) -> None:
    """Fails when what a webhook is sent is not as promised, or says more than that."""
    described = contract()["webhooks"]
    assert message["type"] in described, f"webhooks.yaml has no {message['type']}"
    place = pointer_to("webhooks", message["type"], "post")
    found = problems(f"{place}/requestBody/content/application~1json/schema", message)
    found += [f"{name} is not in its schema" for name in beyond(message)]
    for parameter in map(resolve, described[message["type"]]["post"]["parameters"]):
        found += schema_problems(parameter["schema"], headers.get(parameter["name"]))
    assert not found, f"webhooks.yaml: {message['type']} is not as in the contract:\n" + "\n".join(found)
    seen.add(("webhooks", message["type"]))


def beyond(message: dict[str, Any]) -> set[str]:
    """What an event has and its schema does not name: it would leave the house unnoticed."""
    media = contract()["webhooks"][message["type"]]["post"]["requestBody"]["content"]["application/json"]
    schema = resolve(media["schema"])["properties"]
    data = resolve(schema["data"]).get("properties", {})
    return (message.keys() - schema.keys()) | (message["data"].keys() - data.keys())


@cache
def generic_codes() -> set[str]:
    """What info.description says that any operation can give."""
    sentence = contract()["info"]["description"].partition("Codes any operation can give:")[2]
    return set(re.findall(r"`([a-z_]+)`", sentence.partition("An operation lists its own")[0]))


def unseen() -> list[str]:
    """Which statuses and codes no answer of this run has had, and which events nobody was sent."""
    promised = [
        (operation.id, what)
        for operation in operations()
        for what in [*operation.node["responses"], *operation.node.get("x-problem-codes", [])]
    ]
    promised += [("webhooks", event) for event in contract()["webhooks"]]
    return [f"{place} {what}" for place, what in promised if (place, what) not in seen]


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} left the service")


def check_problem(response: httpx.Response) -> None:
    assert response.headers["content-type"] == "application/problem+json", response.text[:500]
    assert not problems("#/components/schemas/Problem", response.json())


class ContractClient(httpx.AsyncClient):
    async def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
        response = await super().request(*args, **kwargs)
        secrecy.told.remember(response.request)
        check_answer(response)
        return response
