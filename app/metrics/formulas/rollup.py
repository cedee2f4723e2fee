from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.float64)


class Subtrees:
    """Nodes go by index; `parents` has the index of each one's parent, -1 for none."""

    def __init__(self, parents: NDArray[np.int64]) -> None:
        self.parents = parents
        self.levels = tuple(_levels(parents))

    def depths(self) -> NDArray[np.int64]:
        depth = np.zeros(len(self.parents), dtype=np.int64)
        for height, level in enumerate(self.levels):
            depth[level] = height
        return depth

    def totals(self, direct: NDArray[Number]) -> NDArray[Number]:
        """Sum over each subtree of `direct`, one a node."""
        total = direct.copy()
        for level in self.levels[:0:-1]:
            np.add.at(total, self.parents[level], total[level])
        return total

    def sums(self, members: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over each subtree of `values`, one a person; `members` has the node of each."""
        return self.totals(self._direct_sums(members, values))

    def counts(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.totals(self._direct_counts(members))

    def mean_and_sd(
        self, members: NDArray[np.int64], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and sd (n - 1) of each subtree; 0 where undefined (no person; fewer than two)."""
        n, means, products = self.products(members, values[:, None])
        return means[:, 0], np.sqrt(_ratio(products[:, 0, 0], n - 1))

    def products(
        self, members: NDArray[np.int64], table: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Of persons x columns, by subtree: n, means, and sums of products of deviations from these means.

        The products are merged about each node's own means (Chan, Golub & LeVeque 1983): subtracting products
        of sums would give a group of equal answers a spread.
        """
        direct_n = self._direct_counts(members)
        n, columns = self.totals(direct_n), range(table.shape[1])
        means = np.empty((len(columns), len(n)))
        off, away = np.empty_like(means), []
        for column in columns:
            values = np.ascontiguousarray(table[:, column])
            direct = self._direct_means(members, values, direct_n)
            means[column] = _ratio(self.totals(direct_n * direct), n)
            off[column] = direct - means[column]
            away.append(values - direct[members])
        products = np.empty((len(n), len(columns), len(columns)))
        for row, column in zip(*(own.tolist() for own in np.tril_indices(len(columns))), strict=True):
            within = self._direct_sums(members, away[row] * away[column])
            own = self._merged(within + direct_n * (off[row] * off[column]), n, means[row], means[column])
            products[:, row, column] = products[:, column, row] = own
        return n, means.T, products

    def _merged(
        self,
        products: NDArray[np.float64],
        n: NDArray[np.int64],
        one: NDArray[np.float64],
        other: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Those of all subtrees, from those of each node's direct members about the means of its subtree."""
        for level in self.levels[:0:-1]:
            up = self.parents[level]
            between = (one[level] - one[up]) * (other[level] - other[up])
            np.add.at(products, up, products[level] + n[level] * between)
        return products

    def _direct_means(
        self, members: NDArray[np.int64], values: NDArray[np.float64], n: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Corrected by the mean of what is left, or the rounding of long sums would look like spread."""
        mean = _ratio(self._direct_sums(members, values), n)
        return mean + _ratio(self._direct_sums(members, values - mean[members]), n)

    def _direct_counts(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(members, minlength=len(self.parents)).astype(np.int64)

    def _direct_sums(self, members: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(members, weights=values, minlength=len(self.parents)).astype(np.float64)


def _levels(parents: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    level = np.flatnonzero(parents < 0)
    while level.size:
        yield level
        level = np.flatnonzero(np.isin(parents, level))


def _ratio(total: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(total, n, out=np.zeros(len(n)), where=n > 0)
