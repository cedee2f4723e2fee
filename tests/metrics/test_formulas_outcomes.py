from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.formulas import hazard_ratios, rate_ratio
from tests.examples import examples

NAN = float("nan")
COUNTS = st.tuples(st.integers(0, 200), st.integers(0, 200))


def staff(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Whole months until leaving or the end at 12; each point of the covariate halves the hazard."""
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    months = np.ceil(random.exponential(24 * 2.0**x))
    return np.minimum(months, 12), months <= 12, x


@settings(max_examples=examples(12))
@given(st.integers(0, 1000))
def test_hazard_ratios_are_blind_to_order_shift_and_clock_and_invert_with_reversal(seed: int) -> None:
    months, left, x = staff(40, seed)
    (result,) = hazard_ratios(months, left, x).ratios
    assert 0 < result.ci.low < result.ratio < result.ci.high
    assert 0 <= result.p <= 1
    for other in (
        hazard_ratios(months[::-1], left[::-1], x[::-1]),
        hazard_ratios(30 * months, left, x + 7),
    ):
        assert other.ratios[0].ratio == pytest.approx(result.ratio)
    (turned,) = hazard_ratios(months, left, -x).ratios
    assert [turned.ratio, turned.ci.low] == pytest.approx([1 / result.ratio, 1 / result.ci.high])
    (per_ten,) = hazard_ratios(months, left, x / 10).ratios
    assert per_ten.ratio == pytest.approx(result.ratio**10, rel=1e-6)


def test_two_leavers_by_hand() -> None:
    """x = 1 leaves before x = 0, one of each stays: t/(2t + 2) * 1/(t + 2) is largest at t = sqrt(2)."""
    result = hazard_ratios([1, 2, 3, 3], [1, 1, 0, 0], [1, 0, 1, 0])
    assert result.ratios[0].ratio == pytest.approx(np.sqrt(2))


def test_months_tied_follow_efron() -> None:
    """x = 1 and 0 leave together, 1 stays: t/((2t + 1)(2t + 1 - (t + 1)/2)) is largest at 1/sqrt(6)."""
    result = hazard_ratios([5, 5, 6], [1, 1, 0], [1, 0, 1])
    assert result.ratios[0].ratio == pytest.approx(1 / np.sqrt(6), rel=1e-6)


def test_a_hundred_thousand_persons() -> None:
    months, left, x = staff(100_000, seed=1)
    noise = np.random.default_rng(2).normal(size=100_000)
    result = hazard_ratios(months, left, np.column_stack([x, noise]))
    assert (result.n, result.leavers) == (100_000, left.sum())
    assert [ratio.ratio for ratio in result.ratios] == pytest.approx([0.5, 1], abs=0.03)


@pytest.mark.parametrize(
    ("months", "left", "x", "reason"),
    [
        ([], [], [], "no_leaver"),
        ([5], [0], [1], "no_leaver"),
        ([5], [1], [1], "zero_variance"),
        ([5, NAN, 3], [1, 1, NAN], [1, 2, 3], "zero_variance"),
        ([5, 6, 7], [0, 0, 0], [1, 2, 3], "no_leaver"),
        ([5, 6, 7], [1, 1, 0], [4, 4, 4], "zero_variance"),
        ([1, 1, 9, 9], [1, 1, 0, 0], [1, 1, 0, 0], "not_identified"),
        ([1, 2, 9, 9], [1, 1, 0, 0], [[1, 1], [0, 0], [1, 1], [0, 0]], "not_identified"),
    ],
)
def test_hazards_say_why_there_is_no_ratio(
    months: list[float], left: list[int], x: list[float], reason: str
) -> None:
    result = hazard_ratios(months, left, x)
    assert (result.ratios, result.undefined) == ((), reason)


@given(COUNTS, st.floats(1, 1e5), st.floats(1, 1e5))
def test_rate_ratios_lie_in_their_interval_and_invert_with_the_groups(
    leavers: tuple[int, int], months: float, other_months: float
) -> None:
    one, other = leavers
    result, inverse = (
        rate_ratio(one, months, other, other_months),
        rate_ratio(other, other_months, one, months),
    )
    if not one + other:
        assert (result.ratio, result.ci, result.p, result.undefined) == (None, None, None, "no_leaver")
        return
    assert result.ci is not None
    assert inverse.ci is not None
    assert result.p == pytest.approx(inverse.p, abs=1e-12)
    if one and other:
        assert result.ratio is not None
        assert result.ci.low < result.ratio < result.ci.high
        assert [inverse.ci.low, inverse.ci.high] == pytest.approx([1 / result.ci.high, 1 / result.ci.low])


def test_a_group_nobody_left_bounds_the_ratio_on_one_side() -> None:
    none, some = rate_ratio(0, 100, 5, 100), rate_ratio(5, 100, 0, 100)
    assert none.ratio == 0
    assert none.ci is not None
    assert none.ci.low == 0
    assert (some.ratio, some.undefined) == (None, "no_leaver")
    assert some.ci is not None
    assert some.ci.low == pytest.approx(1 / none.ci.high)
    assert some.ci.high == inf
    with pytest.raises(ValueError, match="months"):
        rate_ratio(1, 0, 1, 10)


@given(COUNTS)
def test_the_interval_excludes_one_just_where_the_test_does(leavers: tuple[int, int]) -> None:
    result = rate_ratio(leavers[0], 100, leavers[1], 130)
    if result.ci is None or result.p is None or abs(result.p - 0.05) < 1e-9:
        return
    assert (result.p < 0.05) == (not result.ci.low <= 1 <= result.ci.high)
