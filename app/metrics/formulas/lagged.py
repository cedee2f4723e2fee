from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_rows
from app.metrics.formulas.intervals import Interval
from app.metrics.formulas.regression import Coefficient, Errors, Regression, robust_regression

FEWEST_LINKED: Final = 100
FEWEST_RECOGNISED: Final = 30
FEWEST_CLUSTERS: Final = 20
FEWEST_WAVES: Final = 3
ALPHA: Final = 0.05
DOSES: Final[tuple[tuple[int, int | None], ...]] = ((0, 0), (1, 1), (2, 3), (4, None))
"""From and to how many events; our own choice."""
DOUBLING: Final = log(2)

Direction = Literal["separable", "not_separable"]


@dataclass(frozen=True, slots=True)
class Dose:
    """Persons who received `low` to `high` events, and their mean at the second wave, POMP.

    Adjusted to the mean of all at the first wave, and for teams. None where nobody is in it.
    """

    low: int
    high: int | None
    n: int
    mean: float | None
    ci: Interval | None


@dataclass(frozen=True, slots=True)
class Lagged:
    """Association of recognition between two waves with the score at the second, the first held equal.

    All in POMP per doubling of 1 + events: so also of one event rather than none. `placebo` is that of the
    same events with the score at the FIRST wave, which they cannot have changed; where it is as strong,
    `direction` is not separable. `trend` has the difference from one dose to the next.
    """

    n: int
    recognised: int
    association: Coefficient | None
    stability: Coefficient | None
    r2: float | None
    errors: Errors | None
    placebo: Coefficient | None
    direction: Direction | None
    doses: tuple[Dose, ...]
    trend: Coefficient | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class WithinPersons:
    """Association of a person's own changes in recognition and score over the waves; per doubling."""

    persons: int
    waves: int
    association: Coefficient | None
    undefined: Undefined | None


def lagged(
    later: ArrayLike,
    earlier: ArrayLike,
    events: ArrayLike,
    team: ArrayLike,
    before: ArrayLike | None = None,
    doses: Sequence[tuple[int, int | None]] = DOSES,
    error_variance: float = 0.0,
) -> Lagged:
    """`later` = a + b log(1 + `events`) + c `earlier` + team (Finkel 1995), one of each a person linked.

    Scores are POMP, NaN where missing; `events` were received between the two waves, and `before`, where it
    is known and differs, between the one before and the first: held equal in the placebo, so that what
    lasting recognition goes with is not taken for the reverse. Errors are cluster-robust by team from 20
    teams on, else HC3. `doses` follow one another. `error_variance` is that of `earlier`'s errors of
    measurement, POMP squared: held equal is what it measures (Westfall & Yarkoni 2016). Undefined below 100
    persons, or below 30 with an event.
    """
    dose = np.log1p(np.asarray(events, dtype=np.float64))
    controls = [] if before is None else [np.log1p(np.asarray(before, dtype=np.float64))]
    table = np.column_stack([np.asarray(later, float), np.asarray(earlier, float), dose, *controls])
    kept = ~np.isnan(table).any(axis=1)
    rows, teams = complete_rows(table), np.asarray(team)[kept]
    n, recognised = len(rows), int((rows[:, 2] > 0).sum())
    if n < FEWEST_LINKED or recognised < FEWEST_RECOGNISED:
        return _nothing(n, recognised, "too_few")
    second, first, dose = rows[:, 0], rows[:, 1], rows[:, 2]
    main = _by_team(second, np.column_stack([dose, first]), teams, error_variance)
    if main.undefined is not None:
        return _nothing(n, recognised, main.undefined)
    placebo = _by_team(first, rows[:, 2:], teams)
    if placebo.undefined is not None and controls:
        placebo = _by_team(first, dose, teams)
    association = _per_doubling(main.coefficients[0])
    placebo_association = _per_doubling(placebo.coefficients[0]) if placebo.coefficients else None
    counts = np.rint(np.expm1(dose)).astype(np.int64)
    trend = _by_team(second, np.column_stack([_dose_of(counts, doses), first]), teams, error_variance)
    return Lagged(
        n=n,
        recognised=recognised,
        association=association,
        stability=main.coefficients[1],
        r2=main.r2,
        errors=main.errors,
        placebo=placebo_association,
        direction=_direction(association, placebo_association),
        doses=_doses(second, first, counts, teams, doses, error_variance),
        trend=trend.coefficients[0] if trend.coefficients else None,
        undefined=None,
    )


