import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import f

from app.metrics.formulas import adjusted, explained, r2_interval, relative_importance
from app.metrics.formulas.explained import FEWEST_CLUSTERS
from tests.examples import examples


def survey(n: int, seed: int, weight: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    predictors = random.normal(size=(n, 3)) + random.normal(size=(n, 1))
    return weight * predictors.sum(axis=1) + random.normal(size=n), predictors


def r2_of(outcome: NDArray[np.float64], predictors: NDArray[np.float64]) -> float:
    found = relative_importance(outcome, predictors).r2
    assert found is not None
    return found


def test_the_published_example_of_a_confidence_interval_of_r2() -> None:
    """Steiger & Fouladi 1992, R2: squared multiple correlation .40, 45 persons, 5 predictors, at 95%."""
    found = r2_interval(0.40, 45, 5)
    assert 0.09 < found.low < 0.12
    assert 0.54 < found.high < 0.60


@settings(max_examples=examples(20))
@given(st.floats(0, 1), st.integers(20, 3000), st.integers(1, 8))
def test_the_interval_holds_the_estimate_within_0_and_1(r2: float, n: int, p: int) -> None:
    found = r2_interval(r2, n, p)
    assert 0 <= found.low <= r2 <= found.high <= 1


def test_the_interval_narrows_with_more_persons() -> None:
    found = [r2_interval(0.3, n, 6) for n in (100, 400, 1600, 100_000)]
    widths = [of.high - of.low for of in found]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.01


def test_at_no_r2_at_all_the_test_is_that_of_f_and_nothing_is_adjusted_below_0() -> None:
    outcome, predictors = survey(60, 1)
    r2 = r2_of(outcome, predictors)
    found = explained(r2, outcome, predictors)
    assert found.p == pytest.approx(f.sf(r2 / 3 / ((1 - r2) / 56), 3, 56))
    assert adjusted(0.0, 60, 3).adjusted == 0
    assert adjusted(1.0, 60, 3) == adjusted(1.0, 60, 3)
    assert adjusted(1.0, 60, 3).p == 0


def test_predictors_that_repeat_each_other_or_are_flat_change_nothing() -> None:
    outcome, predictors = survey(80, 2, 0.3)
    r2 = r2_of(outcome, predictors)
    more = np.column_stack([predictors, predictors[:, 0] * 2 + 1, np.full(80, 0.3)])
    for clusters in (None, np.arange(80) % 25, np.arange(80) % 6):
        one, other = explained(r2, outcome, predictors, clusters), explained(r2, outcome, more, clusters)
        assert one.adjusted == pytest.approx(other.adjusted)
        assert one.p == pytest.approx(other.p)


@pytest.mark.parametrize("clusters", [FEWEST_CLUSTERS + 10, FEWEST_CLUSTERS - 12])
def test_what_teams_have_in_common_by_chance_is_no_association(clusters: int) -> None:
    random = np.random.default_rng(3)
    taken_for_one = {False: 0, True: 0}
    for _ in range(40):
        team = random.integers(clusters, size=240)
        alike = random.normal(size=(clusters, 4))[team]
        table = alike + random.normal(size=(240, 4))
        r2 = r2_of(table[:, 0], table[:, 1:])
        for by_team in taken_for_one:
            p = explained(r2, table[:, 0], table[:, 1:], team if by_team else None).p
            taken_for_one[by_team] += p is not None and p < 0.01
    assert taken_for_one[True] <= 2
    assert taken_for_one[False] > 8


def test_too_few_clusters_or_persons_cannot_be_tested() -> None:
    outcome, predictors = survey(12, 4)
    r2 = r2_of(outcome, predictors)
    assert explained(r2, outcome, predictors, np.arange(12) % 10).p is None
    assert explained(r2, outcome, predictors, np.arange(12) // 6).p is not None
