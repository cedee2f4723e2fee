import numpy as np
import pytest

from app.metrics.formulas.resampling import MOST_UNITS, correlations_of, resample


@pytest.mark.parametrize("persons", [400, MOST_UNITS, 20 * MOST_UNITS + 7])
def test_drawn_means_and_correlations_spread_as_theory_has_it(persons: int) -> None:
    random = np.random.default_rng(1)
    common = random.normal(size=persons)
    rows = 60 + 15 * (common[:, None] + random.normal(size=(persons, 2)))
    drawn = resample(rows, seed=2)
    assert drawn.means.mean(axis=0) == pytest.approx(rows.mean(axis=0), abs=0.2)
    assert drawn.means.std(axis=0) == pytest.approx(rows.std(axis=0) / persons**0.5, rel=0.1)
    r = drawn.correlations[:, 0, 1]
    expected = correlations_of(rows)[0, 1]
    assert r.mean() == pytest.approx(expected, abs=0.01)
    assert r.std() == pytest.approx((1 - expected**2) / persons**0.5, rel=0.15)


def test_whole_clusters_spread_more_than_persons_who_are_alike_within_them() -> None:
    random = np.random.default_rng(1)
    teams = np.repeat(np.arange(5000), 10)
    rows = random.normal(size=(5000, 2))[teams] + 0.1 * random.normal(size=(50_000, 2))
    clustered, alone = resample(rows, 3, clusters=teams), resample(rows, 3)
    ratio = clustered.means.std(axis=0) / alone.means.std(axis=0)
    assert ratio == pytest.approx([10**0.5] * 2, rel=0.1)


@pytest.mark.parametrize("persons", [30, MOST_UNITS + 500])
def test_the_order_of_persons_decides_nothing(persons: int) -> None:
    random = np.random.default_rng(4)
    rows = np.round(random.normal(60, 15, size=(persons, 3)))
    one, other = (resample(order, seed=5, draws=20) for order in (rows, rows[random.permutation(persons)]))
    assert other.means == pytest.approx(one.means)
    assert other.correlations == pytest.approx(one.correlations)


def test_a_column_that_is_flat_in_a_draw_correlates_with_nothing() -> None:
    rows = np.column_stack([np.arange(30.0), np.full(30, 0.3), [90.0] + [0.1] * 29])
    drawn = resample(rows, seed=6)
    assert (drawn.correlations[:, 0, 1] == 0).all()
    without_the_one = np.isclose(drawn.means[:, 2], 0.1)
    assert 0.2 < without_the_one.mean() < 0.5
    assert (drawn.correlations[without_the_one, 0, 2] == 0).all()
    assert (drawn.correlations[~without_the_one, 0, 2] != 0).all()
