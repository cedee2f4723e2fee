"""The road from satisfied to engaged: where a group stands on each lever, and which would come first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from app.metrics.blocks.compared import as_shown
from app.metrics.blocks.drivers import CORE, Analyses, Analysis, NoAnalysis, why_no_group
from app.metrics.blocks.lever_order import Led, Weighed, Whose, led
from app.metrics.blocks.measure import Favour, FavouredIfTold, Mean, Measure, shown_mean
from app.metrics.blocks.shrunken import WHY_NOT_SHRUNKEN, Drawn, Kin, Kinship
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, shown_score, shown_share
from app.metrics.formulas import Moments, chance_of_first_of_part, lever_priority
from app.metrics.sample import Floats
from app.metrics.schemas import Insufficient, LeverOk, LeversNumbers, LeversOk, Suppression, Undefined
from app.metrics.schemas.levers import Lever, LeverSuppressed
from app.surveys.questionnaires.rules import LeverName

Scored = tuple[Measure, Favour]


class Rank(TypedDict):
    """Of a lever among the others."""

    importance: float | None
    priority: float | None
    rank_probability: float | None
    is_top: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """A lever that is shown, before it has its place; `moments` are those shown, or stand for them."""

    lever: LeverName
    n: int
    precision: Precision
    mean: Mean
    favour: FavouredIfTold
    drawn: Drawn
    shrunken: float | None
    why_not_shrunken: str


_Entry = _Told | LeverSuppressed
_Entries = Mapping[LeverName, _Entry]
_Shares = Mapping[LeverName, float | None]


@dataclass(frozen=True, slots=True)
class _Road:
    """All levers of a wave, and what each group's are drawn towards."""

    wave: Wave
    analyses: Analyses
    scored: Mapping[LeverName, Scored]
    kin: Mapping[LeverName, Kinship]

    @classmethod
    def take(cls, wave: Wave, analyses: Analyses) -> "_Road":
        scored = {lever: _scored(wave, lever, values) for lever, values in wave.both.levers.items()}
        kin = {lever: _kinship(wave, lever, measure) for lever, (measure, _) in scored.items()}
        return cls(wave, analyses, scored, kin)

    @property
    def target(self) -> float:
        return self.wave.choices.target

    def analysis(self, ordinal: int) -> Analysis | NoAnalysis | Undefined | Insufficient:
        return why_no_group(self.wave, ordinal) or self.analyses[ordinal][CORE]


@dataclass(frozen=True, slots=True)
class _Order:
    levers: list[Lever]
    importance_of: Whose | None
    led: Led

    @property
    def reasons(self) -> dict[str, str]:
        return reasons_of(({"importance_of": self.importance_of, "top": self.led.top}, self.led.reason))


def levers(wave: Wave, analyses: Analyses) -> Mapping[int, LeversNumbers]:
    road = _Road.take(wave, analyses)
    return of_each_group(wave, lambda ordinal, precision: _group(road, ordinal, precision))


def _scored(wave: Wave, lever: LeverName, values: Floats) -> Scored:
    """The scores, and the answers, of the same persons: those with a score."""
    questions = wave.both.questions[:, wave.sample.instrument.levers()[lever]]
    answered = np.where(np.isnan(values)[:, None], np.nan, questions)
    name = f"lever:{lever}"
    return Measure.of_some(wave, name, values), Favour.of_some(wave, name, answered)


def _kinship(wave: Wave, lever: LeverName, measure: Measure) -> Kinship:
    shown = {
        ordinal: _moments(measure, ordinal, own.precision)
        for ordinal, own in wave.plan.decisions.items()
        if own.precision is not None and _why_hidden(wave, lever, measure, ordinal) is None
    }
    return Kinship.take(wave, shown)


def _moments(measure: Measure, ordinal: int, group: Precision) -> Moments:
    return as_shown(measure, ordinal, measure.precision(ordinal, group), shown_score)


