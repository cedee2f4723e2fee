import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.formulas import manski_bounds, post_stratified, response_rate


def test_response_rate() -> None:
    assert response_rate(42, 50) == 0.84
    assert response_rate(0, 50) == 0
    assert response_rate(0, 0) is None


def test_bounds_by_hand() -> None:
    bounds = manski_bounds(60.0, 30, 40)
    assert (bounds.low, bounds.high) == (45.0, 70.0)


@given(st.floats(0, 100), st.integers(1, 500), st.integers(0, 500))
def test_bounds_hold_the_mean_and_are_as_wide_as_the_silence(mean: float, n: int, silent: int) -> None:
    bounds = manski_bounds(mean, n, n + silent)
    assert -1e-9 <= bounds.low <= mean + 1e-9
    assert mean - 1e-9 <= bounds.high <= 100 + 1e-9
    assert bounds.high - bounds.low == pytest.approx(100 * silent / (n + silent), abs=1e-9)


def test_weights_by_hand() -> None:
    found = post_stratified([10, 30], [20, 20])
    assert found.weights.tolist() == pytest.approx([2, 2 / 3])
    assert found.deff == pytest.approx((10 * 4 + 30 * 4 / 9) / 40)  # 1 + cv^2: the mean weight is 1
    assert found.effective_n == pytest.approx(30)
    assert found.trimmed == 0


def test_a_weight_out_of_bounds_is_trimmed_and_the_mean_stays_one() -> None:
    found = post_stratified([5, 95], [50, 50])
    assert found.trimmed == 1
    assert found.weights @ np.array([5, 95]) == pytest.approx(100)
    assert found.weights[0] / found.weights[1] == pytest.approx(3 / (100 / 95 / 2))


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=1, max_size=12))
def test_the_design_factor_is_one_at_least_and_exactly_where_all_responded_alike(
    strata: list[tuple[int, int]],
) -> None:
    n = np.array([responded for responded, _ in strata])
    found = post_stratified(n, n + np.array([silent for _, silent in strata]))
    assert found.deff >= 1 - 1e-12
    assert found.effective_n <= n.sum() * (1 + 1e-12)
    assert post_stratified(n, 3 * n).deff == pytest.approx(1)
