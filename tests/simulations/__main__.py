"""Every simulation with a known truth, at full size: make simulations"""

from tests.simulations import shares

for simulation in (shares,):
    simulation.main()
