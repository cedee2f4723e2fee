"""The contract's `webhooks` has each event that the code can send, and no other."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app.core.outbox
from app.core.contract import contract
from app.webhooks.schemas import Event
from app.webhooks.service import TEST_EVENT
from tests.contract import beyond, check_event, pointer_to, problems, resolve

APP = Path(app.__file__).parent
SENDING = {"announce": 1, "announce_each": 1, "add_deliveries": 2}
"""What sends an event, and at which place it is told which."""
HEADERS = {
    "webhook-id": "0198f0f8-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
    "webhook-timestamp": "1795166100",
    "webhook-signature": f"v1,{'A' * 43}=",
}
DESCRIBED: dict[str, Any] = contract()["webhooks"]
of_each = pytest.mark.parametrize("event", DESCRIBED)


def sent_in(source: str, names: dict[str, Any]) -> Iterator[str]:
    """The events a module sends; it names each where it sends it, or in a constant."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SENDING:
            argument = node.args[SENDING[node.func.id]]
            yield names[argument.id] if isinstance(argument, ast.Name) else ast.literal_eval(argument)


def sent_by_the_code() -> set[str]:
    files = [file for file in APP.rglob("*.py") if file != Path(app.core.outbox.__file__)]
    sources = {file: file.read_text(encoding="utf-8") for file in files}
    return {
        event
        for file, source in sources.items()
        if any(name in source for name in SENDING)
        for event in sent_in(source, vars(importlib.import_module(module_of(file))))
    }


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(APP.parent).with_suffix("").parts)


def test_each_event_the_code_sends_is_described_and_no_other() -> None:
    assert sent_by_the_code() == set(DESCRIBED), "openapi/src/webhooks.yaml and the code differ"
    assert {*Event.__args__, TEST_EVENT} == set(DESCRIBED), "one can subscribe to each, but for the test"


def test_an_event_that_code_would_send_is_found() -> None:
    source = 'announce(session, "person.promoted", {})\nannounce_each(session, NAME, [])'
    assert list(sent_in(source, {"NAME": "person.moved"})) == ["person.promoted", "person.moved"]


@of_each
def test_an_event_says_all_that_a_receiver_needs(event: str) -> None:
    operation = DESCRIBED[event]["post"]
    assert operation["summary"]
    assert operation["description"]
    media = operation["requestBody"]["content"]["application/json"]
    assert resolve(media["schema"])["properties"]["type"]["enum"] == [event]
    assert {resolve(one)["name"] for one in operation["parameters"]} == set(HEADERS)
    assert set(operation["responses"]) == {"2XX", "410", "default"}


@of_each
def test_the_example_of_an_event_is_as_its_schema(event: str) -> None:
    media = DESCRIBED[event]["post"]["requestBody"]["content"]["application/json"]
    place = pointer_to("webhooks", event, "post", "requestBody", "content", "application/json", "schema")
    assert problems(place, media["example"]) == []
    assert beyond(media["example"]) == set()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"type": "person.promoted"}, "has no person.promoted"),
        ({"data": {}}, "external_id. is a required property"),
        ({"data": {"external_id": "E-1", "name": "Noor"}}, "name is not in its schema"),
        ({"timestamp": "yesterday"}, "yesterday. is not a .date-time."),
    ],
)
def test_an_event_that_says_something_else_is_found(change: dict[str, Any], told: str) -> None:
    message = {"type": "person.created", "timestamp": "2026-11-20T09:15:00Z", "data": {"external_id": "E-1"}}
    check_event(message, HEADERS)
    with pytest.raises(AssertionError, match=told):
        check_event(message | change, HEADERS)


@pytest.mark.parametrize("missing", HEADERS)
def test_a_header_that_is_not_sent_is_found(missing: str) -> None:
    message = {"type": "webhook.test", "timestamp": "2026-11-20T09:15:00Z", "data": {}}
    with pytest.raises(AssertionError):
        check_event(message, {name: value for name, value in HEADERS.items() if name != missing})
