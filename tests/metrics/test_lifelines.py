"""Our formulas of leaving and waiting against those of lifelines, on random data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics.formulas import hazard_ratios, kaplan_meier
from tests.examples import examples

lifelines = pytest.importorskip("lifelines", reason="lifelines could not be installed")
SEEDS = st.integers(0, 10_000)


@settings(max_examples=examples(4), deadline=None)
@given(SEEDS)
def test_hazard_ratios_with_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(80, 2))
    months, left = np.ceil(random.exponential(12, 80)), random.random(80) < 0.6
    ours = hazard_ratios(months, left, scores).ratios
    table = pd.DataFrame(scores, columns=["first", "second"]).assign(months=months, left=left)
    theirs = lifelines.CoxPHFitter().fit(table, "months", "left").summary
    assert np.log([of.ratio for of in ours]) == pytest.approx(theirs["coef"].to_numpy(), abs=1e-5)
    for bound, end in (("low", "lower"), ("high", "upper")):
        expected = theirs[f"coef {end} 95%"].to_numpy()
        assert np.log([getattr(of.ci, bound) for of in ours]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.nightly
@settings(max_examples=examples(10), deadline=None)
@given(SEEDS, st.integers(2, 60))
def test_time_since_last(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    days, is_known = random.integers(1, 40, n), random.random(n) < 0.7
    theirs, ours = lifelines.KaplanMeierFitter().fit(days, is_known), kaplan_meier(days, is_known)
    for after in range(42):
        assert ours.longer_than(after) == pytest.approx(float(theirs.predict(after)))
    if not np.isclose(ours.shares, 0.5).any():  # there rounding decides which time theirs takes
        assert (ours.median or np.inf) == theirs.median_survival_time_
