"""Who responded, and what the scores would be with those who did not."""

from app.metrics.blocks.measure import Measure
from app.metrics.blocks.wave import Bodies, Body, Wave, missing, of_each_group
from app.metrics.disclosure import Precision, shown_score
from app.metrics.formulas import manski_bounds, response_rate
from app.metrics.sample import DIMENSIONS, Rollup


def participation(wave: Wave) -> Bodies:
    if wave.invited is None:
        return of_each_group(wave, lambda ordinal, _: _without_frame(wave, ordinal))
    responded = Rollup(wave.sample.groups, wave.sample.places).sizes
    scores = {name: Measure.take(wave.rollup, wave.both.dimensions[name]) for name in DIMENSIONS}
    return of_each_group(
        wave, lambda ordinal, precision: _shown(wave, scores, int(responded[ordinal]), ordinal, precision)
    )


def _without_frame(wave: Wave, ordinal: int) -> Body:
    return {"status": "undefined", "reason": "no_frame", "n": wave.n(ordinal)}


def _shown(
    wave: Wave, scores: dict[str, Measure], responded: int, ordinal: int, precision: Precision
) -> Body:
    invited = wave.shown_invited(ordinal)
    numbers = {
        "invited": invited,
        "response_rate": None if invited is None else response_rate(responded, invited),
        **{name: _score(scores[name], ordinal, precision, invited) for name in DIMENSIONS},
    }
    return {
        "status": "ok",
        "n": wave.n(ordinal),
        "responded": responded,
        "precision": precision,
        **numbers,
        "reasons": missing(numbers, "zero_variance" if invited else wave.why_no_invited()),
    }


def _score(measure: Measure, ordinal: int, precision: Precision, invited: int | None) -> Body:
    """The interval holds for the invited of today; the bounds allow any answer of those who gave none."""
    of = measure.moments(ordinal)
    score = {"score": shown_score(of.mean, precision)}
    if invited is None:
        return score | dict.fromkeys(("ci_low", "ci_high", "bound_low", "bound_high"))
    ci, bounds = measure.interval(ordinal, precision, invited), manski_bounds(of.mean, of.n, invited)
    return {
        **score,
        "ci_low": None if ci is None else shown_score(ci.low, precision),
        "ci_high": None if ci is None else shown_score(ci.high, precision),
        "bound_low": shown_score(bounds.low, precision),
        "bound_high": shown_score(bounds.high, precision),
    }
