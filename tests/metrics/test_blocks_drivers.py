from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics import names
from app.metrics.blocks.drivers import CRITERIA, analyse
from app.metrics.blocks.wave import Choices, Wave
from app.metrics.formulas import relative_importance, shrinkage
from app.metrics.sample import Instrument
from app.metrics.schemas import TreeRef
from app.metrics.schemas.drivers import DriversGroup
from app.metrics.schemas.levers import LeversGroup
from app.metrics.views.screens import worded_drivers, worded_levers
from tests.examples import examples
from tests.metrics.told import Body, drivers, levers
from tests.metrics.waves import wave_of
from tests.metrics.worlds import (
    LEVERS,
    NO_CORE,
    NO_LEVERS,
    SOMEWHERE,
    WITH_LEVERS,
    answers_to,
    any_wave,
    assert_wire_ready,
    hiding,
    nearly,
    shuffled,
    world,
)

AT = TreeRef.model_validate(SOMEWHERE)
BOND, CLARITY, OVERALL, STAY = 1, 2, 6, 7


def of_organisation(wave: Wave) -> tuple[Body, Body]:
    analyses = analyse(wave)
    return drivers(wave, analyses)[0], levers(wave, analyses)[0]


def criterion(wave: Wave, name: str = CRITERIA[0]) -> Body:
    found: Body = next(one for one in of_organisation(wave)[0]["criteria"] if one["criterion"] == name)
    return found


def lever(body: Body, name: str) -> Body:
    found: Body = next(one for one in body["levers"] if one["lever"] == name)
    return found


def whole(answers: NDArray[np.int16], instrument: Instrument = WITH_LEVERS) -> Wave:
    return wave_of(instrument, answers)


def scored(*columns: Any) -> NDArray[np.int16]:
    return np.clip(np.round(np.column_stack(columns)), 0, 10).astype(np.int16)


def one_lever_matters(persons: int = 400) -> NDArray[np.int16]:
    """Engagement goes with recognition, which is low."""
    random = np.random.default_rng(2)
    clarity, recognition, growth = random.normal([8, 3, 5], 1.5, size=(persons, 3)).T
    noise = random.normal(size=(persons, 5))
    bond = recognition + 2 + 0.5 * noise[:, 0]
    rest = 6 + noise[:, 1:].T
    return scored(rest[0], bond, clarity, recognition, growth, *rest[1:])


def test_importance_is_that_of_the_formula_over_those_with_every_score() -> None:
    answers = answers_to(WITH_LEVERS, 300, 1)
    answers[:9, CLARITY] = -1
    answers[9:20, STAY] = -1
    wave = whole(answers)
    for name, column in zip(CRITERIA, (BOND, STAY, OVERALL), strict=True):
        found = criterion(wave, name)
        kept = (answers[:, [column, 2, 3, 4]] >= 0).all(axis=1)
        expected = relative_importance(answers[kept][:, column], answers[kept][:, 2:5])
        assert (found["n"], found["r2"]) == (expected.n, pytest.approx(expected.r2))
        told = [(one["lever"], one["share"], one["r"]) for one in found["levers"]]
        assert told == [
            (key, pytest.approx(driver.share), pytest.approx(driver.r))
            for key, driver in zip(LEVERS, expected.drivers, strict=True)
        ]
        assert found["r2_ci_low"] < found["r2"] < found["r2_ci_high"]
        for one in found["levers"]:
            assert one["ci_low"] < one["share"] < one["ci_high"]
            assert 1 <= one["rank_low"] <= one["rank_high"] <= 3
            assert one["sign"] == "positive"


def test_noise_is_told_as_r2_alone_and_no_lever_of_it() -> None:
    random = np.random.default_rng(10)
    found = criterion(whole(random.integers(0, 11, size=(300, 8)).astype(np.int16)))
    assert (found["status"], found["is_associated"], found["left_out"]) == ("ok", False, 0)
    assert found["r2_ci_low"] <= found["r2_adjusted"] < found["r2"] < 0.1 < 1 - (found["p"] or 0)
    assert {one["reason"] for one in found["levers"]} == {"no_association"}
    assert found["reasons"] == {"chance_share": "no_association"}


