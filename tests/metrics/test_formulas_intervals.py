from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from app.metrics.formulas import Interval, mean_ci, moments, t_interval, wilson
from app.metrics.formulas.distinctness import Z_99
from app.metrics.formulas.intervals import UPPER_TAIL, Z
from app.metrics.formulas.quadrants import QUADRANTS, SIMULTANEOUS_CHI2

VALUES = st.lists(st.integers(0, 400), min_size=2, max_size=40).map(lambda ints: np.array(ints) / 4)


def test_constants_are_the_quantiles_they_stand_for() -> None:
    """Written out, because who serves does without scipy."""
    assert float(special.ndtri(UPPER_TAIL)) == Z
    assert float(special.ndtri(0.995)) == Z_99
    assert float(special.chdtri(1, 0.05 / len(QUADRANTS))) == SIMULTANEOUS_CHI2


def width(interval: Interval | None) -> float:
    assert interval is not None
    return interval.high - interval.low


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_within_0_and_1_and_mirrors(counts: tuple[int, int]) -> None:
    successes, n = counts
    interval, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert interval is not None
    assert mirrored is not None
    assert 0 <= interval.low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= interval.high <= 1
    assert (interval.low, interval.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-12)


def test_wilson_of_nobody_is_undefined() -> None:
    assert wilson(0, 0) is None


@given(VALUES, st.integers(0, 1000))
def test_intervals_keep_their_properties(values: NDArray[np.float64], silent: int) -> None:
    result = mean_ci(values, population=len(values) + silent)
    assert result is not None
    assert values.min() <= result.mean + 1e-9
    assert result.mean <= values.max() + 1e-9
    if np.ptp(values) == 0:
        assert (result.undefined, result.ci_process, result.ci_population) == ("zero_variance", None, None)
        return
    assert result.undefined is None
    assert width(result.ci_population) <= width(result.ci_process)
    narrower = sqrt(silent / (len(values) + silent))
    assert width(result.ci_population) == pytest.approx(width(result.ci_process) * narrower)
    reordered, moved, mirrored = mean_ci(values[::-1]), mean_ci(values + 10), mean_ci(100 - values)
    assert reordered is not None
    assert moved is not None
    assert mirrored is not None
    assert reordered.mean == pytest.approx(result.mean)
    assert moved.mean == pytest.approx(result.mean + 10)
    assert mirrored.mean == pytest.approx(100 - result.mean)
    assert width(reordered.ci_process) == pytest.approx(width(result.ci_process))
    assert width(moved.ci_process) == pytest.approx(width(result.ci_process))
    assert width(mirrored.ci_process) == pytest.approx(width(result.ci_process))


@pytest.mark.parametrize("values", [[], [float("nan")], [float("nan")] * 3])
def test_no_value_gives_no_mean(values: list[float]) -> None:
    assert mean_ci(np.array(values, dtype=np.float64)) is None
    assert moments(np.array(values, dtype=np.float64)) is None


def test_a_single_value_has_a_mean_and_no_interval() -> None:
    result = mean_ci(np.array([40.0, float("nan")]), population=5)
    assert result is not None
    assert (result.n, result.mean, result.sd, result.undefined) == (1, 40.0, None, "single_value")
    assert result.ci_process is None
    assert result.ci_population is None


def test_two_values() -> None:
    result = mean_ci(np.array([40.0, 60.0]))
    assert result is not None
    assert width(result.ci_process) / 2 == pytest.approx(12.706204736174698 * 10)  # qt(.975, 1)


def test_the_same_mean_reached_in_different_ways_is_no_spread() -> None:
    result = mean_ci(np.array([0.1 + 0.2, 0.3]))
    assert result is not None
    assert result.undefined == "zero_variance"


def test_a_population_smaller_than_its_sample_is_refused() -> None:
    of = moments(np.array([1.0, 2.0]))
    assert of is not None
    with pytest.raises(ValueError, match="at least its sample"):
        t_interval(of, population=1)


def test_a_hundred_thousand_values() -> None:
    result = mean_ci(np.tile([0.0, 100.0], 50_000))
    assert result is not None
    assert (result.n, result.mean) == (100_000, 50.0)
    assert width(result.ci_process) == pytest.approx(2 * 1.9599877 * 50.00025 / sqrt(100_000), rel=1e-6)
