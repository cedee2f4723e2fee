"""A release says what it said before its arithmetic was made cheaper: numbers to twelve places, and words."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from app.metrics.blocks.drivers import analyse, drivers
from app.metrics.blocks.levers import levers
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import plan_release
from app.metrics.releases.builder import BLOCKS
from app.metrics.releases.response_matrix import as_instrument
from app.metrics.sample import Groups, Places, Rollup, Sample, Scores
from app.surveys.questionnaires.built_in import built_in

PERSONS, TEAMS_EACH = 1_200, 2
PARENTS = [None, 0, 1, 1, 0, 4, 4]
CATEGORIES = [("age", "young"), ("age", "old")]
RELEASED = Path(__file__).parent / "numbers_before.json.gz"
SURVEY_ID = UUID(int=12_345_678_901_234_567_890)


def wave_of_before(is_one_attitude: bool) -> Wave:
    """Of answers that one attitude leads, or nothing; a few are not given."""
    random, instrument = np.random.default_rng(17), as_instrument(built_in().content["questions"])
    groups = Groups(PARENTS, [f"team-{ordinal}" for ordinal in range(len(PARENTS))], CATEGORIES)
    team = random.integers(1, len(PARENTS), PERSONS)
    places = Places(team, {"age": random.integers(len(PARENTS), len(groups), PERSONS)})
    low, high = np.array(instrument.low), np.array(instrument.high)
    led = random.normal(size=(PERSONS, 1)) + 0.3 * team[:, None] if is_one_attitude else 0.0
    drawn = 1 / (1 + np.exp(-led - random.normal(size=(PERSONS, len(low)))))
    given = np.floor(low + drawn * (high - low + 1)).clip(low, high)
    given = np.where(instrument.is_reversed, low + high - given, given)
    answers = np.where(random.random(given.shape) < 0.02, -2, given).astype(np.int16)
    scores, included = Scores.take(answers, instrument), np.ones(PERSONS, dtype=np.int64)
    sample = Sample(instrument, groups, places, answers, scores, included, None)
    invited = Rollup(groups, places).counts()
    return Wave.take(SURVEY_ID, 5, sample, invited, plan_release(sample, invited, 5))


def said(wave: Wave) -> dict[str, Any]:
    """Everything of every group, by its place: numbers, words and what is not told."""
    analyses = analyse(wave)
    bodies = {name: block(wave) for name, block in BLOCKS.items()}
    bodies |= {"drivers": drivers(wave, analyses), "levers": levers(wave, analyses)}
    return {
        f"{name}/{ordinal}/{place}": value
        for name, groups in bodies.items()
        for ordinal, body in groups.items()
        for place, value in leaves(body.model_dump(mode="json"))
    }


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(member, f"{place}.{key}")
    else:
        yield place, value


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["alike", "apart"])
def test_the_same_is_said_as_before(kind: str) -> None:
    before = json.loads(gzip.decompress(RELEASED.read_bytes()))[kind]
    now = said(wave_of_before(kind == "alike"))
    assert now.keys() == before.keys()
    for place, value in before.items():
        is_number = isinstance(value, float)
        assert now[place] == (pytest.approx(value, rel=1e-12, abs=1e-12) if is_number else value), place
