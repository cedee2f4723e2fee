"""How far the questions of a scale, and the persons of a team, agree: the instrument's own quality."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np

from app.metrics.blocks.regions import regions_of, shown_teams
from app.metrics.blocks.scales import (
    LEAST_PERSONS,
    PartScores,
    as_table,
    error_of_scale,
    parts_of,
    parts_of_facet,
)
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision
from app.metrics.formulas import Alpha, agreement, consistencies, icc, omega_total
from app.metrics.formulas.complete import is_complete
from app.metrics.sample import DIMENSIONS, Floats, Integers
from app.metrics.schemas import Insufficient, ReliabilityNumbers, ReliabilityOk, ScaleKept, Suppression
from app.metrics.schemas.reliability import (
    Agreement,
    AgreementOk,
    Agreements,
    BetweenTeams,
    BetweenTeamsOfBoth,
    BetweenTeamsOk,
    BlockInsufficient,
    BlockSuppressed,
    BlockUndefined,
    ScaleItem,
    ScaleKind,
    ScaleNumbers,
    ScaleTooFew,
    ScaleUnknown,
    ScaleUntold,
    ScaleWarning,
)

FEWEST_TEAMS: Final = 5
"""With fewer, the spread between teams would all but tell the means of single ones."""
SKEWED_NULL: Final = {5: 1.34}
"""Variance of answers that lean a little to one side, by number of options (LeBreton & Senter 2008)."""


class Names(TypedDict):
    kind: ScaleKind
    key: str


class OfAlpha(TypedDict):
    alpha: float | None
    alpha_ci_low: float | None
    alpha_ci_high: float | None


class OfOmega(TypedDict):
    omega: float | None
    heywood: bool | None


@dataclass(frozen=True, slots=True)
class _Scale:
    """`rows` are persons x parts, of those who count and have every part: `n` of each group. The groups of
    which that may be told are in `told`; `found` has what is found in each of them, and the sd of its scores.
    `planned_as` is what the plan calls it, None for more than a facet, which is a mean of `facets`.
    """

    kind: ScaleKind
    key: str
    parts: list[str]
    rows: Floats
    n: Integers
    told: AbstractSet[int]
    found: Mapping[int, tuple[Alpha, tuple[float | None, ...], float]]
    planned_as: str | None
    facets: list[str]

    @classmethod
    def take(
        cls,
        wave: Wave,
        kind: ScaleKind,
        key: str,
        parts: PartScores,
        planned_as: str | None = None,
        facets: Sequence[str] = (),
    ) -> "_Scale":
        table = as_table(parts)
        persons = is_complete(table) & wave.plan.counted.get(planned_as or "", True)
        n, _, products = wave.rollup.products(table, persons)
        told = wave.telling_of(persons)
        return cls(
            kind, key, list(parts), table[persons], n, told, _found(n, products), planned_as, list(facets)
        )


def _found(n: Integers, products: Floats) -> dict[int, tuple[Alpha, tuple[float | None, ...], float]]:
    """By ordinal, of the groups that are large enough."""
    parts, groups = products.shape[1], np.flatnonzero(n >= LEAST_PERSONS)
    if parts < 2:
        return {}
    sd = np.sqrt(products[groups].sum(axis=(1, 2)) / (n[groups] - 1)) / parts
    of = zip(consistencies(n[groups], products[groups]), sd.tolist(), strict=True)
    return {ordinal: (*both, own) for ordinal, (both, own) in zip(groups.tolist(), of, strict=True)}


def reliability(wave: Wave) -> Mapping[int, ReliabilityNumbers]:
    scales, asked = list(_scales(wave)), {name: _Asked.take(wave, name) for name in DIMENSIONS}

    def shown(ordinal: int, precision: Precision) -> ReliabilityOk | Insufficient:
        if precision != "exact" or wave.n(ordinal) < LEAST_PERSONS:
            return Insufficient(
                status="insufficient",
                reason="too_few_persons" if wave.n(ordinal) < LEAST_PERSONS else "rounded",
                n=wave.n(ordinal),
            )
        teams = _teams(wave) if ordinal == ORGANIZATION else None
        return ReliabilityOk(
            status="ok",
            n=wave.n(ordinal),
            scales=[_scale(wave, scale, ordinal) for scale in scales],
            agreement=Agreements(
                satisfaction=_agreement(asked["satisfaction"], ordinal),
                engagement=_agreement(asked["engagement"], ordinal),
            ),
            teams=teams,
            reasons=reasons_of(({"teams": None if teams is None else {}}, "organization_only")),
        )

    return of_each_group(wave, shown)


def _teams(wave: Wave) -> BetweenTeamsOfBoth:
    return BetweenTeamsOfBoth(
        satisfaction=_between_teams(wave, "satisfaction"), engagement=_between_teams(wave, "engagement")
    )


def _scales(wave: Wave) -> Iterator[_Scale]:
    instrument = wave.sample.instrument
    for dimension in DIMENSIONS:
        names = list(instrument.facets_of(dimension))
        yield _Scale.take(wave, "dimension", dimension, parts_of(wave, names), facets=names)
        for facet in names:
            yield _Scale.take(wave, "facet", facet, parts_of_facet(wave, facet), f"facet:{facet}")
    if core := list(instrument.core_facets()):
        yield _Scale.take(wave, "core", "engagement_core", parts_of(wave, core), facets=core)


def _scale(wave: Wave, scale: _Scale, ordinal: int) -> ScaleKept:
    """Of the persons of the group who have every part."""
    names: Names = {"kind": scale.kind, "key": scale.key}
    n = int(scale.n[ordinal])
    hidden = _why_hidden(wave, scale, ordinal, n)
    if hidden is not None:
        return ScaleUntold(**names, status="suppressed", reason=hidden)
    if len(scale.parts) < 2:
        return ScaleUnknown(**names, status="undefined", reason="single_part")
    if n < LEAST_PERSONS:
        return ScaleTooFew(**names, status="insufficient", reason="too_few_persons")
    return _coefficients(wave, names, scale, ordinal)


def _why_hidden(wave: Wave, scale: _Scale, ordinal: int, n: int) -> Suppression | None:
    """The plan has looked at what categories tell of a facet."""
    name = scale.planned_as
    if name is not None and (reason := wave.plan.why_not(name, ordinal)) is not None:
        return reason
    if name is not None and wave.plan.is_coarse(name, ordinal):
        return "incomplete_cover"
    is_planned = name is not None and not wave.sample.groups.is_team(ordinal)
    is_told = wave.is_countable(n, wave.n(ordinal)) if is_planned else ordinal in scale.told
    return None if is_told else "incomplete_cover"


def _coefficients(wave: Wave, names: Names, scale: _Scale, ordinal: int) -> ScaleNumbers:
    """One factor takes thousands of rounds to find, so omega is the organisation's alone."""
    keys, is_whole = scale.parts, ordinal == ORGANIZATION
    alpha, rest, sd = scale.found[ordinal]
    omega = omega_total(scale.rows) if is_whole and len(keys) > 2 else None
    two = alpha.standardised if len(keys) == 2 else None
    runs_against = two is not None and two < 0
    two = None if runs_against else two
    best = two if omega is None else omega.value
    of_alpha: OfAlpha = {
        "alpha": alpha.value,
        "alpha_ci_low": None if alpha.ci is None else alpha.ci.low,
        "alpha_ci_high": None if alpha.ci is None else alpha.ci.high,
    }
    of_omega: OfOmega = {
        "omega": None if omega is None else omega.value,
        "heywood": None if omega is None else omega.heywood,
    }
    facets = scale.facets if is_whole else []
    error = None if best is None else error_of_scale(wave, facets, best, sd)
    why_not = "items_disagree" if runs_against else "zero_variance"
    flat = {f"items.{key}.rest_r": r for key, r in zip(keys, rest, strict=True)}
    return ScaleNumbers(
        **names,
        status="ok",
        n=alpha.n,
        parts=len(keys),
        **of_alpha,
        **of_omega,
        spearman_brown=two,
        sem=error,
        items=[ScaleItem(key=key, rest_r=r) for key, r in zip(keys, rest, strict=True)],
        warnings=_warnings(alpha, rest),
        reasons=reasons_of(
            (of_alpha, "zero_variance"),
            (of_omega, "zero_variance" if omega else "two_parts" if len(keys) == 2 else "organization_only"),
            ({"spearman_brown": two}, why_not if len(keys) == 2 else "more_than_two_parts"),
            ({"sem": error}, why_not if is_whole or len(keys) == 2 else "organization_only"),
            (flat, "zero_variance"),
        ),
    )


