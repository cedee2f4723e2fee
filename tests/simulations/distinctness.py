"""Whether one attitude, asked under two names, is called two; and how often the interval holds the truth."""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.distinctness import distinctness
from app.metrics.sample import Instrument
from app.metrics.schemas import DistinctnessOk
from tests.metrics.waves import instrument_of, wave_of
from tests.simulations.tables import SEED, Table

STRUCTURES: Final = {"2 + 2 facets of 5 questions": (2, 2, 5), "6 + 9 facets of 2 questions": (6, 9, 2)}
OF_FACET: Final = 0.35
"""Variance that the questions of one facet share beside the attitude, as part of an answer's."""
OF_ATTITUDE: Final = 0.25
SKIPPED: Final = 0.04


def instrument(structure: tuple[int, int, int]) -> Instrument:
    satisfaction, engagement, questions = structure
    facets = [("satisfaction", f"s{number}") for number in range(satisfaction)]
    facets += [("engagement", f"e{number}") for number in range(engagement)]
    return instrument_of(*(facet for facet in facets for _ in range(questions)))


def answers(
    structure: tuple[int, int, int], r: float, n: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Two attitudes that correlate r, at 1 the same; of an answer a part is its facet's, a part chance."""
    satisfaction, engagement, questions = structure
    shared = random.normal(size=(n, 1))
    attitudes = np.sqrt(r) * shared + np.sqrt(1 - r) * random.normal(size=(n, 2))
    of_facet = np.repeat(attitudes, [satisfaction, engagement], axis=1) * np.sqrt(OF_ATTITUDE)
    of_facet += np.sqrt(OF_FACET) * random.normal(size=of_facet.shape)
    given = np.repeat(of_facet, questions, axis=1)
    given += np.sqrt(1 - OF_ATTITUDE - OF_FACET) * random.normal(size=given.shape)
    chosen = np.clip(np.rint(3.4 + given), 1, 5).astype(np.int64)
    return np.where(random.random(chosen.shape) < SKIPPED, -2, chosen)


def told(
    structure: tuple[int, int, int], r: float, n: int, runs: int, seed: int = SEED
) -> list[DistinctnessOk]:
    random = np.random.default_rng(seed)
    asked, found = instrument(structure), []
    for _ in range(runs):
        body = distinctness(wave_of(asked, answers(structure, r, n, random)))[0]
        assert isinstance(body, DistinctnessOk)
        found.append(body)
    return found


def verdicts_and_coverage(structure: str, r: float, n: int, runs: int) -> tuple[float, float, float]:
    found = told(STRUCTURES[structure], r, n, runs)
    ends = [(of.ci_low, of.ci_high) for of in found if of.ci_low is not None and of.ci_high is not None]
    held = sum(low <= r <= high for low, high in ends) / max(len(ends), 1)
    return (
        sum(of.verdict == "distinct" for of in found) / runs,
        sum(of.verdict == "not_distinct" for of in found) / runs,
        held,
    )


RUNS: Final = 500
TABLES: Final = [
    Table(
        "distinctness",
        ("facets", "true correlation", "persons"),
        ("`distinct`", "`not_distinct`", "the interval holds it"),
        list(product(STRUCTURES, (1.0, 0.6), (200, 400))),
        lambda structure, r, n: verdicts_and_coverage(structure, r, n, RUNS),
        f"{RUNS} surveys a row",
        coverage=["the interval holds it"],
    )
]
