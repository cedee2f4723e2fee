from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.metrics.blocks.wave import Wave
from app.metrics.formulas import cronbach_alpha, icc, pomp, rwg_j
from tests.metrics.golden import close, columns, reference
from tests.metrics.told import Body, reliability
from tests.metrics.waves import instrument_of, wave_of

NOT_ANSWERED = -2
TWO_AND_THREE = instrument_of(
    *[("satisfaction", "pay")] * 2, ("satisfaction", "safety"), *[("engagement", "effort")] * 3
)


def answers_of(persons: int, seed: int = 1) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    levels = random.normal(3.4, 0.8, (persons, 2))[:, [0, 0, 0, 1, 1, 1]]
    return np.clip(np.rint(levels + random.normal(0, 0.7, (persons, 6))), 1, 5).astype(np.int64)


def scale(body: Body, key: str) -> Body:
    (found,) = [one for one in body["scales"] if one["key"] == key]
    return dict(found)


def test_the_golden_coefficients() -> None:
    names = ("Work1", "Work2", "Work3", "Ben1", "Ben2", "Ben3")
    instrument = instrument_of(
        *[("satisfaction", "work")] * 3, *[("engagement", "benefits")] * 3, scale=(1, 4)
    )
    rows = np.column_stack(columns("employee_survey.csv", *names)).astype(np.int64)
    body = reliability(wave_of(instrument, rows))[0]
    for key, name in (("work", "employee_survey_work"), ("benefits", "employee_survey_ben")):
        alpha, omega = reference(f"alpha.{name}"), reference(f"omega_total.{name}")
        found = scale(body, key)
        assert found["alpha"] == close(alpha["alpha"])
        assert found["omega"] == pytest.approx(omega["omega"], abs=1e-6)
        assert (found["n"], found["parts"], found["warnings"]) == (omega["n"], 3, [])


def test_two_questions_that_disagree_have_no_coefficient_off_its_range() -> None:
    answers = np.random.default_rng(8).integers(1, 6, size=(60, 4))
    answers[:, 1] = 6 - answers[:, 0]
    answers[:6, 1] = answers[:6, 0]
    found = reliability(
        wave_of(instrument_of(*[("satisfaction", "pay")] * 2, *[("engagement", "bond")] * 2), answers)
    )
    pay = next(scale for scale in found[0]["scales"] if scale["key"] == "pay")
    assert (pay["spearman_brown"], pay["sem"]) == (None, None)
    assert (pay["reasons"]["spearman_brown"], pay["reasons"]["sem"]) == ("items_disagree", "items_disagree")
    assert "check_reversal" in pay["warnings"]


def test_a_facet_of_two_questions_has_spearman_brown_and_a_dimension_its_facets() -> None:
    answers = answers_of(100)
    body, scores = reliability(wave_of(TWO_AND_THREE, answers))[0], pomp(answers, 1, 5)
    pay, satisfaction = scale(body, "pay"), scale(body, "satisfaction")
    assert pay["spearman_brown"] == pytest.approx(cronbach_alpha(scores[:, :2]).standardised)
    assert pay["sem"] == pytest.approx(
        scores[:, :2].mean(axis=1).std(ddof=1) * (1 - pay["spearman_brown"]) ** 0.5
    )
    assert pay["reasons"] == {"omega": "two_parts", "heywood": "two_parts"}
    parts = np.column_stack([scores[:, :2].mean(axis=1), scores[:, 2]])
    assert satisfaction["alpha"] == pytest.approx(cronbach_alpha(parts).value)
    assert [item["key"] for item in satisfaction["items"]] == ["pay", "safety"]
    assert scale(body, "safety") == {
        "kind": "facet",
        "key": "safety",
        "status": "undefined",
        "reason": "single_part",
    }
    assert [item["key"] for item in scale(body, "engagement")["items"]] == ["q3", "q4", "q5"]


def test_a_question_that_runs_against_the_others_is_pointed_at() -> None:
    answers = answers_of(100)
    answers[:, 4] = 6 - answers[:, 4]
    found = scale(reliability(wave_of(TWO_AND_THREE, answers))[0], "effort")
    assert found["warnings"] == ["check_reversal"]
    assert found["items"][1]["rest_r"] < 0


def test_a_question_answered_alike_by_all_is_pointed_at() -> None:
    answers = answers_of(100)
    answers[:, 4] = 3
    found = scale(reliability(wave_of(TWO_AND_THREE, answers))[0], "effort")
    assert found["warnings"] == ["flat_part"]
    assert found["items"][1]["rest_r"] is None
    assert found["reasons"]["items.q4.rest_r"] == "zero_variance"
    assert (found["omega"], found["reasons"]["omega"]) == (None, "zero_variance")


