"""How often the other intervals hold the truth: means, differences, eNPS, shares, alpha, leaving.

Answers are whole numbers on scales with ends, skewed as answers are, and drawn from a crowd so large that its
own values are the truth.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.participation import weighted_score
from app.metrics.formulas import (
    cronbach_alpha,
    enps,
    gap,
    hazard_ratios,
    independent_change,
    mean_ci,
    overlapping_change,
    paired_change,
    pearson,
    pomp,
    position,
    post_stratified,
    quadrant_of,
    quadrant_shares,
    rate_ratio,
    spearman,
    wilson,
)
from app.metrics.formulas.intervals import Interval
from tests.simulations.tables import SEED, Table

SIZES: Final = (20, 40, 200, 2000)
CROWD: Final = 200_000
QUESTIONS: Final = 5
INVITED: Final = (0.4, 0.3, 0.2, 0.1)
"""Parts of an organisation, how often their people answer, and how far their scores lie from the mean."""
ANSWERED: Final = (0.8, 0.6, 0.5, 0.5)
APART: Final = (-4.0, 2.0, 3.0, 4.0)
HAZARD: Final = 0.4
"""Logarithm of the hazard ratio of leaving, per sd."""
LEAVERS_A_YEAR: Final = 0.3
Random = np.random.Generator
Rows = NDArray[np.float64]
Holds = Callable[[Random, int], bool | None]
"""Whether the interval of one sample of n holds the truth; None where there is none."""


class Crowd:
    """Persons with satisfaction at two waves and engagement, five questions on 1-5 each, and a rating."""

    def __init__(self, seed: int = SEED) -> None:
        random = np.random.default_rng(seed)
        common = random.normal(size=CROWD)
        self.satisfied = answers_of(random, common)
        self.engaged = answers_of(random, 0.7 * common + 0.7 * random.normal(size=CROWD))
        self.again = answers_of(random, 0.8 * common + 0.6 * random.normal(size=CROWD) - 0.2)
        self.rating = np.clip(np.rint(7.2 + 2.1 * (common + random.normal(size=CROWD)) / 1.4), 0, 10)

    def scores(self, of: Rows, who: NDArray[np.int64]) -> Rows:
        return np.asarray(pomp(of[who], 1, 5).mean(axis=1))


def answers_of(random: Random, attitude: Rows) -> Rows:
    """Most agree: thresholds lie where two thirds of answers are 4 or 5."""
    latent = attitude[:, None] + random.normal(size=(len(attitude), QUESTIONS))
    return 1 + np.searchsorted([-2.4, -1.5, -0.5, 1.0], latent).astype(np.float64)


CROWD_OF_ALL: Final = Crowd()
EVERYBODY: Final = np.arange(CROWD)
S, E, LATER = (
    CROWD_OF_ALL.scores(of, EVERYBODY)
    for of in (CROWD_OF_ALL.satisfied, CROWD_OF_ALL.engaged, CROWD_OF_ALL.again)
)
ALPHA: Final = cronbach_alpha(CROWD_OF_ALL.satisfied).value or 0.0
PEARSON: Final = float(np.corrcoef(S, E)[0, 1])
SPEARMAN: Final = spearman(S, E).r or 0.0
QUADRANTS: Final = np.bincount(quadrant_of(S, E), minlength=4) / CROWD
ENPS: Final = 100 * float((CROWD_OF_ALL.rating >= 9).mean() - (CROWD_OF_ALL.rating <= 6).mean())


def drawn(random: Random, n: int) -> NDArray[np.int64]:
    return random.integers(CROWD, size=n)


def holds(interval: Interval | None, truth: float) -> bool | None:
    return None if interval is None else interval.low <= truth <= interval.high


def mean(random: Random, n: int) -> bool | None:
    found = mean_ci(S[drawn(random, n)])
    return holds(found.ci_process if found else None, float(S.mean()))


def mean_of_staff(random: Random, n: int) -> bool | None:
    """Seven of ten answered; the truth is the mean of all ten."""
    staff = S[drawn(random, round(n / 0.7))]
    found = mean_ci(random.permutation(staff)[:n], population=len(staff))
    return holds(found.ci_population if found else None, float(staff.mean()))


def weighted_mean(random: Random, n: int) -> bool | None:
    """Of four parts that differ in score and in how often they answer; each counts as it was invited."""
    answering = np.array(INVITED) * ANSWERED
    part = random.choice(len(INVITED), n, p=answering / answering.sum())
    there, n_of_part = np.unique(part, return_counts=True)
    if len(there) < len(INVITED):
        return None
    found = post_stratified(n_of_part, 1000 * np.array(INVITED))
    own = S[drawn(random, n)] + np.array(APART)[part]
    told = weighted_score(own, found.weights[part], found)
    assert told.ci_low is not None
    assert told.ci_high is not None
    return told.ci_low <= float(S.mean()) <= told.ci_high


def difference_of_scores(random: Random, n: int) -> bool | None:
    who = drawn(random, n)
    found = gap(S[who], E[who])
    return holds(found.ci if found else None, float((E - S).mean()))


def change_of_the_same(random: Random, n: int) -> bool | None:
    who = drawn(random, n)
    found = paired_change(S[who], LATER[who]).test
    return holds(found.ci if found else None, float((LATER - S).mean()))


def change_of_some_the_same(random: Random, n: int) -> bool | None:
    """Six of ten answered twice, two only once each time."""
    who = drawn(random, n)
    before, after = S[who], LATER[who]
    before[: n // 5], after[n // 5 : 2 * (n // 5)] = np.nan, np.nan
    found = overlapping_change(before, after).test
    return holds(found.ci if found else None, float(LATER.mean() - S.mean()))


def group_against_the_rest(random: Random, n: int) -> bool | None:
    """A group of n and four times as many others, who are less engaged."""
    found = independent_change(LATER[drawn(random, 4 * n)], S[drawn(random, n)]).test
    return holds(found.ci if found else None, float(S.mean() - LATER.mean()))


def promoters_less_detractors(random: Random, n: int) -> bool | None:
    found = enps(CROWD_OF_ALL.rating[drawn(random, n)].astype(np.int64))
    return holds(found.ci if found else None, ENPS)


def share(random: Random, n: int) -> bool | None:
    """Of those who chose something that one of ten does."""
    return holds(wilson(int(random.binomial(n, 0.1)), n), 0.1)


def alpha(random: Random, n: int) -> bool | None:
    return holds(cronbach_alpha(CROWD_OF_ALL.satisfied[drawn(random, n)]).ci, ALPHA)


def region_of_a_group(random: Random, n: int) -> bool | None:
    """Both scores at once lie in the ellipse."""
    who = drawn(random, n)
    s, e = S[who], E[who]
    found = position(
        n,
        (float(s.mean()), float(e.mean())),
        (float(s.std(ddof=1)), float(e.std(ddof=1))),
        float(np.corrcoef(s, e)[0, 1]),
    )
    if found is None:
        return None
    angle = np.radians(found.ellipse.angle)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    off = turn @ np.array([S.mean() - s.mean(), E.mean() - e.mean()])
    axes = np.array([found.ellipse.semi_major, found.ellipse.semi_minor])
    return bool(((off / axes) ** 2).sum() <= 1)


def association_of_teams(random: Random, n: int) -> bool | None:
    """n teams with a score and a KPI that correlate .5."""
    x, y = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n).T
    return holds(spearman(x, y).ci, 6 / np.pi * np.arcsin(0.25))


def correlation(random: Random, n: int) -> bool | None:
    who = drawn(random, n)
    return holds(pearson(S[who], E[who]).ci, PEARSON)


def rank_correlation(random: Random, n: int) -> bool | None:
    who = drawn(random, n)
    return holds(spearman(S[who], E[who]).ci, SPEARMAN)


def quadrants(random: Random, n: int) -> bool | None:
    """All four shares at once."""
    who = drawn(random, n)
    shares = quadrant_shares(S[who], E[who])
    assert shares is not None
    return all(holds(of.ci, truth) for of, truth in zip(shares.values(), QUADRANTS, strict=True))


def hazard(random: Random, n: int) -> bool | None:
    """Of leaving within a year, per sd of a score; told from ten leavers on."""
    x = random.normal(size=n)
    time = random.exponential(-12 / np.log(1 - LEAVERS_A_YEAR) / np.exp(HAZARD * x))
    left = time < 12
    if np.count_nonzero(left) < 10:
        return None
    found = hazard_ratios(np.ceil(np.minimum(time, 12)), left, x).ratios
    return holds(found[0].ci, float(np.exp(HAZARD))) if found else None


def rates_of_leaving(random: Random, n: int) -> bool | None:
    """Two groups of n, of whom three and two in ten leave in a year; told from ten leavers on."""
    months = 12.0 * n
    leavers, others = (int(random.poisson(rate * n)) for rate in (0.3, 0.2))
    return holds(rate_ratio(leavers, months, others, months).ci, 1.5) if leavers + others >= 10 else None


SERVED: Final[Mapping[str, Holds]] = {
    "mean": mean,
    "mean of those employed today": mean_of_staff,
    "mean, weighted by response": weighted_mean,
    "gap": difference_of_scores,
    "change, the same people": change_of_the_same,
    "change, some the same": change_of_some_the_same,
    "group against the rest": group_against_the_rest,
    "eNPS": promoters_less_detractors,
    "correlation of the two scores": correlation,
    "the same, of ranks": rank_correlation,
    "shares of the quadrants, all four": quadrants,
    "share of .1": share,
    "alpha": alpha,
    "ellipse of a group": region_of_a_group,
    "association with a KPI": association_of_teams,
    "hazard ratio of leaving": hazard,
    "ratio of two rates of leaving": rates_of_leaving,
}


def coverage(of: Holds, n: int, runs: int, seed: int = SEED) -> float | None:
    """Of those samples that have an interval; None where hardly any has."""
    random = np.random.default_rng(seed)
    found = [held for held in (of(random, n) for _ in range(runs)) if held is not None]
    return float(np.mean(found)) if len(found) > runs / 2 else None


RUNS: Final = 4000
TABLES: Final = [
    Table(
        "intervals",
        ("interval",),
        [f"n = {n:,}" for n in SIZES],
        [(name,) for name in SERVED],
        lambda name: [coverage(SERVED[name], n, RUNS) for n in SIZES],
        f"{RUNS:,} samples a cell",
        coverage=[f"n = {n:,}" for n in SIZES],
    )
]
