"""What every block owes: finite numbers, a reason for each that is missing, and the same in any order."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.metrics.blocks.wave import Wave
from app.metrics.definitions import document
from app.metrics.releases.builder import BLOCKS
from tests.examples import examples
from tests.metrics.told import Bodies, as_json
from tests.metrics.waves import instrument_of, wave_of

MANY = instrument_of(
    *[("satisfaction", facet) for facet in ("pay", "pay", "safety", "tools")],
    *[("engagement", facet) for facet in ("effort", "effort", "bond", "growth")],
    *[("outcome", facet) for facet in ("enps", "intent_to_stay")],
    scale=(0, 10),
)
ONE_FACET = instrument_of(*[("satisfaction", "pay")] * 3, *[("engagement", "bond")] * 2)
ONE_QUESTION = instrument_of(("satisfaction", "pay"), ("engagement", "bond"), scale=(1, 7))
ONE_DIMENSION = instrument_of(*[("satisfaction", "pay")] * 3)
INSTRUMENTS: Final = (MANY, ONE_FACET, ONE_QUESTION, ONE_DIMENSION)
PARENTS = [None, 0, 0, 1, 1]


@st.composite
def answers(draw: st.DrawFn, instrument: Any) -> NDArray[np.int64]:
    """Of nobody up to many: any, all alike, all missing, or each person on one level, the same or turned."""
    persons = draw(st.sampled_from([0, 1, 2, 3, 4, 5, 19, 20, 31, 90]))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    low, high = np.array(instrument.low), np.array(instrument.high)
    any_answer = random.integers(low, high + 1, size=(persons, len(low)))
    level = low + np.rint(random.random((persons, 1)) * (high - low)).astype(np.int64)
    kinds = {
        "any": any_answer,
        "alike": any_answer * 0 + high,
        "missing": any_answer * 0 - 1,
        "perfect": level + any_answer * 0,
        "ends": np.where(random.random((persons, 1)) < 0.5, low, high) + any_answer * 0,
        "opposite": np.where(np.arange(len(low)) % 2, level, low + high - level),
    }
    given_answers = kinds[draw(st.sampled_from(list(kinds)))]
    missing = random.random(any_answer.shape) < draw(st.sampled_from([0.0, 0.05, 0.5]))
    return np.asarray(np.where(missing, -2, given_answers))


def missing_of(body: Any, path: str = "") -> Iterator[str]:
    """The dotted path of each member that is None, but for objects with reasons of their own."""
    for name, member in body.items():
        if member is None:
            yield path + name
        elif isinstance(member, dict) and "reasons" not in member:
            yield from missing_of(member, f"{path}{name}.")


def explained(body: Any) -> None:
    """Each object that has reasons has one for each of its members that is None, and no other."""
    if isinstance(body, list):
        for member in body:
            explained(member)
    if isinstance(body, dict):
        own = {name: member for name, member in body.items() if name != "reasons"}
        if "reasons" in body:
            items = {f"items.{one['key']}.rest_r" for one in body.get("items", []) if one["rest_r"] is None}
            assert body["reasons"].keys() == set(missing_of(own)) | items
            assert set(body["reasons"].values()) <= document()["labels"]["reasons"].keys()
        if "reason" in body:
            assert body["reason"] in document()["labels"]["reasons"]
        for member in own.values():
            explained(member)


SHARES: Final = (
    "share favourable neutral unfavourable promoters passives detractors probability p q reliability"
)
UNITS: Final = "omega spearman_brown rwg_j rwg_j_skewed r2 response_rate complete_response_rate near_cut"
SCORES: Final = "score shrunken bound_low bound_high"
CORRELATIONS: Final = "r spearman r_disattenuated rest_r r_ci_low r_ci_high spearman_ci_low spearman_ci_high"
RANGES: Final = {
    **dict.fromkeys(f"{SHARES} {UNITS} favourable_ci_low favourable_ci_high".split(), (0, 1)),
    **dict.fromkeys(SCORES.split(), (0, 100)),
    **dict.fromkeys(CORRELATIONS.split(), (-1, 1)),
    **dict.fromkeys(["difference", "ci_low", "ci_high", "detectable", "mean"], (-100, 100)),
    **dict.fromkeys(("alpha", "alpha_ci_low", "alpha_ci_high"), (-np.inf, 1)),
}


def off_the_range(body: Any, metric: str, path: str = "") -> Iterator[str]:
    """Numbers that cannot be: eNPS alone may be below 0 as a score."""
    for place, member in enumerate(body) if isinstance(body, list) else body.items():
        if isinstance(member, dict | list):
            yield from off_the_range(member, metric, f"{path}{place}.")
        elif isinstance(member, int | float) and place in RANGES:
            low, high = (-100, 100) if (metric, place) == ("enps", "score") else RANGES[str(place)]
            if not low <= member <= high:
                yield f"{path}{place} {member}"


def bodies_of(metric: str, wave: Wave) -> Bodies:
    """What a release stores of each group."""
    found: Bodies = as_json(BLOCKS[metric](wave))
    return found


@pytest.mark.parametrize("metric", BLOCKS)
@settings(max_examples=examples(8))
@given(data=st.data())
def test_every_number_is_finite_and_every_missing_one_has_a_reason(metric: str, data: st.DataObject) -> None:
    instrument = data.draw(st.sampled_from(INSTRUMENTS))
    rows = data.draw(answers(instrument))
    members = np.random.default_rng(len(rows)).integers(0, 5, len(rows)).tolist()
    frame = data.draw(st.sampled_from([None, (np.bincount(members, minlength=5) + 6).tolist()]))
    bodies = bodies_of(metric, wave_of(instrument, rows, members, PARENTS, invited=frame, k=3))
    assert json.loads(json.dumps(bodies, allow_nan=False)) == {
        str(group): body for group, body in bodies.items()
    }
    for body in bodies.values():
        assert body["status"] in ("ok", "shown", "suppressed", "insufficient", "undefined")
        explained(body)
        assert not [*off_the_range(body, metric)]


def close_to(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close_to(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close_to, one, other))
    return bool(one == (pytest.approx(other, rel=1e-6, abs=1e-6) if isinstance(other, float) else other))


@pytest.mark.parametrize("metric", BLOCKS)
def test_the_order_of_persons_decides_nothing(metric: str) -> None:
    random = np.random.default_rng(3)
    levels = random.normal(5, 1.5, (150, 2))[:, [0, 0, 0, 0, 1, 1, 1, 1, 0, 1]]
    rows = np.clip(np.rint(levels + random.normal(0, 1.5, levels.shape)), 0, 10)
    members, order = random.integers(0, 5, 150), random.permutation(150)
    one, other = (
        bodies_of(metric, wave_of(MANY, rows[o], members[o].tolist(), PARENTS, invited=[60] * 5))
        for o in (np.arange(150), order)
    )
    assert close_to(one, other)


@pytest.mark.nightly
@pytest.mark.parametrize("metric", BLOCKS)
def test_what_is_shown_depends_on_who_answered_and_not_on_what(metric: str) -> None:
    random = np.random.default_rng(4)
    is_missing = random.random((90, 10)) < 0.1
    members = random.integers(0, 5, 90).tolist()
    versions = [random.integers(0, 11, (90, 10)), random.integers(4, 7, (90, 10))]
    one, other = (
        bodies_of(metric, wave_of(MANY, np.where(is_missing, -2, rows), members, PARENTS))
        for rows in versions
    )
    assert list(decided(one)) == list(decided(other))


def decided(body: Any) -> Iterator[tuple[str, Any]]:
    """What is shown or not of each group and entry, in order."""
    if isinstance(body, list):
        for member in body:
            yield from decided(member)
    if isinstance(body, dict):
        yield from ((name, body[name]) for name in ("status", "reason", "n", "precision") if name in body)
        for member in body.values():
            yield from decided(member)
