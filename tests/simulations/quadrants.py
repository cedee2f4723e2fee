"""Which shares of the quadrants lie nearer to those of the true scores: the observed or the expected ones."""

from typing import Final

import numpy as np

from app.metrics.formulas import QUADRANTS, quadrant_chances, quadrant_of
from tests.simulations.tables import SEED, Table

RELIABILITIES: Final = (0.6, 0.7, 0.8, 0.9)
MEANS: Final = (66.0, 58.0)
SD: Final = 14.0
R: Final = 0.6
"""Of the true scores, as their standard deviation."""


def errors_of_shares(reliability: float, n: int, runs: int, seed: int = SEED) -> tuple[float, float]:
    """Mean distance of observed and of expected shares from the true ones, of the same persons."""
    random = np.random.default_rng(seed)
    error = SD * np.sqrt(1 / reliability - 1)
    covariance = SD**2 * np.array([[1, R], [R, 1]])
    off = np.zeros(2)
    for _ in range(runs):
        true = random.multivariate_normal(MEANS, covariance, n)
        s, e = (true + error * random.normal(size=true.shape)).T
        chances = quadrant_chances(s, e, (error, error))
        assert chances is not None
        truth = np.bincount(quadrant_of(*true.T), minlength=len(QUADRANTS)) / n
        observed = np.bincount(quadrant_of(s, e), minlength=len(QUADRANTS)) / n
        off += np.abs(observed - truth).mean(), np.abs(chances.mean(axis=0) - truth).mean()
    return float(off[0] / runs), float(off[1] / runs)


PERSONS, RUNS = 300, 2000
TABLES: Final = [
    Table(
        "quadrants",
        ("reliability",),
        ("mean error, observed", "expected"),
        [(reliability,) for reliability in RELIABILITIES],
        lambda reliability: errors_of_shares(reliability, PERSONS, RUNS),
        f"{RUNS:,} surveys of {PERSONS} persons a row",
    )
]
