from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.languages import LANGUAGES
from app.metrics.blocks.wave import Wave
from app.metrics.definitions import facet_titles, scale_titles
from app.metrics.formulas import Pool, mean_ci, scale_scores, wilson
from tests.metrics.golden import close, column, reference
from tests.metrics.told import Body, facets
from tests.metrics.waves import instrument_of, wave_of

DONT_KNOW, NOT_ANSWERED = -1, -2
FACETED = instrument_of(
    *[("satisfaction", facet) for facet in ("pay", "pay", "safety")],
    ("engagement", "effort"),
    ("outcome", "intent_to_stay"),
    is_reversed=[False, True, False, False, False],
)


def answers_of(persons: int, seed: int = 1) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(1, 6, size=(persons, 5))


def entry(body: Body, key: str) -> Body:
    (found,) = [one for one in body["facets"] + body["questions"] if one["key"] == key]
    return dict(found)


def hiding(wave: Wave, measure: str) -> Wave:
    return replace(wave, plan=replace(wave.plan, hidden={measure: {0: "incomplete_cover"}}))


def test_the_numbers_of_a_facet_are_those_of_the_formulas() -> None:
    answers = answers_of(80)
    found = entry(facets(wave_of(FACETED, answers))[0], "pay")
    scores = np.column_stack([25 * (answers[:, 0] - 1), 25 * (5 - answers[:, 1])]).astype(float)
    mean = mean_ci(scale_scores(scores))
    assert mean is not None
    assert mean.ci_process is not None
    assert (found["n"], found["precision"]) == (80, "exact")
    assert found["score"] == pytest.approx(mean.mean)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((mean.ci_process.low, mean.ci_process.high))
    per_person = (scores >= 62.5).sum(axis=1)
    pool = Pool(80, 160, per_person.sum(), 320, (per_person**2).sum(), 2 * per_person.sum())
    share = pool.share()
    assert share is not None
    assert share.sd is not None
    assert found["favourable"] == pytest.approx(share.mean)
    worth = min(share.mean * (1 - share.mean) / (share.sd**2 / 80), 160)
    worth *= (1.959963984540054 / 1.9904502102301305) ** 2  # qnorm(.975), qt(.975, 79)
    spread, centre = 1.959963984540054**2 / worth, share.mean
    half = (spread * centre * (1 - centre) + spread**2 / 4) ** 0.5 / (1 + spread)
    middle = (centre + spread / 2) / (1 + spread)
    ends = found["favourable_ci_low"], found["favourable_ci_high"]
    assert ends == pytest.approx((middle - half, middle + half))


def test_a_question_of_the_golden_data() -> None:
    given = column("survey_responses.csv", "eng_1").astype(int)
    instrument = instrument_of(("satisfaction", "pay"), ("engagement", "effort"))
    found = entry(facets(wave_of(instrument, np.column_stack([given, given])))[0], "q1")
    shares, mean = reference("favourable.survey_responses_eng_1"), reference("mean_ci.survey_responses_eng_1")
    assert 100 * found["favourable"] == close(shares["fav_pct"])
    assert found["score"] == close(25 * (mean["mean"] - 1))
    assert found["sd"] == close(25 * mean["sd"])
    interval = wilson(round(found["favourable"] * 400), 400)
    assert interval is not None
    assert (found["favourable_ci_low"], found["favourable_ci_high"]) == (interval.low, interval.high)


def test_persons_without_the_score_are_in_no_number_of_it() -> None:
    answers = answers_of(60)
    answers[:20, [0, 1]] = NOT_ANSWERED
    answers[20:32, 0] = DONT_KNOW
    body = facets(wave_of(FACETED, answers))[0]
    assert [entry(body, key)["n"] for key in ("pay", "safety", "q0", "q1", "q2")] == [40, 60, 28, 40, 60]
    assert entry(body, "q0")["dont_know"] == 12
    assert entry(body, "q1")["dont_know"] is None


