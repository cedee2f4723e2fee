"""Which combinations of team and categories may be asked for (disclosure.md R5b; Chin & Ozsoyoglu 1981)."""

from collections.abc import Sequence

import numpy as np

from app.metrics.disclosure.crossing import numbered
from app.metrics.sample import Flags, Integers


def base_cells(regions: Integers, dimensions: Sequence[Integers], k: int) -> Integers:
    """The number of each person's cell: the same region, and k persons or more, where their region has them.

    Those alike in every dimension are a cell where they are k; of the others those alike in all but the last
    one, and so on. Who is left of a region joins its last cell.
    """
    cells = np.full(len(regions), -1, dtype=np.int64)
    for kept in range(len(dimensions), -1, -1):
        loose = np.flatnonzero(cells < 0)
        alike = numbered(*(own[loose] for own in (regions, *dimensions[:kept])))
        enough = np.bincount(alike)[alike] >= k if loose.size else np.zeros(0, dtype=np.bool_)
        cells[loose[enough]] = cells.max(initial=-1) + 1 + alike[enough]
    return numbered(regions, _joined(regions, cells))


def _joined(regions: Integers, cells: Integers) -> Integers:
    region = numbered(regions)
    last = np.full(region.max(initial=-1) + 1, -1, dtype=np.int64)
    np.maximum.at(last, region, cells)
    return np.where(cells < 0, last[region], cells)


def filter_cells(cells: Integers, wanted: Flags) -> Integers | None:
    """The cells that the wanted persons are all of; None where they are part of one, or nobody.

    `cells` and `wanted` have one a person of the headline set.
    """
    inside = np.bincount(cells[wanted], minlength=cells.max(initial=-1) + 1)
    found = np.flatnonzero(inside)
    is_whole = found.size > 0 and bool(np.all(inside[found] == np.bincount(cells)[found]))
    return found if is_whole else None
