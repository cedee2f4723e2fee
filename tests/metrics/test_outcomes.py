"""What came after a wave, as pure functions."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from app.metrics.blocks import outcomes
from app.metrics.blocks.outcomes import DAYS_A_MONTH, Exposure, Point, adjusted_together, finest
from app.metrics.blocks.wave import Choices, Wave
from app.metrics.disclosure import Node, Plan, decide
from app.metrics.formulas import (
    Study,
    correlation_of_same_units,
    hazard_ratios,
    pooled_correlation,
    rate_ratio,
)
from app.metrics.sample import Groups, Instrument, Places, Rollup, Sample, Scores
from tests.examples import examples
from tests.metrics.told import across_waves, as_json, association, leaving, turnover

Json = dict[str, Any]
Flags = NDArray[np.bool_]
CLOSED, NEXT_CLOSED, DAYS = date(2026, 1, 1), date(2027, 1, 1), 365
INSTRUMENT = Instrument(
    key=["pay", "bond"],
    low=[0, 0],
    high=[100, 100],
    is_reversed=[False, False],
    dimension=["satisfaction", "engagement"],
    facet=["pay", "bond"],
    role=["basic", "core"],
    lever=[None, None],
)


def wave(
    answers: Sequence[tuple[int, int]],
    invited: Sequence[int] | None = None,
    teams: Sequence[int] | None = None,
    *,
    k: int = 5,
    is_linked: bool = True,
) -> Wave:
    """One team a number below the organisation; everybody responded who is in `answers`; key = place."""
    places = np.array(teams if teams is not None else [0] * len(answers), dtype=np.int64)
    groups = Groups(
        [None] + [0] * int(places.max(initial=0)), ["org", "a", "b", "c"][: places.max(initial=0) + 1]
    )
    table = np.array(answers, dtype=np.int16).reshape(-1, 2)
    keys = [place.to_bytes(16, "big") for place in range(len(answers))] if is_linked else None
    scores = Scores.take(table, INSTRUMENT)
    ones = np.ones(len(table), dtype=np.int64)
    sample = Sample(INSTRUMENT, groups, Places(places, {}), table, scores, ones, keys)
    rollup = Rollup(groups, sample.places.of(sample.both))
    everybody = Rollup(groups, sample.places).counts()
    frame = everybody if invited is None else np.array(invited, dtype=np.int64)
    nodes = [
        Node(g, groups.parents[g], min(g, 1), groups.keys[g], int(n), int(frame[g]), int(everybody[g]))
        for g, n in enumerate(rollup.counts())
    ]
    plan = Plan(decide(nodes, k), {}, None, np.arange(len(nodes)), (), (), ())
    return Wave(UUID(int=1), k, sample, frame, plan, scores.of(sample.both), rollup, Choices())


def exposed(days: Sequence[int], left: Sequence[bool], teams: Sequence[int] | None = None) -> Exposure:
    return Exposure(
        starts_on=CLOSED,
        ends_on=NEXT_CLOSED,
        team=np.array(teams if teams is not None else [0] * len(days), dtype=np.int64),
        days=np.array(days, dtype=np.int64),
        left=np.array(left, dtype=np.bool_),
        linked=[place.to_bytes(16, "big") for place in range(len(days))],
    )


def staff(n: int, leavers: int, seed: int = 1) -> tuple[list[tuple[int, int]], list[int], list[bool]]:
    """Answers of n persons, of whom the first so many leave, the less satisfied and engaged the sooner."""
    random = np.random.default_rng(seed)
    answers = [(int(s), int(e)) for s, e in random.integers(0, 101, size=(n, 2))]
    days = [int(random.integers(1, DAYS)) if person < leavers else DAYS for person in range(n)]
    return answers, days, [person < leavers for person in range(n)]


def shown(of: Any) -> Json:
    return {"ratio": round(of.ratio, 3), "ci_low": round(of.ci.low, 3), "ci_high": round(of.ci.high, 3)}


# ------------------------------------------------------------------------------------------- leaving


def test_dates_that_leave_one_person_under_observation_tell_nothing_of_them() -> None:
    """Attack: dates of employment leave one person alone under observation; a ratio tells their half."""
    n, leavers = 40, 12
    for seed in range(12):
        answers, _, left = staff(n, leavers, seed)
        days = [1] * leavers + [0] * (n - leavers - 1) + [DAYS]
        body = leaving(wave(answers), exposed(days, left))
        assert (body["status"], body["reason"]) == ("suppressed", "dominance")


@pytest.mark.parametrize(("there", "status"), [(1, "suppressed"), (2, "suppressed"), (6, "ok")])
def test_ratios_rest_on_as_many_as_the_minimum(there: int, status: str) -> None:
    n, leavers = 60, 12
    answers, _, left = staff(n, leavers)
    days = [2] * leavers + [3] * (n - leavers - there) + [DAYS] * there
    assert leaving(wave(answers), exposed(days, left))["status"] == status


def test_a_rate_is_of_as_many_as_the_minimum_on_either_side() -> None:
    """One person alone below the median would be found by the days they were there."""
    _, days, left = staff(60, 20)
    for low, is_told in ((1, False), (4, False), (5, True)):
        answers = [(10, 50 + person % 30) if person < low else (60, 50 + person % 30) for person in range(60)]
        body = leaving(wave(answers), exposed(days, left))
        assert (body["satisfaction"]["rate_ratio"] is not None) == is_told
        assert body["engagement"]["rate_ratio"] is not None


def test_a_team_counts_in_a_kpi_by_what_was_shown_whatever_values_are_written() -> None:
    """Attack: one team's KPI is written far out. It is the first of the ranks, and no more than that."""
    points = [Point(f"t{place}", "", 40 + 3 * place, 50 + place % 5, float(place % 7)) for place in range(12)]
    far = [*points[:-1], replace(points[-1], value=1e9)]
    top = [*points[:-1], replace(points[-1], value=7.0)]
    told, capped = (association("2026-Q1", own) for own in (far, top))
    for name in ("satisfaction", "engagement"):
        assert told[name] == capped[name]


