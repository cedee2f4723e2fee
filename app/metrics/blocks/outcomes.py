"""What came after a wave: who left, and how teams did on the organisation's own numbers (metrics.md 2.19)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, TypedDict, TypeVar

import numpy as np

from app.metrics.blocks.wave import Wave, hidden, of_each_group, reasons_of
from app.metrics.disclosure.tree import EXACT_FROM, NAMES_THE_SILENT
from app.metrics.formulas import (
    Correlation,
    Interval,
    PooledCorrelation,
    Study,
    correlation_of_same_units,
    hazard_ratios,
    holm,
    largest_share,
    rate_ratio,
    spearman,
    weights_of_leaving,
)
from app.metrics.sample import DIMENSIONS, Flags, Floats, Groups, Integers, Places, Rollup
from app.metrics.schemas import Insufficient, LeavingNumbers, TurnoverNumbers, Undefined
from app.metrics.schemas.outcomes import (
    KpiCorrelation,
    KpiPoint,
    KpiWave,
    KpiWaveInsufficient,
    KpiWaveOk,
    KpiWaves,
    KpiWavesInsufficient,
    KpiWavesOk,
    KpiWaveUndefined,
    LeavingInsufficientSince,
    LeavingOkSince,
    LeavingRatios,
    LeavingSuppressedSince,
    LeavingUndefinedSince,
    PooledKpiCorrelation,
    Ratio,
    TurnoverShown,
    TurnoverUnknown,
)

FEWEST_LEAVERS: Final = 10
FEWEST_TEAMS: Final = 10
POMP_STEP: Final = 10
SHOWN_RATIOS: Final = (0.05, 20.0)
DAYS_A_MONTH: Final = 365.25 / 12
Tested = TypeVar("Tested", KpiCorrelation, PooledKpiCorrelation)


class Dates(TypedDict):
    starts_on: date
    ends_on: date


class Counts(TypedDict):
    n: int
    leavers: int | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """Those invited to a wave, from the day it closed to the day the next one closed; one a person.

    `days` employed in that time, 0 for who had left before; `left` within it. `team` is the ordinal each is a
    direct member of. `linked` has the keys of Sample.linked, None in anonymous mode.
    """

    starts_on: date
    ends_on: date
    team: Integers
    days: Integers
    left: Flags
    linked: Sequence[bytes] | None

    @property
    def months(self) -> float:
        return (self.ends_on - self.starts_on).days / DAYS_A_MONTH


def turnover(
    wave: Wave, exposure: Exposure, sizes: Mapping[int, int] = MappingProxyType({})
) -> dict[int, TurnoverNumbers]:
    """Leavers / mean headcount * 12 / months of the organisation and each team shown, from people data alone.

    The headcount gives `invited` away, so it is withheld where that is (R8). `sizes` has n of the groups as
    it was told, where answers were erased since.
    """
    tree = Groups(wave.sample.groups.parents, wave.sample.groups.keys)
    rollup = Rollup(tree, Places(exposure.team, {}))
    leavers, days = rollup.counts(exposure.left), rollup.sums(exposure.days.astype(np.float64))

    def n_of(ordinal: int) -> int:
        return sizes.get(ordinal, wave.n(ordinal))

    def shown(ordinal: int, _: object) -> TurnoverShown | Insufficient | TurnoverUnknown:
        if not wave.plan.decisions[ordinal].shows_invited:
            return TurnoverUnknown(status="undefined", reason="few_silent", n=n_of(ordinal))
        return _rate(wave.k, exposure, n_of(ordinal), int(leavers[ordinal]), float(days[ordinal]))

    return {
        ordinal: TurnoverUnknown(status="undefined", reason="dimension_missing", n=numbers.n)
        if isinstance(numbers, Undefined)
        else numbers
        for ordinal, numbers in of_each_group(wave, shown).items()
        if wave.sample.groups.is_team(ordinal)
    }


def _rate(
    k: int, exposure: Exposure, n: int, leavers: int, days: float
) -> TurnoverShown | Insufficient | TurnoverUnknown:
    if not exposure.months:
        return TurnoverUnknown(status="undefined", reason="no_exposure", n=n)
    months = days / DAYS_A_MONTH
    headcount = months / exposure.months
    if headcount < k:
        return Insufficient(status="insufficient", reason="too_few_persons", n=n)
    return TurnoverShown(status="ok", n=n, headcount=headcount, leavers=leavers, rate=leavers / months * 12)


def leaving(wave: Wave, exposure: Exposure, is_erased: bool = False) -> LeavingNumbers:
    """How leaving is associated with the scores before it, over the organisation's headline set.

    `is_erased` says that somebody was erased since the release: whether they had answered it may not tell.

    To be computed once, when the next wave is released, and never again: a version after each leaver would,
    minus the one before, be that leaver's score. Ratios are shown between fixed ends, so that a half without
    leavers looks like one with few.
    """
    window: Dates = {"starts_on": exposure.starts_on, "ends_on": exposure.ends_on}
    decision, n = wave.plan.decisions[0], wave.n(0)
    if decision.precision is None:
        return LeavingSuppressedSince(**window, status="suppressed", reason=hidden(decision).reason)
    if is_erased:
        return LeavingSuppressedSince(**window, status="suppressed", reason="erased")
    if exposure.linked is None or wave.sample.linked is None:
        return LeavingUndefinedSince(**window, status="undefined", reason="not_linkable", n=n)
    if not exposure.months:
        return LeavingUndefinedSince(**window, status="undefined", reason="no_exposure", n=n)
    return _association(wave, exposure, window, *_followed(wave, exposure, exposure.linked))


def _followed(wave: Wave, exposure: Exposure, linked: Sequence[bytes]) -> tuple[Floats, Flags]:
    """Days and leaving of each person of the headline set; who is not found was not under observation."""
    places = {key: place for place, key in enumerate(linked)}
    keys = wave.sample.linked or ()
    found = np.array(
        [places.get(keys[row], -1) for row in np.flatnonzero(wave.sample.both).tolist()], dtype=np.int64
    )
    return np.append(exposure.days, 0)[found].astype(np.float64), np.append(exposure.left, False)[found]


def _association(
    wave: Wave, exposure: Exposure, window: Dates, days: Floats, left: Flags
) -> LeavingOkSince | LeavingInsufficientSince | LeavingSuppressedSince:
    n, leavers = len(left), int(left.sum())
    hidden = _why_no_count(wave.k, leavers, n, int(exposure.left.sum()), len(exposure.left))
    counts: Counts = {"n": n, "leavers": None if hidden else leavers}
    reasons = {"leavers": hidden} if hidden else {}
    if min(leavers, n - leavers) < wave.k or leavers < FEWEST_LEAVERS:
        return LeavingInsufficientSince(
            **window, status="insufficient", reason="too_few_leavers", **counts, reasons=reasons
        )
    if n < EXACT_FROM:  # a reason why a ratio is missing could say that answers were alike (R7)
        return LeavingInsufficientSince(
            **window, status="insufficient", reason="too_few_persons", **counts, reasons=reasons
        )
    if max(map(largest_share, weights_of_leaving(days, left))) > 1 / wave.k:
        return LeavingSuppressedSince(**window, status="suppressed", reason="dominance")
    satisfaction, engagement = (
        _ratios(wave.both.dimensions[name], days, left, wave.k) for name in DIMENSIONS
    )
    ratios = {"satisfaction": satisfaction, "engagement": engagement}
    return LeavingOkSince(
        **window,
        status="ok",
        **counts,
        satisfaction=satisfaction,
        engagement=engagement,
        reasons=reasons | reasons_of((ratios, "not_estimable")),
    )


def _why_no_count(k: int, leavers: int, n: int, all_leavers: int, invited: int) -> str | None:
    """Who left is known to the organisation: the count may not tell which of them had been silent (R8)."""
    if any(0 < count < k for count in (leavers, n - leavers)):
        return "below_minimum"
    silent = all_leavers - leavers
    return "few_silent" if {silent, invited - n - silent} & set(NAMES_THE_SILENT) else None


def _ratios(scores: Floats, days: Floats, left: Flags, k: int) -> LeavingRatios:
    hazards = hazard_ratios(days, left, scores / POMP_STEP).ratios
    return LeavingRatios(
        hazard_ratio=_shown(hazards[0].ratio, hazards[0].ci) if hazards else None,
        rate_ratio=_low_over_high(scores, days / DAYS_A_MONTH, left, k),
    )


def _low_over_high(scores: Floats, months: Floats, left: Flags, k: int) -> Ratio | None:
    """Those below the median over the others; of scores that are mostly the lowest, those over the others.

    None where k persons are not under observation on either side: the rate of fewer would be theirs.
    """
    middle = np.median(scores)
    low = scores < middle if scores.min() < middle else scores <= middle
    observed = np.bincount(low[months > 0].astype(np.int64), minlength=2)
    if observed.min() < k:
        return None
    exposures = float(months[low].sum()), float(months[~low].sum())
    of = rate_ratio(int(left[low].sum()), exposures[0], int(left[~low].sum()), exposures[1])
    assert of.ci is not None, "there are leavers"
    return _shown(SHOWN_RATIOS[1] if of.ratio is None else of.ratio, of.ci)


def _shown(ratio: float, ci: Interval) -> Ratio:
    return Ratio(ratio=_ratio(ratio), ci_low=_ratio(ci.low), ci_high=_ratio(ci.high))


def _ratio(value: float) -> float:
    return round(min(max(value, SHOWN_RATIOS[0]), SHOWN_RATIOS[1]), 3)


# ----------------------------------------------------------------------------------------------- kpis


@dataclass(frozen=True, slots=True)
class Point:
    """A team: its scores as they were shown, and its value of the KPI."""

    team: str
    name: str
    satisfaction: float
    engagement: float
    value: float


def finest(parents: Mapping[int, int | None], shown: Collection[int]) -> list[int]:
    """The groups shown that have none shown below them: they share nobody."""
    above: set[int] = set()
    for ordinal in shown:
        parent = parents[ordinal]
        while parent is not None and parent not in above:
            above.add(parent)
            parent = parents[parent]
    return sorted(set(shown) - above)


def correlations(points: Sequence[Point]) -> dict[str, Correlation]:
    """Between each score and the KPI, over teams; of teams, it says nothing of the persons in them."""
    values = [point.value for point in points]
    return {name: spearman([getattr(point, name) for point in points], values) for name in DIMENSIONS}


def association(period: str, points: Sequence[Point]) -> KpiWave:
    """Of one wave, not adjusted yet. It follows from what is shown elsewhere, so it needs no protection."""
    if not points:
        return KpiWaveUndefined(status="undefined", reason="no_values", period=period)
    n, told = len(points), [KpiPoint(**asdict(point)) for point in points]
    if n < FEWEST_TEAMS:
        return KpiWaveInsufficient(
            status="insufficient", reason="too_few_teams", period=period, n=n, points=told
        )
    found = correlations(points)
    return KpiWaveOk(
        status="ok",
        period=period,
        n=n,
        satisfaction=_correlation(found["satisfaction"]),
        engagement=_correlation(found["engagement"]),
        points=told,
        reasons=_reasons(found),
    )


def _correlation(of: Correlation) -> KpiCorrelation:
    return KpiCorrelation(
        r=of.r,
        ci_low=None if of.ci is None else of.ci.low,
        ci_high=None if of.ci is None else of.ci.high,
        p=of.p,
        q=of.p,
    )


def _reasons(found: Mapping[str, Correlation]) -> dict[str, str]:
    return {
        f"{name}.{member}": of.undefined
        for name, of in found.items()
        if of.undefined is not None
        for member, value in _correlation(of)
        if value is None
    }


def across_waves(waves: Sequence[Sequence[Point]]) -> KpiWaves:
    """Random-effects mean over the waves that have enough teams and vary; a team may be in several."""
    enough = [points for points in waves if len(points) >= FEWEST_TEAMS]
    usable = [points for points in enough if all(of.ci is not None for of in correlations(points).values())]
    if len(usable) < 2:
        return KpiWavesInsufficient(status="insufficient", reason="too_few_waves", waves=len(usable))
    return KpiWavesOk(
        status="ok",
        waves=len(usable),
        satisfaction=_pooled("satisfaction", usable),
        engagement=_pooled("engagement", usable),
    )


def _pooled(dimension: str, waves: Sequence[Sequence[Point]]) -> PooledKpiCorrelation:
    of: PooledCorrelation = correlation_of_same_units([_study(dimension, points) for points in waves])
    assert of.r is not None
    assert of.ci is not None
    assert of.p is not None
    assert of.prediction is not None
    assert of.tau2 is not None
    return PooledKpiCorrelation(
        r=of.r,
        ci_low=of.ci.low,
        ci_high=of.ci.high,
        p=of.p,
        q=of.p,
        prediction_low=of.prediction.low,
        prediction_high=of.prediction.high,
        tau2=of.tau2,
    )


def _study(dimension: str, points: Sequence[Point]) -> Study:
    scores = np.array([getattr(point, dimension) for point in points], dtype=np.float64)
    return Study([point.team for point in points], scores, np.array([point.value for point in points]))


def adjusted_together(wave: KpiWave, across: KpiWaves) -> tuple[KpiWave, KpiWaves]:
    """With q, the p adjusted over all that is tested of one KPI (Holm): each by itself finds something by
    chance in one of twenty.
    """
    tested = [*_tests_of(wave), *_tests_of(across)]
    q = iter(holm([of.p for of in tested if of.p is not None]).tolist())

    def adjusted(of: Tested) -> Tested:
        return of if of.p is None else of.model_copy(update={"q": next(q)})

    if isinstance(wave, KpiWaveOk):
        wave = wave.model_copy(
            update={"satisfaction": adjusted(wave.satisfaction), "engagement": adjusted(wave.engagement)}
        )
    if isinstance(across, KpiWavesOk):
        across = across.model_copy(
            update={"satisfaction": adjusted(across.satisfaction), "engagement": adjusted(across.engagement)}
        )
    return wave, across


def _tests_of(part: KpiWave | KpiWaves) -> list[KpiCorrelation | PooledKpiCorrelation]:
    return [part.satisfaction, part.engagement] if isinstance(part, KpiWaveOk | KpiWavesOk) else []
