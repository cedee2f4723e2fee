from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr

from app.metrics.formulas import (
    Driver,
    ImportanceDraws,
    RelativeImportance,
    chance_of_first,
    chance_of_first_of_part,
    draw_importance,
    johnson_of,
    lever_priority,
    relative_importance,
    share_intervals,
)
from app.metrics.formulas.resampling import correlations_of
from tests.examples import examples

NAN = float("nan")
SEEDS = st.integers(0, 1000)


def survey(n: int, p: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictor j weighs j; all share a common part."""
    random = np.random.default_rng(seed)
    predictors = random.normal(size=(n, p)) + random.normal(size=(n, 1))
    return predictors @ np.arange(1.0, p + 1) + 3 * random.normal(size=n), predictors


def importances(result: RelativeImportance) -> list[float]:
    return [-1 if driver.importance is None else driver.importance for driver in result.drivers]


def fitted_r2(outcome: NDArray[np.float64], predictors: NDArray[np.float64]) -> float:
    x = predictors - predictors.mean(axis=0)
    y = outcome - outcome.mean()
    residual = y - x @ np.linalg.lstsq(x, y)[0]
    return float(1 - residual @ residual / (y @ y))


@given(SEEDS)
def test_importance_is_the_mean_gain_over_all_orders(seed: int) -> None:
    outcome, predictors = survey(30, 3, seed)
    gains = np.zeros(3)
    for order in permutations(range(3)):
        for place, predictor in enumerate(order):
            before, after = list(order[:place]), list(order[: place + 1])
            gains[predictor] += fitted_r2(outcome, predictors[:, after])
            gains[predictor] -= fitted_r2(outcome, predictors[:, before]) if before else 0
    result = relative_importance(outcome, predictors)
    assert importances(result) == pytest.approx(gains / 6)
    assert result.r2 == pytest.approx(fitted_r2(outcome, predictors))


@given(SEEDS, st.integers(1, 5))
def test_parts_sum_to_the_whole_and_are_blind_to_order_shift_unit_and_reversal(seed: int, p: int) -> None:
    outcome, predictors = survey(25, p, seed)
    result = relative_importance(outcome, predictors)
    assert result.r2 is not None
    assert sum(importances(result)) == pytest.approx(result.r2)
    assert min(importances(result)) >= 0
    assert result.r2 <= 1
    assert sum(driver.share or 0 for driver in result.drivers) == pytest.approx(1)
    for other in (
        relative_importance(outcome[::-1], predictors[::-1]),
        relative_importance(100 - outcome, predictors * 25 + 7),
        relative_importance(outcome, -predictors),
    ):
        assert importances(other) == pytest.approx(importances(result))
    turned = relative_importance(outcome, predictors[:, ::-1])
    assert importances(turned)[::-1] == pytest.approx(importances(result))


def test_an_outcome_that_is_its_predictors_is_explained_once_and_no_more() -> None:
    for seed in range(300):
        random = np.random.default_rng(seed)
        predictors = random.integers(0, 11, size=(20, 3)).astype(np.float64)
        outcome = predictors @ random.integers(1, 4, 3)
        found, drawn = relative_importance(outcome, predictors), draw_importance(outcome, predictors, seed, 5)
        assert found.r2 == pytest.approx(1)
        assert found.r2 is not None
        assert drawn is not None
        assert max(found.r2, *drawn.r2.tolist(), *(abs(one.r or 0) for one in found.drivers)) <= 1


def test_a_predictor_given_twice_shares_its_part_and_is_flagged() -> None:
    outcome, predictors = survey(50, 2, seed=1)
    single = relative_importance(outcome, predictors)
    double = relative_importance(outcome, np.column_stack([predictors, predictors[:, 1]]))
    assert (single.is_singular, double.is_singular) == (False, True)
    assert double.r2 == pytest.approx(single.r2)
    assert importances(double)[1] == pytest.approx(importances(double)[2])


def test_a_predictor_without_variance_drops_out() -> None:
    outcome, predictors = survey(50, 2, seed=1)
    result = relative_importance(outcome, np.column_stack([predictors, np.full(50, 0.3)]))
    assert (result.drivers[2].importance, result.drivers[2].share, result.drivers[2].r) == (None, None, None)
    assert importances(result)[:2] == pytest.approx(importances(relative_importance(outcome, predictors)))


def test_more_than_twelve_predictors_get_johnsons_weights_with_their_label() -> None:
    outcome, predictors = survey(200, 13, seed=2)
    many, twelve = relative_importance(outcome, predictors), relative_importance(outcome, predictors[:, 1:])
    assert (many.method, twelve.method) == ("johnson", "lmg")
    assert many.r2 == pytest.approx(fitted_r2(outcome, predictors))
    weights = johnson_of(correlations_of(np.column_stack([outcome, predictors[:, 1:]]))[None])[0]
    assert weights == pytest.approx(importances(twelve), abs=0.02)
    drawn = draw_importance(outcome, predictors, seed=3, draws=5)
    assert drawn is not None
    assert drawn.importance.shape == (5, 13)


@pytest.mark.parametrize(
    ("outcome", "predictors", "reason"),
    [
        ([], np.empty((0, 2)), "too_few"),
        ([1.0], [[1.0, 2.0]], "too_few"),
        ([1.0, 2.0, 3.0], [[1.0, 2.0], [2.0, 5.0], [4.0, 1.0]], "too_few"),
        ([NAN] * 9, np.ones((9, 2)), "too_few"),
        ([5.0] * 9, np.arange(18.0).reshape(9, 2), "zero_variance"),
        (np.arange(9.0), np.ones((9, 2)), "zero_variance"),
    ],
)
def test_drivers_say_why_there_are_none(
    outcome: NDArray[np.float64], predictors: NDArray[np.float64], reason: str
) -> None:
    result = relative_importance(outcome, predictors)
    assert (result.r2, result.drivers, result.undefined) == (None, (), reason)
    assert draw_importance(outcome, predictors, seed=1, draws=5) is None


@settings(max_examples=examples(8))
@given(SEEDS)
def test_draws_repeat_with_their_seed_and_sum_to_r2(seed: int) -> None:
    outcome, predictors = survey(40, 3, seed)
    outcome[0] = NAN
    drawn, again = (draw_importance(outcome, predictors, seed, draws=20) for _ in range(2))
    assert drawn is not None
    assert again is not None
    np.testing.assert_array_equal(drawn.importance, again.importance)
    assert ((drawn.importance >= -1e-12) & (drawn.r2[:, None] <= 1 + 1e-12)).all()
    np.testing.assert_allclose(drawn.importance.sum(axis=1), drawn.r2)
    clusters = np.arange(40) // 4
    of_clusters = draw_importance(outcome, predictors, seed, draws=20, clusters=clusters)
    assert of_clusters is not None
    assert not np.array_equal(of_clusters.importance, drawn.importance)


def test_a_cluster_is_drawn_as_a_whole() -> None:
    outcome, predictors = survey(10, 2, seed=4)
    copies = np.repeat(np.arange(10), 50)
    of_persons = draw_importance(outcome[copies], predictors[copies], seed=5, draws=400)
    of_clusters = draw_importance(outcome[copies], predictors[copies], seed=5, draws=400, clusters=copies)
    assert of_persons is not None
    assert of_clusters is not None
    assert of_clusters.r2.std() > 3 * of_persons.r2.std()


def test_intervals_hold_the_estimate_and_rank_the_largest_first() -> None:
    outcome, predictors = survey(400, 3, seed=6)
    drawn, found = draw_importance(outcome, predictors, seed=7), relative_importance(outcome, predictors)
    assert drawn is not None
    intervals = share_intervals(found, drawn)
    for driver, interval in zip(found.drivers, intervals, strict=True):
        assert driver.share is not None
        assert 0 <= interval.ci.low < driver.share < interval.ci.high <= 1
    assert [(interval.rank.low, interval.rank.high) for interval in intervals] == [(3, 3), (2, 2), (1, 1)]


def test_shares_reach_as_far_as_draws_as_they_are_or_freed_of_their_bias() -> None:
    found = RelativeImportance(9, "lmg", 0.4, (Driver(0.3, 0.75, 0.5), Driver(0.1, 0.25, 0.3)), False, None)
    drawn = ImportanceDraws(
        importance=np.array([[0.32, 0.13], [0.34, 0.13]]),
        means=np.empty((2, 2)),
        r2=np.array([0.45, 0.47]),
        correlations=np.empty((2, 0, 0)),
        units=10**6,
    )
    first, second = (interval.ci for interval in share_intervals(found, drawn))
    assert (first.low, second.high) == pytest.approx((0.32 / 0.45, 0.13 / 0.45), abs=0.001)
    assert (first.high, second.low) == pytest.approx((0.28 / 0.35, 0.07 / 0.35), abs=0.002)


def test_where_the_bias_leaves_nothing_a_share_may_be_anything_from_0_to_1() -> None:
    found = RelativeImportance(9, "lmg", 0.1, (Driver(0.09, 0.9, 0.3), Driver(0.01, 0.1, 0.1)), False, None)
    drawn = ImportanceDraws(
        np.array([[0.1, 0.08], [0.2, 0.02]]),
        np.empty((2, 2)),
        np.array([0.18, 0.22]),
        np.empty((2, 0, 0)),
        99,
    )
    for interval in share_intervals(found, drawn):
        assert 0 <= interval.ci.low <= interval.ci.high <= 1


def test_few_units_have_wider_intervals_than_many() -> None:
    outcome, predictors = survey(100, 3, seed=6)
    drawn, found = draw_importance(outcome, predictors, seed=7), relative_importance(outcome, predictors)
    assert drawn is not None
    assert drawn.units == 100
    for few, many in zip(
        share_intervals(found, replace(drawn, units=20)), share_intervals(found, drawn), strict=True
    ):
        assert few.ci.high - few.ci.low > many.ci.high - many.ci.low


def test_priority_is_importance_times_the_way_to_the_target() -> None:
    priority = lever_priority(np.array([0.5, 0.3, 0.2]), np.array([65.0, 35.0, 90.0]))
    assert priority == pytest.approx([0.05, 0.12, 0])
    assert lever_priority(np.array([0.5]), np.array([65.0]), target=85) == pytest.approx([0.1])


def test_the_chance_of_being_first_shares_ties_and_leaves_out_draws_without_priority() -> None:
    drawn = ImportanceDraws(
        importance=np.array([[0.4, 0.1], [0.2, 0.2], [0.4, 0.1], [0.0, 0.0]]),
        means=np.array([[65.0, 65.0], [65.0, 65.0], [90.0, 65.0], [65.0, 65.0]]),
        r2=np.array([0.5, 0.4, 0.5, 0.0]),
        correlations=np.empty((4, 0, 0)),
        units=4,
    )
    assert chance_of_first(drawn) == pytest.approx([1.5 / 4, 1.5 / 4])


def test_a_hundred_thousand_persons() -> None:
    outcome, predictors = survey(100_000, 6, seed=9)
    result = relative_importance(outcome, predictors)
    assert importances(result) == sorted(importances(result))
    drawn = draw_importance(outcome, predictors, seed=9, draws=10)
    assert drawn is not None
    assert drawn.r2 == pytest.approx(np.full(10, result.r2), abs=0.01)


def test_a_part_without_scores_of_its_own_is_as_the_whole_and_sure_scores_stand_where_they_are() -> None:
    outcome, predictors = survey(150, 3, 4)
    drawn = draw_importance(outcome, 50 + 5 * predictors, 1)
    assert drawn is not None
    ones, none = np.ones(3), np.zeros(3)
    at, correlations = drawn.means.mean(axis=0), correlations_of(predictors)
    as_whole = chance_of_first_of_part(drawn, at, none, none, correlations, 1)
    assert as_whole == pytest.approx(chance_of_first(drawn))
    far = chance_of_first_of_part(drawn, [10, 74, 74], ones, none, correlations, 1)
    assert far.tolist() == [1, 0, 0]
    unsure = chance_of_first_of_part(drawn, [10, 74, 74], ones, 900 * ones, correlations, 1)
    assert 0.2 < unsure[0] < 0.95


def test_errors_of_a_part_have_the_variance_and_the_correlation_given() -> None:
    drawn = ImportanceDraws(
        np.tile([1.0, 1.0], (4000, 1)), np.zeros((4000, 2)), np.full(4000, 2.0), np.empty((4000, 0, 0)), 9
    )
    apart, together = (
        chance_of_first_of_part(drawn, [50, 52], [1, 1], [4, 4], np.array([[1, r], [r, 1]]), 3)[0]
        for r in (0.0, 0.75)
    )
    assert apart == pytest.approx(ndtr(2 / np.sqrt(8)), abs=0.02)
    assert together == pytest.approx(ndtr(2 / np.sqrt(2)), abs=0.02)
