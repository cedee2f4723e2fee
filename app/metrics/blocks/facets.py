"""Every facet and question of every group, each shown where those who lack its score are none or enough."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.metrics.blocks.dont_know import DONT_KNOW, DontKnow, why_not_told
from app.metrics.blocks.measure import Favour, Measure, shown_mean
from app.metrics.blocks.wave import Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision
from app.metrics.sample import Flags, Floats
from app.metrics.schemas import FacetsOk, Suppressed, Undefined
from app.metrics.schemas.facets import FacetNumbers, FacetUntold, QuestionNumbers, QuestionUntold
from app.surveys.questionnaires.rules import Dimension


@dataclass(frozen=True, slots=True)
class _Facet:
    """What its entries say of it, what the plan calls it, and its numbers by group.

    The shares are over the answers of the persons the score stands on.
    """

    key: str
    dimension: Dimension
    planned_as: str
    measure: Measure
    favour: Favour


@dataclass(frozen=True, slots=True)
class _Question(_Facet):
    facet: str
    dont_know: DontKnow


def facets(wave: Wave) -> dict[int, FacetsOk | Suppressed | Undefined]:
    of_facets, of_questions = list(_facets(wave)), list(_questions(wave))

    def shown(ordinal: int, precision: Precision) -> FacetsOk:
        return FacetsOk(
            status="ok",
            n=wave.n(ordinal),
            precision=precision,
            facets=[_facet(wave, of, ordinal, precision) for of in of_facets],
            questions=[_question(wave, of, ordinal, precision) for of in of_questions],
        )

    return of_each_group(wave, shown)


def _facets(wave: Wave) -> Iterator[_Facet]:
    instrument = wave.sample.instrument
    dimensions: tuple[Dimension, ...] = ("satisfaction", "engagement", "outcome")
    for dimension in dimensions:
        kind = "outcome" if dimension == "outcome" else "facet"
        scores = wave.both.outcomes if kind == "outcome" else wave.both.facets
        for key, columns in instrument.facets_of(dimension).items():
            yield _Facet(
                key=key,
                dimension=dimension,
                planned_as=f"{kind}:{key}",
                measure=Measure.of_some(wave, f"{kind}:{key}", scores[key]),
                favour=Favour.of_some(wave, f"{kind}:{key}", wave.both.questions[:, columns]),
            )


def _questions(wave: Wave) -> Iterator[_Question]:
    instrument, answers = wave.sample.instrument, wave.sample.answers[wave.sample.both]
    for column, key in enumerate(instrument.key):
        scores: Floats = wave.both.questions[:, column]
        name = f"question:{key}"
        measure = Measure.of_some(wave, name, scores)
        yield _Question(
            key=key,
            dimension=instrument.dimension[column],
            facet=instrument.facet[column],
            planned_as=name,
            measure=measure,
            favour=Favour.of_some(wave, name, scores[:, None]),
            dont_know=_dont_know(wave, name, measure, answers[:, column] == DONT_KNOW),
        )


def _dont_know(wave: Wave, name: str, measure: Measure, persons: Flags) -> DontKnow:
    exact = [
        ordinal
        for ordinal, own in wave.plan.decisions.items()
        if own.precision is not None
        and measure.precision(ordinal, own.precision) == "exact"
        and wave.why_hidden(name, ordinal, int(measure.n[ordinal])) is None
    ]
    return DontKnow.take(wave, persons, measure.n, exact)


def _facet(wave: Wave, of: _Facet, ordinal: int, group: Precision) -> FacetNumbers | FacetUntold:
    n = int(of.measure.n[ordinal])
    reason = wave.why_hidden(of.planned_as, ordinal, n)
    if reason is not None:
        return FacetUntold(key=of.key, dimension=of.dimension, status="suppressed", reason=reason)
    precision = of.measure.precision(ordinal, group)
    mean, favour = shown_mean(of.measure, ordinal, precision), of.favour.told(ordinal, precision)
    why = wave.why_coarse(of.planned_as, ordinal) if precision == "banded" else "zero_variance"
    return FacetNumbers(
        key=of.key,
        dimension=of.dimension,
        status="ok",
        n=n,
        precision=precision,
        **mean,
        **favour,
        reasons=reasons_of((mean, why), (favour, why)),
    )


def _question(wave: Wave, of: _Question, ordinal: int, group: Precision) -> QuestionNumbers | QuestionUntold:
    told = _facet(wave, of, ordinal, group)
    if isinstance(told, FacetUntold):
        return QuestionUntold(
            key=of.key, dimension=of.dimension, facet=of.facet, status="suppressed", reason=told.reason
        )
    dont_know = of.dont_know.shown(ordinal)
    why = why_not_told(wave, ordinal, told.precision)
    return QuestionNumbers(
        key=of.key,
        dimension=of.dimension,
        facet=of.facet,
        status="ok",
        n=told.n,
        precision=told.precision,
        score=told.score,
        ci_low=told.ci_low,
        ci_high=told.ci_high,
        sd=told.sd,
        favourable=told.favourable,
        neutral=told.neutral,
        unfavourable=told.unfavourable,
        favourable_ci_low=told.favourable_ci_low,
        favourable_ci_high=told.favourable_ci_high,
        dont_know=dont_know,
        reasons=told.reasons | reasons_of(({"dont_know": dont_know}, why)),
    )