def test_leaving_is_cox_and_a_rate_ratio_of_the_linked_persons() -> None:
    answers, days, left = staff(200, 60)
    body = leaving(wave(answers), exposed(days, left))
    assert (body["status"], body["n"], body["leavers"], body["reasons"]) == ("ok", 200, 60, {})
    assert (body["starts_on"], body["ends_on"]) == ("2026-01-01", "2027-01-01")
    for column, name in enumerate(("satisfaction", "engagement")):
        scores = np.array(answers, dtype=np.float64)[:, column]
        hazard = hazard_ratios(days, left, scores / 10).ratios[0]
        assert body[name]["hazard_ratio"] == shown(hazard)
        low, gone = scores < np.median(scores), np.array(left)
        months = np.array(days) / DAYS_A_MONTH
        rates = rate_ratio(int(gone[low].sum()), months[low].sum(), int(gone[~low].sum()), months[~low].sum())
        assert body[name]["rate_ratio"] == shown(rates)


def test_the_order_of_members_and_the_silent_among_them_change_no_ratio() -> None:
    answers, days, left = staff(100, 30)
    alone = leaving(wave(answers), exposed(days, left))
    more = exposed(days + [DAYS] * 6 + [40] * 7, left + [False] * 6 + [True] * 7)
    turned = Exposure(
        CLOSED, NEXT_CLOSED, more.team[::-1], more.days[::-1], more.left[::-1], (more.linked or [])[::-1]
    )
    assert leaving(wave(answers, [113]), turned) == alone


def test_who_had_gone_before_or_is_not_found_was_never_at_risk() -> None:
    answers, days, left = staff(100, 30)
    gone = exposed([*days, 0, 0], [*left, False, False])
    missing = exposed(days, left)
    more = [*answers, (0, 0), (100, 100)]
    assert leaving(wave(more), gone) == leaving(wave(more, [100]), missing)
    scores = np.array(answers, dtype=np.float64)[:, 0]
    body = leaving(wave(more), gone)
    assert body["satisfaction"]["hazard_ratio"] == shown(hazard_ratios(days, left, scores / 10).ratios[0])


def test_who_lacks_a_score_is_not_among_them() -> None:
    answers, days, left = staff(60, 20)
    half = [(50, -1)] * 6
    body = leaving(wave([*half, *answers]), exposed([9] * 6 + days, [True] * 6 + left))
    assert (body["n"], body["leavers"]) == (60, 20)
    alone = leaving(wave(answers), exposed(days, left))
    assert (body["satisfaction"], body["engagement"]) == (alone["satisfaction"], alone["engagement"])


