import pytest

from app.metrics.formulas.intervals import Interval
from tests.simulations.intervals import SERVED, Random, coverage, holds, share


@pytest.mark.parametrize("name", SERVED)
def test_an_interval_holds_the_truth_about_as_often_as_it_says(name: str) -> None:
    """Within three standard errors of .95 over so few samples, and the least that the guide's table has."""
    held = coverage(SERVED[name], 40, runs=200)
    assert held is not None
    assert held >= 0.88


def test_an_interval_that_is_too_narrow_is_found() -> None:
    def by_halves(random: Random, n: int) -> bool | None:
        count = int(random.binomial(n, 0.1))
        half = (count / n * (1 - count / n) / n) ** 0.5
        return holds(Interval(count / n - half, count / n + half), 0.1)

    assert (coverage(share, 40, runs=300) or 0) > 0.9 > (coverage(by_halves, 40, runs=300) or 0)
