from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics.blocks.heatmap import heatmap_columns
from app.metrics.blocks.wave import Choices, Wave
from app.metrics.formulas import Moments, benjamini_hochberg, independent_change, shrinkage, versus_rest
from app.metrics.schemas.heatmap import HeatmapGroup
from tests.examples import examples
from tests.metrics.told import heatmap
from tests.metrics.waves import wave_of
from tests.metrics.worlds import (
    NO_LEVERS,
    TWO_QUESTIONS,
    WITH_LEVERS,
    answers_to,
    any_wave,
    assert_wire_ready,
    hiding,
    nearly,
    shuffled,
    with_categories,
    world,
)


def test_a_cell_is_the_group_against_everybody_else() -> None:
    wave = world(WITH_LEVERS, answers_to(WITH_LEVERS, 400, 1))
    found, columns = heatmap(wave), heatmap_columns(WITH_LEVERS)
    assert columns[:3] == ["satisfaction", "engagement", "facet:pay"]
    values = {**wave.both.dimensions, **{f"facet:{name}": own for name, own in wave.both.facets.items()}}
    for place, column in enumerate(columns):
        p_values = []
        for ordinal in (1, 2, 3, 4):
            within, cell = wave.rollup.persons(ordinal), found[ordinal]["cells"][place]
            change = independent_change(values[column][~within], values[column][within])
            assert change.test is not None
            told = [cell[name] for name in ("difference", "ci_low", "ci_high", "g", "score")]
            assert told == pytest.approx(
                [
                    change.mean,
                    change.test.ci.low,
                    change.test.ci.high,
                    change.g,
                    values[column][within].mean(),
                ]
            )
            p_values.append(change.test.p)
        assert [found[ordinal]["cells"][place]["q"] for ordinal in (1, 2, 3, 4)] == pytest.approx(
            benjamini_hochberg(p_values)
        )
    assert found[0] == {"status": "undefined", "reason": "no_rest", "n": 400}


@given(st.integers(0, 1000))
@settings(max_examples=examples(8))
def test_cells_are_exact_and_rounded_after_and_those_of_a_small_group_within_the_ends_shown(
    seed: int,
) -> None:
    wave = world(TWO_QUESTIONS, answers_to(TWO_QUESTIONS, 60, seed), seed, teams=(1, 2, 2, 3, 4, 4))
    found = {ordinal: body for ordinal, body in heatmap(wave).items() if body["status"] == "ok"}
    values = wave.both.dimensions["satisfaction"]
    whole = Moments(60, float(values.mean()), float(values.std(ddof=1)))
    told = []
    for ordinal, body in found.items():
        sd = {
            "banded": max(whole.sd or 0, 5.0),
        }.get(body["precision"], values[wave.rollup.persons(ordinal)].std(ddof=1))
        mean = float(values[wave.rollup.persons(ordinal)].mean())
        within = np.clip(mean, 5, 95) if body["precision"] == "banded" else mean
        told.append(Moments(body["n"], float(within), float(sd)))
    for (ordinal, body), cell in zip(found.items(), versus_rest(told, whole), strict=True):
        assert cell.test is not None
        own = body["cells"][0]
        assert own["state"] == cell.state
        if body["precision"] == "exact":
            assert own["difference"] == pytest.approx(cell.test.mean)
        else:
            ends = (cell.test.mean, cell.test.ci.low, cell.test.ci.high)
            assert [own["difference"], own["ci_low"], own["ci_high"]] == [round(end) for end in ends]
        assert (own["q"] is None) == (body["precision"] == "banded"), ordinal


def test_a_facet_of_a_small_group_is_compared_by_the_score_that_is_shown() -> None:
    answers = answers_to(NO_LEVERS, 60, 5)
    place = heatmap_columns(NO_LEVERS).index("facet:hours")
    wave = wave_of(NO_LEVERS, answers, [1] * 12 + [0] * 48, (None, 0))
    cell, values = heatmap(wave)[1]["cells"][place], wave.both.facets["hours"]
    rest = (values.sum() - 12 * cell["score"]) / 48
    assert cell["difference"] == round(cell["score"] - rest)


def test_a_difference_too_small_to_matter_is_no_difference_and_one_too_unsure_says_what_would_show() -> None:
    wave = world(WITH_LEVERS, answers_to(WITH_LEVERS, 400, 1))
    cell = heatmap(wave)[1]["cells"][0]
    half = cell["difference"] - cell["ci_low"]
    assert half < cell["detectable"] < 2 * half
    assert heatmap(wave)[1]["smallest_change"] == 5
    every = heatmap(replace(wave, choices=Choices(smallest_change=50)))[1]
    assert {cell["state"] for cell in every["cells"]} == {"practically_equal"}
    assert every["smallest_change"] == 50


