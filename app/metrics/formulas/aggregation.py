from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_rows
from app.metrics.formulas.intervals import ZERO_SPREAD
from app.metrics.formulas.special import fdtrc


@dataclass(frozen=True, slots=True)
class Icc:
    """`icc1`: share of variance between groups; `icc2`: reliability of a group mean. Both 0-1, their raw
    values may be negative. Estimated from one-way analysis of variance; REML differs in unbalanced data.

    `k0` is the group size that counts, `f` and `p` test whether groups differ (None without variance within).
    """

    n: int
    groups: int
    msb: float | None
    msw: float | None
    f: float | None
    p: float | None
    k0: float | None
    icc1: float | None
    icc1_raw: float | None
    icc2: float | None
    icc2_raw: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`value` 0 (answers as if at random) to 1 (all alike); `variance` is the mean one of the items."""

    n: int
    variance: float | None
    value: float | None
    undefined: Undefined | None


def icc(values: ArrayLike, groups: ArrayLike) -> Icc:
    """Intraclass correlations (Bliese 2000) of `values`, one a person, NaN where missing.

    `groups` labels each person's group. ICC(1) takes k0 = (N - sum n_g^2 / N) / (G - 1), not the mean size.
    """
    x, labels = np.asarray(values, dtype=np.float64), np.asarray(groups)
    x, labels = x[~np.isnan(x)], labels[~np.isnan(x)]
    _, group_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    n, g = len(x), len(sizes)
    if g < 2 or n <= g:
        return _no_icc(n, g, "single_group" if g == 1 else "too_few")
    if x.std() <= ZERO_SPREAD:
        return _no_icc(n, g, "zero_variance")
    msb, msw = mean_squares(x, group_of, sizes)
    return _icc(n, g, msb, msw, k0=float((n - (sizes**2).sum() / n) / (g - 1)))


def mean_squares(
    values: NDArray[np.float64], group_of: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[float, float]:
    """Between and within groups; 0 where it is rounding. `group_of` indexes `sizes`."""
    means = np.bincount(group_of, weights=values) / sizes
    between = float(sizes @ (means - values.mean()) ** 2) / (len(sizes) - 1)
    within = float(((values - means[group_of]) ** 2).sum()) / (len(values) - len(sizes))
    low = ZERO_SPREAD**2
    return between if between > low else 0.0, within if within > low else 0.0


def rwg(ratings: ArrayLike, options: int, null_variance: float | None = None) -> Agreement:
    """Agreement within one group on one item (James, Demaree & Wolf 1984).

    `ratings`: one answer a person, in steps of 1 over `options` answers, NaN where missing. `null_variance`
    is that of answers at random: (options^2 - 1)/12 unless given (slight skew over 5 options: 1.34, as in
    LeBreton & Senter 2008).
    """
    return rwg_j(np.asarray(ratings, dtype=np.float64)[:, None], options, null_variance)


def rwg_j(items: ArrayLike, options: int, null_variance: float | None = None) -> Agreement:
    """Agreement within one group over J items, persons x J; otherwise as `rwg`. Complete persons count.

    Rises with J: not to be compared across scales of different length.
    """
    if options < 2:
        raise ValueError("an item has two options or more")
    rows = complete_rows(items)
    n, j = rows.shape
    if n < 2 or j < 1:
        return Agreement(n, None, None, "too_few" if n < 2 else "single_item")
    variance = float(rows.var(axis=0, ddof=1).mean())
    return Agreement(n, variance, agreement(variance, j, options, null_variance), None)


def agreement(variance: float, j: int, options: int, null_variance: float | None = None) -> float:
    """As `rwg_j` has it, from the mean variance of J items."""
    agreed = max(0.0, 1 - variance / (null_variance or (options**2 - 1) / 12))
    return j * agreed / (j * agreed + 1 - agreed)


def _no_icc(n: int, groups: int, reason: Undefined) -> Icc:
    return Icc(n, groups, None, None, None, None, None, None, None, None, None, reason)


def _icc(n: int, groups: int, msb: float, msw: float, k0: float) -> Icc:
    f = msb / msw if msw else None
    icc1 = (msb - msw) / (msb + (k0 - 1) * msw)
    icc2 = (msb - msw) / msb if msb else None
    return Icc(
        n=n,
        groups=groups,
        msb=msb,
        msw=msw,
        f=f,
        p=None if f is None else float(fdtrc(groups - 1, n - groups, f)),
        k0=k0,
        icc1=max(0.0, icc1),
        icc1_raw=icc1,
        icc2=0.0 if icc2 is None else max(0.0, icc2),
        icc2_raw=icc2,
        undefined=None,
    )
