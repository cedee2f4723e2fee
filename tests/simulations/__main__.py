"""Every simulation with a known truth, at full size: make simulations"""

from tests.simulations import distinctness, quadrants, shares, small_teams

for simulation in (shares, quadrants, distinctness, small_teams):
    simulation.main()
