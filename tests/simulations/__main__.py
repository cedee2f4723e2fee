"""Every simulation with a known truth, at full size: make simulations"""

from tests.simulations import quadrants, shares

for simulation in (shares, quadrants):
    simulation.main()
