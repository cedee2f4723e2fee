from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from app.metrics.formulas.complete import Undefined
from app.metrics.formulas.multiplicity import benjamini_hochberg
from app.metrics.formulas.trends import SMALLEST_CHANGE, Difference, IndependentChange, independent_change

State = Literal["higher", "lower", "similar", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A team minus the rest of the organisation; `q` is adjusted over the cells that have a p."""

    team: str
    versus_rest: IndependentChange
    q: float | None
    state: State | None
    undefined: Undefined | None


def team_versus_rest(
    values: ArrayLike, teams: ArrayLike, smallest: float = SMALLEST_CHANGE
) -> tuple[Cell, ...]:
    """One cell a team, by name: Welch's test against everybody else, q of Benjamini & Hochberg 1995.

    `values` has one a person, NaN where missing; `teams` the name of each person's team.
    """
    x, labels = np.asarray(values, dtype=np.float64), np.asarray(teams)
    names = np.unique(labels)
    changes = [independent_change(x[labels != name], x[labels == name]) for name in names]
    q_values = iter(benjamini_hochberg([change.test.p for change in changes if change.test]).tolist())
    return tuple(
        _cell(str(name), change, q_values, smallest) for name, change in zip(names, changes, strict=True)
    )


def _cell(team: str, change: IndependentChange, q_values: Iterator[float], smallest: float) -> Cell:
    if change.test is None:
        return Cell(team, change, None, None, change.undefined)
    q = next(q_values)
    return Cell(team, change, q, _state(change.test, q, smallest), None)


def _state(test: Difference, q: float, smallest: float) -> State:
    if q < 0.05 and abs(test.mean) >= smallest:
        return "higher" if test.mean > 0 else "lower"
    return "similar" if -smallest <= test.ci.low and test.ci.high <= smallest else "inconclusive"