def _why_hidden(wave: Wave, lever: LeverName, measure: Measure, ordinal: int) -> Suppression | None:
    return wave.why_hidden(f"lever:{lever}", ordinal, int(measure.n[ordinal]))


def _group(road: _Road, ordinal: int, precision: Precision) -> LeversOk | Undefined | Insufficient:
    why_none = why_no_group(road.wave, ordinal)
    if not road.scored and why_none is not None:
        return why_none
    order = _order(road, ordinal, precision)
    return LeversOk(
        status="ok",
        n=road.wave.n(ordinal),
        precision=precision,
        criterion=CORE,
        importance_of=order.importance_of,
        target=road.target,
        levers=order.levers,
        top=order.led.top,
        tie_set=order.led.tie_set,
        reasons=order.reasons,
    )


def _entry(road: _Road, lever: LeverName, ordinal: int, group: Precision) -> _Entry:
    measure, favour = road.scored[lever]
    reason = _why_hidden(road.wave, lever, measure, ordinal)
    if reason is not None:
        return LeverSuppressed(lever=lever, status="suppressed", reason=reason)
    n, kin, of = int(measure.n[ordinal]), road.kin[lever].of(ordinal), _moments(measure, ordinal, group)
    precision = measure.precision(ordinal, group)
    drawn = kin.drawn(of) if isinstance(kin, Kin) else Drawn(of.mean, 1.0, (of.sd or 0.0) ** 2 / n)
    return _Told(
        lever=lever,
        n=n,
        precision=precision,
        mean=shown_mean(measure, ordinal, precision),
        favour=favour.told(ordinal, precision),
        drawn=drawn,
        shrunken=shown_score(drawn.mean, precision) if isinstance(kin, Kin) else None,
        why_not_shrunken="" if isinstance(kin, Kin) else WHY_NOT_SHRUNKEN[kin],
    )


# ------------------------------------------------------------------ which comes first


def _order(road: _Road, ordinal: int, precision: Precision) -> _Order:
    """By the group's own analysis; a group without one borrows the organisation's."""
    entries: _Entries = {lever: _entry(road, lever, ordinal, precision) for lever in road.scored}
    own = road.analysis(ordinal)
    if isinstance(own, Analysis) and not own.is_associated:
        return _unranked(entries, {}, "group", "no_association")
    if isinstance(own, Analysis):
        shares = _shares(road, own, precision)
        return _ranked(entries, own, shares, _weighed(road, own, ordinal, precision), precision)
    of_all, shown_as = road.analysis(ORGANIZATION), road.wave.plan.decisions[ORGANIZATION].precision
    if not isinstance(of_all, Analysis) or shown_as is None:
        reason = own.reason if isinstance(of_all, Analysis) else of_all.reason
        return _unranked(entries, {}, None, reason)
    if not of_all.is_associated:
        return _unranked(entries, {}, "organization", "no_association")
    shares = _shares(road, of_all, shown_as)
    return _ranked(entries, of_all, shares, _borrowed(road, of_all, entries, ordinal), precision)


def _shares(road: _Road, analysis: Analysis, precision: Precision) -> _Shares:
    return {
        lever: None if driver.share is None else shown_share(driver.share, precision)
        for lever, driver in zip(road.scored, analysis.found.drivers, strict=True)
    }


def _weighed(road: _Road, analysis: Analysis, ordinal: int, precision: Precision) -> Weighed:
    """From every lever's score as it is shown or would be."""
    below = {
        lever
        for lever, (measure, _) in road.scored.items()
        if shown_score(measure.moments(ordinal).mean, precision) < road.target
    }
    first = dict(zip(road.scored, analysis.first, strict=True))
    return Weighed("group", road.target, first, below, is_reached=not below)


