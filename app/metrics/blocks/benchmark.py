"""Both scores of the whole organisation with noise, to be handed to others (disclosure.md R12)."""

from dataclasses import dataclass
from random import Random
from typing import Final

from app.metrics.blocks.wave import ORGANIZATION, Body, Wave
from app.metrics.disclosure.noise import FEWEST_PERSONS, with_noise
from app.metrics.sample import DIMENSIONS


@dataclass(frozen=True, slots=True)
class Budget:
    """`epsilon` goes to each score, None where none are wanted; `spent` is of all releases so far."""

    epsilon: float | None
    total: float
    spent: float


def benchmark(wave: Wave, budget: Budget, random: Random) -> Body:
    """Drawn once, with the release: several draws would undo the noise."""
    reason = _why_not(wave, budget)
    if reason is not None or budget.epsilon is None:
        return {"status": "undefined", "reason": reason}
    n = wave.n(ORGANIZATION)
    scores: Final = {
        name: with_noise(float(wave.both.dimensions[name].mean()), n, budget.epsilon, random)
        for name in DIMENSIONS
    }
    return {"status": "ok", "n": n, "epsilon": budget.epsilon, **scores}


def spent(body: Body) -> float:
    return len(DIMENSIONS) * float(body["epsilon"]) if body["status"] == "ok" else 0.0


def _why_not(wave: Wave, budget: Budget) -> str | None:
    if budget.epsilon is None:
        return "benchmarks_off"
    if not wave.has_both_dimensions:
        return "dimension_missing"
    if wave.n(ORGANIZATION) < FEWEST_PERSONS:
        return "too_few_persons"
    needed = len(DIMENSIONS) * budget.epsilon
    return "budget_spent" if budget.spent + needed > budget.total else None
