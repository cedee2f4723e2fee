"""Small groups, attacked by who knows every rule and number: nobody's answer gets known (disclosure.md R6).

What is told exactly is attacked in `test_leak_plan.py`. Of what is told in steps an integer program asks
which answers somebody cannot have given.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from app.metrics.blocks.wave import Wave
from app.metrics.sample import DIMENSIONS, Flags, Floats
from tests.metrics import told
from tests.metrics.small_groups import HALF, SmallGroups
from tests.metrics.waves import instrument_of, wave_of

INSTRUMENT = instrument_of(
    *[("satisfaction", facet) for facet in ("pay", "safety", "resources") for _ in range(2)],
    *[("engagement", facet) for facet in ("bond", "effort", "growth") for _ in range(2)],
)
TREES = ((None,), (None, 0), (None, 0, 0), (None, 0, 1, 0))
MOST_EXCLUDED = 2
SEEDS = [
    pytest.param([2, 8], 1, 2, id="few"),
    pytest.param(range(60), 2, 12, id="dozens", marks=pytest.mark.nightly),
]
ENDS = {"exact": (-np.inf, np.inf), "integer": (-np.inf, np.inf), "banded": (5.0, 95.0)}
SHARED = {"favourable": [3, 4], "neutral": [2], "unfavourable": [0, 1]}


def small_wave(seed: int) -> Wave:
    """6 to 36 persons in up to four groups, of whom 4% skipped each question; all much alike, or hardly."""
    random, draw = Random(seed), np.random.default_rng(seed)
    parents = random.choice(TREES)
    members = [random.randrange(len(parents)) for _ in range(random.randint(6, 12 * len(parents)))]
    mood = draw.normal(random.choice([-0.6, 0, 0.6]), random.choice([0.3, 0.8]), (len(members), 1))
    given = np.clip(np.round(3 + mood + draw.normal(0, 0.9, (len(members), len(INSTRUMENT.key)))), 1, 5)
    answers = np.where(draw.random(given.shape) < 0.04, -2, given).astype(np.int16)
    return wave_of(INSTRUMENT, answers, members, parents, [f"t{own}" for own in range(len(parents))])


def attacker_of(wave: Wave) -> SmallGroups:
    """Who has read the headline, the facets and the questions of every group."""
    attacker = SmallGroups(wave.sample, wave.plan)
    for ordinal, body in told.headline(wave).items():
        if body["status"] == "ok":
            learn_headline(attacker, wave, ordinal, body)
    for ordinal, body in told.facets(wave).items():
        for entry in (*body.get("facets", []), *body.get("questions", [])):
            if entry["status"] == "ok":
                learn_entry(attacker, wave, ordinal, entry)
    return attacker


def learn_headline(attacker: SmallGroups, wave: Wave, ordinal: int, body: Mapping[str, Any]) -> None:
    persons, precision = wave.rollup.persons(ordinal), body["precision"]
    reach = 1e-6 if precision == "exact" else HALF
    parts = [parts_of(wave, dimension) for dimension in DIMENSIONS]
    for dimension, part in zip(DIMENSIONS, parts, strict=True):
        attacker.learn_mean(part, persons, body[dimension]["score"], reach, ENDS[precision])
        asked = np.array([own == dimension for own in INSTRUMENT.dimension])
        learn_shares(attacker, persons, asked, body[dimension], precision)
    gap_ends = (-90.0, 90.0) if precision == "banded" else ENDS[precision]
    attacker.learn_mean(parts[1] - parts[0], persons, body["gap"]["mean"], reach, gap_ends)


def parts_of(wave: Wave, dimension: str) -> Floats:
    """How much of a point of each answer is in a person's score."""
    facets = [mean_of(wave, columns) for columns in INSTRUMENT.facets_of(dimension).values()]
    known = np.sum([facet.any(axis=1) for facet in facets], axis=0)
    parts: Floats = np.sum(facets, axis=0) / known[:, None]
    return parts


def mean_of(wave: Wave, columns: list[int]) -> Floats:
    """Of these questions, for who answered half of them."""
    answered = ~np.isnan(wave.both.questions)
    count = answered[:, columns].sum(axis=1)
    found = np.zeros(answered.shape)
    found[:, columns] = answered[:, columns] / np.maximum(count, 1)[:, None]
    return np.asarray(found * (2 * count >= len(columns))[:, None])


