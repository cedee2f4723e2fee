"""The road from satisfied to engaged: where a group stands on each lever, and which would come first."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from app.metrics.blocks.drivers import CORE, Analyses, Analysis, why_no_group
from app.metrics.blocks.measure import Favour, Measure, as_small, shown_mean
from app.metrics.blocks.wave import Bodies, Body, Wave, explained, missing, of_each_group
from app.metrics.disclosure import Precision, shown_share
from app.metrics.formulas import lever_priority
from app.metrics.formulas.drivers import TARGET
from app.metrics.sample import Floats

NO_MORE_THAN_NOISE = 0.02
TOP_FROM = 0.5
TIED_TOGETHER = 0.8
NO_ORDER: Final[Body] = {"priority": None, "rank_probability": None, "is_top": False}


def levers(wave: Wave, analyses: Analyses) -> Bodies:
    scored = {lever: _scored(wave, lever, values) for lever, values in wave.both.levers.items()}
    return of_each_group(wave, lambda ordinal, precision: _group(wave, scored, analyses, ordinal, precision))


Scored = tuple[Measure, Favour]


def _scored(wave: Wave, lever: str, values: Floats) -> Scored:
    """The scores, and the answers, of the same persons: those with a score."""
    questions = wave.both.questions[:, wave.sample.instrument.levers()[lever]]
    answered = np.where(np.isnan(values)[:, None], np.nan, questions)
    return Measure.take(wave.rollup, values), Favour.take(wave.rollup, answered)


def _group(
    wave: Wave, scored: Mapping[str, Scored], analyses: Analyses, ordinal: int, precision: Precision
) -> Body:
    why_none = why_no_group(wave, ordinal)
    if not scored and why_none is not None:
        return why_none
    entries = [_score(wave, lever, own, ordinal, precision) for lever, own in scored.items()]
    own = why_none or analyses[ordinal][CORE]
    return {
        "status": "ok",
        "n": wave.n(ordinal),
        "precision": precision,
        "criterion": CORE,
        "target": TARGET,
        **(
            _ranked(list(scored), entries, own, precision)
            if isinstance(own, Analysis)
            else _unranked(entries, {}, own["reason"])
        ),
    }


def _score(wave: Wave, lever: str, scored: Scored, ordinal: int, group: Precision) -> Body:
    measure, favour = scored
    n = int(measure.n[ordinal])
    reason = wave.why_hidden(f"lever:{lever}", ordinal, n)
    if reason is not None:
        return {"lever": lever, "status": "suppressed", "reason": reason}
    precision = as_small(n, group)
    told = {
        "lever": lever,
        "status": "ok",
        "n": n,
        "precision": precision,
        **shown_mean(measure, ordinal, precision),
        **favour.shown(ordinal, precision),
    }
    return explained((told, "banded" if precision == "banded" else "zero_variance"))


# ------------------------------------------------------------------ which comes first


def _ranked(names: Sequence[str], entries: Sequence[Body], analysis: Analysis, precision: Precision) -> Body:
    shares = {
        lever: None if driver.share is None else shown_share(driver.share, precision)
        for lever, driver in zip(names, analysis.found.drivers, strict=True)
    }
    if analysis.r2_ci.low <= NO_MORE_THAN_NOISE:
        return _unranked(entries, shares, "too_little_explained")
    chances = dict(zip(names, analysis.first, strict=True))
    first = {entry["lever"]: chances[entry["lever"]] for entry in entries if entry["status"] == "ok"}
    top = next((lever for lever, chance in first.items() if chance >= TOP_FROM), None)
    tied = [] if top else _tied(first)
    return {
        "levers": [_prioritised(entry, shares, first, top, precision) for entry in entries],
        "top": top,
        "tie_set": tied,
        "reasons": {} if top else {"top": "tie" if tied else "at_target"},
    }


def _unranked(entries: Sequence[Body], shares: Mapping[str, float | None], reason: str) -> Body:
    """The importances where there are any, and no order."""
    told = [_with(entry, {"importance": shares.get(entry["lever"]), **NO_ORDER}, reason) for entry in entries]
    return {"levers": told, "top": None, "tie_set": [], "reasons": {"top": reason}}


def _prioritised(
    entry: Body,
    shares: Mapping[str, float | None],
    first: Mapping[str, float],
    top: str | None,
    precision: Precision,
) -> Body:
    """From the share and the score as they are shown: a priority finer than they are would betray them."""
    share = shares.get(entry["lever"])
    if share is None or entry["status"] != "ok":
        return _with(entry, {"importance": None, **NO_ORDER}, "zero_variance")
    numbers = {
        "importance": share,
        "priority": float(lever_priority(np.array(share), np.array(entry["score"]))),
        "rank_probability": shown_share(first[entry["lever"]], precision),
        "is_top": entry["lever"] == top,
    }
    return _with(entry, numbers, "")


def _with(entry: Body, added: Body, reason: str) -> Body:
    """A lever that is not shown stays as it is."""
    if entry["status"] != "ok":
        return entry
    return {**entry, **added, "reasons": {**entry["reasons"], **missing(added, reason)}}


def _tied(first: Mapping[str, float]) -> list[str]:
    """The fewest levers one of which comes first in most of the draws that have a first."""
    ordered = sorted(first, key=lambda lever: -first[lever])
    reached = np.cumsum([first[lever] for lever in ordered])
    if not ordered or reached[-1] == 0:
        return []
    return ordered[: int(np.searchsorted(reached, TIED_TOGETHER * reached[-1])) + 1]
