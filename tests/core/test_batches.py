from uuid import UUID

import pytest

from app.core.batches import (
    BatchItems,
    BatchTooLarge,
    Done,
    Effect,
    batch_result,
    parse_items,
    refuse_repeats,
)
from app.core.errors import AppError
from app.core.schema import Identifier, Input, Integer


class Thing(Input):
    external_id: Identifier | None = None
    size: Integer


class Things(Input):
    items: BatchItems[Thing]


def codes(parsed: list[Thing | AppError]) -> list[str | None]:
    return [item.code if isinstance(item, AppError) else None for item in parsed]


def test_items_arrive_as_sent_under_the_schema_of_the_item() -> None:
    assert Things.model_validate({"items": [7, {"x": 1}]}).items == [7, {"x": 1}]
    assert Things.model_json_schema()["properties"]["items"]["items"] == {"$ref": "#/$defs/Thing"}


def test_an_invalid_item_fails_alone() -> None:
    parsed = parse_items([{"size": 1}, {"size": "1"}, {"size": 2, "colour": 3}, "text", None, {}], Thing, 6)
    assert codes(parsed) == [
        None,
        "invalid_value",
        "unknown_field",
        "invalid_value",
        "invalid_value",
        "missing_field",
    ]


def test_pointers_are_relative_to_the_item() -> None:
    [error] = parse_items([{"size": 1, "external_id": "a/b"}], Thing, 1)
    assert isinstance(error, AppError)
    assert [(fault.code, fault.pointer) for fault in error.errors] == [("bad_identifier", "#/external_id")]


def test_a_batch_above_the_limit_is_refused_whole() -> None:
    assert len(parse_items([{"size": 1}] * 3, Thing, 3)) == 3
    with pytest.raises(BatchTooLarge, match="at most 3 items and this one has 4"):
        parse_items([{"size": 1}] * 4, Thing, 3)


def test_the_second_item_of_a_key_fails_and_items_without_key_repeat() -> None:
    items = [{"external_id": key, "size": 1} for key in ("a", None, "a", None, "A", "a")]
    parsed = refuse_repeats(parse_items(items, Thing, 6), lambda thing: thing.external_id)
    assert codes(parsed) == [None, None, "duplicate_in_batch", None, None, "duplicate_in_batch"]


def test_the_result_counts_and_names_each_item() -> None:
    own = UUID(int=1)
    items = [{"external_id": "a"}, {"external_id": 5}, {"external_id": "b"}, "c"]
    outcomes: list[Done | AppError] = [
        Done(Effect.CREATED, own),
        Done(Effect.UPDATED),
        Done(Effect.UNCHANGED),
        AppError(),
    ]
    answer = batch_result(items, outcomes).model_dump(mode="json")
    assert answer["summary"] == {"created": 1, "updated": 1, "unchanged": 1, "failed": 1}
    assert answer["results"][:3] == [
        {"index": 0, "status": 201, "external_id": "a", "id": str(own)},
        {"index": 1, "status": 200},
        {"index": 2, "status": 200, "external_id": "b"},
    ]
    assert answer["results"][3].keys() == {"index", "status", "problem"}


def test_an_identifier_that_is_none_is_not_repeated_in_the_answer() -> None:
    answer = batch_result([{"external_id": "x" * 1000}], [AppError()])
    assert answer.results[0].external_id is None