def learn_entry(attacker: SmallGroups, wave: Wave, ordinal: int, entry: Mapping[str, Any]) -> None:
    is_question = "facet" in entry
    name = f"{'question' if is_question else 'facet'}:{entry['key']}"
    columns = (
        [list(INSTRUMENT.key).index(entry["key"])]
        if is_question
        else INSTRUMENT.facets_of(entry["dimension"])[entry["key"]]
    )
    values, persons = mean_of(wave, columns), wave.rollup.persons(ordinal)
    if wave.plan.is_coarse(name, ordinal):
        has = persons & values.any(axis=1)
        step = 10 if np.count_nonzero(has) < 10 else 5
        attacker.learn_mean(values, has, entry["score"], step / 2 + 1e-6, (step, 100 - step))
        return
    counts, precision = persons & wave.plan.counted[name], entry["precision"]
    attacker.learn_mean(
        values, counts, entry["score"], 1e-6 if precision == "exact" else HALF, ENDS[precision]
    )
    learn_shares(attacker, counts, np.isin(np.arange(len(INSTRUMENT.key)), columns), entry, precision)


def learn_shares(
    attacker: SmallGroups, persons: Flags, asked: Flags, body: Mapping[str, Any], precision: str
) -> None:
    answers = np.count_nonzero(attacker.answered[persons][:, asked])
    reach = {"exact": 1e-9, "integer": 0.005, "banded": 0.025}[precision] + 1e-9
    for name, options in SHARED.items():
        weights = np.zeros((*attacker.answered.shape, 5))
        weights[:, :, options] = (persons[:, None] & asked)[:, :, None] / answers
        is_low, is_high = (
            precision == "banded" and body[name] <= 0.05,
            precision == "banded" and body[name] >= 0.95,
        )
        low = -np.inf if is_low else body[name] - reach
        attacker.learn(weights, low, np.inf if is_high else body[name] + reach)


def found_out(
    attacker: SmallGroups, kinds: Sequence[int], most_questions: int
) -> Iterator[tuple[int, int, list[int]]]:
    for kind in kinds:
        person = int(attacker.first[kind])
        for question in np.flatnonzero(attacker.answered[person])[:most_questions].tolist():
            excluded = attacker.cannot(person, question)
            if len(excluded) > MOST_EXCLUDED:
                yield person, question, excluded


def test_the_attacker_catches_a_score_told_finely_that_somebody_skipped() -> None:
    """A control: in whole numbers, of six and of the five of them who answered."""
    answers = np.full((6, len(INSTRUMENT.key)), 3, dtype=np.int16)
    answers[0, 0], answers[1:, 0] = -2, (5, 1, 3, 4, 2)
    answers[0, 1] = 5
    wave = wave_of(INSTRUMENT, answers)
    attacker = SmallGroups(wave.sample, wave.plan)
    everybody, others = np.ones(6, dtype=np.bool_), np.arange(6) > 0
    of_facet, of_other = mean_of(wave, [0, 1]), mean_of(wave, [1])
    of_first = mean_of(wave, [0])
    for values, persons in ((of_facet, everybody), (of_other, others), (of_first, others)):
        true = float((values * np.nan_to_num(wave.both.questions))[persons].sum(axis=1).mean())
        attacker.learn_mean(values, persons, round(true), HALF, (5, 95))
    assert len(attacker.cannot(0, 1)) > MOST_EXCLUDED


@pytest.mark.nightly
@pytest.mark.parametrize(("seeds", "most_kinds", "most_questions"), SEEDS)
def test_of_nobody_more_than_two_answers_are_excluded(
    seeds: Sequence[int], most_kinds: int, most_questions: int
) -> None:
    """Looked at are those of whom the fewest are alike."""
    for seed in seeds:
        wave = small_wave(seed)
        attacker = attacker_of(wave)
        kinds = np.argsort(attacker.size)[:most_kinds].tolist()
        assert not list(found_out(attacker, kinds, most_questions)), seed
