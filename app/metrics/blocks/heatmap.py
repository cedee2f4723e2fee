"""Every shown group against the rest of the organisation, score by score."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from app.metrics.blocks.compared import as_shown, shown_difference, shown_interval, shown_p
from app.metrics.blocks.measure import Measure, as_small
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, shown_dz, shown_score
from app.metrics.formulas import Cell, Moments, shrinkage, versus_rest
from app.metrics.formulas.complete import Undefined as Unknown
from app.metrics.sample import DIMENSIONS, Floats, Instrument
from app.metrics.schemas import HeatmapNumbers, Suppression, Undefined
from app.metrics.schemas.heatmap import (
    HeatmapCell,
    HeatmapCellOk,
    HeatmapCellSuppressed,
    HeatmapCellUndefined,
    HeatmapOk,
)

WHY_NOT_SHRUNKEN: Final[dict[str, str]] = {"too_few": "too_few_groups", "zero_variance": "zero_variance"}


def heatmap(wave: Wave) -> Mapping[int, HeatmapNumbers]:
    columns = [_column(wave, key, values) for key, values in _scores(wave).items()]
    return of_each_group(wave, lambda ordinal, precision: _row(wave, columns, ordinal, precision))


def heatmap_columns(instrument: Instrument) -> list[str]:
    """The keys of the columns, in order."""
    facets = (name for dimension in DIMENSIONS for name in instrument.facets_of(dimension))
    return [*DIMENSIONS, *(f"facet:{name}" for name in facets)]


def _scores(wave: Wave) -> dict[str, Floats]:
    facets = {f"facet:{name}": values for name, values in wave.both.facets.items()}
    return {**wave.both.dimensions, **facets}


def _row(
    wave: Wave, columns: list[dict[int, HeatmapCell]], ordinal: int, precision: Precision
) -> HeatmapOk | Undefined:
    if ordinal == ORGANIZATION:
        return Undefined(status="undefined", reason="no_rest", n=wave.n(ordinal))
    cells = [column[ordinal] for column in columns]
    return HeatmapOk(status="ok", n=wave.n(ordinal), precision=precision, cells=cells)


def _column(wave: Wave, key: str, values: Floats) -> dict[int, HeatmapCell]:
    """A cell for each shown group; those with a test are one family (2.10, 2.15)."""
    measure = Measure.take(wave.rollup, values)
    precisions = {
        ordinal: as_small(int(measure.n[ordinal]), own)
        for ordinal, own in _precisions(wave)
        if ordinal != ORGANIZATION
    }
    hidden = {ordinal: _why_not(wave, key, measure, ordinal) for ordinal in precisions}
    shown = {
        ordinal: as_shown(measure, ordinal, precision, shown_score)
        for ordinal, precision in precisions.items()
        if hidden[ordinal] is None
    }
    shrunken = _shrunken(wave, shown)
    found = dict(zip(shown, versus_rest(list(shown.values()), _whole(wave, measure)), strict=True))
    return {
        ordinal: HeatmapCellSuppressed(status="suppressed", reason=reason)
        if reason is not None
        else _cell(found[ordinal], shown[ordinal], shrunken[ordinal], precisions[ordinal])
        for ordinal, reason in hidden.items()
    }


def _precisions(wave: Wave) -> Iterator[tuple[int, Precision]]:
    for ordinal, decision in wave.plan.decisions.items():
        if decision.precision is not None:
            yield ordinal, decision.precision


def _whole(wave: Wave, measure: Measure) -> Moments:
    precision = wave.plan.decisions[ORGANIZATION].precision or "banded"
    small = as_small(int(measure.n[ORGANIZATION]), precision)
    return as_shown(measure, ORGANIZATION, small, shown_score)


def _why_not(wave: Wave, key: str, measure: Measure, ordinal: int) -> Suppression | None:
    """The rest is not shown by itself, but this would tell it, so it needs the minimum too."""
    known = (wave.why_hidden(key, one, int(measure.n[one])) for one in (ordinal, ORGANIZATION))
    reason = next((reason for reason in known if reason is not None), None)
    rest = int(measure.n[ORGANIZATION] - measure.n[ordinal])
    return "complementary" if reason is None and 0 < rest < wave.k else reason


def _cell(found: Cell, shown: Moments, shrunken: float | Unknown, precision: Precision) -> HeatmapCell:
    if found.test is None:
        return HeatmapCellUndefined(status="undefined", reason="zero_variance" if found.rest.n else "no_rest")
    assert found.g is not None
    assert found.q is not None
    assert found.state is not None
    g, q = shown_dz(found.g, precision), shown_p(found.q, precision)
    why_not_shrunken = WHY_NOT_SHRUNKEN[shrunken] if isinstance(shrunken, str) else ""
    told = None if isinstance(shrunken, str) else shown_score(shrunken, precision)
    return HeatmapCellOk(
        status="ok",
        difference=shown_difference(found.test.mean, precision),
        **shown_interval(found.test.ci, precision),
        g=g,
        q=q,
        state=found.state,
        score=shown.mean,
        shrunken=told,
        reasons=reasons_of(({"g": g, "q": q}, "banded"), ({"shrunken": told}, why_not_shrunken)),
    )


def _shrunken(wave: Wave, shown: Mapping[int, Moments]) -> dict[int, float | Unknown]:
    """Nobody is in two groups of a family: those of one depth of the tree, or of one dimension.

    From numbers that are shown, since the raw mean can be computed back from the shrunken one.
    """
    found: dict[int, float | Unknown] = {}
    for family in _families(wave, shown):
        own = [shown[ordinal] for ordinal in family]
        n, sd = np.array([of.n for of in own]), np.array([of.sd for of in own], dtype=np.float64)
        within = float((n - 1) @ sd**2) / (n - 1).sum()
        towards = shrinkage([of.mean for of in own], within / n)
        undefined = [] if towards.undefined is None else [towards.undefined] * len(family)
        found |= dict(zip(family, [*towards.means, *undefined], strict=True))
    return found


def _families(wave: Wave, ordinals: Iterable[int]) -> Iterable[list[int]]:
    groups, depths = wave.sample.groups, wave.rollup.depths.tolist()
    families: dict[int | str, list[int]] = {}
    for ordinal in ordinals:
        place = ordinal - len(groups.parents)
        name = depths[ordinal] if groups.is_team(ordinal) else groups.categories[place][0]
        families.setdefault(name, []).append(ordinal)
    return families.values()