def test_a_lever_is_above_chance_where_it_explains_more_than_a_random_one() -> None:
    found = criterion(whole(one_lever_matters()))
    assert found["is_associated"]
    assert {one["lever"]: one["above_chance"] for one in found["levers"]} == {
        "clarity": False,
        "recognition": True,
        "growth": False,
    }
    assert 0 < found["chance_share"] < 0.05


def test_a_lever_that_may_be_first_by_chance_is_not_advised() -> None:
    random = np.random.default_rng(1)
    clarity, recognition, growth = random.normal([4, 8.5, 4], 1, size=(400, 3)).T
    noise = random.normal(size=(400, 5))
    bond = recognition - 3 + (clarity + growth) / 20 + 0.7 * noise[:, 0]
    rest = 6 + noise[:, 1:].T
    _, road = of_organisation(whole(scored(rest[0], bond, clarity, recognition, growth, *rest[1:])))
    assert (road["top"], road["tie_set"], road["reasons"]["top"]) == (None, [], "within_chance")


def test_engagement_is_held_against_the_core_alone() -> None:
    answers = answers_to(WITH_LEVERS, 200, 3)
    random = np.random.default_rng(1)
    answers[:, BOND] = random.integers(0, 11, 200)
    found = criterion(whole(answers))
    assert found["r2"] < 0.1, "the levers are part of engagement, not of its core"


def test_few_who_lack_a_score_leave_with_others_so_that_nobody_is_singled_out() -> None:
    answers = answers_to(WITH_LEVERS, 300, 4)
    assert criterion(whole(answers))["n"] == 300
    answers[0, CLARITY] = -1
    assert criterion(whole(answers))["n"] == 295
    answers[1:6, CLARITY] = -1
    assert criterion(whole(answers))["n"] == 294


@pytest.mark.nightly
@given(st.integers(0, 1000))
@settings(max_examples=examples(3))
def test_between_analysed_groups_none_or_enough_are_left_out_and_kept(seed: int) -> None:
    answers = answers_to(WITH_LEVERS, 700, seed, missing=0.004)
    wave = world(WITH_LEVERS, answers, seed, teams=(0, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4))
    analyses = analyse(wave)
    assert {0, 1, 2, 4} <= analyses.keys()
    parts = {0: (1, 4), 1: (2, 3), 2: (), 3: (), 4: ()}
    for name in CRITERIA:
        kept = {
            ordinal: own[name].found.n for ordinal, own in analyses.items() if not isinstance(own[name], dict)
        }
        for ordinal, n in kept.items():
            below = [part for part in parts[ordinal] if part in kept]
            sizes = wave.n(ordinal) - sum(wave.n(part) for part in below)
            rest = n - sum(kept[part] for part in below)
            assert rest == 0 or rest >= 5
            assert sizes - rest == 0 or sizes - rest >= 5


def test_fewer_than_a_hundred_are_too_few_and_so_are_they_of_one_group() -> None:
    few, enough = (of_organisation(whole(answers_to(WITH_LEVERS, n, 5)))[0] for n in (99, 100))
    assert few == {"status": "insufficient", "reason": "too_few_persons", "n": 99}
    assert enough["criteria"][0]["status"] == "ok"
    answers = answers_to(WITH_LEVERS, 104, 5)
    answers[:5, BOND] = -1
    answers[:5, STAY] = -1
    told = {one["criterion"]: one for one in of_organisation(whole(answers))[0]["criteria"]}
    assert told["intent_to_stay"] == {
        "criterion": "intent_to_stay",
        "status": "insufficient",
        "reason": "too_few_persons",
        "n": 99,
    }
    assert told["overall_satisfaction"]["status"] == "ok"


def test_a_questionnaire_without_levers_or_without_the_question_says_so() -> None:
    bodies = of_organisation(whole(answers_to(NO_LEVERS, 200, 6), NO_LEVERS))
    assert bodies == ({"status": "undefined", "reason": "no_levers", "n": 200},) * 2
    found, road = of_organisation(whole(answers_to(NO_CORE, 200, 6), NO_CORE))
    assert found["criteria"][0]["reason"] == "question_missing"
    assert found["criteria"][1]["status"] == "ok"
    assert (road["top"], road["reasons"]["top"]) == (None, "question_missing")
    assert road["levers"][0]["reasons"]["importance"] == "question_missing"


