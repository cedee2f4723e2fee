from math import atanh, exp, sqrt, tanh

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from app.metrics.formulas import (
    PooledCorrelation,
    Study,
    correlation_of_same_units,
    pooled_correlation,
    shrinkage,
    spearman,
)

STUDIES = st.lists(st.tuples(st.floats(-0.95, 0.95), st.integers(10, 200)), min_size=2, max_size=12)
APART = [(0.8, 30), (0.1, 12), (-0.4, 25), (0.5, 60), (0.3, 14)]


def pooled(studies: list[tuple[float, int]]) -> PooledCorrelation:
    rs, sizes = zip(*studies, strict=True)
    return pooled_correlation(rs, sizes)


def empirical_bayes(studies: list[tuple[float, int]]) -> tuple[float, float, float]:
    """mu, its error and tau2 by Morris' iteration of 1983, another road to the solution of Paule & Mandel."""
    z = np.array([atanh(r) for r, _ in studies])
    v = np.array([(1 + r * r / 2) / (n - 3) for r, n in studies])
    tau2 = 1.0
    for _ in range(20_000):
        w = 1 / (v + tau2)
        mu = (w * z).sum() / w.sum()
        k = len(z)
        tau2 = max(0.0, (w * (k / (k - 1) * (z - mu) ** 2 - v)).sum() / w.sum())
    w = 1 / (v + tau2)
    return float((w * z).sum() / w.sum()), float(w.sum() ** -0.5), float(tau2)


@pytest.mark.parametrize(
    "studies", [APART, APART[:2], [(0.5, 20), (0.5, 20)], [(0.2, 11), (0.3, 40), (0.1, 9)]]
)
def test_the_mean_and_both_intervals_by_another_road(studies: list[tuple[float, int]]) -> None:
    mu, error, tau2 = empirical_bayes(studies)
    result = pooled(studies)
    z = norm.ppf(0.975)
    assert result.ci is not None
    assert result.prediction is not None
    assert result.tau2 == pytest.approx(tau2, abs=1e-8)
    assert result.r == pytest.approx(tanh(mu), abs=1e-8)
    assert [result.ci.low, result.ci.high] == pytest.approx(
        [tanh(mu - z * error), tanh(mu + z * error)], abs=1e-8
    )
    spread = z * sqrt(error**2 + tau2)
    assert [result.prediction.low, result.prediction.high] == pytest.approx(
        [tanh(mu - spread), tanh(mu + spread)], abs=1e-8
    )


def test_tau2_of_the_vaccine_trials() -> None:
    """The 13 BCG trials of Colditz et al. 1994, log risk ratios: published as 0.318 for Paule & Mandel."""
    cells = [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ]
    a, b, c, d = np.array(cells, dtype=np.float64).T
    trials = shrinkage(np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    assert trials.tau2 == pytest.approx(0.318, abs=5e-4)
    assert exp(trials.mu or 0) == pytest.approx(0.489, abs=1e-3)


@given(STUDIES)
def test_the_prediction_is_no_narrower_and_all_turns_with_the_sign(studies: list[tuple[float, int]]) -> None:
    result = pooled(studies)
    assert result.r is not None
    assert result.ci is not None
    assert result.prediction is not None
    assert -1 <= result.prediction.low <= result.ci.low <= result.r <= result.ci.high
    assert result.ci.high <= result.prediction.high <= 1
    turned = pooled([(-r, n) for r, n in studies[::-1]])
    assert turned.ci is not None
    assert [turned.r, turned.ci.low] == pytest.approx([-result.r, -result.ci.high], abs=1e-9)


def test_one_study_is_too_few_and_agrees_with_its_own_interval_once_doubled() -> None:
    assert pooled([(0.4, 20)]).undefined == "too_few"
    x, y = np.arange(20.0), np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4])
    own = spearman(x, y)
    assert own.r is not None
    twice = pooled([(own.r, 20), (own.r, 20)])
    assert twice.r == pytest.approx(own.r)
    assert twice.ci is not None
    assert own.ci is not None
    assert (atanh(twice.ci.high) - atanh(own.r)) * sqrt(2) == pytest.approx(atanh(own.ci.high) - atanh(own.r))


def waves_of(teams: int, waves: int, seed: int) -> list[Study]:
    random = np.random.default_rng(seed)
    names, own = [str(team) for team in range(teams)], random.normal(size=(2, teams))
    return [Study(names, *(own + 0.5 * random.normal(size=(2, teams)))) for _ in range(waves)]


def test_a_wave_asked_again_with_the_same_answers_says_nothing_new() -> None:
    once = waves_of(30, 2, 1)
    twice = [*once, *once]
    there, again = correlation_of_same_units(once), correlation_of_same_units(twice)
    assert there.ci is not None
    assert again.ci is not None
    assert again.ci.high - again.ci.low == pytest.approx(there.ci.high - there.ci.low, rel=0.05)
    rs, sizes = [spearman(one.first, one.second).r or 0 for one in twice], [30] * 4
    independent = pooled_correlation(rs, sizes)
    assert independent.ci is not None
    assert again.ci.high - again.ci.low > 1.2 * (independent.ci.high - independent.ci.low)


def test_who_is_in_one_wave_only_counts_in_that_one_and_the_order_decides_nothing() -> None:
    first, second = waves_of(14, 2, 2)
    second = Study([f"x{name}" for name in second.units], second.first, second.second)
    turned = Study(second.units[::-1], second.first[::-1], second.second[::-1])
    one, other = correlation_of_same_units([first, second]), correlation_of_same_units([turned, first])
    assert one.ci is not None
    assert other.ci is not None
    assert [one.r, one.ci.low, one.ci.high] == pytest.approx([other.r, other.ci.low, other.ci.high])
