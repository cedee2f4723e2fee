"""How many random examples a test takes: few in the default run, many at night."""

from hypothesis import settings

STEADY = 40
"""Examples of a test that costs little, in the default run."""
SEARCHING = 1000


def examples(steady: int) -> int:
    """So many of those that cost much in the default run; at night as many times more as of the others."""
    return steady * settings.default.max_examples // STEADY
