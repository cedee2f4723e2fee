"""All tables, in the order of the guide."""

from typing import Final

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
from tests.simulations.tables import Table

ALL: Final[list[Table]] = [
    table
    for module in (
        shares,
        quadrants,
        distinctness,
        drivers,
        small_teams,
        rates,
        recognition,
        waves,
        intervals,
    )
    for table in module.TABLES
]
