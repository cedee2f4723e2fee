"""Which shares of the quadrants lie nearer to those of the true scores: the observed or the expected ones.

Facets have something of their own beside the attitude, which belongs to a true score: the score that a person
would have on average. What chance adds is known to the service from the questions alone.
"""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from app.metrics.blocks.scales import MeasurementErrors, reliability_of_dimension
from app.metrics.formulas import QUADRANTS, measurement_error, quadrant_chances, quadrant_of
from app.metrics.sample import DIMENSIONS
from tests.metrics.waves import instrument_of, wave_of
from tests.simulations.tables import SEED, Table

RELIABILITIES: Final = (0.6, 0.7, 0.8, 0.9)
OWN: Final = (0.0, 0.5)
"""Part of the true variance of a facet that is its own."""
MEANS: Final = np.array([66.0, 58.0])
SD: Final = 10.0
R: Final = 0.6
"""Of the true scores, as their standard deviation."""
FACETS, QUESTIONS = 3, 2
ASKED: Final = instrument_of(
    *((name, f"{name}{facet}") for name in DIMENSIONS for facet in range(FACETS) for _ in range(QUESTIONS)),
    scale=(0, 100),
)
Errors = NDArray[np.float64]


def errors_of_shares(reliability: float, own: float, n: int, runs: int, seed: int = SEED) -> Errors:
    """Mean distance from the true shares, of the same persons: of the observed ones, of those expected where
    what facets have of their own counts as error, as it did before, and of those that are served.
    """
    random = np.random.default_rng(seed)
    off = np.zeros(3)
    for _ in range(runs):
        true, answers = survey(random, reliability, own, n)
        wave = wave_of(ASKED, answers)
        s, e = (wave.both.dimensions[name] for name in DIMENSIONS)
        of_questions = MeasurementErrors.take(wave).errors
        assert of_questions is not None
        omegas = [reliability_of_dimension(wave, name).value for name in DIMENSIONS]
        before = [measurement_error(float(x.std()), r or 0.0) for x, r in zip((s, e), omegas, strict=True)]
        truth = shares(quadrant_of(*true.T))
        observed = shares(quadrant_of(s, e))
        found = [observed, *(expected(s, e, (of[0], of[1])) for of in (before, of_questions))]
        off += [np.abs((observed if of is None else of) - truth).mean() for of in found]
    return off / runs


def survey(
    random: np.random.Generator, reliability: float, own: float, n: int
) -> tuple[Errors, NDArray[np.int64]]:
    """True scores of n persons, and whole answers from 0 to 100."""
    common = random.multivariate_normal([0, 0], [[1, R], [R, 1]], n)
    facets = np.sqrt(1 - own) * np.repeat(common, FACETS, axis=1)
    facets += np.sqrt(own) * random.normal(size=facets.shape)
    stands = np.repeat(MEANS, FACETS) + SD / np.sqrt(1 - own + own / FACETS) * facets
    error = SD * np.sqrt((1 / reliability - 1) * FACETS * QUESTIONS)
    given = np.repeat(stands, QUESTIONS, axis=1)
    given = np.clip(np.rint(given + error * random.normal(size=given.shape)), 0, 100)
    return on_the_scale(stands, error).reshape(n, 2, FACETS).mean(axis=2), given.astype(np.int64)


def on_the_scale(stands: Errors, error: float) -> Errors:
    """Mean of answers about these with a normal error, those beyond 0 and 100 at the end."""
    low, high = -stands / error, (100 - stands) / error
    density = [np.exp(-end * end / 2) / np.sqrt(2 * np.pi) for end in (low, high)]
    inside = ndtr(high) - ndtr(low)
    return np.asarray(stands * inside + error * (density[0] - density[1]) + 100 * ndtr(-high))


def shares(quadrant: NDArray[np.int64]) -> Errors:
    return np.bincount(quadrant, minlength=len(QUADRANTS)) / len(quadrant)


def expected(s: Errors, e: Errors, errors: tuple[float, float]) -> Errors | None:
    chances = quadrant_chances(s, e, errors)
    return None if chances is None else np.asarray(chances.mean(axis=0))


PERSONS, RUNS = 300, 100
TABLES: Final = [
    Table(
        "quadrants",
        ("reliability", "of a facet's own"),
        ("mean error, observed", "expected before", "expected"),
        list(product(RELIABILITIES, OWN)),
        lambda reliability, own: errors_of_shares(reliability, own, PERSONS, RUNS).tolist(),
        f"{RUNS:,} surveys of {PERSONS} persons a row",
    )
]
