"""Batches: each item stands or falls alone, and the answer says in order what became of it.

A slice passes `body.items` through `parse_items` and `refuse_repeats`, stores what is not an AppError,
and gives `batch_result` an outcome for every item.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, ValidatorFunctionWrapHandler, WrapValidator

from app.core.errors import AppError, Unprocessable, validated
from app.core.fairness import in_turns
from app.core.schema import Schema, is_identifier


def _as_sent(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    return value


Item = TypeVar("Item", bound=BaseModel)
T = TypeVar("T")
BatchItems = list[Annotated[T, WrapValidator(_as_sent)]]
"""Items as they were sent, whatever they are: `parse_items` validates them one by one."""
OrAbsent = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""A member that is left out where there is none. Default it to None."""


class BatchTooLarge(Unprocessable):
    code = "batch_too_large"


class DuplicateInBatch(Unprocessable):
    code = "duplicate_in_batch"
    detail = "An earlier item of this batch has the same key: send only one of them."


class DependsOnFailedRow(Unprocessable):
    code = "depends_on_failed_row"
    detail = "This needs another item of the batch, and that one failed: correct that item and send both."


class ProblemError(Schema):
    pointer: OrAbsent[str] = None
    parameter: OrAbsent[str] = None
    header: OrAbsent[str] = None
    code: str
    detail: str


class Problem(Schema):
    type: str
    title: str
    status: int
    detail: str
    instance: str | None
    code: str
    request_id: str | None
    errors: list[ProblemError]


class BatchItemResult(Schema):
    index: int
    status: int
    external_id: OrAbsent[str] = None
    id: OrAbsent[UUID] = None
    problem: OrAbsent[Problem] = None


class BatchSummary(Schema):
    created: int
    updated: int
    unchanged: int
    failed: int


class BatchResult(Schema):
    summary: BatchSummary
    results: list[BatchItemResult]


class Effect(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Done:
    """What a good item did; `id` where the server gave it one."""

    effect: Effect
    id: UUID | None = None


def parse_items(items: Sequence[Any], model: type[Item], limit: int) -> list[Item | AppError]:
    """Each item as `model`, or the error why it is not one; pointers are relative to the item."""
    refuse_too_many(items, limit)
    return [_parse(item, model) for item in items]


async def parse_in_turns(items: Sequence[Any], model: type[Item], limit: int) -> list[Item | AppError]:
    """The same, for what came over HTTP: others are answered meanwhile."""
    refuse_too_many(items, limit)
    return await in_turns(lambda item: _parse(item, model), items)


def refuse_too_many(items: Sequence[Any], limit: int) -> None:
    if len(items) > limit:
        detail = (
            f"A batch has at most {limit} items and this one has {len(items)}: send several smaller batches."
        )
        raise BatchTooLarge.at("#/items", detail)


def _parse(item: Any, model: type[Item]) -> Item | AppError:
    try:
        return validated(model, item)
    except Unprocessable as error:
        return error


def refuse_repeats(
    parsed: Sequence[Item | AppError], key: Callable[[Item], Hashable]
) -> list[Item | AppError]:
    """The same list, but an item whose key an earlier one has is an error. A key of None repeats freely."""
    taken: set[Hashable] = set()
    checked: list[Item | AppError] = []
    for item in parsed:
        own = None if isinstance(item, AppError) else key(item)
        checked.append(DuplicateInBatch() if own in taken else item)
        taken |= {own} - {None}
    return checked


def batch_result(items: Sequence[Any], outcomes: Sequence[Done | AppError]) -> BatchResult:
    """The answer: `items` as they were sent, and for each what became of it."""
    effects = [outcome.effect for outcome in outcomes if isinstance(outcome, Done)]
    counts = {effect.value: effects.count(effect) for effect in Effect}
    pairs = zip(items, outcomes, strict=True)
    return BatchResult(
        summary=BatchSummary(**counts, failed=len(outcomes) - len(effects)),
        results=[_item_result(index, item, outcome) for index, (item, outcome) in enumerate(pairs)],
    )


def _item_result(index: int, item: Any, outcome: Done | AppError) -> BatchItemResult:
    key = external_id_of(item)
    if isinstance(outcome, AppError):
        problem = Problem.model_validate(outcome.problem())
        return BatchItemResult(index=index, status=outcome.status, external_id=key, problem=problem)
    status = 201 if outcome.effect is Effect.CREATED else 200
    return BatchItemResult(index=index, status=status, external_id=key, id=outcome.id)


def external_id_of(item: Any) -> str | None:
    """The identifier an item was sent with, valid or not in its other members."""
    key = item.get("external_id") if isinstance(item, Mapping) else None
    return key if isinstance(key, str) and is_identifier(key) else None
