"""Every shown group against the rest of the organisation, score by score."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.metrics.blocks.compared import (
    as_compared,
    as_shown,
    shown_detectable,
    shown_difference,
    shown_interval,
    shown_p,
)
from app.metrics.blocks.measure import Measure
from app.metrics.blocks.shrunken import WHY_NOT_SHRUNKEN, Kin, Kinship
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, shown_dz, shown_score
from app.metrics.disclosure.tree import none_or_enough
from app.metrics.formulas import Cell, Interval, Moments, versus_rest
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

SCALE: Final = Interval(0.0, 100.0)


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
    return HeatmapOk(
        status="ok",
        n=wave.n(ordinal),
        precision=precision,
        smallest_change=wave.choices.smallest_change,
        cells=cells,
    )


def _column(wave: Wave, key: str, values: Floats) -> dict[int, HeatmapCell]:
    """A cell for each shown group; those with a test are one family (2.10, 2.15)."""
    measure = Measure.of_some(wave, key, values)
    precisions = {
        ordinal: measure.precision(ordinal, own)
        for ordinal, own in _precisions(wave)
        if ordinal != ORGANIZATION
    }
    hidden = {ordinal: _why_not(wave, key, measure, ordinal) for ordinal in precisions}
    shown = {
        ordinal: as_shown(measure, ordinal, precision, shown_score)
        for ordinal, precision in precisions.items()
        if hidden[ordinal] is None
    }
    shrunken = _drawn(wave, shown)
    of_headline = key in DIMENSIONS
    compared = [
        as_compared(measure, ordinal, precisions[ordinal], shown_score, finer=of_headline)
        for ordinal in shown
    ]
    smallest = wave.choices.smallest_change
    cells = versus_rest(compared, _whole(wave, measure, of_headline), smallest, SCALE)
    found = dict(zip(shown, cells, strict=True))
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


def _whole(wave: Wave, measure: Measure, of_headline: bool) -> Moments:
    precision = wave.plan.decisions[ORGANIZATION].precision or "banded"
    small = measure.precision(ORGANIZATION, precision)
    return as_compared(measure, ORGANIZATION, small, shown_score, finer=of_headline)


def _why_not(wave: Wave, key: str, measure: Measure, ordinal: int) -> Suppression | None:
    """The rest is not shown by itself, but this would tell it, so it needs the minimum too."""
    known = (wave.why_hidden(key, one, int(measure.n[one])) for one in (ordinal, ORGANIZATION))
    reason = next((reason for reason in known if reason is not None), None)
    rest = int(measure.n[ORGANIZATION] - measure.n[ordinal])
    return "complementary" if reason is None and not none_or_enough(rest, wave.k) else reason


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
        detectable=shown_detectable(found.test.detectable, precision),
        state=found.state,
        score=shown.mean,
        shrunken=told,
        reasons=reasons_of(({"g": g, "q": q}, "banded"), ({"shrunken": told}, why_not_shrunken)),
    )


def _drawn(wave: Wave, shown: Mapping[int, Moments]) -> dict[int, float | Unknown]:
    kinship = Kinship.take(wave, shown)
    own = {ordinal: kinship.of(ordinal) for ordinal in shown}
    return {
        ordinal: kin.drawn(shown[ordinal]).mean if isinstance(kin, Kin) else kin
        for ordinal, kin in own.items()
    }
