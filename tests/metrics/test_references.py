"""Our formulas against those of statsmodels and networkx, on random data: a clone proves itself."""

from math import sqrt
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.api import GLM, OLS, WLS, PHReg, add_constant
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.genmod.families import Poisson
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import multinomial_proportions_confint, proportion_confint
from statsmodels.stats.rates import confint_poisson, confint_poisson_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from app.metrics.formulas import (
    benjamini_hochberg,
    density,
    explained,
    gap,
    hazard_ratios,
    holm,
    independent_change,
    isolates,
    kaplan_meier,
    mcnemar,
    mean_ci,
    poisson_rate,
    pooled_correlation,
    rate_ratio,
    ratio_of_clumped,
    reciprocity,
    relative_importance,
    robust_regression,
    shares_from,
    shrinkage,
    weak_components,
    wilson,
)
from app.metrics.formulas.intervals import Interval
from tests.examples import examples
from tests.simulations.rates import pool_of

SEEDS = st.integers(0, 10_000)
COUNTS = st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(lambda counts: sum(counts) > 0)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda edge: edge[0] != edge[1]))


def ends(of: Interval | None) -> list[float]:
    assert of is not None
    return [of.low, of.high]


def near(expected: Any, rel: float = 1e-7) -> Any:
    return pytest.approx(expected, rel=rel, abs=1e-9)


def survey(seed: int, n: int = 60, columns: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, columns)) + random.normal(size=(n, 1))
    return x @ np.arange(columns) + random.normal(size=n) * (1 + abs(x[:, 0])), x


# ------------------------------------------------------------------ shares, means and changes


@given(st.integers(0, 80), st.integers(0, 80))
def test_wilson(successes: int, others: int) -> None:
    if n := successes + others:
        low, high = proportion_confint(successes, n, method="wilson")
        assert ends(wilson(successes, n)) == near([max(0, low), min(1, high)])


@given(COUNTS)
def test_goodman(counts: list[int]) -> None:
    ours = [ends(share.ci) for share in shares_from(np.array(counts)).values()]
    theirs = multinomial_proportions_confint(counts, method="goodman")
    assert np.array(ours) == near(np.clip(theirs, 0, 1))


@given(SEEDS, st.integers(3, 90))
def test_means_and_gaps(seed: int, n: int) -> None:
    first, second = np.random.default_rng(seed).uniform(0, 100, size=(2, n))
    of, between = mean_ci(first), gap(first, second)
    assert of is not None
    assert between is not None
    assert ends(of.ci_process) == near(DescrStatsW(first).tconfint_mean())
    assert ends(between.ci) == near(DescrStatsW(second - first).tconfint_mean())


@given(SEEDS, st.integers(3, 60), st.integers(3, 60))
def test_changes_of_others(seed: int, before: int, after: int) -> None:
    random = np.random.default_rng(seed)
    then, now = random.normal(50, 10, before), random.normal(55, 20, after)
    found = independent_change(then, now).test
    assert found is not None
    theirs = CompareMeans(DescrStatsW(now), DescrStatsW(then))
    assert ends(found.ci) == near(theirs.tconfint_diff(usevar="unequal"))
    assert found.p == near(theirs.ttest_ind(usevar="unequal")[1])


@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemar_of_few(up: int, down: int) -> None:
    if up + down:
        table = [[5, down], [up, 0]]
        assert mcnemar(table).exact_p == near(their_mcnemar(table, exact=True).pvalue)


@pytest.mark.nightly
@settings(max_examples=examples(8))  # theirs collects garbage each time
@given(P_VALUES)
def test_many_tests(p: list[float]) -> None:
    assert benjamini_hochberg(p) == near(multipletests(p, method="fdr_bh")[1])
    assert holm(p) == near(multipletests(p, method="holm")[1])


# ------------------------------------------------------------------ regressions


@settings(max_examples=examples(15))
@given(SEEDS)
def test_robust_errors(seed: int) -> None:
    y, x = survey(seed)
    teams = np.random.default_rng(seed).permutation(60) % 12
    fit = OLS(y, add_constant(x))
    for ours, theirs in (
        (robust_regression(y, x), fit.fit(cov_type="HC3")),
        (
            robust_regression(y, x, clusters=teams),
            fit.fit(cov_type="cluster", cov_kwds={"groups": teams}, use_t=True),
        ),
    ):
        assert ours.r2 == near(theirs.rsquared)
        assert [of.value for of in ours.coefficients] == near(theirs.params[1:])
        assert [of.se for of in ours.coefficients] == near(theirs.bse[1:])
        assert [of.p for of in ours.coefficients] == near(theirs.pvalues[1:], rel=1e-5)
        assert [ends(of.ci) for of in ours.coefficients] == [
            near(own) for own in theirs.conf_int()[1:].tolist()
        ]


@settings(max_examples=examples(15))
@given(SEEDS, st.integers(1, 5))
def test_what_drivers_explain(seed: int, columns: int) -> None:
    y, x = survey(seed, columns=columns)
    theirs, r2 = OLS(y, add_constant(x)).fit(), relative_importance(y, x).r2
    assert r2 == near(theirs.rsquared)
    assert r2 is not None
    found = explained(r2, y, x)
    assert found.adjusted == near(max(0, theirs.rsquared_adj))
    assert found.p == near(theirs.f_pvalue, rel=1e-5)