def _warnings(alpha: Alpha, rest: tuple[float | None, ...]) -> list[ScaleWarning]:
    runs_against = (alpha.value or 0) < 0 or any(r is not None and r < 0 for r in rest)
    raised: dict[ScaleWarning, bool] = {"check_reversal": runs_against, "flat_part": bool(alpha.flat_items)}
    return [warning for warning, is_raised in raised.items() if is_raised]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The `questions` of a dimension, by how many `options` they have. Of those who answered all of them: `n`
    of each group, the mean variance of a question, and the groups of which that may be told.
    """

    questions: int
    options: AbstractSet[int]
    n: Integers
    variance: Floats
    told: AbstractSet[int]

    @classmethod
    def take(cls, wave: Wave, dimension: str) -> "_Asked":
        columns, instrument = wave.columns_of(dimension), wave.sample.instrument
        options = {instrument.high[column] - instrument.low[column] + 1 for column in columns}
        answers = wave.both.questions[:, columns]
        persons = is_complete(answers)
        given = np.where(persons[:, None], answers * (max(options, default=1) - 1) / 100, np.nan)
        sds = [wave.rollup.moments(column)[2] for column in given.T]
        variance = np.mean(np.square(sds), axis=0) if sds else np.zeros(len(wave.sample.groups))
        return cls(len(columns), options, wave.rollup.counts(persons), variance, wave.telling_of(persons))


def _agreement(asked: _Asked, ordinal: int) -> Agreement:
    """Of the persons of the group who answered every question of the dimension."""
    if len(asked.options) > 1:
        return BlockUndefined(status="undefined", reason="mixed_scales")
    (count,) = asked.options
    if ordinal not in asked.told:
        return BlockSuppressed(status="suppressed", reason="incomplete_cover")
    n, variance = int(asked.n[ordinal]), float(asked.variance[ordinal])
    if n < LEAST_PERSONS:
        return BlockInsufficient(status="insufficient", reason="too_few_persons")
    skewed = agreement(variance, asked.questions, count, SKEWED_NULL[count]) if count in SKEWED_NULL else None
    return AgreementOk(
        status="ok",
        n=n,
        questions=asked.questions,
        options=count,
        rwg_j=agreement(variance, asked.questions, count),
        rwg_j_skewed=skewed,
        reasons=reasons_of(({"rwg_j_skewed": skewed}, "five_options_only")),
    )


def _between_teams(wave: Wave, dimension: str) -> BetweenTeams:
    """Over the innermost teams that are shown, each without those inside it: no team kept back is in it."""
    region = regions_of(wave, shown_teams(wave))[wave.rollup.places.team]
    in_team = region != ORGANIZATION
    found = icc(wave.both.dimensions[dimension][in_team], region[in_team])
    if found.groups < FEWEST_TEAMS:
        return BlockInsufficient(status="insufficient", reason="too_few_teams")
    if found.icc1 is None or found.icc1_raw is None or found.icc2 is None:
        return BlockUndefined(status="undefined", reason="zero_variance")
    unsaid = {"icc2_raw": found.icc2_raw, "f": found.f, "p": found.p}
    return BetweenTeamsOk(
        status="ok",
        n=found.n,
        teams=found.groups,
        icc1=found.icc1,
        icc1_raw=found.icc1_raw,
        icc2=found.icc2,
        icc2_raw=found.icc2_raw,
        f=found.f,
        p=found.p,
        reasons=reasons_of((unsaid, "zero_variance")),
    )