@pytest.mark.parametrize(
    ("k", "n", "leavers", "silent_leavers", "silent_stayers", "expected"),
    [
        (5, 40, 10, 0, 0, ("ok", None, 10, None)),
        (5, 40, 9, 0, 0, ("insufficient", "too_few_leavers", 9, None)),
        (5, 40, 5, 0, 0, ("insufficient", "too_few_leavers", 5, None)),
        (5, 40, 4, 0, 0, ("insufficient", "too_few_leavers", None, "below_minimum")),
        (5, 40, 1, 0, 0, ("insufficient", "too_few_leavers", None, "below_minimum")),
        (5, 40, 0, 0, 0, ("insufficient", "too_few_leavers", 0, None)),
        (5, 40, 0, 1, 0, ("insufficient", "too_few_leavers", None, "few_silent")),
        (5, 40, 0, 3, 0, ("insufficient", "too_few_leavers", 0, None)),
        (5, 40, 10, 2, 0, ("ok", None, None, "few_silent")),
        (5, 40, 10, 0, 1, ("ok", None, None, "few_silent")),
        (5, 40, 10, 3, 3, ("ok", None, 10, None)),
        (5, 40, 36, 0, 0, ("insufficient", "too_few_leavers", None, "below_minimum")),
        (5, 40, 40, 0, 0, ("insufficient", "too_few_leavers", 40, None)),
        (5, 19, 12, 0, 0, ("insufficient", "too_few_persons", 12, None)),
        (5, 20, 12, 0, 0, ("ok", None, 12, None)),
        (15, 40, 12, 0, 0, ("insufficient", "too_few_leavers", None, "below_minimum")),
        (15, 40, 15, 0, 0, ("ok", None, 15, None)),
    ],
)
def test_counts_are_none_or_enough_and_tell_of_no_silent_one(
    k: int,
    n: int,
    leavers: int,
    silent_leavers: int,
    silent_stayers: int,
    expected: tuple[str, str | None, int | None, str | None],
) -> None:
    answers, days, left = staff(n, leavers)
    all_days = days + [30] * silent_leavers + [DAYS] * silent_stayers
    everybody = exposed(all_days, left + [True] * silent_leavers + [False] * silent_stayers)
    body = leaving(wave(answers, [len(all_days)], k=k), everybody)
    said = (body["status"], body.get("reason"), body["leavers"], body["reasons"].get("leavers"))
    assert said == expected
    assert ("satisfaction" in body) == (body["status"] == "ok")


def test_what_is_shown_of_few_follows_from_who_they_are_and_not_from_their_answers() -> None:
    _, days, left = staff(40, 12)
    keys = set()
    for seed in range(30):
        body = leaving(wave(staff(40, 12, seed)[0]), exposed(days, left))
        keys.add(json.dumps([body["status"], body["leavers"], body["reasons"]]))
    assert len(keys) == 1


@pytest.mark.parametrize("turn", [False, True])
def test_a_half_nobody_left_is_shown_at_an_end(turn: bool) -> None:
    _, days, left = staff(40, 12)
    answers = [(90, 90) if gone != turn else (10, 10) for gone in left]
    body = leaving(wave(answers), exposed(days, left))
    rates = body["engagement"]["rate_ratio"]
    assert rates["ratio"] == (20 if turn else 0.05)
    assert rates["ci_high" if turn else "ci_low"] == rates["ratio"]
    assert body["engagement"]["hazard_ratio"] is None
    assert body["reasons"]["engagement.hazard_ratio"] == "not_estimable"


@pytest.mark.parametrize("kept", [0, 100])
def test_scores_that_are_mostly_at_an_end_still_have_two_halves(kept: int) -> None:
    answers, days, left = staff(60, 20)
    body = leaving(
        wave([(kept, e) if p % 5 else (50, e) for p, (_, e) in enumerate(answers)]), exposed(days, left)
    )
    low = np.array([kept == 0 if p % 5 else kept == 100 for p in range(60)])
    months, gone = np.array(days) / DAYS_A_MONTH, np.array(left)
    rates = rate_ratio(int(gone[low].sum()), months[low].sum(), int(gone[~low].sum()), months[~low].sum())
    assert body["satisfaction"]["rate_ratio"] == shown(rates)


def test_without_any_difference_between_scores_nothing_is_estimable() -> None:
    _, days, left = staff(40, 12)
    body = leaving(wave([(50, 50)] * 40), exposed(days, left))
    assert body["status"] == "ok"
    names = [
        f"{name}.{kind}" for name in ("satisfaction", "engagement") for kind in ("hazard_ratio", "rate_ratio")
    ]
    assert body["reasons"] == dict.fromkeys(names, "not_estimable")


def test_anonymous_answers_are_not_linked() -> None:
    answers, days, left = staff(40, 12)
    body = leaving(wave(answers, is_linked=False), exposed(days, left))
    assert (body["status"], body["reason"], body["n"]) == ("undefined", "not_linkable", 40)


