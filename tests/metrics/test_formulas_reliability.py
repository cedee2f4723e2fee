from dataclasses import replace
from math import sqrt
from statistics import correlation

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from app.metrics.formulas import (
    consistencies,
    cronbach_alpha,
    difference_reliability,
    error_of_composite,
    error_of_mean,
    item_rest,
    measurement_error,
    omega_total,
)
from tests.examples import examples

NAN = float("nan")
ANSWERS = st.tuples(st.integers(0, 15), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(1, 5).map(float))
)


def three_items(n: int, seed: int = 1) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return np.asarray(random.normal(size=(n, 1)) + random.normal(size=(n, 3)))


@given(ANSWERS)
def test_alpha_is_undefined_or_at_most_one_inside_its_interval(items: NDArray[np.float64]) -> None:
    result = cronbach_alpha(items)
    n, k = items.shape
    assert (result.n, result.items, len(result.if_deleted)) == (n, k, k)
    assert (result.value is None) == (result.undefined is not None) == (result.ci is None)
    if k < 2 or n < 2:
        assert result.undefined == ("single_item" if k < 2 else "too_few")
    elif result.value is None:
        assert np.ptp(items.sum(axis=1)) == 0
    else:
        assert result.ci is not None
        assert result.ci.low <= result.value + 1e-12
        assert result.value <= 1 + 1e-12


@given(ANSWERS)
def test_alpha_is_blind_to_order_shift_unit_and_reversal_of_all(items: NDArray[np.float64]) -> None:
    result = cronbach_alpha(items)
    for other in (items[::-1], items[:, ::-1], items + 7, 25 * items, 6 - items):
        changed = cronbach_alpha(other)
        assert changed.undefined == result.undefined
        assert changed.value == (
            None if result.value is None else pytest.approx(result.value, rel=1e-9, abs=1e-9)
        )


@given(ANSWERS)
def test_item_rest_correlations_lie_within_one_and_need_spread(items: NDArray[np.float64]) -> None:
    result = item_rest(items)
    assert len(result.rest) == len(result.total) == items.shape[1]
    for item, (rest, total) in enumerate(zip(result.rest, result.total, strict=True)):
        others = np.delete(items, item, axis=1).sum(axis=1)
        defined = result.undefined is None and np.ptp(items[:, item]) > 0
        assert (rest is not None) == (defined and np.ptp(others) > 0)
        assert (total is not None) == (defined and np.ptp(items.sum(axis=1)) > 0)
        assert rest is None or rest == pytest.approx(
            correlation(items[:, item].tolist(), others.tolist()), abs=1e-9
        )


def test_two_items_give_the_spearman_brown_coefficient() -> None:
    items = three_items(40)[:, :2]
    r = correlation(*items.T.tolist())
    assert cronbach_alpha(items).standardised == pytest.approx(2 * r / (1 + r))
    assert cronbach_alpha(items).if_deleted == (None, None)


def test_an_item_all_answered_alike_stays_and_is_named() -> None:
    items = np.column_stack([three_items(20), np.full(20, 0.1 + 0.2)])
    result = cronbach_alpha(items)
    assert (result.flat_items, result.standardised) == ((3,), None)
    assert result.value is not None
    assert result.value < (result.if_deleted[3] or 0)
    assert item_rest(items).rest[3] is None


def test_items_against_each_other_give_a_negative_alpha_or_none() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert cronbach_alpha(np.column_stack([x, 5 - x])).undefined == "zero_variance"
    opposed = cronbach_alpha(np.column_stack([x, 10 - 2 * x]))
    assert opposed.value is not None
    assert opposed.value < 0


def test_only_complete_persons_count() -> None:
    items = three_items(30)
    gaps = np.vstack([items, [[NAN, 1, 1], [NAN, NAN, NAN]]])
    assert cronbach_alpha(gaps) == cronbach_alpha(items)
    assert item_rest(gaps) == item_rest(items)
    assert omega_total(gaps) == omega_total(items)
    assert cronbach_alpha(np.full((3, 3), NAN)).undefined == "too_few"


def test_a_flat_list_is_no_table() -> None:
    with pytest.raises(ValueError, match="persons x columns"):
        cronbach_alpha([1, 2, 3])


@settings(max_examples=examples(4))
@given(st.integers(10, 60), st.integers(0, 100))
def test_omega_is_blind_to_order_shift_unit_and_reversal_of_all(n: int, seed: int) -> None:
    items = three_items(n, seed)
    value = omega_total(items).value
    assert value is not None
    assert 0 <= value <= 1
    for other in (items[::-1], items + 7, 25 * items, -items):
        assert omega_total(other).value == pytest.approx(value, abs=1e-6)


