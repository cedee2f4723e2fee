"""Waves to hand to a block: answers in, with the groups and the plan that a release would have."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike

from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import plan_release
from app.metrics.formulas import Subtrees
from app.metrics.sample import Groups, Instrument, Places, Sample, Scores

SURVEY_ID = UUID("0198f0d0-1c5e-7d0a-8a44-0f6f0a5b7e21")


def instrument_of(*questions: tuple[str, str], scale: tuple[int, int] = (1, 5), **members: Any) -> Instrument:
    """Questions q0, q1... given as (dimension, facet), core and condition facets all core."""
    roles = {"satisfaction": "basic", "engagement": "core", "outcome": "outcome"}
    given: dict[str, Any] = {
        "key": [f"q{number}" for number in range(len(questions))],
        "low": [scale[0]] * len(questions),
        "high": [scale[1]] * len(questions),
        "is_reversed": [False] * len(questions),
        "dimension": [dimension for dimension, _ in questions],
        "facet": [facet for _, facet in questions],
        "role": [roles[dimension] for dimension, _ in questions],
        "lever": [None] * len(questions),
    }
    return Instrument(**given | members)


def wave_of(
    instrument: Instrument,
    answers: ArrayLike,
    members: Sequence[int] | None = None,
    parents: Sequence[int | None] = (None,),
    keys: Sequence[str] | None = None,
    invited: Sequence[int] | None = None,
    k: int = 5,
) -> Wave:
    """`members` has the group each person is a direct member of, `invited` counts direct members."""
    given = np.asarray(answers, dtype=np.int16).reshape(-1, len(instrument.key))
    team = np.zeros(len(given), dtype=np.int64) if members is None else np.asarray(members, dtype=np.int64)
    sample = Sample(
        instrument=instrument,
        groups=Groups(parents, keys or [str(ordinal) for ordinal in range(len(parents))]),
        places=Places(team, {}),
        answers=given,
        scores=Scores.take(given, instrument),
        included=np.ones(len(given), dtype=np.int64),
        linked=None,
    )
    tree = Subtrees(np.array([-1 if parent is None else parent for parent in parents]))
    below = None if invited is None else tree.totals(np.array(invited, dtype=np.int64))
    return Wave.take(SURVEY_ID, k, sample, below, plan_release(sample, below, k))


def empty_members(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from empty_members(member, f"{path}.{name}" if path else name)
