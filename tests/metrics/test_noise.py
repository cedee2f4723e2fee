from random import Random, SystemRandom
from statistics import fmean, stdev

import numpy as np
import pytest
from scipy import stats

from app.metrics.disclosure.noise import with_noise


@pytest.mark.parametrize(("n", "epsilon", "sd"), [(100, 1.0, 1.414), (100, 0.5, 2.828), (1000, 0.1, 1.414)])
def test_noise_spreads_by_the_number_of_persons_and_the_budget(n: int, epsilon: float, sd: float) -> None:
    random = Random(1)
    drawn = [with_noise(60, n, epsilon, random) for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(60, abs=0.05)
    assert stdev(drawn) == pytest.approx(sd, rel=0.05)
    steps = np.array(drawn) + np.random.default_rng(1).uniform(-0.05, 0.05, len(drawn))
    assert stats.kstest(steps, stats.laplace(60, 100 / (n * epsilon)).cdf).pvalue > 0.001


def test_a_noisy_score_is_a_score_in_tenths() -> None:
    random = Random(2)
    drawn = {with_noise(99, 100, 0.1, random) for _ in range(1000)}
    assert 0 <= min(drawn) < max(drawn) == 100
    assert all(value == round(value, 1) for value in drawn)
    assert 0 <= with_noise(50, 100, 1, SystemRandom()) <= 100


@pytest.mark.parametrize(("n", "epsilon"), [(99, 1.0), (0, 1.0), (100, 0.0), (100, -1.0)])
def test_too_few_persons_or_no_budget_are_refused(n: int, epsilon: float) -> None:
    with pytest.raises(ValueError, match=r"noise hides|a budget"):
        with_noise(50, n, epsilon, Random(1))