def test_omega_finds_the_loadings_that_made_the_answers() -> None:
    random = np.random.default_rng(3)
    loadings = np.array([0.9, 0.8, 0.7, 0.6])
    answers = random.normal(size=(100_000, 1)) * loadings + random.normal(size=(100_000, 4)) * 0.5
    result = omega_total(answers)
    assert result.loadings == pytest.approx(loadings, abs=0.01)
    assert result.residual_variances == pytest.approx([0.25] * 4, abs=0.01)
    assert result.value == pytest.approx(9 / (9 + 1), abs=0.005)
    assert not result.heywood


def test_a_repeated_item_runs_into_the_floor() -> None:
    items = three_items(50)
    assert omega_total(np.column_stack([items[:, 0], items])).heywood


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        (np.empty((0, 3)), "too_few"),
        (np.ones((1, 3)), "too_few"),
        (np.eye(3), "too_few"),
        (np.ones((9, 2)), "single_item"),
        (np.ones((9, 3)), "zero_variance"),
        (np.full((9, 3), NAN), "too_few"),
    ],
)
def test_omega_says_why_there_is_none(items: NDArray[np.float64], reason: str) -> None:
    result = omega_total(items)
    assert (result.value, result.standardised, result.undefined) == (None, None, reason)


def test_measurement_error_and_reliability_of_a_difference_by_hand() -> None:
    assert measurement_error(10, 0.84) == pytest.approx(4)
    assert difference_reliability(10, 10, 0.8, 0.8, 0.5) == pytest.approx(0.6)
    assert difference_reliability(10, 10, 0.8, 0.8, 1.0) is None
    assert measurement_error(sqrt(2), 1) == 0


def test_many_groups_at_once_are_what_each_is_alone() -> None:
    """Also one without spread, one that differs by rounding only, and one that runs against itself."""
    drawn = np.random.default_rng(7).integers(0, 5, size=(6, 40, 3)).astype(float)
    drawn[0], drawn[1, :, 1] = 3.0, 1 / 3 + np.arange(40) * 1e-15
    drawn[2, :, 1], drawn[2, :, 2] = -drawn[2, :, 0], 0.0
    sizes = [40, 40, 40, 2, 7, 40]
    groups = [own[:n] for own, n in zip(drawn, sizes, strict=True)]
    centred = [own - own.mean(axis=0) for own in groups]
    found = consistencies(np.array(sizes), np.stack([own.T @ own for own in centred]))
    for own, (alpha, rest) in zip(groups, found, strict=True):
        alone = replace(cronbach_alpha(own), if_deleted=())
        assert rest == pytest.approx(item_rest(own).rest, abs=1e-12)
        assert (alpha.n, alpha.flat_items, alpha.undefined) == (alone.n, alone.flat_items, alone.undefined)
        assert alpha.value == pytest.approx(alone.value, abs=1e-12)
        assert alpha.standardised == pytest.approx(alone.standardised, abs=1e-12)
        assert (alpha.ci is None) == (alone.ci is None)
    assert {0, 2} == {at for at, (of, _) in enumerate(found[:3]) if of.value is None}


def test_the_error_of_a_mean_of_parts_is_that_of_stratified_alpha() -> None:
    """1 - sum of s² (1 - alpha) over the variance of the sum (Cronbach and others 1965), by hand."""
    random = np.random.default_rng(3)
    facets = [random.normal(size=(400, 1)) + random.normal(size=(400, 3)) for _ in range(4)]
    means = np.column_stack([facet.mean(axis=1) for facet in facets])
    of_errors = [
        facet.mean(axis=1).var(ddof=1) * (1 - (cronbach_alpha(facet).value or 0)) for facet in facets
    ]
    stratified = 1 - sum(of_errors) / means.sum(axis=1).var(ddof=1)
    error = error_of_composite([error_of_mean(facet) for facet in facets])
    assert 1 - error**2 / means.mean(axis=1).var(ddof=1) == pytest.approx(stratified)
    assert stratified > 0.6
    assert abs(omega_total(means).value or 0) < 0.3


def test_a_part_whose_questions_run_against_each_other_is_error_alone() -> None:
    one, other = np.random.default_rng(1).normal(size=(2, 300))
    rows = np.column_stack([one, 0.5 * other - one])
    assert error_of_mean(rows) == pytest.approx(rows.mean(axis=1).std(ddof=1))
    assert error_of_mean(np.ones((30, 2))) == 0
