"""The employee net promoter score of every group."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from app.metrics.blocks.measure import Measure, as_small
from app.metrics.blocks.wave import Wave, of_each_group
from app.metrics.disclosure import Precision, shown_gap, shown_share
from app.metrics.formulas import enps_from
from app.metrics.sample import Floats, Integers
from app.metrics.schemas import EnpsNumbers, EnpsOk, Suppressed, Undefined

MEASURE = "outcome:enps"


def enps(wave: Wave) -> Mapping[int, EnpsNumbers]:
    columns = wave.sample.instrument.outcomes().get("enps", [])
    if len(columns) != 1:
        reason: Literal["several_questions", "question_missing"] = (
            "several_questions" if columns else "question_missing"
        )
        return of_each_group(
            wave, lambda ordinal, _: Undefined(status="undefined", reason=reason, n=wave.n(ordinal))
        )
    kinds = _kinds(wave, columns[0])
    counts = wave.rollup.sums(kinds).astype(np.int64)
    answered = kinds.any(axis=1)
    values = np.where(answered, 100 * (kinds[:, 0] - kinds[:, 2]), np.nan)
    measure = Measure.take(wave.rollup, values)
    return of_each_group(
        wave, lambda ordinal, precision: _shown(wave, measure, counts[ordinal], ordinal, precision)
    )


def _kinds(wave: Wave, column: int) -> Floats:
    """Persons x (promoter, passive, detractor), all 0 for one without an answer."""
    ratings = wave.sample.answers[wave.sample.both, column]
    return np.column_stack(
        [ratings >= 9, (ratings >= 7) & (ratings <= 8), (ratings >= 0) & (ratings <= 6)]
    ).astype(np.float64)


def _shown(
    wave: Wave, measure: Measure, counts: Integers, ordinal: int, group: Precision
) -> EnpsOk | Suppressed:
    n = int(counts.sum())
    reason = wave.why_hidden(MEASURE, ordinal, n)
    if reason is not None:
        return Suppressed(status="suppressed", reason=reason)
    precision = as_small(n, group)
    of = enps_from(*(int(count) for count in counts))
    ci = measure.interval(ordinal, precision) if precision == "banded" else of.ci
    assert ci is not None  # the banded spread is never 0
    return EnpsOk(
        status="ok",
        n=n,
        precision=precision,
        score=shown_gap(of.score, precision),
        ci_low=shown_gap(ci.low, precision),
        ci_high=shown_gap(ci.high, precision),
        promoters=shown_share(of.promoters / n, precision),
        passives=shown_share(of.passives / n, precision),
        detractors=shown_share(of.detractors / n, precision),
    )
