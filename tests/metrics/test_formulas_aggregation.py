import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from app.metrics.formulas import icc, rwg, rwg_j, shrinkage

NAN = float("nan")
GROUPED = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 4)), max_size=40)
ANSWERS = st.tuples(st.integers(2, 15), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(1, 5).map(float))
)
MEANS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50)), min_size=2, max_size=20)


@given(GROUPED)
def test_icc_is_bounded_blind_to_order_shift_and_reversal_and_tests_as_scipy(
    persons: list[tuple[int, int]],
) -> None:
    values, groups = np.array(persons, dtype=np.float64).reshape(-1, 2).T
    result = icc(values, groups)
    assert (result.icc1 is None) == (result.icc2 is None) == (result.undefined is not None)
    for other in (icc(values[::-1], groups[::-1]), icc(values + 7, groups), icc(100 - values, -groups)):
        assert other.undefined == result.undefined
        assert other.icc1 == (None if result.icc1 is None else pytest.approx(result.icc1, abs=1e-9))
    if result.icc1 is None or result.icc2 is None:
        return
    assert 0 <= result.icc1 <= 1
    assert 0 <= result.icc2 <= 1
    if result.f is not None:
        expected = stats.f_oneway(*(values[groups == group] for group in np.unique(groups)))
        assert [result.f, result.p] == pytest.approx(
            [expected.statistic, expected.pvalue], rel=1e-9, abs=1e-12
        )


@pytest.mark.parametrize(
    ("values", "groups", "reason"),
    [
        ([], [], "too_few"),
        ([1], ["a"], "single_group"),
        ([1, 2], ["a", "a"], "single_group"),
        ([1, 2], ["a", "b"], "too_few"),
        ([NAN, NAN, NAN], ["a", "a", "b"], "too_few"),
        ([3, 3, 3], ["a", "a", "b"], "zero_variance"),
    ],
)
def test_icc_says_why_there_is_none(values: list[float], groups: list[str], reason: str) -> None:
    assert (icc(values, groups).icc1, icc(values, groups).undefined) == (None, reason)


def test_groups_alike_inside_and_groups_alike_among_themselves() -> None:
    unanimous = icc([1, 1, 5, 5, 3], ["a", "a", "b", "b", "b2"])
    assert (unanimous.icc1, unanimous.icc2, unanimous.f) == (1, 1, None)
    identical = icc([1, 5, 1, 5], ["a", "a", "b", "b"])
    assert (identical.icc1, identical.icc1_raw, identical.icc2, identical.icc2_raw) == (0, -1, 0, None)


def test_icc_finds_the_share_of_variance_that_groups_were_given() -> None:
    random = np.random.default_rng(8)
    groups = np.repeat(np.arange(2000), 50)
    values = 2 * random.normal(size=2000)[groups] + 4 * random.normal(size=100_000)
    result = icc(values, groups)
    assert result.icc1 == pytest.approx(4 / 20, abs=0.02)
    assert result.icc2 == pytest.approx(4 / (4 + 16 / 50), abs=0.02)


@given(ANSWERS)
def test_agreement_is_bounded_blind_to_order_and_reversal_and_rises_with_length(
    items: NDArray[np.float64],
) -> None:
    result = rwg_j(items, options=5)
    assert result.value is not None
    assert result.undefined is None
    assert 0 <= result.value <= 1
    for other in (items[::-1], items[:, ::-1], 6 - items):
        assert rwg_j(other, options=5).value == pytest.approx(result.value)
    twice = rwg_j(np.hstack([items, items]), options=5).value
    assert twice is not None
    assert twice >= result.value - 1e-12
    single = rwg(items[:, 0], options=5)
    assert single == rwg_j(items[:, :1], options=5)
    assert single.value == pytest.approx(max(0, 1 - items[:, 0].var(ddof=1) / 2))


def test_agreement_by_hand() -> None:
    assert rwg([4, 4, 4], options=5).value == 1
    assert rwg([1, 5, 1, 5], options=5).value == 0
    assert rwg([3, 4, 5, 4], options=5).value == pytest.approx(1 - (2 / 3) / 2)
    assert rwg([3, 4, 5, 4], options=5, null_variance=1.34).value == pytest.approx(1 - (2 / 3) / 1.34)
    assert rwg_j([[3, 3], [4, 4], [5, 5], [4, 4]], options=5).value == pytest.approx(4 / 3 / (4 / 3 + 1 / 3))


def test_agreement_of_nobody_of_one_and_of_no_scale() -> None:
    for ratings in ([], [3], [3, NAN], [NAN, NAN]):
        assert (rwg(ratings, options=5).value, rwg(ratings, options=5).undefined) == (None, "too_few")
    assert rwg_j(np.empty((4, 0)), options=5).undefined == "single_item"
    with pytest.raises(ValueError, match="two options"):
        rwg([1, 1], options=1)


@given(MEANS)
def test_shrunken_means_lie_between_their_own_and_the_common_one(groups: list[tuple[int, int]]) -> None:
    means, sizes = np.array(groups, dtype=np.float64).T
    result = shrinkage(means, 100 / sizes)
    assert result.mu is not None
    assert result.tau2 is not None
    assert result.tau2 >= 0
    shrunken = np.array(result.means)
    assert (np.abs(shrunken - result.mu) <= np.abs(means - result.mu) + 1e-9).all()
    assert ((means - result.mu) * (shrunken - result.mu) >= -1e-9).all()
    moved, turned = shrinkage(means[::-1] + 7, 100 / sizes[::-1]), shrinkage(100 - means, 100 / sizes)
    assert np.array(moved.means)[::-1] == pytest.approx(shrunken + 7, abs=1e-6)
    assert turned.means == pytest.approx(100 - shrunken, abs=1e-6)


@given(MEANS)
def test_tau2_makes_heterogeneity_what_chance_expects(groups: list[tuple[int, int]]) -> None:
    means, sizes = np.array(groups, dtype=np.float64).T
    result = shrinkage(means, 100 / sizes)
    if not result.tau2:
        assert result.q is not None
        assert result.q <= len(groups) - 1
        assert set(result.means) == {result.mu}
        return
    weights = 1 / (100 / sizes + result.tau2)
    centre = (weights @ means) / weights.sum()
    assert weights @ (means - centre) ** 2 == pytest.approx(len(groups) - 1)


def test_shrinkage_of_none_of_one_and_without_variance() -> None:
    for means, variances, reason in (
        ([], [], "too_few"),
        ([50], [1], "too_few"),
        ([50, 60], [1, 0], "zero_variance"),
    ):
        result = shrinkage(means, variances)
        assert (result.mu, result.tau2, result.means, result.undefined) == (None, None, (), reason)


def test_a_hundred_thousand_groups() -> None:
    random = np.random.default_rng(2)
    true = random.normal(60, 5, size=100_000)
    result = shrinkage(true + random.normal(0, 10, size=100_000), np.full(100_000, 100.0))
    assert result.tau2 == pytest.approx(25, abs=1)
    assert np.mean((np.array(result.means) - true) ** 2) == pytest.approx(20, abs=1)
