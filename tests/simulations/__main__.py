"""Every simulation with a known truth, at full size: make simulations"""

from tests.simulations import (
    distinctness,
    drivers,
    intervals,
    quadrants,
    rates,
    recognition,
    shares,
    small_teams,
    waves,
)

for simulation in (
    intervals,
    shares,
    quadrants,
    distinctness,
    drivers,
    rates,
    recognition,
    waves,
    small_teams,
):
    simulation.main()
