from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.metrics.formulas.complete import Undefined, complete_pairs, present, two_sided
from app.metrics.formulas.correlation import pearson
from app.metrics.formulas.intervals import UPPER_TAIL, ZERO_SPREAD, Interval, Moments, moments
from app.metrics.formulas.special import chdtrc, stdtrit
from app.metrics.words import Verdict

SMALLEST_CHANGE = 5.0
FEWEST_DISCORDANT = 25

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Difference:
    """Estimate in the unit of the values with its error, Student's t test against 0 and 95% interval."""

    mean: float
    se: float
    df: float
    t: float
    p: float
    ci: Interval

    @property
    def detectable(self) -> float:
        """The smallest true difference that such a test finds in .8 of cases."""
        return self.se * float(stdtrit(self.df, UPPER_TAIL) + stdtrit(self.df, POWER))


@dataclass(frozen=True, slots=True)
class PairedChange:
    """After minus before. `dz` (error `dz_se`) and, corrected for small n, `gz` count in sds of the change.

    `r` is the correlation of the two; `wilcoxon_p` is of the signed-rank test, zeros ranked as by Pratt.
    """

    n: int
    mean: float | None
    sd: float | None
    test: Difference | None
    dz: float | None
    dz_se: float | None
    gz: float | None
    wilcoxon_p: float | None
    r: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class IndependentChange:
    """After minus before, or one group minus another. `g` counts in pooled sds.

    `brunner_munzel_p` asks whether a value of the one tends to exceed one of the other; None where all do.
    """

    n_before: int
    n_after: int
    mean: float | None
    test: Difference | None
    g: float | None
    brunner_munzel_p: float | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class OverlappingChange:
    """After minus before over everybody who answered; `n_both` answered twice."""

    n_before: int
    n_after: int
    n_both: int
    mean: float | None
    test: Difference | None
    undefined: Undefined | None


@dataclass(frozen=True, slots=True)
class McNemar:
    """`p` is the exact one below 25 discordant pairs, else that of `chi2` (1 df, not corrected)."""

    n: int
    discordant: int
    chi2: float
    chi2_p: float
    exact_p: float
    p: float


def paired_change(before: ArrayLike, after: ArrayLike) -> PairedChange:
    """Change of the same persons (one value a person each, NaN where missing; both needed).

    Student 1908; dz of Lakens 2013 with Hedges' correction 1 - 3/(4 df - 1); Wilcoxon 1945, Pratt 1959.
    """
    first, second = complete_pairs(before, after)
    changes = second - first
    of = moments(changes)
    if of is None or of.sd is None or not of.has_spread:
        mean, sd = (None, None) if of is None else (of.mean, of.sd)
        reason: Undefined = "too_few" if len(changes) < 2 else "zero_variance"
        return PairedChange(len(changes), mean, sd, None, None, None, None, None, None, reason)
    dz = of.mean / of.sd
    return PairedChange(
        n=of.n,
        mean=of.mean,
        sd=of.sd,
        test=_difference(of.mean, of.sd / sqrt(of.n), of.n - 1),
        dz=dz,
        dz_se=sqrt(1 / of.n + dz * dz / (2 * of.n)),
        gz=dz * _hedges(of.n - 1),
        wilcoxon_p=_signed_rank_p(changes),
        r=pearson(first, second).r,
        undefined=None,
    )


def independent_change(before: ArrayLike, after: ArrayLike) -> IndependentChange:
    """Difference of two groups of different persons (one value a person, NaN where missing; any lengths).

    Welch 1947; Hedges' g 1981; Brunner & Munzel 2000.
    """
    first, second = present(before), present(after)
    n1, n2 = len(first), len(second)
    mean = float(second.mean() - first.mean()) if min(n1, n2) else None
    if mean is None or min(n1, n2) < 2:
        return IndependentChange(n1, n2, mean, None, None, None, "too_few")
    of_first, of_second = _described(first), _described(second)
    test = mean_difference(of_first, of_second)
    if test is None:
        return IndependentChange(n1, n2, mean, None, None, None, "zero_variance")
    return IndependentChange(
        n_before=n1,
        n_after=n2,
        mean=mean,
        test=test,
        g=hedges_g(of_first, of_second),
        brunner_munzel_p=_brunner_munzel_p(first, second),
        undefined=None,
    )


