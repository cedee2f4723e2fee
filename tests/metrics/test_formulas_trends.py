import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from app.metrics.formulas import (
    Difference,
    Interval,
    Moments,
    benjamini_hochberg,
    holm,
    independent_change,
    mcnemar,
    mean_difference,
    moments,
    overlapping_change,
    paired_change,
    rest_of,
    verdict,
    versus_rest,
)

NAN = float("nan")
SCORES = st.lists(st.integers(0, 100).map(float), max_size=30).map(np.array)
PAIRS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=3, max_size=30).map(
    lambda pairs: np.array(pairs, dtype=np.float64).T
)
P_VALUES = st.lists(st.floats(0, 1), max_size=20)


def described(values: NDArray[np.float64]) -> Moments:
    of = moments(values)
    assert of is not None
    return of


def mirrored(one: Difference | None, other: Difference | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert [other.mean, other.t, other.p] == pytest.approx([-one.mean, -one.t, one.p])
        assert [-other.ci.high, -other.ci.low] == pytest.approx([one.ci.low, one.ci.high])


@given(PAIRS)
def test_a_paired_change_turns_with_time_and_with_the_scale(pairs: NDArray[np.float64]) -> None:
    before, after = pairs
    change = paired_change(before, after)
    mirrored(change.test, paired_change(after, before).test)
    mirrored(change.test, paired_change(100 - before, 100 - after).test)
    assert paired_change(before + 7, after + 7).test == change.test
    assert (change.undefined == "zero_variance") == (np.ptp(after - before) == 0)
    shuffled = paired_change(before[::-1], after[::-1])
    assert shuffled.wilcoxon_p == (None if change.test is None else pytest.approx(change.wilcoxon_p))


@given(SCORES, SCORES)
def test_an_independent_change_turns_and_agrees_with_scipy(
    before: NDArray[np.float64], after: NDArray[np.float64]
) -> None:
    change = independent_change(before, after)
    mirrored(change.test, independent_change(after, before).test)
    mirrored(change.test, independent_change(100 - before[::-1], 100 - after).test)
    if min(len(before), len(after)) < 2:
        assert change.undefined == "too_few"
    elif np.ptp(before) == np.ptp(after) == 0:
        assert change.undefined == "zero_variance"
    else:
        assert change.test is not None
        described = ((x.mean(), x.std(ddof=1), len(x)) for x in (after, before))
        welch = stats.ttest_ind_from_stats(*next(described), *next(described), equal_var=False)
        assert [change.test.t, change.test.p] == pytest.approx([welch.statistic, welch.pvalue])
        assert change.brunner_munzel_p is None or 0 <= change.brunner_munzel_p <= 1


def test_hedges_g_by_hand() -> None:
    change = independent_change([1, 2, 3], [2, 3, 4, 5])
    pooled = np.sqrt((2 * 1 + 3 * 5 / 3) / 5)
    assert change.g == pytest.approx(1.5 / pooled * (1 - 3 / 19))


def test_groups_wholly_apart_have_no_rank_test() -> None:
    change = independent_change([1, 2, 3], [7, 8, 9])
    assert change.brunner_munzel_p is None
    assert change.test is not None


@pytest.mark.parametrize(
    ("before", "after", "n", "mean", "reason"),
    [
        ([], [], 0, None, "too_few"),
        ([NAN, 1], [1, NAN], 0, None, "too_few"),
        ([1], [4], 1, 3, "too_few"),
        ([1, 2], [4, 5], 2, 3, "zero_variance"),
        ([0.3, 0.3], [0.1 + 0.2, 0.3], 2, 0, "zero_variance"),
    ],
)
def test_few_or_equal_changes(
    before: list[float], after: list[float], n: int, mean: float | None, reason: str
) -> None:
    change = paired_change(before, after)
    assert (change.n, change.test, change.dz, change.undefined) == (n, None, None, reason)
    assert change.mean == (None if mean is None else pytest.approx(mean))


def test_a_missing_value_leaves_out_the_pair_or_the_value() -> None:
    before, after = np.array([1.0, 5, 2, NAN, 4]), np.array([2.0, 9, NAN, 4, 6])
    assert paired_change(before, after) == paired_change([1, 5, 4], [2, 9, 6])
    assert independent_change(before, after) == independent_change([1, 5, 2, 4], [2, 9, 4, 6])


@given(PAIRS)
def test_with_everybody_in_both_waves_the_overlapping_test_is_the_paired_one(
    pairs: NDArray[np.float64],
) -> None:
    before, after = pairs
    paired, overlapping = paired_change(before, after), overlapping_change(before, after)
    if min(np.ptp(before), np.ptp(after), np.ptp(after - before)) == 0:
        return
    assert paired.test is not None
    assert overlapping.test is not None
    assert [overlapping.test.t, overlapping.test.df] == pytest.approx(
        [paired.test.t, paired.test.df], rel=1e-6
    )


@given(PAIRS)
def test_with_nobody_in_both_waves_the_overlapping_test_is_welchs(pairs: NDArray[np.float64]) -> None:
    before, after = pairs
    nobody = np.full(len(before), NAN)
    apart = overlapping_change(np.r_[before, nobody], np.r_[nobody, after])
    assert apart.n_both == 0
    welch = independent_change(before, after).test
    assert (apart.test is None) == (welch is None)
    if apart.test is not None and welch is not None:
        assert [apart.test.t, apart.test.df, apart.test.p] == pytest.approx([welch.t, welch.df, welch.p])


def test_partial_overlap_by_hand_and_when_undefined() -> None:
    before, after = np.array([1.0, 2, 3, 4, NAN]), np.array([2.0, 3, NAN, 6, 9])
    change = overlapping_change(before, after)
    r12 = np.corrcoef([1, 2, 4], [2, 3, 6])[0, 1]
    v1, v2 = 5 / 3, 10.0
    assert change.test is not None
    assert (change.n_before, change.n_after, change.n_both) == (4, 4, 3)
    assert change.test.se**2 == pytest.approx(v1 / 4 + v2 / 4 - 2 * r12 * np.sqrt(v1 * v2) * 3 / 16)
    assert overlapping_change([1, NAN], [NAN, 2]).undefined == "too_few"
    assert overlapping_change([3, 3, 3], [4, 4, 4]).undefined == "zero_variance"


def test_mcnemar_is_exact_where_few_changed() -> None:
    few = mcnemar([[10, 5], [1, 20]])
    assert (few.n, few.discordant, few.p) == (36, 6, few.exact_p)
    assert few.exact_p == pytest.approx(2 * (1 + 6) / 2**6)
    many = mcnemar([[0, 20], [5, 0]])
    assert (many.chi2, many.p) == (9.0, many.chi2_p)
    assert mcnemar([[5, 0], [0, 5]]).p == 1
    assert mcnemar([[0, 0], [0, 0]]).p == 1
    for wrong in ([[1, 2]], [[1, -1], [0, 0]]):
        with pytest.raises(ValueError, match="2 x 2"):
            mcnemar(wrong)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_does_not_mind_the_direction(gained: int, lost: int) -> None:
    there, back = mcnemar([[3, gained], [lost, 4]]), mcnemar([[4, lost], [gained, 3]])
    assert there == back
    assert 0 <= there.p <= 1


@pytest.mark.parametrize(
    ("low", "high", "q", "word"),
    [
        (1, 9, 0.01, "increased"),
        (-9, -1, 0.01, "decreased"),
        (1, 8, 0.01, "small_increase"),
        (-8, -1, 0.01, "small_decrease"),
        (0.1, 0.5, 0.0001, "practically_equal"),
        (-5, -3, 0.0001, "practically_equal"),
        (-1, 20, 0.01, "inconclusive"),
        (1, 9, 0.06, "inconclusive"),
        (1, 4, 0.06, "practically_equal"),
        (-4, 4, 0.9, "practically_equal"),
        (-5, 5, 0.9, "practically_equal"),
        (-6, 4, 0.9, "inconclusive"),
    ],
)
def test_the_word_for_a_change(low: float, high: float, q: float, word: str) -> None:
    middle = (low + high) / 2
    assert verdict(Difference(middle, 1, 50, middle, q, Interval(low, high)), q) == word


def test_what_could_be_shown_is_found_in_four_of_five_cases() -> None:
    random = np.random.default_rng(8)
    before = Moments(60, 50.0, 12.0)
    test = mean_difference(before, Moments(60, 50.0, 12.0))
    assert test is not None
    drawn = random.normal(size=(2, 4000, 60)) * 12
    drawn[1] += test.detectable
    found = stats.ttest_ind(drawn[1], drawn[0], axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.025)


@given(P_VALUES)
def test_adjusted_p_rise_in_the_order_of_p_whatever_the_order_given(p: list[float]) -> None:
    values = np.array(p)
    order = np.random.default_rng(len(p)).permutation(len(p))
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(values)
        assert ((adjusted >= values - 1e-15) & (adjusted <= 1)).all()
        assert (np.diff(adjusted[np.argsort(values, kind="stable")]) >= 0).all()
        np.testing.assert_allclose(adjust(values[order]), adjusted[order])
    assert (holm(values) >= benjamini_hochberg(values) - 1e-15).all()
    if p:
        np.testing.assert_allclose(benjamini_hochberg(values), stats.false_discovery_control(values))


def test_a_family_of_none_of_one_and_of_nonsense() -> None:
    for adjust in (holm, benjamini_hochberg):
        assert adjust([]).size == 0
        assert adjust([0.03]).tolist() == [0.03]
        for wrong in ([NAN], [1.1], [-0.1], [[0.1]]):
            with pytest.raises(ValueError, match="0-1"):
                adjust(wrong)


def test_cells_of_teams_above_below_like_and_unlike_the_rest() -> None:
    random = np.random.default_rng(9)
    shifts = {"above": 15.0, "below": -15.0, "like": 0.0}
    values = random.normal(60, 10, size=1200) + np.repeat(list(shifts.values()), 400)
    teams = dict(zip(shifts, np.split(values, 3), strict=True))
    teams |= {"one": np.array([61.0]), "two": np.array([40.0, 80])}
    everybody = np.concatenate(list(teams.values()))
    cells = versus_rest([described(own) for own in teams.values()], described(everybody))
    assert {team: cell.state for team, cell in zip(teams, cells, strict=True)} == {
        "above": "higher",
        "below": "lower",
        "like": "practically_equal",
        "one": None,
        "two": "inconclusive",
    }
    above = independent_change(np.concatenate(list(teams.values())[1:]), teams["above"])
    assert cells[0].test is not None
    assert above.test is not None
    assert [cells[0].test.t, cells[0].test.df, cells[0].g] == pytest.approx(
        [above.test.t, above.test.df, above.g]
    )
    assert versus_rest([], described(everybody)) == ()
    (alone,) = versus_rest([described(everybody)], described(everybody))
    assert (alone.rest.n, alone.q, alone.state) == (0, None, None)


@given(SCORES.filter(len), SCORES)
def test_the_rest_is_described_as_if_it_had_been_kept_apart(
    part: NDArray[np.float64], rest: NDArray[np.float64]
) -> None:
    found = rest_of(described(np.r_[part, rest]), described(part))
    assert found.n == len(rest)
    if len(rest) > 0:
        assert found.mean == pytest.approx(rest.mean(), abs=1e-9)
    assert found.sd == (None if len(rest) < 2 else pytest.approx(rest.std(ddof=1), abs=1e-5))


def test_a_hundred_thousand_persons() -> None:
    random = np.random.default_rng(3)
    before, noise = random.normal(60, 10, size=(2, 100_000))
    after = before + 1 + (noise - 60) / 10
    for change in (
        paired_change(before, after),
        independent_change(before, after),
        overlapping_change(before, after),
    ):
        assert change.mean == pytest.approx(1, abs=0.02)
        assert change.test is not None
        assert change.test.p < 1e-20


def test_a_rest_that_follows_from_rounded_means_stays_on_the_scale() -> None:
    """Of 25 with 40 on average, 20 would have 90 by what is shown: the other five would have -160."""
    part, whole = Moments(20, 90.0, 10.0), Moments(25, 40.0, 10.0)
    assert rest_of(whole, part).mean == -160
    (cell,) = versus_rest([part], whole, scale=Interval(0.0, 100.0))
    assert cell.test is not None
    assert (cell.rest.mean, cell.test.mean) == (0, 90)