@pytest.mark.parametrize(("left_out", "status"), [(0, "ok"), (1, "suppressed"), (4, "suppressed"), (5, "ok")])
def test_a_scale_that_few_lack_a_part_of_is_suppressed(left_out: int, status: str) -> None:
    answers = answers_of(100)
    answers[:left_out, 0] = NOT_ANSWERED
    body = reliability(wave_of(TWO_AND_THREE, answers))[0]
    assert body["agreement"]["satisfaction"]["status"] == status
    assert scale(body, "pay")["status"] == scale(body, "effort")["status"] == "ok", "by lot"
    assert scale(body, "pay")["n"] == (100 if left_out == 0 else 95)


def test_a_facet_the_plan_hides_is_suppressed() -> None:
    wave = wave_of(TWO_AND_THREE, answers_of(100))
    hidden = replace(wave, plan=replace(wave.plan, hidden={"facet:pay": {0: "crossing"}}))
    found = scale(reliability(hidden)[0], "pay")
    assert found == {"kind": "facet", "key": "pay", "status": "suppressed", "reason": "crossing"}


def test_groups_that_are_small_or_told_in_rounded_numbers_have_none() -> None:
    wave = wave_of(
        TWO_AND_THREE, answers_of(105), [1] * 10 + [2] * 40 + [3] * 25 + [4] * 30, [None, 0, 0, None, 3]
    )
    assert reliability(wave_of(TWO_AND_THREE, answers_of(25)))[0]["status"] == "insufficient"
    team = reliability(wave)[2]
    assert team == {"status": "insufficient", "reason": "rounded", "n": 40}


def test_a_team_has_alpha_and_no_omega() -> None:
    body = reliability(wave_of(TWO_AND_THREE, answers_of(100), [1] * 40 + [2] * 60, [None, 0, 0]))[1]
    found = scale(body, "effort")
    assert found["alpha"] is not None
    assert {found["reasons"][name] for name in ("omega", "heywood", "sem")} == {"organization_only"}
    assert (body["teams"], body["reasons"]) == (None, {"teams": "organization_only"})


def between(wave: Wave) -> Body:
    found: Body = reliability(wave)[0]["teams"]["satisfaction"]
    return found


def test_variance_between_teams_is_that_of_the_formula() -> None:
    answers, members = answers_of(210), np.repeat(np.arange(7), 30)
    found = between(wave_of(TWO_AND_THREE, answers, members.tolist(), [None, *[0] * 6]))
    scores = pomp(answers, 1, 5)
    satisfaction = (scores[:, :2].mean(axis=1) + scores[:, 2]) / 2
    expected = icc(satisfaction[30:], members[30:])
    assert (found["n"], found["teams"]) == (180, 6)
    assert (found["icc1_raw"], found["icc2_raw"]) == pytest.approx((expected.icc1_raw, expected.icc2_raw))
    assert (found["f"], found["p"]) == pytest.approx((expected.f, expected.p))
    assert found["icc1"] == max(0, found["icc1_raw"])


def test_a_team_that_is_kept_back_is_in_no_variance_between_teams() -> None:
    answers = answers_of(204)
    teams = [number for number in range(1, 7) for _ in range(33)] + [7] * 6
    parents = [None, *[0] * 6, 1]
    one = between(wave_of(TWO_AND_THREE, answers, teams, parents, k=7))
    answers[-6:, :3] = 6 - answers[-6:, :3]
    assert between(wave_of(TWO_AND_THREE, answers, teams, parents, k=7)) != one
    alone = [None, *[0] * 7]
    answers = answers_of(204)
    one = between(wave_of(TWO_AND_THREE, answers, teams, alone, k=7))
    answers[-6:, :3] = 6 - answers[-6:, :3]
    assert between(wave_of(TWO_AND_THREE, answers, teams, alone, k=7)) == one


def test_few_teams_are_not_compared() -> None:
    wave = wave_of(TWO_AND_THREE, answers_of(160), np.repeat([1, 2, 3, 4], 40).tolist(), [None, *[0] * 4])
    assert between(wave) == {"status": "insufficient", "reason": "too_few_teams"}


def test_agreement_is_that_of_the_formula_on_answers_as_they_were_given() -> None:
    answers = answers_of(60)
    found = reliability(wave_of(TWO_AND_THREE, answers))[0]["agreement"]["engagement"]
    assert found["rwg_j"] == pytest.approx(rwg_j(answers[:, 3:], 5).value)
    assert found["rwg_j_skewed"] == pytest.approx(rwg_j(answers[:, 3:], 5, 1.34).value)
    assert (found["questions"], found["options"], found["reasons"]) == (3, 5, {})


def test_agreement_over_other_scales() -> None:
    ten = replace(TWO_AND_THREE, low=[0] * 6, high=[10] * 6)
    found = reliability(wave_of(ten, answers_of(60)))[0]["agreement"]["engagement"]
    assert (found["options"], found["rwg_j_skewed"]) == (11, None)
    assert found["reasons"] == {"rwg_j_skewed": "five_options_only"}
    mixed = replace(TWO_AND_THREE, high=[5, 5, 7, 5, 5, 5])
    agreement = reliability(wave_of(mixed, answers_of(60)))[0]["agreement"]
    assert agreement["satisfaction"] == {"status": "undefined", "reason": "mixed_scales"}
