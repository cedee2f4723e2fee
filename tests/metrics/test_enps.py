from typing import Any

import numpy as np
import pytest

from app.metrics.formulas import enps as formula
from tests.metrics.golden import close, column, reference
from tests.metrics.told import Body, enps
from tests.metrics.waves import instrument_of, wave_of

QUESTIONS = (("satisfaction", "pay"), ("engagement", "effort"), ("outcome", "enps"))
ASKED = instrument_of(*QUESTIONS, low=[1, 1, 0], high=[5, 5, 10])


def said(ratings: Any, **members: Any) -> dict[int, Body]:
    answers = np.column_stack([np.full(len(ratings), 3), np.full(len(ratings), 4), ratings])
    return enps(wave_of(ASKED, answers, **members))


def test_the_golden_score() -> None:
    ratings = column("job_retention.csv", "sentiment").astype(int)
    expected = reference("enps.job_retention_sentiment")
    found = said(ratings)[0]
    assert found["score"] == close(expected["enps"])
    assert found["promoters"] * expected["n"] == pytest.approx(expected["promoters"])
    assert found["detractors"] * expected["n"] == pytest.approx(expected["detractors"])
    ci = formula(ratings)
    assert ci is not None
    assert (found["ci_low"], found["ci_high"]) == (ci.ci.low, ci.ci.high)


def test_those_who_did_not_answer_are_in_no_number() -> None:
    found = said([10] * 12 + [0] * 12 + [-1] * 5 + [-2] * 5)[0]
    assert (found["n"], found["score"], found["promoters"], found["passives"]) == (24, 0, 0.5, 0)


def test_a_group_of_which_few_answered_is_suppressed() -> None:
    assert said([10] * 4 + [-1] * 30)[0] == {"status": "suppressed", "reason": "below_minimum"}


def test_a_small_group_is_told_a_step_and_nothing_else() -> None:
    ratings = [10] * 12 + [0, 8, 9, 3, 7] * 8
    team = said(ratings, members=[1] * 12 + [0] * 40, parents=[None, 0])[1]
    assert (team["precision"], team["n"], team["score"]) == ("banded", 12, 80)
    untold = ("ci_low", "ci_high", "promoters", "passives", "detractors")
    assert {name: team[name] for name in untold} == dict.fromkeys(untold)
    assert team["reasons"] == dict.fromkeys(untold, "banded")


def test_a_score_that_few_of_a_large_group_have_is_told_in_bands_too() -> None:
    assert said([10] * 12 + [-1] * 30)[0]["precision"] == "banded"


@pytest.mark.parametrize(("asked", "reason"), [(0, "question_missing"), (2, "several_questions")])
def test_without_one_question_it_is_undefined(asked: int, reason: str) -> None:
    instrument = instrument_of(
        *QUESTIONS[:2], *QUESTIONS[2:] * asked, low=[1, 1] + [0] * asked, high=[5, 5] + [10] * asked
    )
    found = enps(wave_of(instrument, [[3, 4] + [9] * asked] * 25))[0]
    assert found == {"status": "undefined", "reason": reason, "n": 25}