def two_teams(first: int, second: int, k: int = 5) -> Wave:
    answers = answers_to(TWO_QUESTIONS, first + second, 3)
    return wave_of(TWO_QUESTIONS, answers, [1] * first + [0] * second, (None, 0), k=k)


def test_a_rest_too_small_to_show_is_not_compared_with() -> None:
    lone, hidden, shown = two_teams(30, 0), two_teams(30, 4), two_teams(30, 5)
    assert heatmap(lone)[1]["cells"][0] == {"status": "undefined", "reason": "no_rest"}
    assert heatmap(hidden)[1] == {"status": "suppressed", "reason": "complementary"}
    assert heatmap(shown)[1]["cells"][0]["status"] == "ok"


def test_where_a_score_is_hidden_so_is_its_cell_and_the_organisations_hides_all() -> None:
    wave = world(NO_LEVERS, answers_to(NO_LEVERS, 200, 5))
    place = heatmap_columns(NO_LEVERS).index("facet:hours")
    one = heatmap(hiding(wave, {"facet:hours": {4: "incomplete_cover"}}))
    assert one[4]["cells"][place] == {"status": "suppressed", "reason": "incomplete_cover"}
    assert one[1]["cells"][place]["status"] == "ok"
    every = heatmap(hiding(wave, {"facet:hours": {0: "incomplete_cover"}}))
    assert {every[ordinal]["cells"][place]["status"] for ordinal in (1, 2, 3, 4)} == {"suppressed"}


def test_a_facet_that_nearly_nobody_or_nearly_everybody_else_answered_is_not_compared() -> None:
    answers = answers_to(NO_LEVERS, 80, 5)
    answers[3:40, 1] = -1
    members = [1] * 40 + [0] * 40
    few = heatmap(wave_of(NO_LEVERS, answers, members, (None, 0)))
    place = heatmap_columns(NO_LEVERS).index("facet:hours")
    assert few[1]["cells"][place] == {"status": "suppressed", "reason": "below_minimum"}
    answers[:40, 1], answers[43:, 1] = 5, -1
    rest = heatmap(wave_of(NO_LEVERS, answers, members, (None, 0)))
    assert rest[1]["cells"][place] == {"status": "undefined", "reason": "no_rest"}


def test_scores_shrink_towards_those_of_the_same_depth() -> None:
    wave = world(TWO_QUESTIONS, answers_to(TWO_QUESTIONS, 400, 7))
    found, values = heatmap(wave), wave.both.dimensions["satisfaction"]
    for family in ((1, 4), (2, 3)):
        own = [values[wave.rollup.persons(ordinal)] for ordinal in family]
        n = np.array([len(one) for one in own])
        within = sum(((one - one.mean()) ** 2).sum() for one in own) / (n - 1).sum()
        expected = shrinkage([one.mean() for one in own], within / n).means
        assert [found[ordinal]["cells"][0]["shrunken"] for ordinal in family] == pytest.approx(expected)
    alone = heatmap(two_teams(30, 30))[1]["cells"][0]
    assert (alone["shrunken"], alone["reasons"]["shrunken"]) == (None, "too_few_groups")


def test_categories_are_a_family_of_their_own() -> None:
    wave = world(TWO_QUESTIONS, answers_to(TWO_QUESTIONS, 300, 8))
    split = with_categories(wave, [row % 2 for row in range(300)], ["Utrecht", "Breda"])
    found = heatmap(split)
    north, south = found[5]["cells"][0], found[6]["cells"][0]
    assert north["difference"] == pytest.approx(-south["difference"])
    assert found[1]["cells"][0]["shrunken"] == heatmap(wave)[1]["cells"][0]["shrunken"]
    assert abs(north["shrunken"] - south["shrunken"]) <= abs(north["score"] - south["score"])


def test_all_alike_is_undefined_from_twenty_on_and_never_said_below() -> None:
    answers = np.full((60, 2), 4)
    found = heatmap(wave_of(TWO_QUESTIONS, answers, [1] * 30 + [0] * 30, (None, 0)))
    assert found[1]["cells"][0] == {"status": "undefined", "reason": "zero_variance"}
    small = heatmap(wave_of(TWO_QUESTIONS, answers, [1] * 9 + [0] * 51, (None, 0)))[1]["cells"][0]
    assert (small["status"], small["difference"], small["q"]) == ("ok", 0, None)
    assert small["ci_low"] < 0 < small["ci_high"]


@given(any_wave(), st.integers(0, 9))
@settings(max_examples=examples(12))
def test_any_wave_has_cells_or_reasons_and_the_order_of_persons_decides_nothing(
    wave: Wave, seed: int
) -> None:
    found = heatmap(wave)
    assert_wire_ready(found, HeatmapGroup)
    assert found.keys() == wave.plan.decisions.keys()
    assert heatmap(shuffled(wave, seed)) == nearly(found)
