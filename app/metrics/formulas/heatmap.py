from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Final, Literal

from app.metrics.formulas.intervals import Interval, Moments
from app.metrics.formulas.multiplicity import benjamini_hochberg
from app.metrics.formulas.trends import SMALLEST_CHANGE, Difference, hedges_g, mean_difference, verdict
from app.metrics.words import Verdict

State = Literal["higher", "lower", "slightly_higher", "slightly_lower", "practically_equal", "inconclusive"]
STATES: Final[Mapping[Verdict, State]] = {
    "increased": "higher",
    "decreased": "lower",
    "small_increase": "slightly_higher",
    "small_decrease": "slightly_lower",
    "practically_equal": "practically_equal",
    "inconclusive": "inconclusive",
}


ANYWHERE: Final = Interval(-inf, inf)


@dataclass(frozen=True, slots=True)
class Cell:
    """A group minus the rest, `g` in pooled sds; `q` is adjusted over the cells that have a test."""

    rest: Moments
    test: Difference | None
    g: float | None
    q: float | None
    state: State | None


def versus_rest(
    groups: Sequence[Moments],
    whole: Moments,
    smallest: float = SMALLEST_CHANGE,
    scale: Interval = ANYWHERE,
) -> tuple[Cell, ...]:
    """One cell a group: Welch's test against everybody else, q of Benjamini & Hochberg 1995.

    Each of `groups` is part of the `whole`, and they may share persons. No test where either side has fewer
    than two, or where neither has spread. Of rounded means the rest may follow to lie off the `scale`: it is
    held within.
    """
    rests = [_within(rest_of(whole, group), scale) for group in groups]
    tests = [mean_difference(rest, group) for rest, group in zip(rests, groups, strict=True)]
    q_values = iter(benjamini_hochberg([test.p for test in tests if test]).tolist())
    return tuple(
        _cell(group, rest, test, q_values, smallest)
        for group, rest, test in zip(groups, rests, tests, strict=True)
    )


def _within(rest: Moments, scale: Interval) -> Moments:
    return replace(rest, mean=min(max(rest.mean, scale.low), scale.high))


def rest_of(whole: Moments, part: Moments) -> Moments:
    """Whoever is in the whole and not in the part."""
    n = whole.n - part.n
    if n == 0:
        return Moments(0, 0.0, None)
    mean = (whole.n * whole.mean - part.n * part.mean) / n
    between = part.n * n / whole.n * (part.mean - mean) ** 2
    squares = _squares(whole) - _squares(part) - between
    return Moments(n, mean, sqrt(max(0.0, squares) / (n - 1)) if n > 1 else None)


def _squares(of: Moments) -> float:
    return (of.n - 1) * of.sd**2 if of.sd is not None else 0.0


def _cell(
    group: Moments, rest: Moments, test: Difference | None, q_values: Iterator[float], smallest: float
) -> Cell:
    if test is None:
        return Cell(rest, None, None, None, None)
    q = next(q_values)
    return Cell(rest, test, hedges_g(rest, group), q, STATES[verdict(test, q, smallest)])
