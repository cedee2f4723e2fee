"""How often the focus area that a small team is advised first is truly the first, and what was claimed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas import (
    chance_of_first_of_part,
    draw_importance,
    lever_priority,
    relative_importance,
    shrinkage,
)
from tests.simulations.tables import SEED, Table

LEVERS, TEAMS, PERSONS = 4, 40, 12
MEANS: Final = np.array([62.0, 58.0, 64.0, 60.0])
WEIGHTS: Final = np.array([1.0, 0.8, 0.4, 0.6])
BETWEEN, WITHIN, NOISE = 6.0, 18.0, 20.0
"""Standard deviations: of the teams' true means, of persons in a team, and of what levers do not explain."""

Decisions = NDArray[np.float64]
"""Of each team: the chance claimed for the lever it is advised first, and 1 where that is truly the first."""


def decisions(runs: int, seed: int = SEED) -> tuple[Decisions, Decisions]:
    """With scores drawn towards those of the other teams, and with scores as they are."""
    random = np.random.default_rng(seed)
    shares = _true_shares(random)
    found = [_of_organisation(random, shares, number) for number in range(runs)]
    drawn, raw = zip(*found, strict=True)
    return np.concatenate(drawn), np.concatenate(raw)


def _true_shares(random: np.random.Generator) -> NDArray[np.float64]:
    """By the formula, over so many persons that chance plays no part."""
    x, y, _ = _persons(random, teams=4000)
    return np.array([driver.share for driver in relative_importance(y, x).drivers])


def _persons(random: np.random.Generator, teams: int) -> tuple[NDArray[np.float64], ...]:
    true = MEANS + random.normal(0, BETWEEN, size=(teams, LEVERS))
    shared = random.normal(size=(teams, PERSONS, 1))
    own = random.normal(size=(teams, PERSONS, LEVERS))
    x = (true[:, None] + WITHIN * (shared + own) / np.sqrt(2)).reshape(-1, LEVERS)
    return x, x @ WEIGHTS + random.normal(0, NOISE, len(x)), true


def _of_organisation(
    random: np.random.Generator, shares: NDArray[np.float64], seed: int
) -> tuple[Decisions, Decisions]:
    x, y, true = _persons(random, TEAMS)
    of_all = draw_importance(y, x, seed)
    assert of_all is not None
    means = x.reshape(TEAMS, PERSONS, LEVERS).mean(axis=1)
    error = np.full(TEAMS, WITHIN**2 / PERSONS)
    towards = [shrinkage(column, error) for column in means.T]
    weights = np.column_stack([of.weights for of in towards])
    drawn = np.column_stack([of.means for of in towards])
    correlations, first = np.corrcoef(x.T), lever_priority(shares, true).argmax(axis=1)

    def claimed(at: NDArray[np.float64], own: NDArray[np.float64]) -> Decisions:
        chances = [
            chance_of_first_of_part(of_all, score, part, part * error[0], correlations, seed)
            for score, part in zip(at, own, strict=True)
        ]
        return np.array([(of.max(), of.argmax() == truly) for of, truly in zip(chances, first, strict=True)])

    return claimed(drawn, weights), claimed(means, np.ones_like(means))


RUNS: Final = 50
WAYS: Final = ("drawn towards other teams (served)", "as they are")
TABLES: Final = [
    Table(
        "small teams",
        ("scores of a team",),
        ("chance claimed", "truly first"),
        [(way,) for way in WAYS],
        lambda way: decisions(RUNS)[WAYS.index(way)].mean(axis=0).tolist(),
        f"{RUNS} organisations of {TEAMS} teams of {PERSONS}",
    )
]
