"""An overview is put together of any status of any part, and what comes out is as the contract has it."""

from itertools import product
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest

from app.core.contract import contract
from app.core.schema import Schema
from app.metrics import names, schemas
from app.metrics.names import MetricOfGroups
from app.metrics.views import screens as reading
from tests import contract as law

GROUP = schemas.TreeRef(kind="team", id="sales", name="Sales", parent=None, depth=1)


def statuses_of(numbers: Any) -> list[Any]:
    """What a release may keep of a group: each status, and those with a reason with each of theirs."""
    kinds = get_args(get_args(numbers)[0])
    return [kind.model_validate({**value_of(kind), **said}) for kind in kinds for said in reasons_of(kind)]


def reasons_of(kind: type[Schema]) -> list[dict[str, str]]:
    if "reason" not in kind.model_fields:
        return [{}]
    return [{"reason": reason} for reason in get_args(kind.model_fields["reason"].annotation)]


def value_of(kind: Any) -> Any:
    """Some value of a type; of alternatives the first."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return inner[0]
    if origin in (Union, UnionType, Annotated):
        return value_of(inner[0])
    if issubclass(origin or kind, Schema):
        return {name: value_of(field.annotation) for name, field in kind.model_fields.items()}
    return (origin or kind)()


HEADLINES, ENPS, PARTICIPATION = map(
    statuses_of, (schemas.HeadlineNumbers, schemas.EnpsNumbers, schemas.ParticipationNumbers)
)
CHANGES = [
    schemas.Followed.model_validate({"status": "ok", "point": point, "changes": changes, "repeaters": []})
    for point in (
        {"status": "suppressed", "reason": "crossing"},
        {"status": "undefined", "reason": "awaits_final_release"},
    )
    for changes in (
        [],
        [
            {
                "measure": "enps",
                "from_survey": "de300000-0000-4000-8000-000000000001",
                "to_survey": "de300000-0000-4000-8000-000000000002",
                **said,
            }
            for said in (
                {"status": "suppressed", "reason": "erased"},
                {"status": "undefined", "reason": "questions_changed", "verdict": "not_comparable"},
            )
        ],
    )
]


def test_every_status_has_an_example() -> None:
    """The control: no part is left out of what follows."""
    for found, reasons in ((HEADLINES, 1 + 4 + 2 + 7), (ENPS, 1 + 4 + 2 + 7), (PARTICIPATION, 1 + 4 + 2 + 7)):
        assert {one.status for one in found} == {"ok", "suppressed", "insufficient", "undefined"}
        assert len(found) == reasons


@pytest.mark.parametrize("headline", HEADLINES, ids=lambda one: f"{one.status}-{getattr(one, 'reason', '')}")
def test_any_status_of_any_part_beside_any_other(headline: schemas.HeadlineNumbers) -> None:
    reference = law.pointer_to("components", "schemas", "OverviewGroup")
    assert "OverviewGroup" in contract()["components"]["schemas"]
    for enps, participation, followed in product(ENPS, PARTICIPATION, CHANGES):
        told = reading.glance(GROUP, headline, enps, participation, followed)
        as_sent = told.model_dump(mode="json")
        assert law.problems(reference, as_sent) == []
        assert as_sent["status"] == headline.status
        if isinstance(told, schemas.OverviewGroupOk):
            assert (told.enps, told.participation.status) == (enps, participation.status)
            assert told.changes == followed.changes


@pytest.mark.parametrize(
    ("metric", "numbers"),
    [
        (names.HEADLINE, schemas.HeadlineNumbers),
        (names.PARTICIPATION, schemas.ParticipationNumbers),
        (names.ENPS, schemas.EnpsNumbers),
        (names.HEATMAP, schemas.HeatmapNumbers),
        (names.DISCLOSURE, schemas.Disclosed),
        (names.TURNOVER, schemas.TurnoverNumbers),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_group_with_its_numbers_is_what_is_told_of_it(
    metric: MetricOfGroups[Any, Any], numbers: Any
) -> None:
    for one in statuses_of(numbers):
        told = metric.placed(GROUP, one)
        assert dict(told) == {"group": GROUP, **dict(one)}
