"""Recognition between two waves beside engagement: what is told of it, and when nothing is. Without I/O."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from app.metrics.blocks.recognition_engagement import Answered, Past, Received
from app.metrics.blocks.scales import reliability_of_dimension
from app.metrics.blocks.wave import Wave
from app.metrics.formulas import lagged, omega_total, within_persons
from app.metrics.schemas import RecognitionSince
from app.metrics.schemas.recognition_engagement import RecognitionEngagementGroup
from app.metrics.views.sentences import of_recognition
from tests.metrics.told import Body, recognition_engagement
from tests.metrics.waves import instrument_of, wave_of
from tests.metrics.worlds import assert_wire_ready, linked

FINE = instrument_of(("satisfaction", "pay"), ("engagement", "bond"), scale=(0, 100))
EARLIER = UUID("0198f0d0-1c5e-7d0a-8a44-0f6f0a5b7e20")
TEAMS = 12
SINGLE = {"reliability": "single_part"}
"""Engagement is one question in most of these worlds."""
Integers = NDArray[np.int64]


class World:
    """Persons 0, 1 ... in teams in turn, with what each received; `scores` has their engagement by wave."""

    def __init__(self, persons: int = 144, waves: int = 2, seed: int = 1, truth: float = 3.0) -> None:
        random = np.random.default_rng(seed)
        self.team = 1 + np.arange(persons) % TEAMS
        self.events = [random.choice([0, 0, 1, 1, 2, 3, 4, 6], persons) for _ in range(waves - 1)]
        steady = 60 + random.normal(0, 10, persons)
        doses = [np.zeros(persons), *(truth * np.log1p(own) for own in self.events)]
        self.scores = [np.clip(np.rint(steady + own + random.normal(0, 4, persons)), 0, 100) for own in doses]

    def wave(self, number: int, who: Sequence[int] | None = None, k: int = 5) -> Wave:
        """Number 0 is the newest."""
        persons = np.arange(len(self.team)) if who is None else np.array(who)
        answers = np.column_stack([np.full(len(persons), 50), self.scores[-1 - number][persons]])
        parents = (None, *[0] * TEAMS)
        wave = wave_of(FINE, answers, self.team[persons].tolist(), parents, k=k)
        return linked(replace(wave, survey_id=EARLIER) if number else wave, persons.tolist())

    def received(self) -> list[Received]:
        """Newest first."""
        return [{key(person): int(n) for person, n in enumerate(own) if n} for own in reversed(self.events)]

    def past(self, previous: Wave | None = None, **members: Any) -> Past:
        given: dict[str, Any] = {
            "previous": previous or self.wave(1),
            "closed_at": datetime(2026, 3, 1, tzinfo=UTC),
            "until": datetime(2026, 9, 1, tzinfo=UTC),
            "is_comparable": True,
            "is_erased": False,
            "may_link": True,
            "received": self.received(),
            "invited": {key(person) for person in range(len(self.team))},
            "older": [
                Answered.of(self.wave(number).sample, 5, is_erased=False)
                for number in range(2, len(self.scores))
            ],
        }
        return Past(**given | members)


class Parted(World):
    """Engagement is the mean of three facets, each with an error of its own; `noise` is their spread."""

    FACETS = instrument_of(
        ("satisfaction", "pay"),
        ("engagement", "bond"),
        ("engagement", "pride"),
        ("engagement", "effort"),
        scale=(-1000, 1000),
    )

    def __init__(self, noise: float, seed: int = 1) -> None:
        super().__init__(persons=240, seed=seed)
        random = np.random.default_rng(seed)
        self.parts = [own[:, None] + np.rint(random.normal(0, noise, (240, 3))) for own in self.scores]

    def wave(self, number: int, who: Sequence[int] | None = None, k: int = 5) -> Wave:
        assert who is None
        answers = np.column_stack([np.full(240, 50), self.parts[-1 - number]])
        wave = wave_of(self.FACETS, answers, self.team.tolist(), (None, *[0] * TEAMS), k=k)
        return linked(replace(wave, survey_id=EARLIER) if number else wave, list(range(240)))


def key(person: int) -> bytes:
    return person.to_bytes(4)


def said(body: Body) -> str:
    return of_recognition(RecognitionSince.model_validate(body), "nl")


def told(world: World, past: Past | None = None, wave: Wave | None = None) -> Body:
    """Held to its schema."""
    body = recognition_engagement(wave or world.wave(0), past or world.past())
    worded = {**body, "text": said(body)} if body["status"] == "ok" else body
    assert_wire_ready({0: worded}, RecognitionEngagementGroup)
    return body


def reason(body: Body) -> tuple[str, str]:
    return body["status"], body["reason"]


def test_it_is_the_regression_over_those_linked() -> None:
    world = World()
    body = told(world)
    expected = lagged(world.scores[1], world.scores[0], world.events[0], world.team)
    assert expected.association is not None
    assert body["association"] == pytest.approx(
        {
            "points": expected.association.value,
            "ci_low": expected.association.ci.low,
            "ci_high": expected.association.ci.high,
            "p": expected.association.p,
        }
    )
    assert (body["n"], body["recognised"]) == (144, expected.recognised)
    assert (body["errors"], body["direction"]) == ("HC3", "separable")
    assert body["within_persons"] == {"status": "undefined", "reason": "under_three_waves"}
    assert (body["reliability"], body["reasons"]) == (None, {"reliability": "single_part"})


def test_engagement_before_is_held_equal_by_its_reliability() -> None:
    world = Parted(noise=12)
    body = told(world)
    then = world.wave(1)
    facets = np.column_stack([then.both.facets[name] for name in ("bond", "pride", "effort")])
    assert body["reliability"] == pytest.approx(omega_total(facets).value)
    later, earlier = (world.wave(number).both.dimensions["engagement"] for number in (0, 1))
    error = earlier.var(ddof=1) * (1 - body["reliability"])
    expected = lagged(later, earlier, world.events[0], world.team, error_variance=error)
    assert expected.association is not None
    assert expected.stability is not None
    assert body["association"]["points"] == pytest.approx(expected.association.value)
    assert body["stability"]["points"] == pytest.approx(expected.stability.value)
    assert "reliability" not in body["reasons"]


def test_engagement_before_that_is_mostly_error_says_nothing() -> None:
    world = Parted(noise=60, seed=3)
    assert reason(told(world)) == ("undefined", "too_unreliable")


class Opposed(Parted):
    """Of two facets of engagement one goes up where the other goes down."""

    FACETS = instrument_of(
        ("satisfaction", "pay"), ("engagement", "bond"), ("engagement", "pride"), scale=(-1000, 1000)
    )

    def __init__(self) -> None:
        super().__init__(noise=60, seed=3)
        self.parts = [
            own[:, None] + (parts[:, :1] - own[:, None]) * np.array([1, -1])
            for own, parts in zip(self.scores, self.parts, strict=True)
        ]


def test_engagement_before_whose_parts_disagree_says_nothing_either() -> None:
    world = Opposed()
    then = reliability_of_dimension(world.wave(1), "engagement")
    assert (then.value, then.reason) == (None, "items_disagree")
    assert reason(told(world)) == ("undefined", "too_unreliable")


def test_doses_differ_as_adjusted_and_lie_around_the_organisations_own_score() -> None:
    """Also where not everybody answered both: the mean of those who did is nowhere."""
    world = World(180)
    before = [person for person in range(180) if person % 5]
    wave, previous = world.wave(0), world.wave(1, before)
    body = told(world, world.past(previous), wave)
    rows = np.array(before)
    expected = lagged(world.scores[1][rows], world.scores[0][rows], world.events[0][rows], world.team[rows])
    assert [(dose["least"], dose["most"], dose["n"]) for dose in body["doses"]] == [
        (dose.low, dose.high, dose.n) for dose in expected.doses
    ]
    means = np.array([dose.mean for dose in expected.doses])
    scores = np.array([dose["score"] for dose in body["doses"]])
    assert np.diff(scores) == pytest.approx(np.diff(means))
    weights = [dose["n"] for dose in body["doses"]]
    assert np.average(scores, weights=weights) == pytest.approx(world.scores[1].mean())
    assert np.average(scores, weights=weights) != pytest.approx(world.scores[1][rows].mean())
    for dose, other in zip(body["doses"], expected.doses, strict=True):
        assert other.ci is not None
        assert dose["ci_high"] - dose["ci_low"] == pytest.approx(other.ci.high - other.ci.low)


@pytest.mark.parametrize(
    ("events", "silent", "doses"),
    [
        ({0: 40, 1: 40, 2: 40, 5: 40}, {}, [(0, 0), (1, 1), (2, 3), (4, None)]),
        ({0: 60, 1: 40, 2: 41, 5: 19}, {}, [(0, 0), (1, 1), (2, None)]),
        ({0: 100, 1: 30, 2: 10, 5: 20}, {}, [(0, 0), (1, 3), (4, None)]),
        ({0: 10, 1: 50, 2: 50, 5: 50}, {}, [(0, 1), (2, 3), (4, None)]),
        ({0: 110, 1: 17, 2: 15, 5: 18}, {}, [(0, 0), (1, None)]),
        ({0: 40, 1: 40, 2: 40, 5: 40}, {5: 3}, [(0, 0), (1, 1), (2, 3), (4, None)]),
        ({0: 40, 1: 40, 2: 40, 5: 40}, {5: 1, 2: 3}, [(0, 0), (1, 1), (2, None)]),
        ({0: 40, 1: 40, 2: 40, 5: 40}, {5: 1, 1: 2}, [(0, 0), (1, None)]),
        ({0: 40, 1: 40, 2: 40, 5: 40}, {5: 3, 1: 3, 0: 2}, [(0, 1), (2, 3), (4, None)]),
    ],
)
def test_doses_of_few_and_of_few_silent_are_put_together(
    events: dict[int, int], silent: dict[int, int], doses: list[tuple[int, int | None]]
) -> None:
    """Not answered both, though invited to: 1 or 2 of a dose could be named by who reads the feed."""
    missing = sum(silent.values())
    world = World(160 + missing)
    world.events = [np.repeat([*events, *silent], [*events.values(), *silent.values()])]
    body = told(world, world.past(world.wave(1, range(160))), world.wave(0, range(160)))
    assert [(dose["least"], dose["most"]) for dose in body["doses"]] == doses
    assert sum(dose["n"] for dose in body["doses"]) == body["n"] == 160
    is_told = doses[0] == (0, 0)
    assert body["recognised"] == (160 - events[0] if is_told else None)
    assert body["reasons"] == SINGLE | ({} if is_told else {"recognised": "few"})


@pytest.mark.parametrize("silent", [{5: 1}, {0: 2}, {5: 1, 0: 3}])
def test_where_one_silent_person_stands_out_no_dose_is_told(silent: dict[int, int]) -> None:
    missing = sum(silent.values())
    world = World(160 + missing)
    world.events = [np.repeat([0, 1, 2, 5, *silent], [40, 40, 40, 40, *silent.values()])]
    body = told(world, world.past(world.wave(1, range(160))), world.wave(0, range(160)))
    assert body["reasons"] == SINGLE | {"doses": "few", "trend": "few", "recognised": "few"}
    assert body["association"]["p"] > 0


def test_doses_that_are_the_teams_are_not_told() -> None:
    """All of a team in one dose but for four: doses less teams would leave them alone, the slope not."""
    world = World()
    half = np.arange(len(world.team)) // TEAMS % 2
    world.events = [np.where(world.team % 2, 0, np.where(half, 5, 14))]
    world.events[0][:8:2] = 3
    body = told(world)
    assert body["status"] == "ok"
    assert body["reasons"] == SINGLE | {"doses": "crossing", "trend": "crossing", "recognised": "crossing"}
    world.events = [np.where(world.team % 2, 0, 5)]
    world.events[0][:8:2] = 3
    assert reason(told(world)) == ("suppressed", "crossing")


def test_a_slope_that_no_team_has_cannot_be_estimated() -> None:
    world = World()
    world.events = [np.where(world.team % 2, 0, 5)]
    assert reason(told(world)) == ("undefined", "not_estimable")


def test_reversed_causation_is_refused() -> None:
    world = World(240, seed=3, truth=0)
    pull = (world.scores[0] - 60) / 10
    world.events = [np.random.default_rng(4).poisson(np.exp(0.4 + 0.5 * pull))]
    body = told(world)
    assert body["direction"] == "not_separable"
    assert body["placebo"]["p"] < 0.05
    assert "Wat er eerst was, is hier niet te zeggen" in said(body)


# ------------------------------------------------------------------ when nothing is told


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"received": None}, ("undefined", "not_linked")),
        ({"received": []}, ("undefined", "waves_overlap")),
        ({"is_comparable": False}, ("undefined", "questions_changed")),
        ({"is_erased": True}, ("suppressed", "erased")),
        ({"may_link": False}, ("suppressed", "crossing")),
    ],
)
def test_what_keeps_it_back(members: dict[str, Any], expected: tuple[str, str]) -> None:
    world = World()
    assert reason(told(world, world.past(**members))) == expected


def test_a_first_wave_has_none_before_it() -> None:
    body = recognition_engagement(World().wave(0), None)
    assert body == {"status": "undefined", "reason": "no_earlier_wave", "n": 144}


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (99, ("insufficient", "too_few_persons")),
        (5, ("insufficient", "too_few_persons")),
        (4, ("suppressed", "below_minimum")),
    ],
)
def test_few_who_answered_both(again: int, expected: tuple[str, str]) -> None:
    world = World()
    body = told(world, world.past(world.wave(1, range(again))))
    assert reason(body) == expected
    assert body.get("n") == (again if expected[0] == "insufficient" else None)


def test_a_wave_of_fewer_than_the_minimum_is_suppressed() -> None:
    world = World()
    assert reason(told(world, wave=world.wave(0, range(4)))) == ("suppressed", "below_minimum")


@pytest.mark.parametrize("recognised", [29, 30])
def test_thirty_have_to_be_recognised(recognised: int) -> None:
    world = World()
    world.events = [np.where(np.arange(144) < recognised, 1 + np.arange(144) % 3, 0)]
    body = told(world)
    assert (body["status"] == "ok") == (recognised == 30)
    if recognised < 30:
        assert reason(body) == ("insufficient", "too_few_recognised")


# ------------------------------------------------------------------ over three waves and more


def test_within_persons_from_three_waves_on() -> None:
    world = World(waves=4)
    body = told(world)
    events = np.column_stack([np.full(144, np.nan), *world.events])
    expected = within_persons(np.column_stack(world.scores), events)
    assert expected.association is not None
    within = body["within_persons"]
    assert (within["status"], within["persons"], within["waves"]) == ("ok", 144, 4)
    assert within["association"]["points"] == pytest.approx(expected.association.value)
    pair = lagged(world.scores[3], world.scores[2], world.events[2], world.team, world.events[1])
    assert pair.placebo is not None
    assert body["placebo"]["points"] == pytest.approx(pair.placebo.value)


def test_waves_that_are_not_followed_end_it() -> None:
    world = World(waves=4)
    two = world.past(received=world.received()[:1])
    assert reason(told(world, two)["within_persons"]) == ("undefined", "under_three_waves")
    three = world.past(older=world.past().older[:1])
    assert told(world, three)["within_persons"]["waves"] == 3


def test_within_persons_is_held_back_where_few_are_left_out() -> None:
    world = World(waves=3)
    but_two = world.past(world.wave(1, range(142)))
    assert reason(told(world, but_two)["within_persons"]) == ("suppressed", "crossing")
    erased = replace(world.past().older[0], is_erased=True)
    assert reason(told(world, world.past(older=[erased]))["within_persons"]) == ("suppressed", "erased")


def test_the_order_of_persons_changes_nothing() -> None:
    world = World(waves=3)
    turned = list(range(144))[::-1]
    assert told(world, wave=world.wave(0, turned))["doses"] == [
        {name: pytest.approx(value) for name, value in dose.items()} for dose in told(world)["doses"]
    ]


# ------------------------------------------------------------------ nobody counts for too much (R13)


@pytest.mark.nightly
@pytest.mark.parametrize("forged", [50, 3000])
def test_thanks_forged_to_one_person_do_not_give_their_score_away(forged: int) -> None:
    """Attack: many thanks to one person, and the slope follows their score."""
    slopes, scores = [], []
    for seed in range(60):
        world = World(seed=seed)
        world.events[0][:] = 0
        world.events[0][TEAMS : TEAMS + 40] = 1
        world.events[0][0] = forged
        body = told(world)
        assert body["status"] == "ok"
        slopes.append(body["association"]["points"])
        scores.append(world.scores[1][0] - world.scores[0][0])
    assert abs(np.corrcoef(slopes, scores)[0, 1]) < 0.35


def test_what_one_person_has_more_of_than_others_is_capped_and_nothing_else() -> None:
    world = World()
    before = told(world)
    most = world.events[0].max()
    world.events[0][int(np.argmax(world.events[0]))] = 3000
    assert told(world) == before
    world.events[0][np.flatnonzero(world.events[0] == most)[:4]] = 3000
    assert told(world) != before, "five persons reach it"


def test_a_slope_that_one_person_holds_among_teams_that_are_alike_is_not_told() -> None:
    """A team that all have many makes no cap, and drops out: of the others one would hold the slope."""
    world = World()
    world.events = [np.select([world.team == TEAMS, world.team >= TEAMS - 2], [30, 1], 0)]
    world.events[0][:6] = [30, 1, 1, 1, 1, 1]
    assert reason(told(world)) == ("suppressed", "dominance")
    world.events[0][:6] = 30
    assert told(world)["status"] == "ok", "of six none has more than a fifth"


def test_within_persons_one_who_alone_had_many_counts_as_others_do() -> None:
    plain, forged = World(waves=3), World(waves=3)
    forged.events[1][3] = 3000
    cap = np.sort(forged.events[1])[-5]
    plain.events[1][3] = cap
    assert told(forged)["within_persons"] == told(plain)["within_persons"]