def within_persons(scores: ArrayLike, events: ArrayLike) -> WithinPersons:
    """Fixed effects of person and wave: what differs between people drops out (Hamaker et al. 2015).

    `scores` is persons x waves, POMP, NaN where missing; `events` is persons x waves, received since the wave
    before, NaN for the first. Three waves at least; errors are cluster-robust by person.
    """
    score, received = np.asarray(scores, dtype=np.float64), np.asarray(events, dtype=np.float64)
    people, waves = score.shape
    person, wave = np.divmod(np.arange(score.size), waves)
    rows = np.column_stack([score.ravel(), np.log1p(received.ravel())])
    usable = ~np.isnan(rows).any(axis=1)
    counts = np.bincount(person[usable], minlength=people)
    kept = usable & (counts[person] > 1)
    linked, seen = int((counts > 1).sum()), np.unique(wave[kept])
    recognised = len(np.unique(person[kept & (rows[:, 1] > 0)]))
    if waves < FEWEST_WAVES or linked < FEWEST_LINKED or recognised < FEWEST_RECOGNISED:
        return WithinPersons(linked, waves, None, "too_few")
    levels = (wave[kept][:, None] == seen[1:]).astype(np.float64)
    fit = robust_regression(
        rows[kept, 0], np.column_stack([rows[kept, 1], levels]), absorbed=person[kept], clusters=person[kept]
    )
    if fit.undefined is not None:
        return WithinPersons(linked, waves, None, fit.undefined)
    return WithinPersons(linked, waves, _per_doubling(fit.coefficients[0]), None)


def _nothing(n: int, recognised: int, reason: Undefined) -> Lagged:
    return Lagged(n, recognised, None, None, None, None, None, None, (), None, reason)


def _by_team(
    outcome: NDArray[np.float64],
    predictors: NDArray[np.float64],
    teams: NDArray[np.generic],
    error_of_last: float = 0.0,
) -> Regression:
    enough = len(np.unique(teams)) >= FEWEST_CLUSTERS
    columns = 1 if predictors.ndim == 1 else predictors.shape[1]
    error_variance = np.array([*[0.0] * (columns - 1), error_of_last])
    return robust_regression(outcome, predictors, teams, teams if enough else None, error_variance)


def _per_doubling(of: Coefficient) -> Coefficient:
    ci = Interval(of.ci.low * DOUBLING, of.ci.high * DOUBLING)
    return Coefficient(of.value * DOUBLING, of.se * DOUBLING, ci, of.p)


def _direction(association: Coefficient, placebo: Coefficient | None) -> Direction:
    """Not separable where the placebo is there and no weaker, or cannot be had."""
    if placebo is None:
        return "not_separable"
    is_as_strong = placebo.p < ALPHA and abs(placebo.value) >= abs(association.value)
    return "not_separable" if is_as_strong else "separable"


def _dose_of(events: NDArray[np.int64], doses: Sequence[tuple[int, int | None]]) -> NDArray[np.int64]:
    return np.asarray(np.searchsorted([low for low, _ in doses], events, side="right") - 1)


def _doses(
    second: NDArray[np.float64],
    first: NDArray[np.float64],
    events: NDArray[np.int64],
    teams: NDArray[np.generic],
    doses: Sequence[tuple[int, int | None]],
    error_variance: float,
) -> tuple[Dose, ...]:
    dose = _dose_of(events, doses)
    sizes = np.bincount(dose, minlength=len(doses))
    present = np.flatnonzero(sizes)
    dummies = (dose[:, None] == present[1:]).astype(np.float64)
    fit = _by_team(second, np.column_stack([dummies, first]), teams, error_variance)
    means: dict[int, tuple[float, Interval]] = {}
    if fit.constant is not None:
        beta = np.array([fit.constant, *(one.value for one in fit.coefficients)])
        for place, own in enumerate(present.tolist()):
            at = np.array([1.0, *(float(place == other) for other in range(1, len(present))), first.mean()])
            variance = max(float(at @ fit.covariance @ at), 0.0)
            mean, half = float(at @ beta), fit.quantile * sqrt(variance)
            means[own] = mean, Interval(mean - half, mean + half)
    nothing = (None, None)
    return tuple(
        Dose(low, high, int(sizes[own]), *means.get(own, nothing)) for own, (low, high) in enumerate(doses)
    )