def test_an_organisation_that_is_not_shown_has_no_number() -> None:
    body = leaving(wave([(50, 50)] * 4), exposed([DAYS] * 4, [False] * 4))
    assert body == {
        "starts_on": "2026-01-01",
        "ends_on": "2027-01-01",
        "status": "suppressed",
        "reason": "below_minimum",
    }


@settings(max_examples=examples(12))
@given(
    st.lists(
        st.tuples(st.integers(-2, 100), st.integers(-2, 100), st.integers(0, DAYS), st.booleans()),
        max_size=50,
    )
)
def test_every_answer_is_plain_and_says_why_a_number_is_missing(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    of = wave([(s, e) for s, e, _, _ in rows])
    exposure = exposed([days for _, _, days, _ in rows], [days > 0 and gone for _, _, days, gone in rows])
    body = leaving(of, exposure)
    json.dumps([body, turnover(of, exposure)], allow_nan=False)
    if body["status"] == "ok":
        empty = {
            f"{name}.{kind}"
            for name in ("satisfaction", "engagement")
            for kind in body[name]
            if body[name][kind] is None
        }
        assert body["reasons"].keys() - {"leavers"} == empty
        assert all(
            0.05 <= value <= 20
            for name in ("satisfaction", "engagement")
            for ratio in body[name].values()
            if ratio
            for value in ratio.values()
        )


# ------------------------------------------------------------------------------------------ turnover


def test_turnover_is_leavers_by_mean_headcount_a_year() -> None:
    teams = [1] * 8 + [2] * 12 + [3] * 4
    days, left = [DAYS] * 24, [False] * 24
    days[0], left[0], days[8], left[8], days[9], left[9] = 73, True, 146, True, 219, True
    bodies = turnover(wave([(50, 50)] * 24, teams=teams), exposed(days, left, teams))
    assert [bodies[ordinal]["status"] for ordinal in range(4)] == ["ok", "suppressed", "ok", "suppressed"]
    for ordinal, headcount, leavers in ((0, 22.2, 3), (2, 11, 2)):
        body = bodies[ordinal]
        assert body["headcount"] == pytest.approx(headcount)
        assert body["leavers"] == leavers
        assert body["rate"] == pytest.approx(leavers / headcount / (DAYS / 365.25))
    assert bodies[1] == {"status": "suppressed", "reason": "complementary"}


def test_turnover_asks_nothing_of_the_answers() -> None:
    answers, days, left = staff(40, 12)
    other = staff(40, 12, seed=2)[0]
    assert turnover(wave(answers), exposed(days, left)) == turnover(wave(other), exposed(days, left))


def test_a_team_that_nearly_all_left_before_is_too_small() -> None:
    teams = [1] * 20 + [2] * 20
    days = [0] * 16 + [DAYS] * 24
    bodies = turnover(wave([(50, 50)] * 40, teams=teams), exposed(days, [False] * 40, teams))
    assert bodies[1] == {"status": "insufficient", "reason": "too_few_persons", "n": 20}
    assert bodies[2]["headcount"] == pytest.approx(20)


def test_a_headcount_that_would_tell_of_one_silent_person_is_withheld() -> None:
    teams = [1] * 20 + [2] * 20
    of = wave([(50, 50)] * 40, [41, 21, 20], teams)
    bodies = turnover(of, exposed([DAYS] * 41, [False] * 41, [*teams, 1]))
    assert bodies[1] == {"status": "undefined", "reason": "few_silent", "n": 20}
    assert bodies[0]["status"] == "undefined"


def test_two_waves_of_one_day_leave_no_time() -> None:
    answers, _, left = staff(40, 12)
    instant = Exposure(CLOSED, CLOSED, *[np.zeros(40, dtype=np.int64)] * 2, np.array(left), [b""] * 40)
    assert leaving(wave(answers), instant)["reason"] == "no_exposure"
    assert turnover(wave(answers), instant)[0]["reason"] == "no_exposure"


# ---------------------------------------------------------------------------------------------- kpis


def points(n: int, seed: int = 1) -> list[Point]:
    random = np.random.default_rng(seed)
    return [
        Point(f"t{team}", f"Team {team}", float(s), float(e), float(s + noise))
        for team, (s, e, noise) in enumerate(random.integers(0, 101, size=(n, 3)))
    ]


def test_the_finest_groups_share_nobody() -> None:
    parents = {0: None, 1: 0, 2: 1, 3: 1, 4: 0, 5: 4, 6: 5}
    assert finest(parents, [1, 2, 4, 6]) == [2, 6]
    assert finest(parents, [1, 4]) == [1, 4]
    assert finest(parents, [4, 5, 1]) == [1, 5]
    assert finest(parents, []) == []


def test_a_wave_is_spearman_over_ten_teams_with_the_interval_of_bonett_and_wright() -> None:
    teams = points(14)
    body = association("2027", teams)
    assert (body["status"], body["n"], body["period"]) == ("ok", 14, "2027")
    for name in ("satisfaction", "engagement"):
        r = stats.spearmanr([getattr(p, name) for p in teams], [p.value for p in teams]).statistic
        half = 1.959964 * np.sqrt((1 + r * r / 2) / 11)
        p = stats.spearmanr([getattr(p, name) for p in teams], [p.value for p in teams]).pvalue
        assert list(body[name].values()) == pytest.approx(
            [r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half), p, p]
        )
    assert body["points"][0] == {"team": "t0", "name": "Team 0"} | {
        name: getattr(teams[0], name) for name in ("satisfaction", "engagement", "value")
    }


