"""Every simulation with a known truth, at full size: make simulations"""

from tests.simulations import quadrants, shares, small_teams

for simulation in (shares, quadrants, small_teams):
    simulation.main()
