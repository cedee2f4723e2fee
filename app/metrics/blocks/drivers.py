"""What the levers have in common with engagement, with staying and with satisfaction as a whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Final, Literal

import numpy as np

from app.metrics.blocks.regions import regions_of
from app.metrics.blocks.wave import Wave, of_each_group
from app.metrics.disclosure import Precision, shown_r, shown_share
from app.metrics.formulas import (
    Driver,
    ImportanceDraws,
    ImportanceInterval,
    RelativeImportance,
    chance_of_first,
    draw_importance,
    icc,
    importance_intervals,
    relative_importance,
)
from app.metrics.formulas.intervals import ZERO_SPREAD, Interval
from app.metrics.formulas.resampling import correlations_of, percentile_interval
from app.metrics.sample import Flags, Floats, Instrument, Integers, LeverName
from app.metrics.schemas import (
    CriterionKept,
    CriterionNumbers,
    DriverLeverOk,
    DriversNumbers,
    DriversOk,
    Insufficient,
    Undefined,
)
from app.metrics.schemas.drivers import (
    CriterionInsufficient,
    CriterionName,
    CriterionSuppressed,
    CriterionUndefined,
    DriverLever,
    DriverLeverUndefined,
)
from app.metrics.schemas.drivers import Flag as DriverFlag

CORE: Final = "engagement_core"
CRITERIA: Final[tuple[CriterionName, ...]] = (CORE, "intent_to_stay", "overall_satisfaction")
FEWEST_PERSONS, FEWEST_PERSONS_A_LEVER = 100, 15
CLUSTERED_ABOVE, FEWEST_TEAMS = 0.05, 20


@dataclass(frozen=True, slots=True)
class Analysis:
    """One criterion in one group. `intervals` (of shares of R2) and `first` have one a lever, in order.

    `first` is the chance of having the highest priority; `drawn` are the draws it stands on, with the
    correlations of the levers, for groups that borrow them.
    """

    found: RelativeImportance
    intervals: tuple[ImportanceInterval, ...]
    first: tuple[float, ...]
    r2_ci: Interval
    resampled: Literal["persons", "teams"]
    flags: tuple[DriverFlag, ...]
    drawn: ImportanceDraws
    correlations: Floats


NoAnalysis = CriterionSuppressed | CriterionInsufficient | CriterionUndefined
Analyses = dict[int, dict[CriterionName, Analysis | NoAnalysis]]
"""By group and criterion. A group too small for any is left out."""


def analyse(wave: Wave) -> Analyses:
    """The one costly part of a release, for `drivers` and `levers` both."""
    analysed = [
        ordinal
        for ordinal, decision in wave.plan.decisions.items()
        if decision.precision is not None and why_no_group(wave, ordinal) is None
    ]
    regions = regions_of(wave, set(analysed))[wave.rollup.places.team]
    persons = {
        name: _covered(wave, regions, outcome)
        for name in CRITERIA
        if (outcome := _outcome(wave, name)) is not None
    }
    return {
        ordinal: {name: _analysed(wave, ordinal, name, persons.get(name)) for name in CRITERIA}
        for ordinal in analysed
    }


def drivers(wave: Wave, analyses: Analyses) -> Mapping[int, DriversNumbers]:
    return of_each_group(wave, lambda ordinal, precision: _shown(wave, analyses, ordinal, precision))


def why_no_group(wave: Wave, ordinal: int) -> Undefined | Insufficient | None:
    """None where a shown group is analysed."""
    n, levers = wave.n(ordinal), len(wave.both.levers)
    if not levers:
        return Undefined(status="undefined", reason="no_levers", n=n)
    return Insufficient(status="insufficient", reason="too_few_persons", n=n) if n < _enough(levers) else None


def _enough(levers: int) -> int:
    return max(FEWEST_PERSONS, FEWEST_PERSONS_A_LEVER * levers)


def _shown(
    wave: Wave, analyses: Analyses, ordinal: int, precision: Precision
) -> DriversOk | Undefined | Insufficient:
    why_none = why_no_group(wave, ordinal)
    if why_none is not None:
        return why_none
    own = analyses[ordinal]
    return DriversOk(
        status="ok",
        n=wave.n(ordinal),
        precision=precision,
        criteria=[_criterion(name, wave.both.levers, own[name], precision) for name in CRITERIA],
    )


# ------------------------------------------------------------------ whose answers count


def _outcome(wave: Wave, criterion: str) -> Floats | None:
    if criterion == CORE:
        return wave.both.core if wave.sample.instrument.core_facets() else None
    return wave.both.outcomes.get(criterion)


def _covered(wave: Wave, regions: Integers, outcome: Floats) -> Flags:
    """Those with every score. Where few of a region lack one, others are left out with them, up to k (R6).

    They are drawn by lot, and the order of the rows decides nothing. What would be left of a region is none
    or k as well.
    """
    random = np.random.default_rng(wave.seed)
    table = np.column_stack([outcome, *wave.both.levers.values()])
    covered = np.asarray(~np.isnan(table).any(axis=1))
    for region in np.unique(regions[~covered]):
        within = np.flatnonzero(regions == region)
        complete = within[covered[within]]
        complete = complete[np.lexsort(table[complete].T)]
        more = max(0, wave.k - (len(within) - len(complete)))
        if len(complete) - more < wave.k:
            more = len(complete)
        covered[random.choice(complete, more, replace=False)] = False
    return covered


# ------------------------------------------------------------------ one criterion of one group


def _analysed(
    wave: Wave, ordinal: int, criterion: CriterionName, covered: Flags | None
) -> Analysis | NoAnalysis:
    if covered is None:
        return CriterionUndefined(criterion=criterion, status="undefined", reason="question_missing")
    of_group = wave.rollup.persons(ordinal)
    persons = of_group & covered
    n = int(persons.sum())
    if 0 < int(of_group.sum()) - n < wave.k:
        return CriterionSuppressed(criterion=criterion, status="suppressed", reason="incomplete_cover")
    if n < _enough(len(wave.both.levers)):
        return CriterionInsufficient(
            criterion=criterion, status="insufficient", reason="too_few_persons", n=n
        )
    return _analysis(wave, criterion, persons)


def _analysis(wave: Wave, criterion: CriterionName, persons: Flags) -> Analysis | NoAnalysis:
    outcome = _outcome(wave, criterion)
    assert outcome is not None
    own, teams = outcome[persons], wave.rollup.places.team[persons]
    predictors = np.column_stack([values[persons] for values in wave.both.levers.values()])
    is_alike = (icc(own, teams).icc1 or 0.0) > CLUSTERED_ABOVE
    has_teams = len(np.unique(teams)) >= FEWEST_TEAMS
    found = relative_importance(own, predictors)
    drawn = draw_importance(own, predictors, wave.seed, clusters=teams if is_alike and has_teams else None)
    if drawn is None:
        return CriterionUndefined(criterion=criterion, status="undefined", reason="zero_variance")
    flags: dict[DriverFlag, bool] = {
        "singular": found.is_singular,
        "few_teams": is_alike and not has_teams,
        "linear_approximation": criterion != CORE,
        "part_of_criterion": criterion == CORE and _shares_questions(wave.sample.instrument),
    }
    return Analysis(
        found=found,
        intervals=importance_intervals(_as_shares(drawn)),
        first=tuple(chance_of_first(drawn, wave.choices.target).tolist()),
        r2_ci=percentile_interval(drawn.r2),
        resampled="teams" if is_alike and has_teams else "persons",
        flags=tuple(flag for flag, is_raised in flags.items() if is_raised),
        drawn=drawn,
        correlations=correlations_of(predictors),
    )


def _shares_questions(instrument: Instrument) -> bool:
    """A questionnaire of one's own may ask a lever within the very scale it is held against."""
    return any(instrument.role[column] == "core" for own in instrument.levers().values() for column in own)


