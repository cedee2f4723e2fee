"""How far the questions of a scale, and the persons of a team, agree: the instrument's own quality."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.metrics.blocks.regions import regions_of, shown_teams
from app.metrics.blocks.scales import LEAST_PERSONS, Parts, as_table, parts_of, parts_of_facet
from app.metrics.blocks.wave import ORGANIZATION, Bodies, Body, Wave, explained, of_each_group
from app.metrics.disclosure import Precision
from app.metrics.formulas import (
    Alpha,
    cronbach_alpha,
    icc,
    item_rest,
    measurement_error,
    omega_total,
    rwg_j,
)
from app.metrics.formulas.complete import is_complete
from app.metrics.sample import DIMENSIONS, Floats, Integers

FEWEST_TEAMS: Final = 5
"""With fewer, the spread between teams would all but tell the means of single ones."""
SKEWED_NULL: Final = {5: 1.34}
"""Variance of answers that lean a little to one side, by number of options (LeBreton & Senter 2008)."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """`table` is persons x parts; `planned_as` what the plan calls it, None for more than a facet."""

    kind: str
    key: str
    parts: list[str]
    table: Floats
    planned_as: str | None

    @classmethod
    def take(cls, kind: str, key: str, parts: Parts, planned_as: str | None = None) -> "_Scale":
        return cls(kind, key, list(parts), as_table(parts), planned_as)


def reliability(wave: Wave) -> Bodies:
    scales = list(_scales(wave))

    def shown(ordinal: int, precision: Precision) -> Body:
        if precision != "exact" or wave.n(ordinal) < LEAST_PERSONS:
            reason = "too_few_persons" if wave.n(ordinal) < LEAST_PERSONS else "rounded"
            return {"status": "insufficient", "reason": reason, "n": wave.n(ordinal)}
        within = np.flatnonzero(wave.rollup.persons(ordinal))
        whole = ordinal == ORGANIZATION
        teams = {name: _between_teams(wave, name) for name in DIMENSIONS} if whole else None
        return {
            "status": "ok",
            "n": wave.n(ordinal),
            "scales": [_scale(wave, scale, ordinal, within) for scale in scales],
            "agreement": {name: _agreement(wave, name, within) for name in DIMENSIONS},
            **explained(({"teams": teams}, "organization_only")),
        }

    return of_each_group(wave, shown)


def _scales(wave: Wave) -> Iterator[_Scale]:
    instrument = wave.sample.instrument
    for dimension in DIMENSIONS:
        names = list(instrument.facets_of(dimension))
        yield _Scale.take("dimension", dimension, parts_of(wave, names))
        for facet in names:
            yield _Scale.take("facet", facet, parts_of_facet(wave, facet), f"facet:{facet}")
    if core := list(instrument.core_facets()):
        yield _Scale.take("core", "engagement_core", parts_of(wave, core))


def _scale(wave: Wave, scale: _Scale, ordinal: int, within: Integers) -> Body:
    """Of the persons of the group who have every part."""
    names = {"kind": scale.kind, "key": scale.key}
    table = scale.table[within]
    rows = table[is_complete(table)]
    hidden = _why_hidden(wave, scale.planned_as, ordinal, len(rows))
    if hidden is not None:
        return {**names, "status": "suppressed", "reason": hidden}
    if table.shape[1] < 2:
        return {**names, "status": "undefined", "reason": "single_part"}
    if len(rows) < LEAST_PERSONS:
        return {**names, "status": "insufficient", "reason": "too_few_persons"}
    coefficients = _coefficients(scale.parts, rows, ordinal == ORGANIZATION)
    return {**names, "status": "ok", "n": len(rows), **coefficients}


def _why_hidden(wave: Wave, planned_as: str | None, ordinal: int, n: int) -> str | None:
    if planned_as is not None and (reason := wave.plan.why_not(planned_as, ordinal)) is not None:
        return reason
    return None if wave.is_countable(n, wave.n(ordinal)) else "incomplete_cover"


def _coefficients(keys: list[str], rows: Floats, is_whole: bool) -> Body:
    """One factor takes thousands of rounds to find, so omega is the organisation's alone."""
    alpha, rest = cronbach_alpha(rows), item_rest(rows).rest
    omega = omega_total(rows) if is_whole and len(keys) > 2 else None
    two = alpha.standardised if len(keys) == 2 else None
    best = two if omega is None else omega.value
    of_alpha = {
        "alpha": alpha.value,
        "alpha_ci_low": alpha.ci and alpha.ci.low,
        "alpha_ci_high": alpha.ci and alpha.ci.high,
    }
    of_omega = {"omega": omega and omega.value, "heywood": omega and omega.heywood}
    sd = float(rows.mean(axis=1).std(ddof=1))
    error = None if best is None else measurement_error(sd, max(0.0, best))
    items = [{"key": key, "rest_r": r} for key, r in zip(keys, rest, strict=True)]
    body = explained(
        (of_alpha, "zero_variance"),
        (of_omega, "zero_variance" if omega else "two_parts" if len(keys) == 2 else "organization_only"),
        ({"spearman_brown": two}, "zero_variance" if len(keys) == 2 else "more_than_two_parts"),
        ({"sem": error}, "zero_variance" if is_whole or len(keys) == 2 else "organization_only"),
    )
    flat = {f"items.{item['key']}.rest_r": "zero_variance" for item in items if item["rest_r"] is None}
    reasons = body["reasons"] | flat
    return {
        "parts": len(keys),
        **body,
        "items": items,
        "warnings": _warnings(alpha, rest),
        "reasons": reasons,
    }