def test_levers_and_criteria_without_variance() -> None:
    answers = answers_to(WITH_LEVERS, 200, 7)
    answers[:, CLARITY] = 6
    found, road = of_organisation(whole(answers))
    flat = lever(found["criteria"][0], "clarity")
    assert flat == {"lever": "clarity", "status": "undefined", "reason": "zero_variance"}
    assert lever(road, "clarity")["reasons"]["priority"] == "zero_variance"
    assert lever(road, "recognition")["priority"] is not None
    answers[:, BOND] = 5
    assert criterion(whole(answers))["reason"] == "zero_variance"


def test_a_lever_within_the_core_and_one_asked_twice_are_flagged() -> None:
    answers = answers_to(WITH_LEVERS, 200, 8)
    assert criterion(whole(answers))["flags"] == []
    assert criterion(whole(answers), "intent_to_stay")["flags"] == ["linear_approximation"]
    circular = replace(WITH_LEVERS, role=["basic", "core", "core", *["condition"] * 2, *["outcome"] * 3])
    assert criterion(whole(answers, circular))["flags"] == ["part_of_criterion"]
    answers[:, 3] = answers[:, 2]
    assert criterion(whole(answers))["flags"] == ["singular"]


def test_whole_teams_are_drawn_where_their_members_are_alike() -> None:
    random = np.random.default_rng(9)
    alike = random.normal(5, 2, size=(30, 8))

    def sampled(teams: int, spread: float) -> Body:
        team = np.repeat(np.arange(1, teams + 1), 600 // teams)
        answers = scored(alike[team % 30] * spread + 5 * (1 - spread) + random.normal(size=(len(team), 8)))
        wave = wave_of(WITH_LEVERS, answers, team.tolist(), (None, *[0] * teams))
        return criterion(wave)

    assert sampled(30, 1)["resampled"] == "teams"
    assert sampled(30, 0)["resampled"] == "persons"
    few = sampled(10, 1)
    assert (few["resampled"], few["flags"]) == ("persons", ["few_teams"])


# ------------------------------------------------------------------ the road from satisfied to engaged


def test_the_lever_that_matters_and_is_low_comes_first() -> None:
    _, road = of_organisation(whole(one_lever_matters()))
    assert (road["top"], road["tie_set"], road["target"]) == ("recognition", [], 75)
    first = lever(road, "recognition")
    assert first["is_top"]
    assert first["rank_probability"] > 0.99
    assert first["priority"] == pytest.approx(first["importance"] * (75 - first["score"]) / 100)
    assert lever(road, "clarity")["priority"] == 0
    assert lever(road, "clarity")["score"] > 75


def test_where_two_come_first_about_as_often_they_are_tied() -> None:
    random = np.random.default_rng(0)
    clarity, recognition, growth = random.normal(4, 1.5, size=(3, 250))
    bond = (clarity + recognition + growth) / 3 + random.normal(size=250)
    rest = np.full((5, 250), 5.0)
    _, road = of_organisation(whole(scored(rest[0], bond, clarity, recognition, growth, *rest[1:4])))
    assert road["top"] is None
    assert road["reasons"] == {"top": "tie"}
    assert len(road["tie_set"]) >= 2
    assert sum(lever(road, name)["rank_probability"] for name in road["tie_set"]) >= 0.8
    chances = [lever(road, name)["rank_probability"] for name in road["tie_set"]]
    assert chances == sorted(chances, reverse=True)


def test_without_a_relation_there_is_no_order() -> None:
    random = np.random.default_rng(10)
    _, road = of_organisation(whole(random.integers(0, 11, size=(300, 8)).astype(np.int16)))
    assert (road["top"], road["tie_set"], road["reasons"]) == (None, [], {"top": "no_association"})
    for one in road["levers"]:
        assert (one["importance"], one["priority"], one["rank_probability"]) == (None, None, None)
        assert (one["is_top"], one["reasons"]["importance"]) == (False, "no_association")


def test_at_the_target_nothing_comes_first() -> None:
    answers = answers_to(WITH_LEVERS, 300, 11)
    answers[:, 2:5] = np.clip(answers[:, 2:5] + 5, 8, 10)
    _, road = of_organisation(whole(answers))
    assert (road["top"], road["reasons"]["top"]) == (None, "at_target")
    assert {one["priority"] for one in road["levers"]} == {0}


def test_small_groups_have_scores_in_bands_and_hidden_levers_nothing() -> None:
    wave = hiding(
        world(WITH_LEVERS, answers_to(WITH_LEVERS, 200, 12), teams=(1, *[2] * 5, 3, *[4] * 6)),
        {"lever:clarity": {0: "incomplete_cover", 2: "incomplete_cover"}},
    )
    found = levers(wave, analyse(wave))
    hidden = {"lever": "clarity", "status": "suppressed", "reason": "incomplete_cover"}
    assert lever(found[2], "clarity") == lever(found[0], "clarity") == hidden
    assert "clarity" not in [found[0]["top"], *found[0]["tie_set"]]
    assert found[3]["precision"] == "banded"
    banded = lever(found[3], "growth")
    assert (banded["score"], banded["sd"], banded["reasons"]["sd"]) == (
        round(banded["score"]),
        None,
        "banded",
    )


@given(any_wave(), st.integers(0, 9))
@settings(max_examples=examples(8))
def test_any_wave_has_an_analysis_or_reasons_and_the_order_of_persons_decides_nothing(
    wave: Wave, seed: int
) -> None:
    analyses = analyse(wave)
    again = shuffled(wave, seed)
    analyses_again = analyse(again)
    for block, metric, worded, of_group in (
        (drivers, names.DRIVERS, worded_drivers, DriversGroup),
        (levers, names.LEVERS, worded_levers, LeversGroup),
    ):
        found = block(wave, analyses)
        kept = [(AT, metric.numbers.validate_python(body)) for body in found.values()]
        told = [worded(*one, "nl").model_dump(exclude={"group"}) for one in kept]
        assert_wire_ready(dict(zip(found, told, strict=True)), of_group)
        assert found.keys() == wave.plan.decisions.keys()
        assert block(again, analyses_again) == nearly(found)


# ------------------------------------------------------------------ levers that are hidden


def road_without(name: str, answers: NDArray[np.int16]) -> Body:
    wave = hiding(whole(answers), {f"lever:{name}": {0: "incomplete_cover"}})
    return levers(wave, analyse(wave))[0]


def test_a_hidden_lever_that_may_be_first_is_said_to_be_there() -> None:
    road = road_without("recognition", one_lever_matters())
    assert (road["top"], road["tie_set"], road["reasons"]) == (None, [], {"top": "hidden_lever"})
    assert not any(one["is_top"] for one in road["levers"] if one["status"] == "ok")
    assert road_without("clarity", one_lever_matters())["top"] == "recognition"


def test_all_are_at_the_target_only_if_the_hidden_one_is() -> None:
    answers = answers_to(WITH_LEVERS, 300, 11)
    answers[:, 2:5] = np.clip(answers[:, 2:5] + 5, 8, 10)
    assert road_without("clarity", answers)["reasons"]["top"] == "at_target"
    answers[:, CLARITY] = np.clip(answers[:, CLARITY] - 5, 0, 10)
    assert road_without("clarity", answers)["reasons"]["top"] == "hidden_lever"


def test_a_lever_that_goes_with_less_engagement_is_not_advised() -> None:
    answers = one_lever_matters()
    answers[:, BOND] = 10 - answers[:, BOND]
    _, road = of_organisation(whole(answers))
    assert (road["top"], road["tie_set"], road["reasons"]["top"]) == (None, [], "inverse_relation")


# ------------------------------------------------------------------ small teams


def road_of_small_teams(answers: NDArray[np.int16], hidden: Any = ()) -> tuple[Wave, dict[int, Body]]:
    """Team 3 has fewer than 20, team 2 fewer than 100."""
    wave = world(WITH_LEVERS, answers, teams=(1, *[2] * 6, 3, *[4] * 20))
    wave = hiding(wave, dict(hidden))
    assert (wave.n(2), wave.n(3)) == (75, 16)
    return wave, levers(wave, analyse(wave))


def test_small_teams_are_advised_by_their_own_scores_and_the_importance_of_all() -> None:
    _, found = road_of_small_teams(one_lever_matters())
    for team in (2, 3):
        assert (found[team]["importance_of"], found[team]["top"]) == ("organization", "recognition")
        first = lever(found[team], "recognition")
        assert first["importance"] == lever(found[0], "recognition")["importance"]
        assert first["score"] != lever(found[0], "recognition")["score"]
        assert first["priority"] == pytest.approx(first["importance"] * (75 - first["shrunken"]) / 100)
        assert first["rank_probability"] >= 0.9
    assert {found[team]["importance_of"] for team in (0, 1, 4)} == {"group"}


def test_the_score_that_counts_is_drawn_towards_other_teams_from_what_is_shown() -> None:
    wave, found = road_of_small_teams(one_lever_matters())
    teams = [2, 3]
    shown = [lever(found[team], "growth") for team in teams]
    spread = [shown[0]["sd"], wave.both.levers["growth"].std(ddof=1)]
    n = np.array([one["n"] for one in shown])
    within = (n - 1) @ np.square(spread) / (n - 1).sum()
    drawn = shrinkage([one["score"] for one in shown], within / n)
    assert [one["shrunken"] for one in shown] == [round(mean) for mean in drawn.means]
    assert lever(found[0], "growth")["reasons"]["shrunken"] == "too_few_groups"


def test_without_an_analysis_of_the_organisation_nothing_can_be_borrowed() -> None:
    wave = world(WITH_LEVERS, answers_to(WITH_LEVERS, 90, 1))
    for road in levers(wave, analyse(wave)).values():
        assert (road["importance_of"], road["top"]) == (None, None)
        assert set(road["reasons"].values()) == {"too_few_persons"}


def test_a_small_team_is_told_where_the_whole_says_little() -> None:
    random = np.random.default_rng(10)
    _, found = road_of_small_teams(random.integers(0, 11, size=(400, 8)).astype(np.int16))
    assert (found[3]["importance_of"], found[3]["reasons"]["top"]) == ("organization", "no_association")


@pytest.mark.nightly
def test_a_hidden_lever_of_a_small_team_may_be_first_and_is_never_at_the_target() -> None:
    hidden = {"lever:recognition": {3: "incomplete_cover"}}
    _, found = road_of_small_teams(one_lever_matters(), hidden)
    assert (found[3]["top"], found[3]["reasons"]["top"]) == (None, "hidden_lever")
    answers = answers_to(WITH_LEVERS, 400, 11)
    answers[:, 2:5] = np.clip(answers[:, 2:5] + 5, 8, 10)
    assert road_of_small_teams(answers)[1][3]["reasons"]["top"] == "at_target"
    assert road_of_small_teams(answers, hidden)[1][3]["reasons"]["top"] != "at_target"


def test_a_small_team_is_not_sent_to_a_lever_that_its_own_score_has_at_the_target() -> None:
    answers = one_lever_matters()
    members = world(WITH_LEVERS, answers, teams=(1, *[2] * 6, 3, *[4] * 20)).sample.places.team
    answers[members == 3, 3] = 9
    _, found = road_of_small_teams(answers)
    assert lever(found[3], "recognition")["score"] >= 75
    assert found[3]["top"] != "recognition"
    assert "recognition" not in found[3]["tie_set"]


@pytest.mark.nightly
def test_another_target_is_the_one_that_all_is_measured_by() -> None:
    wave, _ = road_of_small_teams(one_lever_matters())
    lower = replace(wave, choices=Choices(target=20))
    for team, road in levers(lower, analyse(lower)).items():
        assert (road["target"], road["top"], road["reasons"]["top"]) == (20, None, "at_target"), team
    first = levers(replace(wave, choices=Choices(target=60)), analyse(wave))[0]["levers"][1]
    assert first["priority"] == pytest.approx(first["importance"] * (60 - first["score"]) / 100)
