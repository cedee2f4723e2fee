"""Every simulation with a known truth, at full size, into the guide: make simulations

Or some: python -m tests.simulations rates "ratios of rates"
"""

import sys

from tests.simulations.everything import ALL
from tests.simulations.tables import measure

for table in ALL:
    if table.name in (sys.argv[1:] or [table.name]):
        measure(table)
