import pytest

from tests.simulations.shares import coverage, linearised, served


@pytest.mark.parametrize(("n", "truth"), [(20, 0.5), (20, 0.95), (40, 0.05), (200, 0.95)])
def test_the_interval_of_a_share_holds_the_truth(n: int, truth: float) -> None:
    assert coverage(served, n, truth, runs=1000) >= 0.92


def test_the_linearised_interval_would_be_found_too_narrow() -> None:
    assert coverage(linearised, 20, 0.95, runs=1000) < 0.85
