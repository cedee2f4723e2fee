"""The employee net promoter score of every group."""

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np

from app.metrics.blocks.measure import Measure
from app.metrics.blocks.pairs import ENPS, measure_of
from app.metrics.blocks.wave import Wave, of_each_group
from app.metrics.disclosure import Precision, shown_gap, shown_share
from app.metrics.formulas import enps_from
from app.metrics.sample import Floats, Integers
from app.metrics.schemas import EnpsNumbers, EnpsOk, Suppressed, Undefined

UNTOLD: Final = ("ci_low", "ci_high", "promoters", "passives", "detractors")


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
    counts = wave.rollup.sums(kinds * wave.plan.counted.get(ENPS, np.ones(len(kinds)))[:, None]).astype(
        np.int64
    )
    measure = measure_of(wave, "enps")
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
    n = int(measure.n[ordinal])
    reason = wave.why_hidden(ENPS, ordinal, n)
    if reason is not None:
        return Suppressed(status="suppressed", reason=reason)
    precision = measure.precision(ordinal, group)
    if ordinal in measure.coarse:
        why = wave.why_coarse(ENPS, ordinal)
        return EnpsOk(
            status="ok",
            n=n,
            precision=precision,
            score=float(measure.mean[ordinal]),
            ci_low=None,
            ci_high=None,
            promoters=None,
            passives=None,
            detractors=None,
            reasons=dict.fromkeys(UNTOLD, why),
        )
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
        reasons={},
    )
