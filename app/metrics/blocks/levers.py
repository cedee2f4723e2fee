"""The road from satisfied to engaged: where a group stands on each lever, and which would come first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from app.metrics.blocks.drivers import CORE, Analyses, Analysis, why_no_group
from app.metrics.blocks.measure import Favour, Favoured, Mean, Measure, as_small, shown_mean
from app.metrics.blocks.wave import Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, shown_score, shown_share
from app.metrics.formulas import lever_priority
from app.metrics.formulas.drivers import TARGET
from app.metrics.sample import Floats, LeverName
from app.metrics.schemas import Insufficient, LeverOk, LeversNumbers, LeversOk, Undefined
from app.metrics.schemas.levers import Lever, LeverSuppressed

NO_MORE_THAN_NOISE = 0.02
TOP_FROM = 0.5
TOP_OF_TWO_FROM = 0.8
LEADING = 0.8 - 1e-9
Scored = tuple[Measure, Favour]


class Place(TypedDict):
    """Of a lever among the others."""

    importance: float | None
    priority: float | None
    rank_probability: float | None
    is_top: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """A lever that is shown, before it has its place."""

    lever: LeverName
    n: int
    precision: Precision
    mean: Mean
    favour: Favoured


_Entry = _Told | LeverSuppressed


@dataclass(frozen=True, slots=True)
class _Order:
    levers: list[Lever]
    top: LeverName | None
    tie_set: list[LeverName]
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Led:
    """`top`, or the levers that share its place, or why nothing is said of either."""

    top: LeverName | None
    tie_set: list[LeverName]
    reason: str


def levers(wave: Wave, analyses: Analyses) -> Mapping[int, LeversNumbers]:
    scored = {lever: _scored(wave, lever, values) for lever, values in wave.both.levers.items()}
    return of_each_group(wave, lambda ordinal, precision: _group(wave, scored, analyses, ordinal, precision))


def _scored(wave: Wave, lever: LeverName, values: Floats) -> Scored:
    """The scores, and the answers, of the same persons: those with a score."""
    questions = wave.both.questions[:, wave.sample.instrument.levers()[lever]]
    answered = np.where(np.isnan(values)[:, None], np.nan, questions)
    return Measure.take(wave.rollup, values), Favour.take(wave.rollup, answered)


def _group(
    wave: Wave, scored: Mapping[LeverName, Scored], analyses: Analyses, ordinal: int, precision: Precision
) -> LeversOk | Undefined | Insufficient:
    why_none = why_no_group(wave, ordinal)
    if not scored and why_none is not None:
        return why_none
    entries = [_entry(wave, lever, own, ordinal, precision) for lever, own in scored.items()]
    own = why_none or analyses[ordinal][CORE]
    order = (
        _ranked(list(scored), entries, _means(scored, ordinal, precision), own, precision)
        if isinstance(own, Analysis)
        else _unranked(entries, {}, own.reason)
    )
    return LeversOk(
        status="ok",
        n=wave.n(ordinal),
        precision=precision,
        criterion=CORE,
        target=TARGET,
        levers=order.levers,
        top=order.top,
        tie_set=order.tie_set,
        reasons=order.reasons,
    )


def _means(scored: Mapping[LeverName, Scored], ordinal: int, precision: Precision) -> list[float]:
    """Of every lever, hidden ones too, as it is shown or would be."""
    return [shown_score(measure.moments(ordinal).mean, precision) for measure, _ in scored.values()]


def _entry(wave: Wave, lever: LeverName, scored: Scored, ordinal: int, group: Precision) -> _Entry:
    measure, favour = scored
    n = int(measure.n[ordinal])
    reason = wave.why_hidden(f"lever:{lever}", ordinal, n)
    if reason is not None:
        return LeverSuppressed(lever=lever, status="suppressed", reason=reason)
    precision = as_small(n, group)
    return _Told(
        lever, n, precision, shown_mean(measure, ordinal, precision), favour.shown(ordinal, precision)
    )


# ------------------------------------------------------------------ which comes first


def _ranked(
    names: Sequence[LeverName],
    entries: Sequence[_Entry],
    means: Sequence[float],
    analysis: Analysis,
    precision: Precision,
) -> _Order:
    shares = {
        lever: None if driver.share is None else shown_share(driver.share, precision)
        for lever, driver in zip(names, analysis.found.drivers, strict=True)
    }
    if analysis.r2_ci.low <= NO_MORE_THAN_NOISE:
        return _unranked(entries, shares, "too_little_explained")
    first = dict(zip(names, analysis.first, strict=True))
    told = {entry.lever for entry in entries if isinstance(entry, _Told)}
    below = {lever for lever, mean in zip(names, means, strict=True) if mean < TARGET}
    against = {
        lever
        for lever, of in zip(names, analysis.found.drivers, strict=True)
        if of.r is not None and of.r < 0
    }
    led = _led(first, told, below, against)
    return _Order(
        levers=[_prioritised(entry, shares, first, led.top, precision) for entry in entries],
        top=led.top,
        tie_set=led.tie_set,
        reasons={} if led.top else {"top": led.reason},
    )


def _led(
    first: Mapping[LeverName, float],
    told: Collection[LeverName],
    below: Collection[LeverName],
    against: Collection[LeverName],
) -> _Led:
    """Of all levers, by their chances of being first: those told, below the target, and related inversely."""
    if not below:
        return _Led(None, [], "at_target")
    leading = _leading({lever: chance for lever, chance in first.items() if lever in below})
    if not leading:
        return _Led(None, [], "unsure_whether_below")
    if not set(leading) <= set(told):
        return _Led(None, [], "hidden_lever")
    if set(leading) & set(against):
        return _Led(None, [], "inverse_relation")
    if first[leading[0]] >= (TOP_FROM if len(first) > 2 else TOP_OF_TWO_FROM):
        return _Led(leading[0], [], "")
    return _Led(None, leading, "tie")


def _leading(chances: Mapping[LeverName, float]) -> list[LeverName]:
    """The fewest levers one of which comes first in .8 of all draws, levers of the same chance together.

    None where so many draws have no first that they never add up to that.
    """
    ordered = sorted(chances, key=lambda lever: -chances[lever])
    reached = np.cumsum([chances[lever] for lever in ordered])
    if reached[-1] < LEADING:
        return []
    least = chances[ordered[int(np.searchsorted(reached, LEADING))]]
    return [lever for lever in ordered if chances[lever] >= least]


def _unranked(entries: Sequence[_Entry], shares: Mapping[LeverName, float | None], reason: str) -> _Order:
    """The importances where there are any, and no order."""
    told = [_placed(entry, _nowhere(shares.get(entry.lever)), reason) for entry in entries]
    return _Order(levers=told, top=None, tie_set=[], reasons={"top": reason})


def _nowhere(importance: float | None) -> Place:
    return {"importance": importance, "priority": None, "rank_probability": None, "is_top": False}


def _prioritised(
    entry: _Entry,
    shares: Mapping[LeverName, float | None],
    first: Mapping[LeverName, float],
    top: LeverName | None,
    precision: Precision,
) -> Lever:
    """From the share and the score as they are shown: a priority finer than they are would betray them."""
    share = shares.get(entry.lever)
    if share is None or not isinstance(entry, _Told):
        return _placed(entry, _nowhere(None), "zero_variance")
    place: Place = {
        "importance": share,
        "priority": float(lever_priority(np.array(share), np.array(entry.mean["score"]))),
        "rank_probability": shown_share(first[entry.lever], precision),
        "is_top": entry.lever == top,
    }
    return _placed(entry, place, "")


def _placed(entry: _Entry, place: Place, reason: str) -> Lever:
    """A lever that is not shown stays as it is."""
    if not isinstance(entry, _Told):
        return entry
    why = "banded" if entry.precision == "banded" else "zero_variance"
    return LeverOk(
        lever=entry.lever,
        status="ok",
        n=entry.n,
        precision=entry.precision,
        **entry.mean,
        **entry.favour,
        **place,
        reasons=reasons_of((entry.mean, why), (entry.favour, why), (place, reason)),
    )
