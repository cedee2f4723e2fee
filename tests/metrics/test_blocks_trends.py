from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter

from app.metrics.blocks.enps import enps as enps_block
from app.metrics.blocks.headline import headline as headline_block
from app.metrics.blocks.pairs import MEASURES, incomparable
from app.metrics.blocks.wave import Choices, Wave
from app.metrics.formulas import (
    Moments,
    benjamini_hochberg,
    holm,
    independent_change,
    mcnemar,
    mean_difference,
    overlapping_change,
    paired_change,
)
from app.metrics.schemas.trends import Incomparable, MeasureName, Point, TrendGroup
from app.surveys.questionnaires.built_in import built_in
from tests.examples import examples
from tests.metrics.leak import leak
from tests.metrics.told import Bodies, Body, changes, enps, followed, headline
from tests.metrics.waves import wave_of
from tests.metrics.worlds import (
    TWO_QUESTIONS,
    WITH_LEVERS,
    answers_to,
    any_wave,
    assert_wire_ready,
    hiding,
    linked,
    nearly,
    shuffled,
    with_categories,
    with_facets,
    world,
)

EARLIER = UUID("0198f0d0-1c5e-7d0a-8a44-0f6f0a5b7e20")
Why = Mapping[MeasureName, Incomparable]
NONE: Why = {}
LEVERS_AND_HOURS = with_facets(WITH_LEVERS, ("satisfaction", "hours"))
FOUR_FACETS = with_facets(TWO_QUESTIONS, ("satisfaction", "hours"), ("engagement", "effort"))
"""Two facets a dimension, so that the gap is told with its spread."""
BUT_ENPS: Why = {"enps": "questions_changed"}
Questions = list[dict[str, Any]]
Answer = tuple[int, int]
"""The number of the wave, and who gave it."""


def since(
    wave: Wave,
    previous: Wave,
    incomparable: Why = NONE,
    erased: AbstractSet[int] = frozenset(),
    may_link: bool = True,
) -> Bodies:
    return changes(wave, replace(previous, survey_id=EARLIER), incomparable, erased, may_link)


def change(body: Body, measure: str) -> Body:
    found: Body = next(one for one in body["changes"] if one["measure"] == measure)
    return found


def repeated(bodies: Bodies, measure: str) -> Body:
    found: Body = next(one for one in bodies[0]["repeaters"][0]["measures"] if one["measure"] == measure)
    return found


def raised(answers: NDArray[np.int16], by: int, high: int) -> NDArray[np.int16]:
    return np.minimum(answers + by, high).astype(np.int16)


def two_waves(persons: int, seed: int, teams: Sequence[int] = (1, 2, 3, 4, 4)) -> tuple[Wave, Wave]:
    """The later one higher by two of eleven."""
    first = answers_to(LEVERS_AND_HOURS, persons, seed)
    second = raised(answers_to(LEVERS_AND_HOURS, persons, seed + 1), 2, 10)
    return world(LEVERS_AND_HOURS, second, seed, teams), world(LEVERS_AND_HOURS, first, seed, teams)


def values(wave: Wave, measure: str) -> NDArray[np.float64]:
    scores = wave.both.dimensions
    if measure == "gap":
        return scores["engagement"] - scores["satisfaction"]
    if measure == "enps":
        ratings = wave.sample.answers[wave.sample.both][:, 5]
        return np.where(ratings >= 9, 100.0, np.where(ratings <= 6, -100.0, 0.0))
    return scores[measure]


def test_unlinked_waves_are_compared_as_different_persons() -> None:
    wave, previous = two_waves(400, 1)
    found = since(wave, previous)
    p_values: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    for ordinal in range(5):
        now, then = wave.rollup.persons(ordinal), previous.rollup.persons(ordinal)
        for measure in MEASURES:
            own = change(found[ordinal], measure)
            expected = independent_change(values(previous, measure)[then], values(wave, measure)[now])
            assert expected.test is not None
            assert [own["difference"], own["ci_low"], own["ci_high"]] == pytest.approx(
                [expected.mean, expected.test.ci.low, expected.test.ci.high]
            )
            assert (own["pairing"], own["n_before"], own["n_after"]) == ("independent", then.sum(), now.sum())
            assert (own["from_survey"], own["to_survey"]) == (str(EARLIER), str(wave.survey_id))
            p_values[measure].append(expected.test.p)
    first = [change(found[0], measure)["q"] for measure in MEASURES]
    assert first == pytest.approx(holm([p_values[measure][0] for measure in MEASURES]).tolist())
    for measure in MEASURES:
        q = [change(found[ordinal], measure)["q"] for ordinal in range(1, 5)]
        assert q == pytest.approx(benjamini_hochberg(p_values[measure][1:]).tolist())
    assert change(found[0], "satisfaction")["verdict"] == "increased"
    assert change(since(previous, wave)[0], "satisfaction")["verdict"] == "decreased"
    assert change(since(wave, wave)[0], "satisfaction")["verdict"] == "practically_equal"


