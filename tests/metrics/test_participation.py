from dataclasses import replace

import numpy as np
import pytest

from app.metrics.sample import Choice
from tests.metrics.told import Body, headline, participation
from tests.metrics.waves import instrument_of, wave_of

TWO = instrument_of(("satisfaction", "pay"), ("engagement", "effort"))


def weighted(answered: list[int], invited: list[int], pay: list[int]) -> tuple[Body, Body]:
    """What is said of an organisation whose teams answered `pay` in turn, a little more and less in each."""
    answers = [
        (level + person % 3 - 1, 2 + person % 3)
        for level, n in zip(pay, answered, strict=True)
        for person in range(n)
    ]
    members = np.repeat(np.arange(len(answered)), answered).tolist()
    parents = [None, *[0] * (len(answered) - 1)]
    wave = wave_of(TWO, answers, members, parents, invited=invited)
    return participation(wave)[0], headline(wave)[0]


def test_a_team_that_hardly_answered_counts_as_much_as_it_has_invited() -> None:
    came, _ = weighted([0, 30, 60], [0, 90, 90], [3, 2, 4])
    assert came["satisfaction"]["score"] == pytest.approx((30 * 25 + 60 * 75) / 90)
    assert came["weighted"]["satisfaction"]["score"] == pytest.approx(50)
    assert came["weighted"]["deff"] == pytest.approx((30 * 1.5**2 + 60 * 0.75**2) / 90)
    assert came["weighted"]["effective_n"] == pytest.approx(90 / came["weighted"]["deff"])
    assert (came["weighted"]["strata"], came["weighted"]["trimmed"], came["weighted"]["coverage"]) == (
        2,
        0,
        1,
    )


def test_where_all_parts_responded_alike_weights_change_nothing() -> None:
    came, whole = weighted([0, 30, 60], [0, 60, 120], [3, 2, 4])
    for dimension in ("satisfaction", "engagement"):
        for member in ("score", "ci_low", "ci_high"):
            assert came["weighted"][dimension][member] == pytest.approx(whole[dimension][member])


def test_a_part_that_nobody_answered_in_is_not_covered() -> None:
    came, _ = weighted([30, 30, 0], [40, 40, 20], [2, 4, 3])
    assert came["weighted"]["coverage"] == 1  # the team is not shown, so it is in what is left of the whole
    assert came["weighted"]["strata"] == 2
    came, _ = weighted([0, 30, 30], [25, 40, 40], [3, 2, 4])
    assert came["weighted"]["coverage"] == pytest.approx(80 / 105)


def test_parts_of_banded_teams_are_weighted_with_what_surrounds_them() -> None:
    """The weighted mean would be a second equation about them, beside that of the organisation's mean."""
    came, _ = weighted([0, 10, 10, 60], [0, 20, 12, 90], [3, 2, 4, 3])
    assert (came["weighted"], came["reasons"]["weighted"]) == (None, "single_stratum")


@pytest.mark.parametrize(("invited", "reason"), [([0, 31, 60], "few_silent"), ([0, 40, 70], None)])
def test_weights_need_the_number_invited(invited: list[int], reason: str | None) -> None:
    came, _ = weighted([0, 30, 60], invited, [3, 2, 4])
    assert came["reasons"].get("weighted") == reason


def test_weights_are_of_the_organisation_alone() -> None:
    answers = [(2, 3), (3, 4), (4, 4)] * 20
    wave = wave_of(TWO, answers, [1] * 30 + [2] * 30, [None, 0, 0], invited=[0, 40, 60])
    whole, *teams = participation(wave).values()
    assert whole["weighted"] is not None
    assert [team["reasons"]["weighted"] for team in teams] == ["organization_only"] * 2


def completed(
    skipped: list[int], invited: list[int], answered: int = 30
) -> list[tuple[float | None, str | None]]:
    """Rate and reason of an organisation and its teams, of each of which some skipped the last question."""
    three = instrument_of(("satisfaction", "pay"), ("engagement", "effort"), ("engagement", "effort"))
    answers = [
        (2 + person % 3, 3, -2 if person < lacking else -1 if person % 2 else 4)
        for lacking in skipped
        for person in range(answered)
    ]
    members = np.repeat(np.arange(1, len(skipped) + 1), answered).tolist()
    wave = wave_of(three, answers, members, [None, *[0] * len(skipped)], invited=[0, *invited])
    return [
        (one["complete_response_rate"], one["reasons"].get("complete_response_rate"))
        for one in participation(wave).values()
    ]


def test_partial_answers_are_no_responses_and_not_knowing_is_an_answer() -> None:
    assert completed([0, 6], [40, 50]) == [(54 / 90, None), (30 / 40, None), (24 / 50, None)]


@pytest.mark.parametrize(
    ("skipped", "invited"),
    [
        ([2, 7], [40, 50]),  # two skipped something
        ([28, 7], [40, 50]),  # two skipped nothing
        ([29, 7], [40, 50]),
    ],
)
def test_one_or_two_who_skipped_something_or_nothing_are_not_pointed_at(
    skipped: list[int], invited: list[int]
) -> None:
    whole, few, other = completed(skipped, invited)
    assert few == (None, "few_complete")
    assert whole[0] is not None
    assert other[0] is not None or other[1] == "few_complete"


def test_nor_are_they_by_subtraction() -> None:
    """The whole less the one team would be the two of the other."""
    whole, *teams = completed([6, 2], [40, 50])
    assert whole == (52 / 90, None)
    assert teams == [(None, "few_complete")] * 2


def test_without_the_number_invited_there_is_no_rate_of_it() -> None:
    assert completed([6, 6], [31, 50])[1] == (None, "few_silent")


def test_who_skipped_a_choice_did_not_answer_everything() -> None:
    answers, choices = [(2 + person % 3, 3) for person in range(60)], np.arange(60) % 2
    choices[:6], choices[6:20] = -2, -1
    wave = wave_of(TWO, answers, [1] * 60, [None, 0], invited=[0, 80])
    where = Choice("where", "choice", ["home", "site"], choices)
    asked = replace(wave, sample=replace(wave.sample, choices=[where]))
    assert participation(wave)[0]["complete_response_rate"] == 60 / 80
    assert participation(asked)[0]["complete_response_rate"] == 54 / 80
