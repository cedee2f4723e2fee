import numpy as np
import pytest
from numpy.typing import NDArray

from app.metrics.formulas import htmt, omega_total, pearson, pomp
from app.metrics.sample import Instrument
from tests.metrics.golden import close, columns, reference
from tests.metrics.told import Body, distinctness, headline
from tests.metrics.waves import empty_members, instrument_of, wave_of

NOT_ANSWERED = -2


def questions(satisfaction: int, engagement: int) -> Instrument:
    """Each of a facet of its own."""
    own = [("satisfaction", f"s{number}") for number in range(satisfaction)]
    return instrument_of(*own, *(("engagement", f"e{number}") for number in range(engagement)))


def answers_of(persons: int, shared: float, seed: int = 1) -> NDArray[np.int64]:
    """Six questions of two dimensions that correlate as `shared` says."""
    random = np.random.default_rng(seed)
    levels = random.multivariate_normal([3.4, 3.4], [[0.7, 0.7 * shared], [0.7 * shared, 0.7]], persons)
    given = levels[:, [0, 0, 0, 1, 1, 1]] + random.normal(0, 0.5, (persons, 6))
    return np.clip(np.rint(given), 1, 5).astype(np.int64)


def said(answers: NDArray[np.int64], **members: int) -> Body:
    return distinctness(wave_of(questions(3, 3), answers, **members))[0]


def test_the_golden_ratio() -> None:
    names = ("eng_1", "eng_2", "eng_3", "ret_1", "ret_2", "ret_3")
    found = said(np.column_stack(columns("survey_responses.csv", *names)).astype(np.int64))
    expected = reference("htmt.survey_responses")
    assert (found["htmt"], found["htmt2"]) == (close(expected["htmt"]), close(expected["htmt2"]))
    assert (found["method"], found["verdict"], found["n"], found["n_complete"]) == (
        "htmt2",
        "distinct",
        400,
        400,
    )
    assert found["ci_low"] < found["htmt2"] < found["ci_high"] < 0.9
    assert found["reasons"] == {}


@pytest.mark.parametrize(("shared", "verdict"), [(0.3, "distinct"), (1.0, "not_distinct")])
def test_the_verdict_and_what_follows_for_every_group(shared: float, verdict: str) -> None:
    answers, members = answers_of(300, shared), [0, 1, 2] * 100
    wave = wave_of(questions(3, 3), answers, members, [None, 0, 0])
    assert distinctness(wave)[0]["verdict"] == verdict
    for body in headline(wave).values():
        if verdict == "not_distinct":
            assert (body["quadrants"], body["position"]) == (None, None)
            assert (body["reasons"]["quadrants"], body["reasons"]["position"]) == (
                "not_distinct",
                "not_distinct",
            )
        else:
            assert body["quadrants"]["expected"] is not None
            assert body["position"] is not None


def test_a_ratio_whose_interval_reaches_the_threshold_leaves_it_open() -> None:
    found = said(answers_of(120, 0.85, seed=2))
    assert found["htmt2"] < 0.9 < found["ci_high"]
    assert found["verdict"] == "undetermined"


def test_the_correlation_freed_of_error_uses_the_reliability_of_the_facets() -> None:
    answers = answers_of(300, 0.5)
    found, scores = said(answers), pomp(answers, 1, 5)
    r = pearson(scores[:, :3].mean(axis=1), scores[:, 3:].mean(axis=1)).r
    omegas = [omega_total(scores[:, part]).value for part in (slice(0, 3), slice(3, 6))]
    assert r is not None
    assert omegas[0] is not None
    assert omegas[1] is not None
    assert found["r"] == pytest.approx(r)
    assert found["r_disattenuated"] == pytest.approx(r / (omegas[0] * omegas[1]) ** 0.5)


