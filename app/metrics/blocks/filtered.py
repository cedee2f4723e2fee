"""The headline of any union of base cells (disclosure.md R5b): what is kept of each, and how they add up."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from app.metrics.blocks.headline import Census, told
from app.metrics.blocks.measure import Favour, Measure
from app.metrics.blocks.scales import MeasurementErrors
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import Precision
from app.metrics.disclosure.tree import EXACT_FROM
from app.metrics.formulas import QUADRANTS
from app.metrics.sample import DIMENSIONS, Cell, Floats, Groups, Places, Rollup
from app.metrics.schemas import HeadlineOk, Suppressed, Undefined
from app.metrics.schemas.common import Kept
from app.metrics.schemas.headline import Mode, Undivided

CROSSING: Final = Suppressed(status="suppressed", reason="crossing")
OF_FAVOUR: Final = (3, 6)
"""How many numbers a Favour has of one group: its answers, and its pools."""


class Shared(Kept):
    """What is the same for all cells, as a release keeps it: one a Measure or Favour, in order."""

    status: Literal["ok"]
    banded_sd: list[float]
    is_one_question: list[bool]
    errors: tuple[float, float] | None
    reliability: float | None
    why_no_reliability: str | None
    why_undivided: Undivided | None
    mode: Mode
    cuts: tuple[float, float]


FilterNumbers = Annotated[Shared | Suppressed | Undefined, Field(discriminator="status")]


def cells_of(wave: Wave) -> tuple[FilterNumbers, list[Cell]]:
    """What is the same for all cells, and the cells; none where no filter can be answered."""
    if not wave.has_both_dimensions:
        return Undefined(status="undefined", reason="dimension_missing", n=0), []
    if wave.plan.cells is None:
        return CROSSING, []
    cells = wave.plan.cells
    groups = Groups([None, *[0] * (int(cells.max()) + 1)], [str(cell) for cell in range(cells.max() + 2)])
    census = Census.take(wave, Rollup(groups, Places(cells + 1, {})))
    here = wave.rollup.places
    where = np.unique(np.column_stack([cells, here.team, *here.category.values()]), axis=0)
    at = np.split(where[:, 1:], np.flatnonzero(np.diff(where[:, 0])) + 1)
    rows = _numbers(census)[1:]
    return _shared(census), [
        Cell(places.tolist(), row.tolist()) for places, row in zip(at, rows, strict=True)
    ]


def of_union(shared: Shared, numbers: Sequence[Sequence[float]]) -> HeadlineOk:
    """The headline of the persons of some cells. Told in whole numbers at most: unions can be subtracted."""
    census = _put_together(shared, np.array(numbers))
    precision: Precision = "banded" if census.gap.n[0] < EXACT_FROM else "integer"
    return told(census, 0, precision, None, "of_filter")


def _shared(census: Census) -> Shared:
    measures: list[Measure | Favour] = [*census.scores.values(), census.gap, *census.favour.values()]
    return Shared(
        status="ok",
        banded_sd=[of.banded_sd for of in measures],
        is_one_question=[of.is_one_question for of in census.favour.values()],
        errors=census.errors.errors,
        reliability=census.errors.of_difference,
        why_no_reliability=census.errors.reason,
        why_undivided=census.why_undivided,
        mode=census.mode,
        cuts=census.cuts,
    )


def _numbers(census: Census) -> Floats:
    """A row a group: n; mean and sum of squares about it of both scores and the gap; then plain sums."""
    columns: list[Any] = [census.gap.n]
    for of in (*census.scores.values(), census.gap):
        columns += [of.mean, of.sd**2 * (of.n - 1)]
    for favour in census.favour.values():
        columns += [favour.answers, favour.pools]
    columns.append(census.quadrants)
    if census.near_cut is not None:
        none = np.full((len(census.near_cut), len(QUADRANTS)), -1.0)
        columns += [census.near_cut, none if census.chances is None else census.chances]
    return np.column_stack(columns).astype(np.float64)


def _put_together(shared: Shared, rows: Floats) -> Census:
    """As one group, of ordinal 0."""
    n = rows[:, 0]
    sds = iter(shared.banded_sd)
    measures = [_measure(n, rows[:, at], rows[:, at + 1], next(sds)) for at in (1, 3, 5)]
    sums = iter(np.split(rows.sum(axis=0)[7:], np.cumsum([*OF_FAVOUR, *OF_FAVOUR, len(QUADRANTS), 1])))
    favour = [
        Favour(next(sums).astype(np.int64)[None], next(sums)[None], is_one, next(sds))
        for is_one in shared.is_one_question
    ]
    quadrants, near_cut, chances = sums
    has_errors = shared.errors is not None
    return Census(
        scores=dict(zip(DIMENSIONS, measures[:2], strict=True)),
        favour=dict(zip(DIMENSIONS, favour, strict=True)),
        gap=measures[2],
        quadrants=quadrants.astype(np.int64)[None],
        near_cut=near_cut if has_errors else None,
        chances=chances[None] if has_errors else None,
        errors=MeasurementErrors(shared.errors, shared.reliability, shared.why_no_reliability),
        why_undivided=shared.why_undivided,
        mode=shared.mode,
        cuts=shared.cuts,
    )


def _measure(n: Floats, mean: Floats, squares: Floats, banded_sd: float) -> Measure:
    """Mean and sd of all, from those of the parts (Chan, Golub & LeVeque 1979)."""
    total = n.sum()
    of_all = (n * mean).sum() / total
    about = squares.sum() + (n * (mean - of_all) ** 2).sum()
    return Measure(
        np.array([total], dtype=np.int64), np.array([of_all]), np.sqrt([about / (total - 1)]), banded_sd
    )
