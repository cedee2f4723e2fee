from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.metrics.formulas import Pool, clumped_rate, drawn_in, kaplan_meier, poisson_rate

# Weeks in remission under 6-mercaptopurine (Freireich et al. 1963), and the estimates as printed in
# Kleinbaum & Klein, Survival Analysis.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PRINTED = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
TIMES = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=40)


def test_remission_under_6_mercaptopurine_as_printed() -> None:
    result = kaplan_meier(WEEKS, ENDED)
    assert {week: round(result.longer_than(week), 4) for week in PRINTED} == PRINTED
    assert (result.n, result.median) == (21, 23)
    assert (result.longer_than(5.9), result.longer_than(12.9), result.longer_than(1e9)) == (
        1,
        pytest.approx(0.7529, abs=5e-5),
        pytest.approx(0.4482, abs=5e-5),
    )


@given(TIMES)
def test_without_censoring_it_is_the_share_still_to_come(persons: list[tuple[int, bool]]) -> None:
    times = np.array([time for time, _ in persons])
    result = kaplan_meier(times, np.ones(len(times)))
    for time in range(41):
        assert result.longer_than(time) == pytest.approx((times > time).mean(), abs=1e-12)
    assert result.median == np.sort(times)[(len(times) - 1) // 2]


@given(TIMES)
def test_it_falls_from_one_and_is_blind_to_order(persons: list[tuple[int, bool]]) -> None:
    times, ended = zip(*persons, strict=True)
    result = kaplan_meier(times, ended)
    assert all(0 <= later <= earlier for earlier, later in pairwise([1.0, *result.shares]))
    assert kaplan_meier(times[::-1], ended[::-1]).shares.tolist() == result.shares.tolist()
    assert (result.median is None) == (result.longer_than(40) > 0.5 + 1e-12)


def test_nobody_and_nobody_done() -> None:
    assert (kaplan_meier([], []).n, kaplan_meier([], []).median) == (0, None)
    assert (kaplan_meier([5, 9], [0, 0]).median, kaplan_meier([5, 9], [0, 0]).longer_than(9)) == (None, 1)


def test_rates_have_the_exact_interval_of_a_count() -> None:
    """R 4.2: poisson.test(10) gives 4.795389 and 18.39036; poisson.test(0) ends at 3.688879."""
    result = poisson_rate(10, 2)
    assert result is not None
    assert (result.value, result.ci.low, result.ci.high) == (
        5,
        pytest.approx(4.795389 / 2, abs=1e-6),
        pytest.approx(18.39036 / 2, abs=1e-5),
    )
    none = poisson_rate(0, 1)
    assert none is not None
    assert (none.value, none.ci.low, none.ci.high) == (0, 0, pytest.approx(3.688879, abs=1e-6))
    assert poisson_rate(0, 0) is None


def test_a_rate_of_persons_who_differ_is_wider_than_that_of_their_count() -> None:
    """Six persons for a month each: one with 10 events, two with 1."""
    clumped, plain = clumped_rate(Pool(6, 6, 12, 6, 102, 12)), poisson_rate(12, 6)
    assert clumped is not None
    assert plain is not None
    assert (clumped.value, clumped.events) == (2, 12)
    error = (78 / 5 / 6) ** 0.5
    skewed = stats.t.ppf(0.975, 5 / (1 + 78 / 5 / 4))
    assert clumped.ci.high == pytest.approx(2 * np.exp(skewed * error / 2))
    assert clumped.ci.low < plain.ci.low < plain.ci.high < clumped.ci.high


@pytest.mark.parametrize(("events", "squared"), [(0, 0), (6, 6)])
def test_where_persons_do_not_differ_their_count_is_all_there_is(events: int, squared: int) -> None:
    assert clumped_rate(Pool(6, 6, events, 6, squared, events)) == poisson_rate(events, 6)


def test_who_has_more_than_five_reach_counts_as_such_persons_do_and_not_by_their_own_number() -> None:
    """The fifth has 10 and the tenth 5, so those above the fifth have 5 / (1/5 + ... + 1/9) more."""
    more = 10 + 5 / (1 / 5 + 1 / 6 + 1 / 7 + 1 / 8 + 1 / 9)
    few, many = (drawn_in([most, 14, 13, 11, 10, 9, 8, 7, 6, 5, 1], 5) for most in (15, 3000))
    assert few.tolist() == pytest.approx([more] * 4 + [10, 9, 8, 7, 6, 5, 1])
    assert many.tolist() == few.tolist()
    assert drawn_in([3000, 1, 1, 1, 1, 1], 5).tolist() == [1] * 6