def overlapping_change(before: ArrayLike, after: ArrayLike) -> OverlappingChange:
    """Difference of all who answered, some of them twice (one value a person each, NaN where missing).

    Unequal variances (Derrick, Russ, Toher & White 2017): the paired test when all answered twice, Welch's
    when nobody did.
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in (before, after))
    first, second, (first_of_both, second_of_both) = present(x), present(y), complete_pairs(x, y)
    n1, n2, n12 = len(first), len(second), len(first_of_both)
    mean = float(second.mean() - first.mean()) if min(n1, n2) else None
    if mean is None or min(n1, n2) < 2:
        return OverlappingChange(n1, n2, n12, mean, None, "too_few")
    r = pearson(first_of_both, second_of_both).r or 0.0
    test = mean_difference(_described(first), _described(second), n12, r)
    return OverlappingChange(n1, n2, n12, mean, test, "zero_variance" if test is None else None)


def mean_difference(
    before: Moments, after: Moments, n_both: int = 0, r_both: float = 0.0
) -> Difference | None:
    """After minus before where `n_both` are in both, their two values correlating `r_both`.

    Derrick, Russ, Toher & White 2017; Welch's test (1947) where nobody is in both. None with fewer than two
    values on a side, or without spread.
    """
    n1, n2 = before.n, after.n
    if before.sd is None or after.sd is None or min(n1, n2) < 2:
        return None
    v1, v2 = (0.0 if not of.has_spread else sd * sd for of, sd in ((before, before.sd), (after, after.sd)))
    variance = v1 / n1 + v2 / n2 - 2 * r_both * sqrt(v1 * v2) * n_both / (n1 * n2)
    if variance <= ZERO_SPREAD**2:
        return None
    welch = _welch_df(v1 / n1, v2 / n2, n1, n2)
    df = _overlap_df(welch, n1 + n2 - 2 * n_both, n_both)
    return _difference(after.mean - before.mean, sqrt(variance), df)


def hedges_g(before: Moments, after: Moments) -> float | None:
    """After minus before in pooled sds, corrected for small n (Hedges 1981); None as of `mean_difference`."""
    if before.sd is None or after.sd is None or not (before.has_spread or after.has_spread):
        return None
    df = before.n + after.n - 2
    pooled = sqrt(((before.n - 1) * before.sd**2 + (after.n - 1) * after.sd**2) / df)
    return (after.mean - before.mean) / pooled * _hedges(df)


def mcnemar(table: ArrayLike) -> McNemar:
    """Change of a yes or no of the same persons: 2 x 2 counts, rows before, columns after (McNemar 1947)."""
    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    counts = np.asarray(table, dtype=np.int64)
    if counts.shape != (2, 2) or counts.min() < 0:
        raise ValueError("the table is 2 x 2 counts")
    gained, lost = int(counts[0, 1]), int(counts[1, 0])
    discordant = gained + lost
    chi2 = (gained - lost) ** 2 / discordant if discordant else 0.0
    exact_p = float(scipy.stats.binomtest(gained, discordant).pvalue) if discordant else 1.0
    chi2_p = float(chdtrc(1, chi2))
    return McNemar(
        n=int(counts.sum()),
        discordant=discordant,
        chi2=chi2,
        chi2_p=chi2_p,
        exact_p=exact_p,
        p=exact_p if discordant < FEWEST_DISCORDANT else chi2_p,
    )


def verdict(test: Difference, adjusted_p: float, smallest: float = SMALLEST_CHANGE) -> Verdict:
    """Word for a difference, `smallest` being the least that matters; the one rule for all of them."""
    if -smallest <= test.ci.low and test.ci.high <= smallest:
        return "practically_equal"
    if adjusted_p >= 0.05 or test.ci.low <= 0 <= test.ci.high:
        return "inconclusive"
    if abs(test.mean) < smallest:
        return "small_increase" if test.mean > 0 else "small_decrease"
    return "increased" if test.mean > 0 else "decreased"


def _difference(mean: float, se: float, df: float) -> Difference:
    half = float(stdtrit(df, UPPER_TAIL)) * se
    t = mean / se
    return Difference(mean, se, df, t, two_sided(t, df), Interval(mean - half, mean + half))


def _described(values: NDArray[np.float64]) -> Moments:
    return Moments(len(values), float(values.mean()), float(values.std(ddof=1)))


def _welch_df(error1: float, error2: float, n1: int, n2: int) -> float:
    """Satterthwaite 1946, of squared errors; they may both be 0 where the test is refused."""
    spread = error1**2 / (n1 - 1) + error2**2 / (n2 - 1)
    return (error1 + error2) ** 2 / spread if spread else float(n1 + n2 - 2)


def _overlap_df(welch: float, once: int, twice: int) -> float:
    return twice - 1 + (welch - twice + 1) * once / (once + 2 * twice)


def _hedges(df: int) -> float:
    return 1 - 3 / (4 * df - 1)


def _signed_rank_p(changes: NDArray[np.float64]) -> float:
    """Of the changes as they are: rounding them first would tie more of them than the reference does."""
    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    return float(scipy.stats.wilcoxon(changes, zero_method="pratt", method="approx").pvalue)


def _brunner_munzel_p(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    import scipy  # noqa: PLC0415 as in app.metrics.formulas.special

    if first.max() < second.min() or second.max() < first.min():
        return None
    return float(scipy.stats.brunnermunzel(first, second).pvalue)