@pytest.mark.parametrize(("left_out", "n_complete"), [(0, 100), (3, None), (5, 95)])
def test_how_many_answered_all_is_told_where_it_names_nobody(left_out: int, n_complete: int | None) -> None:
    answers = answers_of(100, 0.5)
    answers[:left_out, 0] = NOT_ANSWERED
    found = said(answers)
    assert (found["n"], found["n_complete"]) == (100, n_complete)
    assert found["reasons"] == ({"n_complete": "few"} if n_complete is None else {})


def test_too_few_persons_or_none_who_answered_all() -> None:
    assert said(answers_of(29, 0.5)) == {"status": "insufficient", "reason": "too_few_persons"}
    assert said(answers_of(4, 0.5)) == {"status": "suppressed", "reason": "below_minimum"}
    answers = answers_of(60, 0.5)
    answers[np.arange(60), np.arange(60) % 6] = NOT_ANSWERED
    found = said(answers)
    assert (found["n"], found["n_complete"], found["verdict"]) == (60, 0, "undetermined")
    assert found["htmt"] is not None, "each pair of questions was answered by 40 of them"
    answers[np.arange(60), (np.arange(60) + 3) % 6] = NOT_ANSWERED
    assert said(answers)["reasons"]["htmt"] == "too_few_persons"
    assert said(answers)["r"] is not None


def test_one_skipped_question_costs_no_person() -> None:
    answers = answers_of(300, 0.5)
    whole = said(answers)
    answers[:100, 0] = NOT_ANSWERED
    answers[200:, 4] = NOT_ANSWERED
    found = said(answers)
    assert (found["n"], found["n_complete"]) == (300, 100)
    assert found["htmt2"] == pytest.approx(whole["htmt2"], abs=0.05)


def test_the_parts_are_facets_and_questions_where_there_is_one_facet() -> None:
    answers = answers_of(120, 0.5)
    asked = [("satisfaction", "pay")] * 3, [("engagement", at) for at in "xyy"]
    found = distinctness(wave_of(instrument_of(*asked[0], *asked[1]), answers))[0]
    assert found["parts"] == {"satisfaction": 3, "engagement": 2}
    scores = pomp(answers, 1, 5)
    facets = np.column_stack([scores[:, 3], scores[:, 4:].mean(axis=1)])
    assert found["htmt"] == pytest.approx(htmt(scores[:, :3], facets).htmt)


def test_under_a_hundred_there_is_no_interval_and_under_two_hundred_nothing_is_called_distinct() -> None:
    small, more, many = (said(answers_of(persons, 0.1)) for persons in (99, 199, 200))
    assert (small["ci_low"], small["reasons"]["ci_low"]) == (None, "too_few_persons")
    assert more["ci_low"] <= more[more["method"]] <= more["ci_high"] < 0.9
    assert [of["verdict"] for of in (small, more, many)] == ["undetermined", "undetermined", "distinct"]


def test_with_few_questions_a_dimension_nothing_is_told() -> None:
    """A correlation of a question that says who somebody is would be their answer to the other one."""
    found = distinctness(wave_of(questions(1, 1), answers_of(80, 0.5)[:, [0, 3]]))[0]
    assert found == {"status": "suppressed", "reason": "crossing"}


@pytest.mark.parametrize("answer", [1, 3, 5])
def test_answers_all_alike_have_no_correlation(answer: int) -> None:
    found = said(np.full((40, 6), answer))
    assert found["verdict"] == "undetermined"
    assert set(empty_members(found)) == found["reasons"].keys()
    assert set(found["reasons"].values()) == {"zero_variance"}


def test_the_order_of_persons_decides_nothing() -> None:
    answers = answers_of(120, 0.5)
    one, other = said(answers), said(answers[np.random.default_rng(9).permutation(120)])
    for name in ("htmt", "htmt2", "ci_low", "ci_high", "r", "spearman", "r_disattenuated"):
        assert one[name] == pytest.approx(other[name], rel=1e-6)


def test_a_questionnaire_without_a_dimension_has_none() -> None:
    found = distinctness(wave_of(questions(3, 0), answers_of(60, 0.5)[:, :3]))[0]
    assert found == {"status": "undefined", "reason": "dimension_missing"}
