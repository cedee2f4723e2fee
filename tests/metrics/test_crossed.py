"""One question says who somebody is, the other is sensitive: nothing told may cross the two (disclosure.md).

The attacker wrote the questionnaire and knows everybody's answer to the first question. To it one person says
yes, everybody else no, so how the two go together is that person's answer to the second.
"""

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from app.metrics.blocks.wave import Wave
from app.metrics.sample import Integers
from tests.metrics import told
from tests.metrics.told import Body
from tests.metrics.waves import instrument_of, wave_of

ONE_EACH = instrument_of(("satisfaction", "who"), ("engagement", "sensitive"))
TWO_EACH = instrument_of(*[("satisfaction", "who")] * 2, *[("engagement", "sensitive")] * 2)
SIZES = (20, 40, 200, 5_000)
OPTIONS = range(1, 6)
BLOCKS = (told.headline, told.distinctness, told.facets, told.heatmap, told.reliability)


def answers_of(n: int, given: int) -> Integers:
    """Of the first person: yes, and this."""
    answers = np.ones((n, 2), dtype=np.int16)
    answers[:, 1] = np.random.default_rng(n).integers(1, 6, n)
    answers[0] = 5, given
    return answers


def company(answers: Integers) -> Wave:
    """All are in one team, and half of them in another inside it."""
    half = np.arange(len(answers)) >= len(answers) // 2
    return wave_of(ONE_EACH, answers, half.astype(int).tolist(), (None, 0))


def found_out(body: Body) -> int | None:
    """What the first person answered, by the spread of the gap or by r: whichever is told."""
    s, e, n = body["satisfaction"], body["engagement"], body["n"]
    spread = spread_of_gap(body)
    if spread is None:
        return None
    together = (s["sd"] ** 2 + e["sd"] ** 2 - spread**2) / 2 * (n - 1) / 100
    return round((e["score"] + together) / 25) + 1


def spread_of_gap(body: Body) -> float | None:
    gap, n = body["gap"], body["n"]
    if gap["dz"] is not None:
        return float(gap["mean"] / gap["dz"])
    if gap["ci_low"] is not None:
        return float((gap["ci_high"] - gap["mean"]) / stats.t.ppf(0.975, n - 1) * sqrt(n))
    return None


def everything_told(wave: Wave) -> list[told.Bodies]:
    since = told.changes(wave, wave, {"enps": "question_missing"}, set(), may_link=True)
    return [*(block(wave) for block in BLOCKS), since]


@pytest.mark.parametrize("n", SIZES)
def test_the_answer_of_the_one_who_says_yes_is_not_found(n: int) -> None:
    for given in OPTIONS:
        assert found_out(told.headline(company(answers_of(n, given)))[0]) is None


@pytest.mark.parametrize("n", SIZES)
def test_the_attacker_catches_the_spread_of_the_gap_at_every_size(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule, every answer is found, however large the group."""
    monkeypatch.setattr(Wave, "asks_enough", True)
    found = [found_out(told.headline(company(answers_of(n, given)))[0]) for given in OPTIONS]
    assert found == [*OPTIONS]


@pytest.mark.parametrize("instrument", [ONE_EACH, TWO_EACH], ids=["one", "two"])
def test_nothing_told_depends_on_who_of_a_group_gave_which_pair(instrument: object) -> None:
    """Engagement is dealt anew among the persons of each group: every number stays."""
    random = np.random.default_rng(4)
    answers = random.integers(1, 6, (80, 2)).astype(np.int16)
    dealt = answers.copy()
    for own in (slice(0, 40), slice(40, 80)):
        dealt[own, 1] = random.permutation(answers[own, 1])
    as_asked = [twice(given) if instrument is TWO_EACH else given for given in (answers, dealt)]
    one, other = (
        wave_of(instrument, given, [0] * 40 + [1] * 40, (None, 0))
        for given in as_asked  # type: ignore[arg-type]
    )
    for before, after in zip(everything_told(one), everything_told(other), strict=True):
        assert rounded(before) == rounded(after)


def twice(answers: Integers) -> Integers:
    return np.repeat(answers, 2, axis=1)


def rounded(value: object) -> object:
    """The order of a sum decides its last digits."""
    if isinstance(value, dict):
        return {name: rounded(member) for name, member in value.items()}
    if isinstance(value, list):
        return [rounded(member) for member in value]
    return round(value, 6) if isinstance(value, float) else value


def test_means_and_intervals_of_each_question_are_told_all_the_same() -> None:
    body = told.headline(company(answers_of(40, 3)))[0]
    assert body["gap"]["mean"] == pytest.approx(body["engagement"]["score"] - body["satisfaction"]["score"])
    assert None not in (body["engagement"]["ci_low"], body["engagement"]["sd"])
    assert {body["reasons"][f"gap.{of}"] for of in ("ci_low", "ci_high", "dz", "reliability")} == {
        "too_few_questions"
    }
