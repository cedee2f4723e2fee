"""What the levers have in common with engagement, with staying and with satisfaction as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Final, Literal

import numpy as np

from app.metrics.blocks.regions import regions_of
from app.metrics.blocks.wave import Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, shown_r, shown_share
from app.metrics.formulas import (
    Driver,
    Explained,
    ImportanceDraws,
    RelativeImportance,
    ShareInterval,
    chance_of_first,
    draw_importance,
    explained,
    icc,
    importance_of_chance,
    r2_interval,
    relative_importance,
    share_intervals,
)
from app.metrics.formulas.intervals import ZERO_SPREAD, Interval
from app.metrics.formulas.resampling import correlations_of, percentile_interval
from app.metrics.sample import Flags, Floats, Instrument, Integers
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
from app.surveys.questionnaires.rules import LeverName

CORE: Final = "engagement_core"
CRITERIA: Final[tuple[CriterionName, ...]] = (CORE, "intent_to_stay", "overall_satisfaction")
FEWEST_PERSONS, FEWEST_PERSONS_A_LEVER = 100, 15
CLUSTERED_ABOVE, FEWEST_TEAMS = 0.05, 20
LEAST_ADJUSTED, MOST_P = 0.10, 0.01


@dataclass(frozen=True, slots=True)
class Analysis:
    """One criterion in one group. `intervals` (of shares of R2) and `first` have one a lever, in order.

    `of_chance` is the highest share a random predictor could well have, None where nothing is associated.
    `first` is the chance of having the highest priority; `drawn` are the draws it stands on, with the
    correlations of the levers, for groups that borrow them. Where nothing is associated none of these is
    told, so nothing is drawn.
    """

    found: RelativeImportance
    intervals: tuple[ShareInterval, ...]
    first: tuple[float, ...]
    r2_ci: Interval
    resampled: Literal["persons", "teams"]
    flags: tuple[DriverFlag, ...]
    drawn: ImportanceDraws | None
    correlations: Floats
    explained: Explained
    of_chance: float | None

    @property
    def is_associated(self) -> bool:
        """Whether anything may be said of a lever: so much has less than one in fifty of noise (2.12)."""
        return tells_of_levers(self.explained)

    @property
    def above_chance(self) -> tuple[bool, ...]:
        """Whether each lever has more in common with the criterion than a random predictor would."""
        return tuple(self.of_chance is not None and of.ci.low > self.of_chance for of in self.intervals)


def tells_of_levers(of: Explained) -> bool:
    return of.adjusted >= LEAST_ADJUSTED and of.p is not None and of.p < MOST_P


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
        criteria=[_criterion(wave, name, own[name], ordinal, precision) for name in CRITERIA],
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
    if found.r2 is None:
        return CriterionUndefined(criterion=criterion, status="undefined", reason="zero_variance")
    by_teams = teams if is_alike and has_teams else None
    told = explained(found.r2, own, predictors, teams if is_alike else None)
    is_drawn = by_teams is not None or tells_of_levers(told)
    drawn = draw_importance(own, predictors, wave.seed, clusters=by_teams) if is_drawn else None
    flags: dict[DriverFlag, bool] = {
        "singular": found.is_singular,
        "few_teams": is_alike and not has_teams,
        "linear_approximation": criterion != CORE,
        "part_of_criterion": criterion == CORE and _shares_questions(wave.sample.instrument),
    }
    analysis = Analysis(
        found=found,
        intervals=() if drawn is None else share_intervals(found, drawn),
        first=() if drawn is None else tuple(chance_of_first(drawn, wave.choices.target).tolist()),
        r2_ci=_r2_interval(found.r2, own, predictors, None if by_teams is None else drawn, wave.seed),
        resampled="persons" if by_teams is None else "teams",
        flags=tuple(flag for flag, is_raised in flags.items() if is_raised),
        drawn=drawn,
        correlations=correlations_of(predictors),
        explained=told,
        of_chance=None,
    )
    if drawn is None or not analysis.is_associated:
        return analysis
    of_chance = importance_of_chance(drawn.correlations, found.n, wave.seed)
    return replace(analysis, of_chance=percentile_interval(of_chance).high)


def _r2_interval(
    r2: float, outcome: Floats, predictors: Floats, of_teams: ImportanceDraws | None, seed: int
) -> Interval:
    """Exact for persons; drawn by whole teams R2 varies more, as if fewer persons had answered."""
    n, used = len(outcome), int((predictors.std(axis=0) > ZERO_SPREAD).sum())
    if of_teams is None:
        return r2_interval(r2, n, used)
    of_persons = draw_importance(outcome, predictors, seed)
    assert of_persons is not None, "it has been drawn of teams"
    fewer = float(of_teams.r2.var()) / max(float(of_persons.r2.var()), ZERO_SPREAD**2)
    return r2_interval(r2, max(n / max(1.0, fewer), used + 2.0), used)


def _shares_questions(instrument: Instrument) -> bool:
    """A questionnaire of one's own may ask a lever within the very scale it is held against."""
    return any(instrument.role[column] == "core" for own in instrument.levers().values() for column in own)


# ------------------------------------------------------------------ as it is told


def _criterion(
    wave: Wave, name: CriterionName, own: Analysis | NoAnalysis, ordinal: int, precision: Precision
) -> CriterionKept:
    if not isinstance(own, Analysis):
        return own
    assert own.found.r2 is not None
    intervals = own.intervals or [None] * len(own.found.drivers)
    parts = zip(wave.both.levers, own.found.drivers, intervals, strict=True)
    return CriterionNumbers(
        criterion=name,
        status="ok",
        n=own.found.n,
        left_out=wave.n(ordinal) - own.found.n,
        r2=shown_share(own.found.r2, precision),
        r2_adjusted=shown_share(own.explained.adjusted, precision),
        p=None if own.explained.p is None else shown_share(own.explained.p, precision),
        is_associated=own.is_associated,
        chance_share=None if own.of_chance is None else shown_share(own.of_chance, precision),
        r2_ci_low=shown_share(own.r2_ci.low, precision),
        r2_ci_high=shown_share(own.r2_ci.high, precision),
        method=own.found.method,
        resampled=own.resampled,
        levers=[_lever(*of, own.of_chance, precision) for of in parts],
        flags=list(own.flags),
        reasons=reasons_of(
            ({"chance_share": own.of_chance}, "no_association"), ({"p": own.explained.p}, "too_few_teams")
        ),
    )


def _lever(
    lever: LeverName,
    driver: Driver,
    interval: ShareInterval | None,
    of_chance: float | None,
    precision: Precision,
) -> DriverLever:
    if driver.share is None or driver.r is None or of_chance is None or interval is None:
        return DriverLeverUndefined(
            lever=lever, status="undefined", reason="zero_variance" if driver.r is None else "no_association"
        )
    return DriverLeverOk(
        lever=lever,
        status="ok",
        share=shown_share(driver.share, precision),
        ci_low=shown_share(interval.ci.low, precision),
        ci_high=shown_share(interval.ci.high, precision),
        rank_low=floor(interval.rank.low),
        rank_high=ceil(interval.rank.high),
        above_chance=interval.ci.low > of_chance,
        sign="positive" if driver.r > 0 else "negative" if driver.r < 0 else "none",
        r=shown_r(driver.r, precision),
    )
