"""Every number the contract allows is known to the attackers, and an answer with another one is caught."""

from typing import Any

import pytest

from app.core.contract import contract
from tests.contract import operations
from tests.metrics.ledger import LEDGER, Unknown, described, is_number, leaves, whose

TOLD = [
    operation
    for operation in operations()
    if operation.method == "get"
    and (operation.node["tags"] == ["metrics"] or operation.id == "get_survey_participation")
]
EVENTS: dict[str, Any] = contract()["webhooks"]


def numbers_of(node: dict[str, Any]) -> set[str]:
    return {path for media in node.values() for path in described(media["schema"])}


@pytest.mark.parametrize("operation", TOLD, ids=lambda operation: operation.id)
def test_whose_every_number_of_an_answer_is_has_been_said(operation: Any) -> None:
    for content in operation.answers.values():
        assert all(whose(operation.id, path) for path in numbers_of(content))


@pytest.mark.parametrize("event", EVENTS)
def test_whose_every_number_of_an_event_is_has_been_said(event: str) -> None:
    numbers = numbers_of(EVENTS[event]["post"]["requestBody"]["content"])
    assert all(whose(event, path) for path in numbers)
    assert bool(numbers) == (event in LEDGER)


@pytest.mark.parametrize("operation", TOLD, ids=lambda operation: operation.id)
def test_a_number_that_nobody_knows_is_caught_wherever_it_is_put(operation: Any) -> None:
    places = {
        path.rpartition(".")[0] for content in operation.answers.values() for path in numbers_of(content)
    }
    for place in {"", *places}:
        with pytest.raises(Unknown):
            whose(operation.id, f"{place}.lowest".removeprefix("."))


def test_numbers_are_found_at_any_depth() -> None:
    said = {"n": 3, "told": True, "groups": [{"score": 1.5, "cells": [{"q": None, "p": 0}]}], "text": "7"}
    found = {path for path, value in leaves(said) if is_number(value)}
    assert found == {"n", "groups[].score", "groups[].cells[].p"}