def _as_shares(drawn: ImportanceDraws) -> ImportanceDraws:
    whole = np.where(drawn.r2 > ZERO_SPREAD, drawn.r2, np.inf)[:, None]
    return ImportanceDraws(drawn.importance / whole, drawn.means, drawn.r2)


# ------------------------------------------------------------------ as it is told


def _criterion(
    name: CriterionName, levers: Iterable[LeverName], own: Analysis | NoAnalysis, precision: Precision
) -> CriterionKept:
    if not isinstance(own, Analysis):
        return own
    assert own.found.r2 is not None
    parts = zip(levers, own.found.drivers, own.intervals, strict=True)
    return CriterionNumbers(
        criterion=name,
        status="ok",
        n=own.found.n,
        r2=shown_share(own.found.r2, precision),
        r2_ci_low=shown_share(own.r2_ci.low, precision),
        r2_ci_high=shown_share(own.r2_ci.high, precision),
        method=own.found.method,
        resampled=own.resampled,
        levers=[_lever(lever, driver, interval, precision) for lever, driver, interval in parts],
        flags=list(own.flags),
    )


def _lever(
    lever: LeverName, driver: Driver, interval: ImportanceInterval, precision: Precision
) -> DriverLever:
    if driver.share is None or driver.r is None:
        return DriverLeverUndefined(
            lever=lever,
            status="undefined",
            reason="zero_variance" if driver.r is None else "too_little_explained",
        )
    return DriverLeverOk(
        lever=lever,
        status="ok",
        share=shown_share(driver.share, precision),
        ci_low=shown_share(interval.ci.low, precision),
        ci_high=shown_share(interval.ci.high, precision),
        rank_low=floor(interval.rank.low),
        rank_high=ceil(interval.rank.high),
        sign="positive" if driver.r > 0 else "negative" if driver.r < 0 else "none",
        r=shown_r(driver.r, precision),
    )