@settings(max_examples=examples(10))
@given(SEEDS)
def test_associations_within_few_teams(seed: int) -> None:
    y, x = survey(seed)
    teams = np.random.default_rng(seed).permutation(60) % 6
    of_teams = (teams[:, None] == np.arange(6)).astype(float)
    whole, alone = OLS(y, np.column_stack([of_teams, x])).fit(), OLS(y, of_teams).fit()
    assert explained(0.5, y, x, teams).p == near(whole.compare_f_test(alone)[1], rel=1e-5)


# ------------------------------------------------------------------ leaving and rates


@settings(max_examples=examples(15))
@given(SEEDS)
def test_hazard_ratios_with_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(80, 2))
    months, left = np.ceil(random.exponential(12, 80)), random.random(80) < 0.6
    ours = hazard_ratios(months, left, x).ratios
    theirs = PHReg(months, x, status=left.astype(float), ties="efron").fit(disp=0)
    assert [np.log(of.ratio) for of in ours] == near(theirs.params, rel=1e-5)
    assert np.log([ends(of.ci) for of in ours]) == pytest.approx(theirs.conf_int(), abs=1e-5)


@given(SEEDS, st.integers(5, 60))
def test_time_since_last(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    days, is_known = random.integers(1, 40, n), random.random(n) < 0.7
    if is_known.any():
        theirs, ours = SurvfuncRight(days, is_known.astype(int)), kaplan_meier(days, is_known)
        for after, left in zip(theirs.surv_times, theirs.surv_prob, strict=True):
            assert ours.longer_than(int(after)) == near(left)


@given(st.integers(0, 300), st.floats(0.5, 400))
def test_a_rate(events: int, months: float) -> None:
    ours = poisson_rate(events, months)
    assert ours is not None
    low, high = confint_poisson(events, months, method="exact-c")
    assert ends(ours.ci) == near([0.0 if events == 0 else low, high])


@given(st.integers(1, 120), st.floats(5, 400), st.integers(1, 120), st.floats(5, 400))
def test_a_ratio_of_rates(leavers: int, months: float, others: int, other_months: float) -> None:
    ours = rate_ratio(leavers, months, others, other_months)
    theirs = confint_poisson_2indep(leavers, months, others, other_months, method="score", compare="ratio")
    assert ends(ours.ci) == near(theirs, rel=1e-4)


@settings(max_examples=examples(20))
@given(SEEDS, st.integers(5, 40))
def test_a_ratio_of_clumped_rates(seed: int, n: int) -> None:
    """A Poisson regression: errors robust to persons, times n / (n - 1), freedom of Welch, skewed."""
    random = np.random.default_rng(seed)
    events, months = random.poisson(random.gamma(1, 2, 2 * n)) + 1, random.uniform(0.5, 3, 2 * n)
    is_first = np.repeat([1.0, 0.0], n)
    fit = GLM(events, add_constant(is_first), Poisson(), offset=np.log(months)).fit(cov_type="HC0")
    ours = ratio_of_clumped(pool_of(events[:n], months[:n]), pool_of(events[n:], months[n:]))
    assert ours is not None
    assert ours.value == near(np.exp(fit.params[1]))
    covariance = fit.cov_params() * n / (n - 1)
    rest, both = float(covariance[0, 0]), float(covariance[1, 1])
    lost = sum(square**2 * (1 + n * square) for square in (both - rest, rest))
    df = both**2 / lost * (n - 1)
    half = sqrt(both) * stats.t.ppf(0.975, df)
    assert np.log(ends(ours.ci)) == near([fit.params[1] - half, fit.params[1] + half], rel=1e-5)


# ------------------------------------------------------------------ many studies, many teams


@settings(max_examples=examples(20))
@given(st.lists(st.tuples(st.floats(-0.9, 0.9), st.integers(8, 200)), min_size=2, max_size=10))
def test_what_differs_between_studies(studies: list[tuple[float, int]]) -> None:
    r, n = (np.array(values, dtype=float) for values in zip(*studies, strict=True))
    z, variances = np.arctanh(r), (1 + r * r / 2) / (n - 3)
    ours, pooled = shrinkage(z, variances), pooled_correlation(r, n)
    assert ours.tau2 is not None
    theirs = WLS(z, np.ones(len(z)), weights=1 / (variances + ours.tau2)).fit()
    assert ours.mu == near(theirs.params[0])
    assert theirs.mse_resid == pytest.approx(1, abs=1e-6) if ours.tau2 else theirs.mse_resid < 1 + 1e-9
    half = 1.959964 * sqrt(float(theirs.normalized_cov_params[0, 0]))
    assert np.arctanh(ends(pooled.ci)) == pytest.approx([ours.mu - half, ours.mu + half], abs=1e-5)


# ------------------------------------------------------------------ networks


@given(EDGES)
def test_networks(edges: list[tuple[int, int]]) -> None:
    theirs = nx.DiGraph(edges)
    theirs.add_nodes_from(range(10))
    assert density(edges, 10).value == near(nx.density(theirs))
    assert weak_components(
        np.array(edges, dtype=int).reshape(-1, 2), 10
    ) == nx.number_weakly_connected_components(theirs)
    assert isolates(edges, 10) == nx.number_of_isolates(theirs)
    if edges:
        assert reciprocity(edges).value == near(nx.overall_reciprocity(theirs))