def test_how_much_matters_is_what_the_organisation_chose() -> None:
    wave, previous = two_waves(400, 1)
    own = change(since(wave, previous)[0], "satisfaction")
    assert (own["verdict"], own["smallest_change"]) == ("increased", 5)
    assert own["detectable"] > own["difference"] - own["ci_low"]
    more = replace(wave, choices=Choices(smallest_change=own["difference"] + 0.5))
    chosen = change(since(more, previous)[0], "satisfaction")
    assert (chosen["verdict"], chosen["smallest_change"]) == ("small_increase", own["difference"] + 0.5)
    assert change(since(previous, more)[0], "satisfaction")["smallest_change"] == 5
    most = replace(wave, choices=Choices(smallest_change=50))
    assert change(since(most, previous)[0], "satisfaction")["verdict"] == "practically_equal"


def test_with_links_the_interval_knows_who_answered_twice() -> None:
    first = answers_to(LEVERS_AND_HOURS, 400, 2)
    second = first.copy()
    second[200:] = answers_to(LEVERS_AND_HOURS, 200, 3)
    keys = range(400), [*range(200), *range(1000, 1200)]
    previous = linked(world(LEVERS_AND_HOURS, first, 2), list(keys[0]))
    wave = linked(world(LEVERS_AND_HOURS, second, 2), keys[1])
    own = change(since(wave, previous)[0], "satisfaction")
    nobody = np.full(200, np.nan)
    x, y = values(previous, "satisfaction"), values(wave, "satisfaction")
    expected = overlapping_change(np.r_[x, nobody], np.r_[y[:200], nobody, y[200:]])
    assert expected.test is not None
    assert (own["pairing"], own["difference"]) == ("partial", pytest.approx(expected.mean))
    assert [own["ci_low"], own["ci_high"]] == pytest.approx([expected.test.ci.low, expected.test.ci.high])
    apart = change(since(wave, previous, may_link=False)[0], "satisfaction")
    assert apart["pairing"] == "independent"
    assert apart["ci_high"] - apart["ci_low"] > own["ci_high"] - own["ci_low"]


@pytest.mark.parametrize(("once", "method"), [(0, "full"), (3, "independent"), (5, "partial")])
def test_few_who_answered_once_are_not_told_by_an_interval(once: int, method: str) -> None:
    answers = answers_to(LEVERS_AND_HOURS, 100, 4)
    previous = linked(world(LEVERS_AND_HOURS, answers), list(range(100)))
    wave = linked(
        world(LEVERS_AND_HOURS, answers_to(LEVERS_AND_HOURS, 100, 5)),
        [*range(100 - once), *range(500, 500 + once)],
    )
    assert change(since(wave, previous)[0], "satisfaction")["pairing"] == method


def test_few_who_answered_twice_are_not_told_either() -> None:
    first, second = (answers_to(LEVERS_AND_HOURS, 100, seed) for seed in (4, 5))
    previous = linked(world(LEVERS_AND_HOURS, first), list(range(100)))
    for repeat, method in ((4, "independent"), (5, "partial")):
        wave = linked(world(LEVERS_AND_HOURS, second), [*range(repeat), *range(500, 600 - repeat)])
        found = since(wave, previous)
        assert change(found[0], "satisfaction")["pairing"] == method
        if repeat == 4:
            assert repeated(found, "satisfaction") == {
                "measure": "satisfaction",
                "status": "suppressed",
                "reason": "below_minimum",
            }


