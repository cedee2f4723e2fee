import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.blocks.wave import Choices, Division, Wave
from app.metrics.formulas import favourable, gap, mean_ci, pomp, position, quadrant_shares, scale_scores
from tests.examples import examples
from tests.metrics.golden import close, columns, reference, texts
from tests.metrics.told import Body, headline, participation
from tests.metrics.waves import empty_members, instrument_of, wave_of

NOT_APPLICABLE, NOT_ANSWERED = -1, -2
ONE_QUESTION_EACH = instrument_of(("satisfaction", "pay"), ("engagement", "effort"))
THREE_QUESTIONS_EACH = instrument_of(*[("satisfaction", "pay")] * 3, *[("engagement", "effort")] * 3)
FACETED = instrument_of(
    *[("satisfaction", facet) for facet in ("pay", "pay", "safety")],
    *[("engagement", facet) for facet in ("effort", "bond", "growth")],
    ("outcome", "enps"),
    low=[1, 1, 0, 1, 1, 1, 0],
    high=[5, 5, 10, 7, 5, 5, 10],
    is_reversed=[False, True, False, True, False, False, False],
)
OF_RELIABILITY = ("gap.reliability", "gap.interpretable")
OF_ERRORS = ("quadrants.near_cut", "quadrants.expected")


def thrice(answers: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The same answer to each of three questions."""
    return [(satisfaction,) * 3 + (engagement,) * 3 for satisfaction, engagement in answers]


def organisation(answers: Sequence[tuple[int, int]], invited: int | None = None) -> Body:
    frame = None if invited is None else [invited]
    return headline(wave_of(THREE_QUESTIONS_EACH, thrice(answers), invited=frame))[0]


def participating(answers: Sequence[tuple[int, int]], invited: int | None) -> Body:
    frame = None if invited is None else [invited]
    return participation(wave_of(THREE_QUESTIONS_EACH, thrice(answers), invited=frame))[0]


def shown(body: Body) -> Body:
    assert body["status"] == "ok"
    return body


def random_answers(random: np.random.Generator, persons: int) -> NDArray[np.int16]:
    """Satisfaction and engagement have nothing to do with each other, so that they can be told apart."""
    levels = random.random((persons, 3))[:, [0, 0, 0, 1, 1, 1, 2]]
    shares = np.clip(levels + random.normal(0, 0.15, size=(persons, 7)), 0, 1)
    turned = np.where(FACETED.is_reversed, 1 - shares, shares)
    answers = np.rint(FACETED.low + turned * (np.array(FACETED.high) - FACETED.low))
    missing = random.random(answers.shape) < 0.2
    return np.where(missing, random.integers(-2, 0, size=answers.shape), answers).astype(np.int16)


def assert_wire_ready(body: Body) -> None:
    """Plain finite numbers, and exactly one reason for each member that is None."""
    json.dumps(body, allow_nan=False)
    if body["status"] == "ok":
        assert set(empty_members(body)) == body["reasons"].keys()


def test_one_group_by_hand() -> None:
    answers = [(5, 1), (5, 3), (3, 3), (1, 5)] * 5
    result, came = shown(organisation(answers, invited=30)), shown(participating(answers, invited=30))
    assert (result["precision"], result["n"], result["invited"]) == ("exact", 20, 30)
    assert (came["n"], came["invited"], came["responded"]) == (20, 30, 20)
    assert (result["satisfaction"]["score"], result["engagement"]["score"], result["gap"]["mean"]) == (
        62.5,
        50,
        -12.5,
    )
    assert result["satisfaction"]["sd"] == pytest.approx((5 * (37.5**2 * 2 + 12.5**2 + 62.5**2) / 19) ** 0.5)
    assert (result["satisfaction"]["favourable"], result["satisfaction"]["neutral"]) == (0.5, 0.25)
    assert result["satisfaction"]["unfavourable"] == 0.25
    quadrants = result["quadrants"]["shares"]
    assert [quadrants["thriving"]["share"], quadrants["content"]["share"]] == [0, 0.5]
    assert [quadrants["stretched"]["share"], quadrants["detached"]["share"]] == [0.25, 0.25]
    assert came["response_rate"] == pytest.approx(2 / 3)
    assert came["satisfaction"]["bound_low"] == pytest.approx(62.5 * 20 / 30)
    assert came["satisfaction"]["bound_high"] == pytest.approx(62.5 * 20 / 30 + 100 / 3)
    assert result["position"]["quadrant"] == "undetermined"
    assert result["reasons"] == dict.fromkeys((*OF_RELIABILITY, *OF_ERRORS), "too_few_persons")


def test_facets_weigh_equally_and_obey_the_half_rule() -> None:
    pay_and_safety = [5, NOT_APPLICABLE, 5, 1, 5, 5, 0]  # 100 and 50; 100 (reversed), 100, 100
    pay_alone = [5, 1, NOT_ANSWERED, 1, 5, NOT_ANSWERED, 0]  # 100, 100; two of three facets
    safety_alone = [NOT_ANSWERED, NOT_APPLICABLE, 0, 7, *[NOT_ANSWERED] * 2, 0]  # one of three
    rows = [pay_and_safety] * 10 + [pay_alone] * 10 + [safety_alone] * 4
    wave = wave_of(FACETED, rows, invited=[30])
    result = shown(headline(wave)[0])
    assert (result["n"], shown(participation(wave)[0])["responded"]) == (20, 24)
    assert result["satisfaction"]["score"] == pytest.approx((75 + 100) / 2)
    assert result["engagement"]["score"] == 100
    assert result["satisfaction"]["favourable"] == pytest.approx((10 + 20) / (20 + 20))
    assert result["satisfaction"]["neutral"] == pytest.approx(10 / 40)


@given(st.integers(0, 10_000), st.integers(21, 120))
@settings(max_examples=examples(12))
def test_exact_numbers_are_those_of_the_formulas_over_the_persons_below(seed: int, persons: int) -> None:
    random = np.random.default_rng(seed)
    answers, members = random_answers(random, persons), random.integers(0, 4, persons)
    wave = wave_of(FACETED, answers, members.tolist(), [None, 0, 1, 0], invited=[persons] * 4)
    below = [{0, 1, 2, 3}, {1, 2}, {2}, {3}]
    given_answers = np.where(answers < 0, np.nan, answers)
    values = pomp(given_answers, FACETED.low, FACETED.high, FACETED.is_reversed)
    facets = [values[:, :2], values[:, 2:3], values[:, 3:4], values[:, 4:5], values[:, 5:6]]
    scores = np.column_stack([scale_scores(facet) for facet in facets])
    satisfaction, engagement = scale_scores(scores[:, :2]), scale_scores(scores[:, 2:])
    both = ~np.isnan(satisfaction + engagement)
    for ordinal, result in headline(wave).items():
        assert_wire_ready(result)
        assert_wire_ready(participation(wave)[ordinal])
        within = both & np.isin(members, list(below[ordinal]))
        if result.get("precision") != "exact":
            continue
        assert result["n"] == within.sum()
        for block, of, columns_of in (
            (result["satisfaction"], satisfaction, slice(0, 3)),
            (result["engagement"], engagement, slice(3, 6)),
        ):
            mean, shares = mean_ci(of[within]), favourable(values[within, columns_of])
            assert mean is not None
            assert mean.ci_process is not None
            assert shares is not None
            assert [block["score"], block["sd"]] == pytest.approx([mean.mean, mean.sd])
            assert [block["ci_low"], block["ci_high"]] == pytest.approx(
                [mean.ci_process.low, mean.ci_process.high]
            )
            assert [block["favourable"], block["neutral"], block["unfavourable"]] == pytest.approx(
                [shares.favourable, shares.neutral, shares.unfavourable]
            )
        difference = gap(satisfaction[within], engagement[within])
        assert difference is not None
        assert difference.ci is not None
        assert [result["gap"]["mean"], result["gap"]["dz"]] == pytest.approx([difference.mean, difference.dz])
        assert [result["gap"]["ci_low"], result["gap"]["ci_high"]] == pytest.approx(
            [difference.ci.low, difference.ci.high]
        )
        quadrants = quadrant_shares(satisfaction[within], engagement[within])
        assert quadrants is not None
        for name, share in quadrants.items():
            ends = {"ci_low": share.ci.low, "ci_high": share.ci.high}
            assert result["quadrants"]["shares"][name] == {"share": share.share, **ends}


def test_the_organisation_of_the_golden_data() -> None:
    names = ("env_sat", "job_sat", "rel_sat", "wl_balance", "engagement")
    answers = np.column_stack(columns("employees_pa.csv", *names)).astype(np.int16)
    titles, members = np.unique(texts("employees_pa.csv", "job_title"), return_inverse=True)
    dimensions = ["satisfaction"] * 4 + ["engagement"]
    instrument = instrument_of(*zip(dimensions, names, strict=True), scale=(1, 4))
    parents = [None, *[0] * len(titles)]
    results = headline(wave_of(instrument, answers, (members + 1).tolist(), parents))
    expected = reference("favourable.employees_pa_engagement")
    whole = shown(results[0])
    assert whole["n"] == expected["n"]
    assert 100 * whole["engagement"]["favourable"] == close(expected["fav_pct"])
    assert 100 * whole["engagement"]["unfavourable"] == close(expected["unf_pct"])
    assert sum(results[group].get("n", 0) for group in range(1, len(parents))) <= whole["n"]


def divided(wave: Wave, cuts: tuple[float, float] | None) -> Wave:
    return replace(wave, choices=Choices(division=Division("benchmark", cuts)))


@pytest.mark.parametrize("norm", [(55, 71.5), None])
def test_benchmark_quadrants_are_cut_at_the_norm_or_at_the_scores_of_all(
    norm: tuple[float, float] | None,
) -> None:
    answers = random_answers(np.random.default_rng(7), 120)
    members = [1 + number % 2 for number in range(120)]
    wave = divided(wave_of(FACETED, answers, members, (None, 0, 0)), norm)
    told = headline(wave)
    s, e = (wave.both.dimensions[name] for name in ("satisfaction", "engagement"))
    cut_s, cut_e = norm or (s.mean(), e.mean())
    for ordinal, own in told.items():
        assert (own["quadrants"]["mode"], own["precision"]) == ("benchmark", "exact")
        assert own["quadrants"]["cut"] == {"satisfaction": cut_s, "engagement": cut_e}
        here = wave.rollup.persons(ordinal)
        high_s, high_e = s[here] >= cut_s, e[here] >= cut_e
        shares = {name: of["share"] for name, of in own["quadrants"]["shares"].items()}
        assert shares == pytest.approx(
            {
                "thriving": (high_s & high_e).mean(),
                "content": (high_s & ~high_e).mean(),
                "stretched": (~high_s & high_e).mean(),
                "detached": (~high_s & ~high_e).mean(),
            }
        )
        r, sds = np.corrcoef(s[here], e[here])[0, 1], (s[here].std(ddof=1), e[here].std(ddof=1))
        at = position(len(s[here]), (s[here].mean(), e[here].mean()), sds, r, (cut_s, cut_e))
        assert at is not None
        assert own["position"]["probability"] == pytest.approx(max(at.chances))
        assert sum(own["quadrants"]["expected"].values()) == pytest.approx(1)
    fixed = headline(replace(wave, choices=Choices()))[0]["quadrants"]
    assert (fixed["mode"], fixed["cut"]) == ("fixed", {"satisfaction": 62.5, "engagement": 62.5})
    assert fixed["near_cut"] != told[0]["quadrants"]["near_cut"]
    assert fixed["expected"] != told[0]["quadrants"]["expected"]


def test_a_benchmark_of_few_persons_is_told_no_finer_than_their_scores() -> None:
    answers = random_answers(np.random.default_rng(3), 12)
    own = headline(divided(wave_of(FACETED, answers), None))[0]
    assert own["precision"] == "banded"
    assert own["quadrants"]["cut"] == {name: own[name]["score"] for name in ("satisfaction", "engagement")}


def test_banded_intervals_stand_on_the_spread_of_the_organisation() -> None:
    alike, mixed = [(4, 4)] * 9, [(1, 5), (5, 1), (5, 5), (1, 1)] * 10
    members = [1] * len(alike) + [0] * len(mixed)
    wave = wave_of(THREE_QUESTIONS_EACH, thrice(alike + mixed), members, [None, 0], invited=[60, 12])
    whole, team = headline(wave).values()
    sd = shown(whole)["satisfaction"]["sd"]
    assert sd is not None
    half = 2.306004135204166 * sd / 3  # qt(.975, 8)
    team = shown(team)
    assert team["precision"] == "banded"
    assert team["satisfaction"]["score"] == 75
    assert (team["satisfaction"]["ci_low"], team["satisfaction"]["ci_high"]) == (round(75 - half), 95)
    assert team["satisfaction"]["sd"] is None
    assert team["gap"]["dz"] is None
    assert (team["satisfaction"]["favourable"], team["satisfaction"]["neutral"]) == (0.95, 0.05)
    told_of_nobody = ("satisfaction.sd", "engagement.sd", "gap.dz", *OF_ERRORS)
    assert team["reasons"] == {"position": "under_ten", **dict.fromkeys(told_of_nobody, "banded")}
    came = shown(participation(wave)[1])
    finite = came["satisfaction"]
    assert finite["ci_low"] == round(75 - half / 2)  # 9 of 12: sqrt(1 - 9/12)
    assert (finite["bound_low"], finite["bound_high"]) == (55, 82), "56.25 and 81.25"
    assert came["response_rate"] == 0.75


@pytest.mark.parametrize(
    ("facets", "is_divided"), [("a", False), ("aa", False), ("ab", True), ("aaa", True), ("abc", True)]
)
def test_two_scores_are_crossed_where_each_has_two_facets_or_three_questions(
    facets: str, is_divided: bool
) -> None:
    asked = [("satisfaction", facet) for facet in facets] + [("engagement", facet) for facet in "xyz"]
    random = np.random.default_rng(4)
    levels = np.repeat(random.integers(1, 5, size=(40, 2)), [len(facets), 3], axis=1)
    answers = levels + random.integers(0, 2, size=levels.shape)
    for instrument in (
        instrument_of(*asked),
        instrument_of(*(("engagement" if of == "satisfaction" else "satisfaction", at) for of, at in asked)),
    ):
        body = shown(headline(wave_of(instrument, answers))[0])
        is_told = [body["quadrants"] is not None, body["position"] is not None]
        assert is_told == [is_divided, is_divided]
        if not is_divided:
            assert {body["reasons"][of] for of in ("quadrants", "position")} == {"too_few_questions"}
        assert body["gap"]["mean"] is not None


def test_a_score_of_two_parts_that_disagree_has_no_reliability_and_the_gap_none() -> None:
    instrument = instrument_of(*(("satisfaction", at) for at in "ab"), *(("engagement", at) for at in "xyz"))
    answers = np.random.default_rng(4).integers(1, 6, size=(60, 5))
    answers[:, 1] = 6 - answers[:, 0]
    answers[:6, 1] = answers[:6, 0]
    body = shown(headline(wave_of(instrument, answers))[0])
    assert (body["gap"]["reliability"], body["gap"]["interpretable"]) == (None, None)
    assert {body["reasons"][path] for path in OF_RELIABILITY + OF_ERRORS} == {"items_disagree"}


def test_an_interval_of_a_score_does_not_leave_its_scale() -> None:
    body = shown(organisation([(5, 1)] * 19 + [(1, 5)]))
    assert (body["satisfaction"]["ci_high"], body["engagement"]["ci_low"]) == (100, 0)


def test_the_position_of_ten_to_nineteen_follows_from_scores_shown_and_the_spread_of_all() -> None:
    random = np.random.default_rng(4)
    teams = np.repeat([1, 2, 3], [12, 9, 60])
    answers = random.integers(1, 6, size=(81, 2))
    answers[teams == 1] = np.clip(answers[teams == 1], 1, 3)
    wave = wave_of(THREE_QUESTIONS_EACH, np.repeat(answers, 3, axis=1), teams, (None, 0, 0, 0))
    whole, team, few, _ = map(shown, headline(wave).values())
    assert (team["precision"], few["position"], few["reasons"]["position"]) == ("banded", None, "under_ten")
    sds = whole["satisfaction"]["sd"], whole["engagement"]["sd"]
    r = np.corrcoef(answers.T)[0, 1]
    scores = team["satisfaction"]["score"], team["engagement"]["score"]
    expected = position(12, scores, sds, r)
    assert expected is not None
    assert team["position"]["quadrant"] == expected.quadrant == "detached"
    assert team["position"]["probability"] == 0.95, "as a share of a banded group is told"
    assert team["position"]["ellipse"]["semi_major"] == round(expected.ellipse.semi_major)


def test_a_banded_group_does_not_tell_that_its_answers_were_alike() -> None:
    alike, varied = shown(organisation([(3, 3)] * 12)), shown(organisation([(2, 4), (3, 3), (4, 2)] * 4))
    assert alike["reasons"] == varied["reasons"]
    assert alike["satisfaction"]["ci_low"] is not None
    assert alike["satisfaction"]["ci_high"] is not None
    assert alike["satisfaction"]["ci_low"] < alike["satisfaction"]["score"] < alike["satisfaction"]["ci_high"]
    assert alike["gap"]["ci_low"] is not None
    assert alike["gap"]["ci_low"] < alike["gap"]["mean"]


def test_zero_variance_is_said_from_twenty_on() -> None:
    answers = [(3, 4)] * 20
    result, came = shown(organisation(answers, invited=40)), shown(participating(answers, invited=40))
    assert (result["satisfaction"]["sd"], result["gap"]["mean"]) == (0, 25)
    assert {path for path, reason in result["reasons"].items() if reason == "zero_variance"} == {
        "satisfaction.ci_low",
        "satisfaction.ci_high",
        "engagement.ci_low",
        "engagement.ci_high",
        "gap.ci_low",
        "gap.ci_high",
        "gap.dz",
        "position",
    }
    assert came["reasons"]["satisfaction.ci_low"] == "zero_variance"
    assert came["satisfaction"]["bound_low"] == 25
    assert_wire_ready(result)
    assert_wire_ready(came)


@given(st.integers(6, 40), st.integers(0, 30), st.integers(0, 1000))
@settings(max_examples=examples(30))
def test_worst_case_bounds_hold_the_worst_cases_however_a_group_is_rounded(
    n: int, silent: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    own = random.choice([1, 2, 3, 4, 5], size=(n, 2), p=random.dirichlet(np.ones(5)))
    beside = random.integers(1, 6, size=(60, 2))
    wave = wave_of(
        THREE_QUESTIONS_EACH,
        np.repeat(np.r_[own, beside], 3, axis=1),
        [1] * n + [2] * 12 + [0] * 48,
        (None, 0, 0),
        invited=[48, n + silent + 3, 12],
    )
    came, mean = shown(participation(wave)[1])["satisfaction"], 25 * float(own[:, 0].mean() - 1)
    least = n * mean / (n + silent + 3)
    most = least + 100 * (silent + 3) / (n + silent + 3)
    assert came["bound_low"] <= least + 1e-9
    assert came["bound_high"] >= most - 1e-9
    assert came["bound_high"] - came["bound_low"] <= most - least + (3 if 5 <= mean <= 95 else 8)


def test_everybody_answered_leaves_a_finite_population_interval_without_width() -> None:
    finite = shown(participating([(2, 4), (4, 3)] * 15, invited=30))["satisfaction"]
    assert finite == dict.fromkeys(("score", "ci_low", "ci_high", "bound_low", "bound_high"), 50)


def test_around_a_banded_team_numbers_are_whole() -> None:
    random = np.random.default_rng(7)
    members = np.repeat([0, 1, 2, 3], [40, 20, 10, 30]).tolist()
    wave = wave_of(FACETED, random_answers(random, 100), members, [None, 0, 1, 1], k=3)
    results = [shown(result) for result in headline(wave).values()]
    assert [result["precision"] for result in results] == ["exact", "integer", "banded", "integer"]
    large = results[3]
    for whole in (
        large["satisfaction"]["score"],
        large["satisfaction"]["ci_low"],
        large["satisfaction"]["sd"],
        large["gap"]["mean"],
    ):
        assert whole is not None
        assert whole == round(whole)
    for hundredths in (
        large["satisfaction"]["favourable"],
        large["gap"]["dz"],
        large["quadrants"]["shares"]["content"]["ci_high"],
    ):
        assert hundredths is not None
        assert hundredths == round(hundredths, 2)


@pytest.mark.parametrize(("invited", "reason"), [(None, "no_frame"), (31, "few_silent"), (32, "few_silent")])
def test_without_invited_nothing_that_tells_it(invited: int | None, reason: str) -> None:
    result = shown(organisation([(2, 4), (4, 3)] * 15, invited=invited))
    assert result["invited"] is None
    assert result["reasons"]["invited"] == reason
    assert_wire_ready(result)


@pytest.mark.parametrize("invited", [31, 32])
def test_participation_without_invited_has_its_scores_alone(invited: int) -> None:
    came = shown(participating([(2, 4), (4, 3)] * 15, invited=invited))
    assert came["invited"] is None
    assert set(came["reasons"].values()) == {"few_silent"}
    assert came["satisfaction"]["score"] == 50
    assert_wire_ready(came)


def test_there_is_no_participation_without_a_frame() -> None:
    came = participating([(2, 4), (4, 3)] * 15, invited=None)
    assert came == {"status": "undefined", "reason": "no_frame", "n": 30}
    assert participating([(2, 4)] * 4, invited=None) == {"status": "suppressed", "reason": "below_minimum"}


def test_a_suppressed_group_has_no_number_at_all() -> None:
    assert organisation([(2, 4)] * 4) == {"status": "suppressed", "reason": "below_minimum"}


@pytest.mark.parametrize("dimension", ["satisfaction", "engagement", "outcome"])
def test_a_questionnaire_of_one_dimension_leaves_every_group_undefined(dimension: str) -> None:
    instrument = instrument_of((dimension, "pay"), (dimension, "effort"))
    wave = wave_of(instrument, [(1, 5)] * 30, [0] * 30, [None, 0], invited=[20, 20])
    undefined = {"status": "undefined", "reason": "dimension_missing", "n": 0}
    assert headline(wave) == participation(wave) == {0: undefined, 1: undefined}


@pytest.mark.parametrize("rows", [[], [(NOT_ANSWERED, NOT_APPLICABLE)] * 30, [(3, NOT_APPLICABLE)] * 30])
def test_nobody_with_both_scores_shows_nothing(rows: list[tuple[int, int]]) -> None:
    hidden = {0: {"status": "suppressed", "reason": "below_minimum"}}
    wave = wave_of(ONE_QUESTION_EACH, rows, invited=[40])
    assert headline(wave) == participation(wave) == hidden


def test_reversing_every_question_mirrors_the_scores() -> None:
    rows = [(5, 2), (4, 4), (3, 1), (2, 2)] * 6
    turned = replace(ONE_QUESTION_EACH, is_reversed=[True, True])
    result, mirrored = (
        shown(headline(wave_of(instrument, rows))[0]) for instrument in (ONE_QUESTION_EACH, turned)
    )
    assert mirrored["satisfaction"]["score"] == pytest.approx(100 - result["satisfaction"]["score"])
    assert mirrored["gap"]["mean"] == pytest.approx(-result["gap"]["mean"])
    assert mirrored["satisfaction"]["favourable"] == result["satisfaction"]["unfavourable"]


def test_the_order_of_persons_changes_nothing() -> None:
    random = np.random.default_rng(3)
    answers, members = random_answers(random, 80), random.integers(0, 3, 80)
    order = random.permutation(80)
    there = headline(wave_of(FACETED, answers, members.tolist(), [None, 0, 0]))
    again = headline(wave_of(FACETED, answers[order], members[order].tolist(), [None, 0, 0]))
    for one, other in zip(there.values(), again.values(), strict=True):
        assert shown(one)["satisfaction"]["score"] == pytest.approx(shown(other)["satisfaction"]["score"])
        assert shown(one)["gap"]["dz"] == pytest.approx(shown(other)["gap"]["dz"])


def kept(body: Body) -> Body:
    names = ("status", "reason", "precision", "n", "invited", "responded")
    return {name: body[name] for name in names if name in body}


@pytest.mark.nightly
@given(st.integers(0, 10_000))
@settings(max_examples=examples(12))
def test_which_groups_are_shown_depends_on_who_answered_not_on_what(seed: int) -> None:
    random = np.random.default_rng(seed)
    answers, members = random_answers(random, 60), random.integers(0, 6, 60)
    others = np.where(answers < 0, answers, random.integers(1, 6, answers.shape)).astype(np.int16)
    alike = np.where(answers < 0, answers, 4).astype(np.int16)
    invited, parents = (np.bincount(members, minlength=6) + 1).tolist(), [None, 0, 0, 1, 1, 2]
    given_by = []
    for version in (answers, others, alike):
        wave = wave_of(FACETED, version, members.tolist(), parents, invited=invited, k=3)
        given_by.append([kept(body) for block in (headline, participation) for body in block(wave).values()])
    assert given_by[0] == given_by[1] == given_by[2]


@pytest.mark.nightly  # a hundred thousand persons
def test_a_hundred_thousand_persons_in_two_thousand_groups() -> None:
    random = np.random.default_rng(5)
    parents = [None, *(int(random.integers(0, group)) for group in range(1, 2000))]
    dimensions = ["satisfaction"] * 12 + ["engagement"] * 18 + ["outcome"] * 3
    instrument = instrument_of(
        *((dimension, str(question // 2)) for question, dimension in enumerate(dimensions)),
        is_reversed=[question % 5 == 0 for question in range(33)],
    )
    answers = random.integers(1, 6, size=(100_000, 33)).astype(np.int16)
    members = random.integers(0, 2000, 100_000)
    invited = (np.bincount(members) + 5).tolist()
    wave = wave_of(instrument, answers, members.tolist(), parents, invited=invited)
    bodies = headline(wave)
    assert shown(bodies[0])["n"] == 100_000
    assert len(bodies) == 2000