def test_fewer_teams_have_their_points_alone() -> None:
    body = association("2027", points(9))
    assert (body["status"], body["reason"], body["n"], len(body["points"])) == (
        "insufficient",
        "too_few_teams",
        9,
        9,
    )
    assert "satisfaction" not in body
    assert association("2027", []) == {"status": "undefined", "reason": "no_values", "period": "2027"}


def test_an_association_that_is_missing_says_why() -> None:
    level = [Point(p.team, p.name, 60.0, p.value, p.value) for p in points(12)]
    body = association("2027", level)
    missing = ("ci_low", "ci_high", "p", "q")
    assert body["satisfaction"] == {"r": None} | dict.fromkeys(missing)
    assert body["engagement"] == {"r": 1} | dict.fromkeys(missing)
    assert body["reasons"] == dict.fromkeys(
        ("satisfaction.r", *(f"satisfaction.{name}" for name in missing)), "zero_variance"
    ) | dict.fromkeys((f"engagement.{name}" for name in missing), "perfect")


def study(wave: Sequence[Point]) -> Study:
    scores, values = np.array([(point.engagement, point.value) for point in wave], dtype=float).T
    return Study([point.team for point in wave], scores, values)


def test_waves_are_pooled_where_they_have_enough_teams() -> None:
    waves = [points(12), points(20, 2), points(9, 3), points(15, 4)]
    body = across_waves(waves)
    assert (body["status"], body["waves"]) == ("ok", 3)
    kept = [wave for wave in waves if len(wave) >= 10]
    rs = [stats.spearmanr([p.engagement for p in one], [p.value for p in one]).statistic for one in kept]
    of = correlation_of_same_units([study(one) for one in kept])
    pooled = pooled_correlation(rs, [12, 20, 15])
    assert [of.r, of.tau2] == pytest.approx([pooled.r, pooled.tau2])
    assert of.ci is not None
    assert of.prediction is not None
    expected = [of.r, of.ci.low, of.ci.high, of.p, of.p, of.prediction.low, of.prediction.high, of.tau2]
    assert list(body["engagement"].values()) == pytest.approx(expected)
    assert across_waves(waves[1:3]) == {"status": "insufficient", "reason": "too_few_waves", "waves": 1}
    assert across_waves([]) == {"status": "insufficient", "reason": "too_few_waves", "waves": 0}


def test_a_wave_without_differences_is_left_out_of_the_pool() -> None:
    level = [Point(p.team, p.name, 60.0, p.engagement, p.value) for p in points(12)]
    assert across_waves([points(12), level, points(12, 5)])["waves"] == 2


@pytest.mark.nightly
def test_all_that_is_tested_of_a_kpi_is_adjusted_together() -> None:
    wave, across = adjusted_together(
        outcomes.association("2027", points(14)), outcomes.across_waves([points(12), points(20, 2)])
    )
    told = [as_json(part)[name] for part in (wave, across) for name in ("satisfaction", "engagement")]
    expected = multipletests([one["p"] for one in told], method="holm")[1]
    assert [one["q"] for one in told] == pytest.approx(list(expected))
    assert any(one["q"] > one["p"] for one in told)


def test_what_has_no_p_is_not_tested() -> None:
    level = [Point(p.team, p.name, 60.0, p.engagement, p.value) for p in points(12)]
    wave, across = adjusted_together(outcomes.association("2027", level), outcomes.across_waves([]))
    told = as_json(wave)
    assert (told["satisfaction"]["q"], told["engagement"]["q"]) == (None, told["engagement"]["p"])
    assert as_json(across) == {"status": "insufficient", "reason": "too_few_waves", "waves": 0}