def test_a_small_group_changes_by_what_was_shown_of_it_and_no_more() -> None:
    first, second = answers_to(LEVERS_AND_HOURS, 210, 6), answers_to(LEVERS_AND_HOURS, 210, 7)
    members = [1] * 10 + [0] * 200
    previous, wave = (
        linked(wave_of(LEVERS_AND_HOURS, answers, members, (None, 0)), list(range(210)))
        for answers in (first, second)
    )
    found = since(wave, previous)
    own, whole = change(found[1], "satisfaction"), change(found[0], "satisfaction")
    shown = [np.clip(round(values(one, "satisfaction")[:10].mean()), 5, 95) for one in (previous, wave)]
    assert (own["precision"], own["difference"]) == ("banded", shown[1] - shown[0])
    assert (own["q"], own["reasons"]) == (None, {"q": "banded"})
    assert whole["precision"] == "exact"
    x, y = values(previous, "satisfaction"), values(wave, "satisfaction")
    of_then, of_now = (
        Moments(10, float(mean), float(scores.std(ddof=1)))
        for mean, scores in zip(shown, (x, y), strict=True)
    )
    expected = mean_difference(of_then, of_now, 10, float(np.corrcoef(x, y)[0, 1]))
    assert expected is not None
    assert [own["ci_low"], own["ci_high"]] == [round(expected.ci.low), round(expected.ci.high)]


def test_groups_are_found_again_by_their_own_identifier() -> None:
    answers = answers_to(FOUR_FACETS, 90, 8)
    members = [1] * 30 + [2] * 30 + [3] * 30
    then = wave_of(FOUR_FACETS, answers, members, (None, 0, 0, 0), ["acme", "sales", "care", "gone"])
    now = wave_of(FOUR_FACETS, answers, members, (None, 0, 1, 0), ["other", "care", "sales", "new"])
    found = since(now, then, BUT_ENPS)
    assert found[3] == {"changes": [], "repeaters": []}
    own = change(found[2], "satisfaction")
    scores = then.both.dimensions["satisfaction"]
    assert own["difference"] == pytest.approx(scores[30:60].mean() - scores[:30].mean())
    split = [with_categories(wave, [row % 2 for row in range(90)], ["a", "b"]) for wave in (now, then)]
    turned = with_categories(then, [row % 2 for row in range(90)], ["b", "c"])
    assert change(since(*split, BUT_ENPS)[4], "gap")["difference"] == 0
    renamed = since(split[0], turned, BUT_ENPS)
    assert renamed[4]["changes"] == []
    assert change(renamed[5], "satisfaction")["difference"] == pytest.approx(
        scores[1::2].mean() - scores[::2].mean()
    )


def test_what_either_wave_hides_does_not_change() -> None:
    wave, previous = two_waves(200, 9)
    hidden: Mapping[str, Any] = {"outcome:enps": {1: "incomplete_cover"}}
    for now, then in ((hiding(wave, hidden), previous), (wave, hiding(previous, hidden))):
        found = since(now, then)
        own = change(found[1], "enps")
        assert (own["status"], own["reason"]) == ("suppressed", "incomplete_cover")
        assert change(found[1], "gap")["status"] == change(found[4], "enps")["status"] == "ok"
    small = two_waves(200, 9, teams=(1, *[2] * 9, *[3] * 9, *[4] * 9, 4))[1]
    few = world(LEVERS_AND_HOURS, small.sample.answers[:30], 1, teams=(4,))
    own = change(since(wave, few)[1], "satisfaction")
    assert (own["status"], own["reason"]) == ("suppressed", "below_minimum")
    assert 1 not in since(few, wave)


def test_where_a_few_were_erased_no_change_is_told() -> None:
    wave, previous = two_waves(200, 10)
    found = since(wave, previous, erased={0, 4})
    assert {one["reason"] for one in found[4]["changes"]} == {"erased"}
    assert found[0]["repeaters"][0]["status"] == "undefined"
    assert change(found[1], "gap")["status"] == "ok"
    keys = list(range(200))
    both = since(linked(wave, keys), linked(previous, keys), erased={0})
    assert both[0]["repeaters"][0]["reason"] == "erased"


def test_a_measure_asked_otherwise_is_not_comparable() -> None:
    wave, previous = two_waves(200, 11)
    found = since(wave, previous, incomparable=BUT_ENPS)
    own = change(found[0], "enps")
    assert (own["status"], own["reason"], own["verdict"]) == (
        "undefined",
        "questions_changed",
        "not_comparable",
    )
    bare = world(FOUR_FACETS, answers_to(FOUR_FACETS, 200, 1))
    assert change(since(bare, bare, BUT_ENPS)[0], "enps")["verdict"] == "not_comparable"


# ------------------------------------------------------------------ questionnaires


def questions() -> Questions:
    return deepcopy(built_in().content["questions"])