def _borrowed(road: _Road, analysis: Analysis, entries: _Entries, ordinal: int) -> Weighed:
    """From the group's scores as they are shown, and from what is known of the whole organisation.

    A lever that is not shown may stand wherever those of other groups do, and so below the target.
    """
    drawn = {lever: _drawn(road, entry, ordinal) for lever, entry in entries.items()}
    reached = {lever for lever, entry in entries.items() if _has_reached(entry, road.target)}
    near = {
        lever
        for lever, entry in entries.items()
        if isinstance(entry, _Told) and entry.drawn.mean >= road.target
    }
    assert analysis.drawn is not None, "what is associated is drawn"
    first = chance_of_first_of_part(
        analysis.drawn,
        means=[own.mean for own in drawn.values()],
        own_part=[own.weight for own in drawn.values()],
        variances=[own.variance for own in drawn.values()],
        correlations=analysis.correlations,
        seed=road.wave.seed,
        target=road.target,
    )
    return Weighed(
        importance_of="organization",
        target=road.target,
        first=dict(zip(drawn, first.tolist(), strict=True)),
        below=drawn.keys() - reached - near,
        is_reached=reached == drawn.keys(),
    )


def _has_reached(entry: _Entry, target: float) -> bool:
    return isinstance(entry, _Told) and entry.mean["score"] >= target


def _drawn(road: _Road, entry: _Entry, ordinal: int) -> Drawn:
    if isinstance(entry, _Told):
        return entry.drawn
    kin, of_all = road.kin[entry.lever].of(ordinal), road.scored[entry.lever][0]
    return (
        kin.unseen
        if isinstance(kin, Kin)
        else Drawn(float(of_all.mean[ORGANIZATION]), 0.0, of_all.banded_sd**2)
    )


def _ranked(
    entries: _Entries, analysis: Analysis, shares: _Shares, weighed: Weighed, precision: Precision
) -> _Order:
    told = {lever for lever, entry in entries.items() if isinstance(entry, _Told)}
    drivers = zip(entries, analysis.found.drivers, strict=True)
    against = {lever for lever, of in drivers if of.r is not None and of.r < 0}
    above = {lever for lever, is_above in zip(entries, analysis.above_chance, strict=True) if is_above}
    found = led(weighed, told, against, above)
    return _Order(
        levers=[_prioritised(entry, shares, weighed, found.top, precision) for entry in entries.values()],
        importance_of=weighed.importance_of,
        led=found,
    )


def _unranked(entries: _Entries, shares: _Shares, importance_of: Whose | None, reason: str) -> _Order:
    """The importances where there are any, and no order."""
    told = [_placed(entry, _nowhere(shares.get(lever)), reason) for lever, entry in entries.items()]
    return _Order(told, importance_of, Led(None, [], reason))


def _nowhere(importance: float | None) -> Rank:
    return {"importance": importance, "priority": None, "rank_probability": None, "is_top": False}


def _prioritised(
    entry: _Entry, shares: _Shares, weighed: Weighed, top: LeverName | None, precision: Precision
) -> Lever:
    """From the share and the score as they are shown: a priority finer than they are would betray them."""
    share = shares.get(entry.lever)
    if share is None or not isinstance(entry, _Told):
        return _placed(entry, _nowhere(None), "zero_variance")
    score = entry.shrunken if weighed.importance_of == "organization" else None
    room = np.array(entry.mean["score"] if score is None else score)
    place: Rank = {
        "importance": share,
        "priority": float(lever_priority(np.array(share), room, weighed.target)),
        "rank_probability": shown_share(weighed.first[entry.lever], precision),
        "is_top": entry.lever == top,
    }
    return _placed(entry, place, "")


def _placed(entry: _Entry, place: Rank, reason: str) -> Lever:
    """A lever that is not shown stays as it is."""
    if not isinstance(entry, _Told):
        return entry
    why = "banded" if entry.precision == "banded" else "zero_variance"
    shrunken = {"shrunken": entry.shrunken}
    return LeverOk(
        lever=entry.lever,
        status="ok",
        n=entry.n,
        precision=entry.precision,
        **entry.mean,
        **entry.favour,
        shrunken=entry.shrunken,
        **place,
        reasons=reasons_of(
            (entry.mean, why), (entry.favour, why), (shrunken, entry.why_not_shrunken), (place, reason)
        ),
    )
