"""Every simulation with a known truth, at full size: make simulations"""

from tests.simulations import distinctness, drivers, quadrants, shares, small_teams

for simulation in (shares, quadrants, distinctness, drivers, small_teams):
    simulation.main()
