import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.formulas import Correlation, disattenuated, htmt, htmt_intervals, pearson, spearman

NAN = float("nan")
PAIRS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30).map(
    lambda pairs: np.array(pairs, dtype=np.float64).T
)


def two_scales(n: int, shared: float, seed: int = 5) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    first = random.normal(size=(n, 1))
    second = shared * first + np.sqrt(1 - shared**2) * random.normal(size=(n, 1))
    noise = random.normal(size=(2, n, 3))
    return first + 0.5 * noise[0], second + 0.5 * noise[1]


def same(one: Correlation, other: Correlation, sign: int = 1) -> None:
    assert (one.n, one.undefined, one.r is None, one.p is None) == (
        other.n,
        other.undefined,
        other.r is None,
        other.p is None,
    )
    if one.r is not None and other.r is not None:
        assert other.r == pytest.approx(sign * one.r, abs=1e-9)
    if one.ci is not None and other.ci is not None:
        there = [sign * other.ci.low, sign * other.ci.high][::sign]
        assert there == pytest.approx([one.ci.low, one.ci.high], abs=1e-7)


@given(PAIRS)
def test_correlations_are_bounded_and_say_what_is_missing(pairs: NDArray[np.float64]) -> None:
    x, y = pairs
    for result in (pearson(x, y), spearman(x, y)):
        is_flat = len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0
        assert (result.r is None) == is_flat
        assert (result.undefined is None) == (result.ci is not None)
        if result.r is not None:
            assert -1 <= result.r <= 1
        if result.ci is not None and result.r is not None:
            assert -1 <= result.ci.low < result.r < result.ci.high <= 1


@given(PAIRS)
def test_correlations_are_blind_to_order_shift_and_unit_and_turn_with_reversal(
    pairs: NDArray[np.float64],
) -> None:
    x, y = pairs
    for formula in (pearson, spearman):
        result = formula(x, y)
        same(result, formula(y, x))
        same(result, formula(x[::-1], y[::-1]))
        same(result, formula(25 * x + 7, y))
        same(result, formula(10 - x, y), sign=-1)


def test_ranks_are_blind_to_any_rising_change_of_scale() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(2, 30))
    same(spearman(x, y), spearman(np.exp(x), y**3))


def test_the_rank_interval_is_wider_by_the_error_of_bonett_and_wright() -> None:
    x = np.arange(20.0)
    y = np.random.default_rng(2).permutation(20) + x / 2
    ranks = spearman(x, y)
    assert ranks.r is not None
    assert ranks.ci is not None
    half = 1.959963984540054 * np.sqrt((1 + ranks.r**2 / 2) / 17)
    assert [ranks.ci.low, ranks.ci.high] == pytest.approx(
        [np.tanh(np.arctanh(ranks.r) - half), np.tanh(np.arctanh(ranks.r) + half)]
    )


@pytest.mark.parametrize(
    ("x", "y", "r", "reason"),
    [
        ([], [], None, "too_few"),
        ([1], [1], None, "too_few"),
        ([NAN, NAN], [1, 2], None, "too_few"),
        ([1, 2], [5, 3], -1, "too_few"),
        ([3, 3, 3, 3], [1, 2, 3, 4], None, "zero_variance"),
        ([1, 2, 3, 4], [2, 4, 6, 8], 1, "perfect"),
        ([1, 2, 3, 4, NAN], [2, 4, 6, 8, 1], 1, "perfect"),
    ],
)
def test_few_equal_or_perfect_values(x: list[float], y: list[float], r: float | None, reason: str) -> None:
    for formula in (pearson, spearman):
        result = formula(x, y)
        assert (result.r, result.ci, result.p, result.undefined) == (r, None, None, reason)


def test_a_hundred_thousand_pairs() -> None:
    x, y = np.random.default_rng(4).normal(size=(2, 100_000))
    for formula in (pearson, spearman):
        result = formula(x, x + y)
        assert result.r == pytest.approx(np.sqrt(0.5) if formula is pearson else 0.69, abs=0.01)


def test_disattenuation_by_hand_and_its_cap() -> None:
    corrected = disattenuated(0.4, 0.8, 0.5)
    assert corrected is not None
    assert corrected.r == pytest.approx(0.4 / np.sqrt(0.4))
    assert not corrected.is_capped
    capped = disattenuated(-0.9, 0.7, 0.7)
    assert capped is not None
    assert (capped.r, capped.is_capped) == (-1.0, True)
    assert disattenuated(0.5, 0.0, 0.9) is None


@given(st.integers(8, 40), st.integers(0, 50))
def test_htmt_is_blind_to_order_shift_unit_side_and_reversal(n: int, seed: int) -> None:
    first, second = two_scales(n, 0.5, seed)
    result = htmt(first, second)
    for other in (
        htmt(second, first),
        htmt(first[::-1], second[::-1]),
        htmt(first[:, ::-1] * 25 + 3, second),
        htmt(-first, -second),
    ):
        assert other.htmt == pytest.approx(result.htmt)
        assert (other.htmt2 is None) == (result.htmt2 is None)
        assert other.htmt2 is None or other.htmt2 == pytest.approx(result.htmt2)


def test_scales_that_measure_the_same_have_a_ratio_of_one() -> None:
    first, second = two_scales(100_000, 1.0)
    result = htmt(first, second)
    assert [result.htmt, result.htmt2] == pytest.approx([1, 1], abs=0.01)


def test_opposed_scales_have_no_geometric_ratio() -> None:
    first, second = two_scales(200, 0.9)
    result = htmt(first, -second)
    assert result.htmt == pytest.approx(htmt(first, second).htmt)
    assert (result.htmt2, result.undefined) == (None, "not_positive")


def test_htmt_intervals_hold_the_ratio_and_repeat_with_their_seed() -> None:
    first, second = two_scales(200, 0.6)
    result, intervals = htmt(first, second), htmt_intervals(first, second, seed=7, draws=300)
    assert intervals == htmt_intervals(first, second, seed=7, draws=300)
    assert intervals != htmt_intervals(first, second, seed=8, draws=300)
    for value, interval in ((result.htmt, intervals.htmt), (result.htmt2, intervals.htmt2)):
        assert value is not None
        assert interval is not None
        assert interval.low < value < interval.high
        assert interval.high - interval.low == pytest.approx(0.2, abs=0.1)
    opposed = htmt_intervals(first, -second, seed=7, draws=50)
    assert opposed.htmt is not None
    assert opposed.htmt2 is None


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (np.ones((5, 1)), np.ones((5, 2)), "single_item"),
        (np.empty((0, 2)), np.empty((0, 2)), "too_few"),
        (np.eye(2), np.eye(2), "too_few"),
        (np.full((5, 2), NAN), np.ones((5, 2)), "too_few"),
        (np.ones((5, 2)), np.ones((5, 2)), "zero_variance"),
        (
            np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]),
            np.array([[1, 2], [2, 1], [4, 3], [3, 5]]),
            "not_positive",
        ),
    ],
)
def test_htmt_says_why_there_is_none(
    first: NDArray[np.float64], second: NDArray[np.float64], reason: str
) -> None:
    result = htmt(first, second)
    assert (result.htmt, result.htmt2, result.undefined) == (None, None, reason)
    if reason != "not_positive":
        assert htmt_intervals(first, second, seed=1, draws=10).htmt is None