def changed(question: str, **members: Any) -> Questions:
    return [{**one, **(members if one["key"] == question else {})} for one in questions()]


def test_the_same_questions_are_comparable_in_whatever_order_or_further_language() -> None:
    assert incomparable(questions(), questions()[::-1]) == {}
    more = [{**one, "text": {**one["text"], "de": "..."}} for one in questions()]
    assert incomparable(more, questions()) == {}
    assert incomparable(changed("O2", text={"en": "x"}), questions()) == {}
    assert incomparable(changed("E09", role="core", lever=None), questions()) == {}


@pytest.mark.parametrize(
    ("key", "members", "lost"),
    [
        ("S01", {"text": {"en": "Other words", "nl": "Andere woorden"}}, {"satisfaction", "gap"}),
        ("S01", {"text": {"de": "Andere Sprache"}}, {"satisfaction", "gap"}),
        ("S01", {"facet": "benefits"}, {"satisfaction", "gap"}),
        ("S01", {"reversed": True}, {"satisfaction", "gap"}),
        ("E01", {"scale": {"low": 1, "high": 7}}, {"engagement", "gap"}),
        ("E01", {"key": "E99"}, {"engagement", "gap"}),
        ("O1", {"text": {"en": "x", "nl": "y"}}, {"enps"}),
    ],
)
def test_other_words_scale_facet_or_polarity_are_another_question(
    key: str, members: dict[str, Any], lost: set[str]
) -> None:
    assert incomparable(changed(key, **members), questions()).keys() == lost


def test_a_question_added_or_never_asked_is_not_comparable() -> None:
    assert incomparable(questions()[1:], questions()).keys() == {"satisfaction", "gap"}
    without = [one for one in questions() if one["facet"] != "enps"]
    assert (
        incomparable(without, without) == incomparable(without, questions()) == {"enps": "question_missing"}
    )
    assert incomparable(questions(), without) == {"enps": "questions_changed"}
    twice = [*questions(), *changed("O1", key="O9")]
    assert incomparable(twice, twice)["enps"] == "several_questions"


# ------------------------------------------------------------------ repeaters


def test_repeaters_are_told_apart_from_who_happened_to_answer() -> None:
    first, second = answers_to(LEVERS_AND_HOURS, 400, 12), answers_to(LEVERS_AND_HOURS, 400, 13)
    keys = [*range(0, 400, 2), *range(1000, 1200)]
    previous = linked(world(LEVERS_AND_HOURS, first, 1), list(range(400)))
    wave = linked(world(LEVERS_AND_HOURS, second, 2), keys)
    found = since(wave, previous)
    for measure in MEASURES:
        own = repeated(found, measure)
        before, after = values(previous, measure)[:400:2], values(wave, measure)[:200]
        expected = paired_change(before, after)
        assert expected.test is not None
        told = [own[name] for name in ("n", "difference", "ci_low", "ci_high", "p", "dz", "wilcoxon_p")]
        ci = expected.test.ci
        assert told == pytest.approx(
            [200, expected.mean, ci.low, ci.high, expected.test.p, expected.dz, expected.wilcoxon_p]
        )
        if measure in ("satisfaction", "engagement"):
            table = np.histogram2d(before >= 62.5, after >= 62.5, bins=2)[0]
            assert own["mcnemar_p"] == pytest.approx(mcnemar(table).p)
        else:
            assert own["reasons"] == {"mcnemar_p": "no_cut"}
    assert since(wave, previous, may_link=False)[0]["repeaters"][0]["reason"] == "not_linked"


def test_fewer_than_twenty_repeaters_have_no_probability() -> None:
    first, second = answers_to(LEVERS_AND_HOURS, 100, 14), answers_to(LEVERS_AND_HOURS, 100, 15)
    previous = linked(world(LEVERS_AND_HOURS, first), list(range(100)))
    wave = linked(world(LEVERS_AND_HOURS, second), [*range(19), *range(500, 581)])
    own = repeated(since(wave, previous), "gap")
    assert own == {"measure": "gap", "status": "insufficient", "reason": "too_few_persons", "n": 19}