def test_the_shares_of_a_facet_are_of_the_answers_of_those_who_have_it() -> None:
    others = ("satisfaction", "safety"), ("engagement", "effort")
    instrument = instrument_of(*[("satisfaction", "pay")] * 3, *others)
    answers = np.array([[5, 5, 5, 3, 3]] * 20 + [[1, NOT_ANSWERED, NOT_ANSWERED, 3, 3]] * 20)
    body = facets(wave_of(instrument, answers))[0]
    pay, questions = entry(body, "pay"), [entry(body, key) for key in ("q0", "q1", "q2")]
    assert (pay["n"], pay["score"]) == (20, 100)
    assert (pay["favourable"], pay["unfavourable"]) == (1, 0)
    assert [question["n"] for question in questions] == [40, 20, 20]


@pytest.mark.parametrize(("persons", "shown"), [(0, None), (1, None), (4, None), (5, 5)])
def test_few_who_do_not_know_are_not_counted(persons: int, shown: int | None) -> None:
    answers = answers_of(60)
    answers[:persons, 0] = DONT_KNOW
    answers[persons : persons + 6, 0] = NOT_ANSWERED
    found = entry(facets(wave_of(FACETED, answers))[0], "q0")
    assert found["dont_know"] == shown
    assert found["reasons"] == ({"dont_know": "few"} if shown is None else {})


def test_who_does_not_know_is_not_counted_where_numbers_are_rounded() -> None:
    answers = answers_of(75)
    answers[::2, 0] = DONT_KNOW
    answers[:, 1] = 3
    wave = wave_of(FACETED, answers, [1] * 10 + [2] * 25 + [3] * 40, [None, 0, 0, 0])
    found = {ordinal: entry(body, "q0") for ordinal, body in facets(wave).items()}
    assert [found[ordinal]["dont_know"] for ordinal in range(4)] == [38, None, None, None]
    assert {found[ordinal]["reasons"]["dont_know"] for ordinal in (1, 2, 3)} == {"rounded"}


def test_where_a_score_is_told_in_steps_the_few_who_skipped_it_are_not_counted() -> None:
    """Not even by how many fewer it would stand on than the group has."""
    answers = answers_of(40)
    answers[1, 0] = NOT_ANSWERED
    body = facets(wave_of(FACETED, answers, [1] * 12 + [2] * 28, [None, 0, 0]))[1]
    assert [(entry(body, key)["n"], entry(body, key)["sd"]) for key in ("q0", "pay")] == [(12, None)] * 2


@pytest.mark.parametrize("measure", ["facet:pay", "question:q0", "outcome:intent_to_stay"])
def test_what_the_plan_hides_has_no_number(measure: str) -> None:
    body = facets(hiding(wave_of(FACETED, answers_of(60)), measure))[0]
    found = entry(body, measure.partition(":")[2])
    assert (found["status"], found["reason"]) == ("suppressed", "incomplete_cover")
    assert not [value for value in found.values() if isinstance(value, int | float)]
    others = [one for one in body["facets"] + body["questions"] if one["key"] != found["key"]]
    assert {one["status"] for one in others} == {"ok"}


def test_a_score_that_few_have_is_hidden_and_one_of_fewer_than_twenty_is_told_in_bands() -> None:
    answers = answers_of(60)
    answers[4:, 4] = NOT_ANSWERED
    answers[12:, 2] = NOT_ANSWERED
    body = facets(wave_of(FACETED, answers))[0]
    assert entry(body, "q4") | {"status": "suppressed", "reason": "below_minimum"} == entry(body, "q4")
    few = entry(body, "safety")
    assert (few["n"], few["precision"], few["sd"]) == (12, "banded", None)
    assert few["score"] == round(few["score"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mean_answer_is_not_called_as_a_score_on_another_scale_is(language: str) -> None:
    assert facet_titles(language)["enps"] != scale_titles(language)["enps"]
    assert facet_titles(language).keys() == scale_titles(language).keys()
