"""Whether some combination of rows lives on few persons only: exact, by exhausting the ways it can vanish."""

from typing import Final

import numpy as np

from app.metrics.sample import Integers

PRIME: Final = 2**31 - 1
"""Products fit 64 bits; the ranks of the small tables looked at are the same modulo it."""

MOST_STEPS: Final = 3_000
"""After so many eliminations there is no proof: a limit that does not depend on the machine."""


class _GivenUp(Exception):
    """Too many steps."""


def lives_on_few(rows: Integers, weights: Integers, k: int) -> bool | None:
    """Whether a combination of `rows` other than zero lives on columns of weight under k together.

    `weights` has one a column, zero allowed. None where that could not be settled within the limit.
    """
    search = _Search(weights, k)
    try:
        return search.finds(_vanishing(rows % PRIME, np.flatnonzero(weights >= k)))
    except _GivenUp:
        return None


class _Search:
    """Of m + 1 parts of the columns, a combination living on m columns at most vanishes on one entirely."""

    def __init__(self, weights: Integers, k: int) -> None:
        self._weights, self._k = weights, k
        self._steps = 0

    def finds(self, rows: Integers) -> bool:
        lives = rows != 0
        if np.any((lives @ self._weights < self._k) & lives.any(axis=1)):
            return True
        columns = np.flatnonzero(lives.any(axis=0))
        if not columns.size:
            return False
        by_weight = np.sort(self._weights[columns])
        most = int(np.searchsorted(np.cumsum(by_weight), self._k))
        return any(self.finds(self._without(rows, columns[part :: most + 1])) for part in range(most + 1))

    def _without(self, rows: Integers, columns: Integers) -> Integers:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise _GivenUp
        return _vanishing(rows, columns)


def _vanishing(rows: Integers, columns: Integers) -> Integers:
    """A basis of the combinations of rows that are zero in the columns."""
    for column in columns:
        pivots = np.flatnonzero(rows[:, column])
        if pivots.size:
            pivot = rows[pivots[0]]
            inverse = pow(int(pivot[column]), -1, PRIME)
            rest = np.delete(rows, pivots[0], axis=0)
            factors = rest[:, column] * inverse % PRIME
            rows = (rest - factors[:, None] * pivot) % PRIME
    return rows[rows.any(axis=1)]