def test_repeaters_that_are_whole_teams_and_one_person_are_not_told() -> None:
    """Their number and all others are large enough; less the teams shown, one person is left."""
    first, second = answers_to(FOUR_FACETS, 60, 16), answers_to(FOUR_FACETS, 60, 17)
    members = [1] * 30 + [2] * 30
    previous = linked(wave_of(FOUR_FACETS, first, members, (None, 0, 0)), list(range(60)))
    wave = linked(wave_of(FOUR_FACETS, second, members, (None, 0, 0)), [*range(31), *range(500, 529)])
    assert repeated(since(wave, previous, BUT_ENPS), "gap")["reason"] == "crossing"
    everybody = linked(wave_of(FOUR_FACETS, second, members, (None, 0, 0)), list(range(60)))
    assert repeated(since(everybody, previous, BUT_ENPS), "gap")["status"] == "ok"
    spread = linked(wave_of(FOUR_FACETS, second, members, (None, 0, 0)), [*range(0, 60, 2), *range(500, 530)])
    assert repeated(since(spread, previous, BUT_ENPS), "gap")["status"] == "ok"


@given(st.integers(0, 100_000))
@settings(max_examples=examples(12))
def test_no_sum_over_groups_and_repeaters_of_three_waves_singles_out_fewer_than_k(seed: int) -> None:
    """The sum over both waves stands for their difference: turned signs of every second wave make it that."""
    random = np.random.default_rng(seed)
    waves = [random_wave(random) for _ in range(3)]
    sets: list[frozenset[Answer]] = []
    for number, wave in enumerate(waves):
        keys = people(wave)
        for ordinal, decision in wave.plan.decisions.items():
            if decision.precision is not None:
                rows = np.flatnonzero(wave.rollup.persons(ordinal))
                sets.append(frozenset((number, keys[row]) for row in rows))
        if number > 0 and shows_repeaters(wave, waves[number - 1]):
            both = set(keys) & set(people(waves[number - 1]))
            sets.append(frozenset((one, key) for key in both for one in (number - 1, number)))
    assert leak(sets, frozenset().union(*sets), 3) is None


def people(wave: Wave) -> list[int]:
    return [int.from_bytes(key) for key in wave.sample.linked or ()]


def shows_repeaters(wave: Wave, previous: Wave) -> bool:
    """As if they were told below twenty too."""
    own = since(wave, previous, BUT_ENPS)[0].get("repeaters")
    return bool(own) and own[0]["measures"][0]["status"] in ("ok", "insufficient", "undefined")


def random_wave(random: np.random.Generator) -> Wave:
    persons = int(random.integers(6, 12))
    keys = random.choice(14, persons, replace=False)
    answers = random.integers(1, 6, size=(persons, 2)).astype(np.int16)
    wave = wave_of(TWO_QUESTIONS, answers, (1 + keys % 2).tolist(), (None, 0, 0), ["all", "a", "b"], k=3)
    return linked(wave, keys.tolist())


@given(any_wave(), any_wave(), st.integers(0, 9), st.booleans())
@settings(max_examples=examples(12))
def test_any_two_waves_have_changes_or_reasons_and_the_order_of_persons_decides_nothing(
    wave: Wave, previous: Wave, seed: int, is_linked: bool
) -> None:
    if is_linked:
        wave, previous = (linked(one, list(range(len(one.sample.answers)))) for one in (wave, previous))
    is_asked = "enps" in wave.both.outcomes and "enps" in previous.both.outcomes
    why: Why = NONE if is_asked else {"enps": "question_missing"}
    found = since(wave, previous, why)
    told = {ordinal: {"points": [], **body} for ordinal, body in found.items()}
    assert_wire_ready(told, TrendGroup)
    assert since(shuffled(wave, seed), shuffled(previous, seed + 1), why) == nearly(found)


@given(any_wave())
@settings(max_examples=examples(10))
def test_a_point_is_what_the_release_says_or_why_it_says_nothing(wave: Wave) -> None:
    told, recommended = headline(wave), enps(wave)
    place = {"survey": str(EARLIER), "released_at": "2026-11-23T12:00:00Z"}
    for ordinal, body in followed(headline_block(wave), enps_block(wave), {}).items():
        point = body["point"]
        assert (body["changes"], body["repeaters"]) == ([], [])
        TypeAdapter(Point).validate_python({**place, **point})
        if point["status"] == "ok":
            assert point["satisfaction"]["score"] == told[ordinal]["satisfaction"]["score"]
            assert point["gap"]["ci_low"] == told[ordinal]["gap"]["ci_low"]
            assert (point["enps"] is None) == ("enps" in point["reasons"])
            assert (point["enps"] or {}).get("score") == recommended[ordinal].get("score")
