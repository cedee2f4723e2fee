"""Noise for numbers compared between organisations, so that nobody shows in them (disclosure.md R12)."""

from random import Random

FEWEST_PERSONS = 100
DECIMALS = 1
"""The digits below would betray which noise was drawn (Mironov 2012)."""


def with_noise(score: float, n: int, epsilon: float, random: Random) -> float:
    """A mean of scores 0-100 over `n` persons, n being public, with Laplace noise (Dwork et al. 2006).

    Each number drawn spends `epsilon`. Draw once a release and keep it: the mean of several draws undoes the
    noise. `random` must be unpredictable, as random.SystemRandom is.
    """
    if n < FEWEST_PERSONS:
        raise ValueError(f"noise hides one among {FEWEST_PERSONS} or more")
    if epsilon <= 0:
        raise ValueError("a budget is above 0")
    noise = 100 / (n * epsilon) * (random.expovariate(1) - random.expovariate(1))
    return round(min(max(score + noise, 0.0), 100.0), DECIMALS)