def _warnings(alpha: Alpha, rest: tuple[float | None, ...]) -> list[str]:
    runs_against = (alpha.value or 0) < 0 or any(r is not None and r < 0 for r in rest)
    return ["check_reversal"] * runs_against + ["flat_part"] * bool(alpha.flat_items)


def _agreement(wave: Wave, dimension: str, within: Integers) -> Body:
    """Of the persons of the group who answered every question of the dimension."""
    columns = wave.columns_of(dimension)
    instrument = wave.sample.instrument
    options = {instrument.high[column] - instrument.low[column] + 1 for column in columns}
    if len(options) > 1:
        return {"status": "undefined", "reason": "mixed_scales"}
    (count,) = options
    table = wave.both.questions[within][:, columns]
    rows = table[is_complete(table)] * (count - 1) / 100
    if not wave.is_countable(len(rows), len(table)):
        return {"status": "suppressed", "reason": "incomplete_cover"}
    if len(rows) < LEAST_PERSONS:
        return {"status": "insufficient", "reason": "too_few_persons"}
    skewed = rwg_j(rows, count, SKEWED_NULL[count]).value if count in SKEWED_NULL else None
    numbers = {"rwg_j": rwg_j(rows, count).value, "rwg_j_skewed": skewed}
    return {
        "status": "ok",
        "n": len(rows),
        "questions": len(columns),
        "options": count,
        **explained((numbers, "five_options_only")),
    }


def _between_teams(wave: Wave, dimension: str) -> Body:
    """Over the innermost teams that are shown, each without those inside it: no team kept back is in it."""
    region = regions_of(wave, shown_teams(wave))[wave.rollup.places.team]
    in_team = region != ORGANIZATION
    found = icc(wave.both.dimensions[dimension][in_team], region[in_team])
    if found.groups < FEWEST_TEAMS:
        return {"status": "insufficient", "reason": "too_few_teams"}
    if found.undefined is not None:
        return {"status": "undefined", "reason": found.undefined}
    numbers = {
        "icc1": found.icc1,
        "icc1_raw": found.icc1_raw,
        "icc2": found.icc2,
        "icc2_raw": found.icc2_raw,
        "f": found.f,
        "p": found.p,
    }
    return {"status": "ok", "n": found.n, "teams": found.groups, **explained((numbers, "zero_variance"))}
