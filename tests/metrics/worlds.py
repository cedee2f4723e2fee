"""Waves for the blocks that compare: with levers, categories, links and what a plan hides."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter

from app.metrics.blocks.wave import Wave
from app.metrics.definitions import document
from app.metrics.disclosure import Decision, Suppression
from app.metrics.sample import Groups, Instrument, Places
from tests.metrics.told import Bodies, vars_of
from tests.metrics.waves import instrument_of, wave_of

LEVERS = ("clarity", "recognition", "growth")
WITH_LEVERS = instrument_of(
    ("satisfaction", "pay"),
    ("engagement", "bond"),
    *(("engagement", lever) for lever in LEVERS),
    ("outcome", "enps"),
    ("outcome", "overall_satisfaction"),
    ("outcome", "intent_to_stay"),
    role=["basic", "core", *["condition"] * 3, *["outcome"] * 3],
    lever=[None, None, *LEVERS, *[None] * 3],
    scale=(0, 10),
)
TWO_QUESTIONS = instrument_of(("satisfaction", "pay"), ("engagement", "bond"))


def with_facets(instrument: Instrument, *facets: tuple[str, str]) -> Instrument:
    """The same, and after it one question on each of these, (dimension, facet), on the scale of the last."""
    own = instrument_of(*facets, scale=(instrument.low[-1], instrument.high[-1]))
    more = {name: [*getattr(instrument, name), *getattr(own, name)] for name in vars_of(own)}
    keys = [f"q{number}" for number in range(len(more["key"]))]
    return Instrument(**more | {"key": keys})


NO_LEVERS = instrument_of(
    ("satisfaction", "pay"), ("satisfaction", "hours"), ("engagement", "bond"), scale=(0, 10)
)
ONE_DIMENSION = instrument_of(("satisfaction", "pay"))
NO_CORE = replace(WITH_LEVERS, role=["basic", *["condition"] * 4, *["outcome"] * 3])
INSTRUMENTS = (WITH_LEVERS, TWO_QUESTIONS, NO_LEVERS, ONE_DIMENSION, NO_CORE)
SOMEWHERE = {"kind": "organization", "id": None, "name": "Acme", "parent": None, "depth": 0}
TREE = (None, 0, 1, 1, 0)
"""The organisation with two teams, the first of which has two."""


def answers_to(instrument: Instrument, persons: int, seed: int, missing: float = 0.0) -> NDArray[np.int16]:
    """As if one disposition lay behind every answer."""
    random = np.random.default_rng(seed)
    low, high = np.array(instrument.low), np.array(instrument.high)
    latent = random.normal(size=(persons, 1)) + random.normal(size=(persons, len(low)))
    given = np.clip(np.round((low + high) / 2 + latent * (high - low) / 6), low, high)
    return np.where(random.random(given.shape) < missing, -2, given).astype(np.int16)


def world(
    instrument: Instrument, answers: NDArray[np.int16], seed: int = 0, teams: Sequence[int] = (1, 2, 3, 4, 4)
) -> Wave:
    members = np.random.default_rng(seed).choice(teams, len(answers))
    return wave_of(instrument, answers, members.tolist(), TREE, ["all", "a", "a1", "a2", "b"])


def hiding(wave: Wave, hidden: Mapping[str, Mapping[int, Suppression]]) -> Wave:
    return replace(wave, plan=replace(wave.plan, hidden=hidden))


def linked(wave: Wave, keys: Sequence[int]) -> Wave:
    sample = replace(wave.sample, linked=[key.to_bytes(4) for key in keys])
    return Wave.take(wave.survey_id, wave.k, sample, wave.invited, wave.plan)


def with_categories(wave: Wave, category: Sequence[int], names: Sequence[str]) -> Wave:
    """All categories shown, exactly."""
    groups = wave.sample.groups
    first = len(groups.parents)
    places = Places(wave.sample.places.team, {"site": first + np.array(category, dtype=np.int64)})
    sample = replace(
        wave.sample,
        groups=Groups(groups.parents, groups.keys, [("site", name) for name in names]),
        places=places,
    )
    shown = {first + place: Decision("ok", None, "exact", False) for place in range(len(names))}
    plan = replace(wave.plan, decisions={**wave.plan.decisions, **shown}, hidden={})
    return Wave.take(wave.survey_id, wave.k, sample, None, plan)


@st.composite
def any_wave(draw: st.DrawFn) -> Wave:
    """Nobody, one, two or many; all alike, none with an answer, or answers of all kinds."""
    instrument = draw(st.sampled_from(INSTRUMENTS))
    persons = draw(st.sampled_from([0, 1, 2, 7, 25, 130]))
    seed = draw(st.integers(0, 1000))
    answers = answers_to(instrument, persons, seed, draw(st.sampled_from([0.0, 0.1, 1.0])))
    if draw(st.booleans()):
        answers[:] = np.array(instrument.high)
    return world(instrument, answers, seed)


def shuffled(wave: Wave, seed: int) -> Wave:
    """The same persons in another order."""
    sample = wave.sample
    order = np.random.default_rng(seed).permutation(len(sample.answers))
    again = wave_of(
        sample.instrument, sample.answers[order], sample.places.team[order].tolist(), TREE, sample.groups.keys
    )
    return linked(again, order.tolist()) if sample.linked is not None else again


def assert_wire_ready(bodies: Bodies, of_group: Any) -> None:
    """As `of_group` has it, in plain finite numbers, with exactly one reason for each that is missing.

    Each reason has words, and nothing stands beside a reason to hide.
    """
    json.dumps(bodies, allow_nan=False)
    answer = TypeAdapter(list[of_group])
    answer.validate_python([{"group": SOMEWHERE, **body} for body in bodies.values()])
    words = document()["labels"]["reasons"]
    for block in blocks_in(bodies):
        reasons = block.get("reasons", {})
        assert {name for name, value in block.items() if value is None} == reasons.keys()
        assert {*reasons.values(), block.get("reason", "banded")} <= words.keys()
        if block.get("status") == "suppressed":
            names = {"lever", "criterion", "measure", "from_survey", "to_survey"}
            assert block.keys() <= {"status", "reason"} | names


def blocks_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "reasons" in value or "status" in value:
            yield value
        for member in value.values():
            yield from blocks_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from blocks_in(member)


def nearly(value: Any) -> Any:
    """Numbers may differ by rounding, nothing else."""
    if isinstance(value, dict):
        return {name: nearly(member) for name, member in value.items()}
    if isinstance(value, list):
        return [nearly(member) for member in value]
    return pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
