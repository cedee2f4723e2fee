"""Every facet and question of every group, each shown where those who lack its score are none or enough."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.metrics.blocks.measure import Favour, Measure, as_small, shown_mean
from app.metrics.blocks.wave import Bodies, Body, Wave, missing, of_each_group
from app.metrics.disclosure import Precision
from app.metrics.sample import Floats, Integers

DONT_KNOW = -1


@dataclass(frozen=True, slots=True)
class _Scored:
    """A facet or question: what its entries say of it, what the plan calls it, and its numbers by group.

    The shares of a facet are over all answers to its questions, also of persons who lack its score:
    without theirs, the shares of its questions less those of the facet would be their answers alone.
    """

    names: dict[str, str]
    planned_as: str
    measure: Measure
    favour: Favour
    dont_know: Integers | None


def facets(wave: Wave) -> Bodies:
    of_facets, of_questions = list(_facets(wave)), list(_questions(wave))

    def shown(ordinal: int, precision: Precision) -> Body:
        return {
            "status": "ok",
            "n": wave.n(ordinal),
            "precision": precision,
            "facets": [_entry(wave, of, ordinal, precision) for of in of_facets],
            "questions": [_entry(wave, of, ordinal, precision) for of in of_questions],
        }

    return of_each_group(wave, shown)


def _facets(wave: Wave) -> Iterator[_Scored]:
    instrument = wave.sample.instrument
    kinds = {"satisfaction": "facet", "engagement": "facet", "outcome": "outcome"}
    for dimension, kind in kinds.items():
        scores = wave.both.outcomes if kind == "outcome" else wave.both.facets
        for key, columns in instrument.facets_of(dimension).items():
            yield _Scored(
                names={"key": key, "dimension": dimension},
                planned_as=f"{kind}:{key}",
                measure=Measure.take(wave.rollup, scores[key]),
                favour=Favour.take(wave.rollup, wave.both.questions[:, columns]),
                dont_know=None,
            )


def _questions(wave: Wave) -> Iterator[_Scored]:
    instrument, answers = wave.sample.instrument, wave.sample.answers[wave.sample.both]
    for column, key in enumerate(instrument.key):
        scores: Floats = wave.both.questions[:, column]
        yield _Scored(
            names={
                "key": key,
                "facet": instrument.facet[column],
                "dimension": instrument.dimension[column],
            },
            planned_as=f"question:{key}",
            measure=Measure.take(wave.rollup, scores),
            favour=Favour.take(wave.rollup, scores[:, None]),
            dont_know=wave.rollup.counts(answers[:, column] == DONT_KNOW),
        )


def _entry(wave: Wave, of: _Scored, ordinal: int, group: Precision) -> Body:
    n = int(of.measure.n[ordinal])
    reason = wave.why_hidden(of.planned_as, ordinal, n)
    if reason is not None:
        return {**of.names, "status": "suppressed", "reason": reason}
    precision = as_small(n, group)
    numbers = {**shown_mean(of.measure, ordinal, precision), **of.favour.shown(ordinal, precision)}
    reasons = missing(numbers, "banded" if precision == "banded" else "zero_variance")
    if of.dont_know is not None:
        numbers["dont_know"] = _count(wave, int(of.dont_know[ordinal]), precision)
        reasons |= missing({"dont_know": numbers["dont_know"]}, "few" if precision == "exact" else "rounded")
    return {**of.names, "status": "ok", "n": n, "precision": precision, **numbers, "reasons": reasons}


def _count(wave: Wave, persons: int, precision: Precision) -> int | None:
    """R8: how many did not know tells who answered what where they are few, or the group is small."""
    return persons if precision == "exact" and (persons == 0 or persons >= wave.k) else None
