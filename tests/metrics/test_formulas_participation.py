import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.formulas import manski_bounds, response_rate


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
