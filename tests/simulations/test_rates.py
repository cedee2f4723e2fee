import pytest

from tests.simulations.rates import CLUMPS, bootstrap, coverage, coverage_of_ratio, poisson, served


@pytest.mark.parametrize("clumps", CLUMPS.values(), ids=CLUMPS)
@pytest.mark.parametrize("n", [20, 40, 200])
def test_the_interval_of_a_rate_holds_the_truth(n: int, clumps: float) -> None:
    assert 0.91 <= coverage(served, n, clumps, runs=1000) <= 0.98


def test_what_was_served_before_and_a_bootstrap_would_be_found_too_narrow() -> None:
    assert coverage(poisson, 40, CLUMPS["many"], runs=300) < 0.8
    assert coverage(bootstrap, 20, CLUMPS["many"], runs=300) < 0.91


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("clumps", CLUMPS.values(), ids=CLUMPS)
@pytest.mark.parametrize(("n", "others"), [(10, 100), (40, 200)])
def test_the_interval_of_a_ratio_holds_the_truth(n: int, others: int, clumps: float, ratio: float) -> None:
    assert 0.89 <= coverage_of_ratio(n, others, clumps, ratio, runs=500) <= 0.98
