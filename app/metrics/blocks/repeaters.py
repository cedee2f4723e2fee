"""Those who answered both waves: change apart from who happened to answer. The organisation alone."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from app.metrics.blocks.compared import FURTHEST, FURTHEST_OF_SIGNED, shown_interval
from app.metrics.blocks.pairs import MEASURES, Pairs, values_of
from app.metrics.blocks.wave import Wave, reasons_of
from app.metrics.formulas import CUT, PairedChange, mcnemar, paired_change
from app.metrics.sample import DIMENSIONS, Flags, Floats, Integers
from app.metrics.schemas.trends import (
    Between,
    Incomparable,
    MeasureName,
    Repeated,
    RepeatedInsufficient,
    RepeatedOk,
    RepeatedSuppressed,
    RepeatedUndefined,
    Repeaters,
    RepeatersOk,
    RepeatersSuppressed,
    RepeatersUndefined,
)

FEWEST = 20
"""Below it no probability is told (R7)."""


def repeaters(
    pairs: Pairs, incomparable: Mapping[MeasureName, Incomparable], *, is_erased: bool
) -> Repeaters:
    surveys: Between = {"from_survey": pairs.previous.survey_id, "to_survey": pairs.wave.survey_id}
    if is_erased:
        return RepeatersSuppressed(**surveys, status="suppressed", reason="erased")
    if not pairs.is_linked:
        return RepeatersUndefined(**surveys, status="undefined", reason="not_linked")
    measures = [_told(pairs, measure, incomparable.get(measure)) for measure in MEASURES]
    return RepeatersOk(**surveys, status="ok", measures=measures)


def _told(pairs: Pairs, measure: MeasureName, why_not: Incomparable | None) -> Repeated:
    if why_not is not None:
        return RepeatedUndefined(measure=measure, status="undefined", reason=why_not)
    if measure == "gap" and not pairs.may_be_paired:
        return RepeatedSuppressed(measure=measure, status="suppressed", reason="crossing")
    now, then = values_of(pairs.wave, measure), values_of(pairs.previous, measure)
    rows_now, rows_then = pairs.rows(~np.isnan(now), ~np.isnan(then))
    is_everybody = len(rows_now) == np.count_nonzero(~np.isnan(now)) == np.count_nonzero(~np.isnan(then))
    reason = None if is_everybody else _why_not(pairs, then, rows_then)
    if reason is not None:
        return RepeatedSuppressed(measure=measure, status="suppressed", reason=reason)
    if len(rows_now) < FEWEST:
        return RepeatedInsufficient(
            measure=measure, status="insufficient", reason="too_few_persons", n=len(rows_now)
        )
    before, after = then[rows_then], now[rows_now]
    change = paired_change(before, after)
    if change.test is None:
        return RepeatedUndefined(measure=measure, status="undefined", reason="zero_variance")
    return _numbers(measure, change, _crossed(before, after) if measure in DIMENSIONS else None)


def _numbers(measure: MeasureName, change: PairedChange, mcnemar_p: float | None) -> RepeatedOk:
    assert change.test is not None
    assert change.dz is not None
    assert change.wilcoxon_p is not None
    return RepeatedOk(
        measure=measure,
        status="ok",
        n=change.n,
        difference=change.test.mean,
        **shown_interval(change.test.ci, "exact", FURTHEST if measure in DIMENSIONS else FURTHEST_OF_SIGNED),
        p=change.test.p,
        dz=change.dz,
        wilcoxon_p=change.wilcoxon_p,
        mcnemar_p=mcnemar_p,
        reasons=reasons_of(({"mcnemar_p": mcnemar_p}, "no_cut")),
    )


def _crossed(before: Floats, after: Floats) -> float:
    """McNemar's p of who came to lie above the cut and who below."""
    cells = np.bincount(2 * (before >= CUT) + (after >= CUT), minlength=4)
    return mcnemar(cells.reshape(2, 2)).p


# ------------------------------------------------------------------ whether they may be told apart


def _why_not(pairs: Pairs, then: Floats, rows: Integers) -> Literal["below_minimum", "crossing"] | None:
    """R9, made exact: no sum over shown groups and repeaters may come down to few persons.

    Looked at in the earlier wave, for every pair of waves: of a sum over several pairs, the earliest wave
    knows the repeaters of one pair alone, so what is left there cannot be taken away by another.
    """
    if len(rows) < pairs.k:
        return "below_minimum"
    return None if _left(pairs.previous, then, rows) >= pairs.k else "crossing"


def _left(wave: Wave, values: Floats, rows: Integers) -> int:
    """The fewest persons that the sum over `rows`, less sums over groups, can come down to, or fewer.

    As if every team and category, crossed, were shown: in each the smaller part is left, of those who repeat
    and those who do not.
    """
    known = ~np.isnan(values)
    places = wave.rollup.places.of(known)
    repeats: Flags = np.isin(np.flatnonzero(known), rows)
    _, cell_of = np.unique(
        np.column_stack([places.team, *places.category.values()]), axis=0, return_inverse=True
    )
    cells = int(cell_of.max()) + 1
    counts = [np.bincount(cell_of[own], minlength=cells) for own in (repeats, ~repeats)]
    return int(np.minimum(*counts).sum())
