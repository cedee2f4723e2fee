from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from app.metrics.formulas import CUT, QUADRANTS, is_near_cut, position, quadrant_chances

Scores = st.floats(0, 100)
Spreads = st.floats(0.5, 40)


def both_high(n: int, means: tuple[float, float], sds: tuple[float, float], r: float) -> float:
    """By scipy's integration of the bivariate density."""
    covariance = np.array([[sds[0] ** 2, r * sds[0] * sds[1]], [r * sds[0] * sds[1], sds[1] ** 2]]) / n
    found = stats.multivariate_normal(-np.array(means), covariance).cdf(np.array([-CUT, -CUT]))
    return float(found)


@given(st.integers(3, 500), Scores, Scores, Spreads, Spreads, st.floats(-0.95, 0.95))
def test_chances_are_those_of_the_bivariate_normal(
    n: int, s: float, e: float, sd_s: float, sd_e: float, r: float
) -> None:
    found = position(n, (s, e), (sd_s, sd_e), r)
    assert found is not None
    assert found.chances[0] == pytest.approx(both_high(n, (s, e), (sd_s, sd_e), r), abs=1e-6)
    high_s, high_e = (stats.norm.sf(CUT, mean, sd / sqrt(n)) for mean, sd in ((s, sd_s), (e, sd_e)))
    assert found.chances[0] + found.chances[1] == pytest.approx(high_s, abs=1e-9)
    assert found.chances[0] + found.chances[2] == pytest.approx(high_e, abs=1e-9)
    assert sum(found.chances) == pytest.approx(1)


@pytest.mark.parametrize("r", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_on_both_cuts_the_chance_is_that_of_the_orthant(r: float) -> None:
    found = position(30, (CUT, CUT), (12, 12), r)
    assert found is not None
    assert found.chances[0] == pytest.approx(0.25 + np.arcsin(r) / (2 * np.pi), abs=1e-6)
    assert found.quadrant is None


@pytest.mark.parametrize(
    ("means", "quadrant"), list(zip([(75, 75), (75, 50), (50, 75), (50, 50)], QUADRANTS, strict=True))
)
def test_a_mean_far_from_both_cuts_has_its_quadrant(means: tuple[float, float], quadrant: str) -> None:
    found = position(50, means, (15, 15), 0.6)
    assert found is not None
    assert found.quadrant == quadrant
    assert max(found.chances) > 0.99


def test_the_ellipse_holds_what_hotelling_does_not_refuse() -> None:
    n, sds, r = 12, (14.0, 9.0), 0.7
    found = position(n, (60, 70), sds, r)
    assert found is not None
    angle = np.radians(found.ellipse.angle)
    along = np.array([np.cos(angle), np.sin(angle)])
    covariance = np.array([[sds[0] ** 2, r * sds[0] * sds[1]], [r * sds[0] * sds[1], sds[1] ** 2]])
    for end in (found.ellipse.semi_major * along, found.ellipse.semi_minor * along[::-1] * [1, -1]):
        t2 = n * end @ np.linalg.solve(covariance, end)
        assert stats.f.sf(t2 * (n - 2) / (2 * (n - 1)), 2, n - 2) == pytest.approx(0.05)


def test_without_spread_or_with_two_persons_there_is_no_position() -> None:
    assert position(2, (60, 60), (10, 10), 0.5) is None
    assert position(30, (60, 60), (0, 10), 0) is None


def test_near_a_cut_is_within_one_error_of_either() -> None:
    satisfaction, engagement = np.array([60.0, 50, 50, 90]), np.array([90.0, 67, 40, 90])
    assert is_near_cut(satisfaction, engagement, (3, 5)).tolist() == [True, True, False, False]
    assert not is_near_cut(satisfaction, engagement, (0, 0)).any()


def test_chances_are_of_the_true_scores_drawn_towards_the_mean() -> None:
    random = np.random.default_rng(3)
    scores = np.array([60.0, 66]) + random.normal(size=(40, 2)) @ np.array([[14, 6], [0, 11.0]])
    errors = (6.0, 5.0)
    found = quadrant_chances(scores[:, 0], scores[:, 1], errors)
    assert found is not None
    of_all = np.cov(scores.T)
    of_true = of_all - np.diag([36, 25])
    for one, chances in zip(scores[:3], found[:3], strict=True):
        mean = scores.mean(axis=0) + of_true @ np.linalg.inv(of_all) @ (one - scores.mean(axis=0))
        spread = of_true - of_true @ np.linalg.inv(of_all) @ of_true
        detached = stats.multivariate_normal(mean, spread).cdf([CUT, CUT])
        assert chances.sum() == pytest.approx(1)
        assert chances[3] == pytest.approx(detached, abs=1e-5)
        assert chances[0] == pytest.approx(_both_high(mean, spread), abs=1e-5)


def _both_high(mean: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    return float(stats.multivariate_normal(-mean, spread).cdf([-CUT, -CUT]))


def test_where_errors_leave_no_true_variance_there_are_no_chances() -> None:
    scores = np.random.default_rng(1).normal(60, 5, size=(2, 50))
    assert quadrant_chances(*scores, (6, 1)) is None


def test_without_error_a_person_is_where_they_scored() -> None:
    satisfaction, engagement = np.array([CUT, 60.0, 70]), np.array([50.0, CUT, 80])
    found = quadrant_chances(satisfaction, engagement, (0, 0))
    assert found is not None
    assert found.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
