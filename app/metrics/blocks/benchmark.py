"""Both scores of the whole organisation with noise, to be handed to others (disclosure.md R12)."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from app.metrics.blocks.wave import ORGANIZATION, Wave
from app.metrics.disclosure.noise import FEWEST_PERSONS, with_noise
from app.metrics.sample import DIMENSIONS
from app.metrics.schemas import BenchmarkOk, BenchmarkUndefined, NoisyScores


@dataclass(frozen=True, slots=True)
class Budget:
    """`epsilon` goes to each score, None where none are wanted; `spent` is of all releases so far."""

    epsilon: float | None
    total: float
    spent: float


def benchmark(wave: Wave, budget: Budget, random: Random) -> NoisyScores:
    """Drawn once, with the release: several draws would undo the noise."""
    if budget.epsilon is None:
        return BenchmarkUndefined(status="undefined", reason="benchmarks_off")
    reason = _why_not(wave, budget, len(DIMENSIONS) * budget.epsilon)
    if reason is not None:
        return BenchmarkUndefined(status="undefined", reason=reason)
    n = wave.n(ORGANIZATION)
    satisfaction, engagement = (
        with_noise(float(wave.both.dimensions[name].mean()), n, budget.epsilon, random) for name in DIMENSIONS
    )
    return BenchmarkOk(
        status="ok", n=n, epsilon=budget.epsilon, satisfaction=satisfaction, engagement=engagement
    )


def spent(scores: NoisyScores) -> float:
    return len(DIMENSIONS) * scores.epsilon if isinstance(scores, BenchmarkOk) else 0.0


def _why_not(
    wave: Wave, budget: Budget, needed: float
) -> Literal["dimension_missing", "too_few_persons", "budget_spent"] | None:
    if not wave.has_both_dimensions:
        return "dimension_missing"
    if wave.n(ORGANIZATION) < FEWEST_PERSONS:
        return "too_few_persons"
    return "budget_spent" if budget.spent + needed > budget.total else None
