"""What the scores are means of, and how reliable those of the two dimensions are.

The one place where that is defined: a facet is a mean of its questions, a dimension of its facets (of its
questions where it has one facet), and its reliability is that of these parts over the whole organisation.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.metrics.blocks.wave import Wave, once
from app.metrics.formulas import (
    cronbach_alpha,
    difference_reliability,
    error_of_composite,
    error_of_mean,
    measurement_error,
    omega_total,
    pearson,
)
from app.metrics.formulas.complete import complete_rows
from app.metrics.sample import DIMENSIONS, Floats

LEAST_PERSONS: Final = 30

PartScores = dict[str, Floats]
"""By facet or question, the score of each person of the headline set."""


def parts_of_facet(wave: Wave, facet: str) -> PartScores:
    instrument = wave.sample.instrument
    own = [column for column, name in enumerate(instrument.facet) if name == facet]
    return {instrument.key[column]: wave.both.questions[:, column] for column in own}


def parts_of(wave: Wave, facets: list[str]) -> PartScores:
    if len(facets) == 1:
        return parts_of_facet(wave, facets[0])
    return {facet: wave.both.facets[facet] for facet in facets}


def parts_of_dimension(wave: Wave, dimension: str) -> PartScores:
    return parts_of(wave, list(wave.sample.instrument.facets_of(dimension)))


def as_table(parts: PartScores) -> Floats:
    return np.column_stack(list(parts.values())) if parts else np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class Reliability:
    """`value` 0-1; `reason` says why there is none: two parts that run against each other have none."""

    value: float | None
    reason: str | None


def reliability_of(table: Floats) -> Reliability:
    """McDonald's omega of persons x parts, of two parts the Spearman-Brown coefficient."""
    rows = complete_rows(table)
    if rows.shape[1] < 2:
        return Reliability(None, "single_part")
    if len(rows) < max(LEAST_PERSONS, rows.shape[1] + 1):
        return Reliability(None, "too_few_persons")
    value = omega_total(rows).value if rows.shape[1] > 2 else cronbach_alpha(rows).standardised
    if value is None:
        return Reliability(None, "zero_variance")
    return Reliability(value, None) if value >= 0 else Reliability(None, "items_disagree")


def reliability_of_dimension(wave: Wave, dimension: str) -> Reliability:
    return _reliabilities(wave)[dimension]


@once
def _reliabilities(wave: Wave) -> dict[str, Reliability]:
    return {name: reliability_of(as_table(parts_of_dimension(wave, name))) for name in DIMENSIONS}


def error_of_scale(wave: Wave, facets: list[str], reliability: float, sd: float) -> float:
    """Standard error of measurement over the whole organisation, of what is a mean of facets: the errors of
    their questions. A facet of one question does not tell its own, so then it is that of `reliability`, as of
    a single facet.
    """
    tables = [as_table(parts_of_facet(wave, facet)) for facet in facets]
    if len(tables) < 2 or min(table.shape[1] for table in tables) < 2:
        return measurement_error(sd, reliability)
    return error_of_composite([error_of_mean(table) for table in tables])


@dataclass(frozen=True, slots=True)
class MeasurementErrors:
    """Of the organisation: standard errors of measurement of satisfaction and engagement, in points, and the
    reliability of their difference. `reason` says why one is missing.
    """

    errors: tuple[float, float] | None
    of_difference: float | None
    reason: str | None

    @classmethod
    def take(cls, wave: Wave) -> "MeasurementErrors":
        found = [reliability_of_dimension(wave, name) for name in DIMENSIONS]
        values = [of.value for of in found if of.value is not None]
        if len(values) < 2:
            return cls(None, None, next(of.reason for of in found if of.reason))
        s, e = (wave.both.dimensions[name] for name in DIMENSIONS)
        spread = float(s.std(ddof=1)), float(e.std(ddof=1))
        facets = [list(wave.sample.instrument.facets_of(name)) for name in DIMENSIONS]
        errors = [error_of_scale(wave, *of) for of in zip(facets, values, spread, strict=True)]
        reliable = [1 - (error / sd) ** 2 if sd else 0.0 for error, sd in zip(errors, spread, strict=True)]
        r = pearson(s, e).r or 0.0
        return cls(
            errors=(errors[0], errors[1]),
            of_difference=difference_reliability(*spread, reliable[0], reliable[1], r),
            reason="zero_variance",
        )
