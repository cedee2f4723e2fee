"""Recognition received between two waves and engagement at the later one (metrics.md 2.17). The organisation.

Who was recognised can be read in the feed, so a dose is a category that everybody knows: what is told of it
is held to the rules of categories, and to those of silence.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final, Literal

import numpy as np

from app.metrics.blocks.pairs import Pairs
from app.metrics.blocks.scales import Reliability, reliability_of_dimension
from app.metrics.blocks.wave import ORGANIZATION, Wave, hidden, reasons_of
from app.metrics.disclosure import may_contrast, shown_score
from app.metrics.disclosure.tree import EXACT_FROM, NAMES_THE_SILENT, none_or_enough
from app.metrics.formulas import (
    DOSES,
    FEWEST_LINKED,
    FEWEST_RECOGNISED,
    FEWEST_WAVES,
    Coefficient,
    Dose,
    capped,
    lagged,
    largest_leverage,
    largest_share,
    less_levels,
    within_persons,
)
from app.metrics.sample import Flags, Floats, Integers, Sample
from app.metrics.schemas import RecognitionEngagementNumbers, RecognitionSince
from app.metrics.schemas.recognition_engagement import (
    RecognitionDose,
    RecognitionSlope,
    RecognitionTooFew,
    RecognitionUnknown,
    RecognitionUntold,
    WithinPersons,
    WithinPersonsInsufficient,
    WithinPersonsOk,
    WithinPersonsSuppressed,
    WithinPersonsUndefined,
)

Received = Mapping[bytes, int]
"""How many events a person received, by the key of Sample.linked; who received none may be absent."""
Bounds = Sequence[tuple[int, int | None]]
"""From and to how many events; None is without end."""
ANY: Final[Bounds] = ((0, None),)
DOMINANCE: Final = "dominance"
"""Why nothing is told that would rest on one person for more than 1/k (R13)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The headline set of a wave: keys and engagement. `is_erased`: somebody was erased since (R11)."""

    keys: Sequence[bytes]
    engagement: Floats
    k: int
    is_erased: bool

    @classmethod
    def of(cls, sample: Sample, k: int, *, is_erased: bool) -> "Answered":
        return cls(_keys(sample), sample.scores.dimensions["engagement"][sample.both], k, is_erased)


@dataclass(frozen=True, slots=True)
class Past:
    """What lies before a wave.

    `received` is of the time from each earlier wave's closing to the opening of the one after it, newest
    first: after everybody's answer to the one and before anybody's to the other. It is None where answers are
    not linked, and ends where waves overlap. `invited` are the persons invited to both of the last two;
    `older` has the waves before `previous`, newest first, as far as their questions are the same.
    """

    previous: Wave
    closed_at: datetime
    until: datetime
    is_comparable: bool
    is_erased: bool
    may_link: bool
    received: Sequence[Received] | None
    invited: Collection[bytes]
    older: Sequence[Answered]


@dataclass(frozen=True, slots=True)
class _Linked:
    """Persons with both scores in both waves, one a row of each; what they received is capped (R13)."""

    now: Integers
    then: Integers
    later: Floats
    earlier: Floats
    events: Integers
    before: Integers | None
    team: Integers
    silent: Integers
    """Events of those who were invited to both waves and are not linked."""


def recognition_engagement(wave: Wave, past: Past | None) -> RecognitionEngagementNumbers:
    decision = wave.plan.decisions[ORGANIZATION]
    if not wave.has_both_dimensions:
        return RecognitionUnknown(status="undefined", reason="dimension_missing", n=0)
    if decision.precision is None:
        return RecognitionUntold(status="suppressed", reason=hidden(decision).reason)
    if past is None:
        return RecognitionUnknown(status="undefined", reason="no_earlier_wave", n=wave.n(ORGANIZATION))
    reason = _why_undefined(past)
    if reason is not None:
        return RecognitionUnknown(status="undefined", reason=reason, n=wave.n(ORGANIZATION))
    linked = _linked(wave, past)
    return _withheld(wave, past, linked) or _told(wave, past, linked)


def _why_undefined(past: Past) -> Literal["not_linked", "questions_changed", "waves_overlap"] | None:
    if past.received is None:
        return "not_linked"
    if not past.is_comparable:
        return "questions_changed"
    return None if past.received else "waves_overlap"


def _keys(sample: Sample) -> list[bytes]:
    assert sample.linked is not None, "answers are linked"
    return [sample.linked[row] for row in np.flatnonzero(sample.both).tolist()]


def _linked(wave: Wave, past: Past) -> _Linked:
    pairs = Pairs.take(wave, past.previous, may_link=True)
    now, then = pairs.rows(_all(wave), _all(past.previous))
    own = _keys(wave.sample)
    keys = [own[row] for row in now.tolist()]
    assert past.received
    since, *older = past.received
    k = max(wave.k, past.previous.k)
    return _Linked(
        now=now,
        then=then,
        later=wave.both.dimensions["engagement"][now],
        earlier=past.previous.both.dimensions["engagement"][then],
        events=_doses_of(since, keys, k),
        before=_doses_of(older[0], keys, k) if older else None,
        team=wave.rollup.places.team[now],
        silent=_counts(since, set(past.invited) - set(keys)),
    )


def _all(wave: Wave) -> Flags:
    return np.ones(wave.n(ORGANIZATION), dtype=np.bool_)


def _counts(received: Received, keys: Collection[bytes]) -> Integers:
    return np.array([received.get(key, 0) for key in keys], dtype=np.int64)


def _doses_of(received: Received, keys: Collection[bytes], k: int) -> Integers:
    return capped(_counts(received, keys), k).astype(np.int64)


# ------------------------------------------------------------------ what may be told


def _withheld(wave: Wave, past: Past, linked: _Linked) -> RecognitionUntold | RecognitionTooFew | None:
    if past.is_erased:
        return RecognitionUntold(status="suppressed", reason="erased")
    if len(linked.now) < wave.k:
        return RecognitionUntold(status="suppressed", reason="below_minimum")
    if not past.may_link:
        return RecognitionUntold(status="suppressed", reason="crossing")
    if reason := _why_too_few(linked):
        return RecognitionTooFew(status="insufficient", reason=reason, n=len(linked.now))
    rest = _why_it_rests_on_few(linked, wave.k)
    return RecognitionUntold(status="suppressed", reason=rest) if rest else None


def _why_too_few(linked: _Linked) -> Literal["too_few_persons", "too_few_recognised"] | None:
    """R10: below these sizes recognition and answers are not joined at all."""
    if len(linked.now) < FEWEST_LINKED:
        return "too_few_persons"
    return "too_few_recognised" if np.count_nonzero(linked.events) < FEWEST_RECOGNISED else None


def _why_it_rests_on_few(linked: _Linked, k: int) -> Literal["crossing", "dominance"] | None:
    if not _rests_on_enough(linked, k):
        return "crossing"
    return DOMINANCE if largest_leverage(np.log1p(linked.events), linked.team) > 1 / k else None


def _rests_on_enough(linked: _Linked, k: int) -> bool:
    """Whether k persons have another number of events than most of their team: on them the slope rests.

    Teams are held equal, so those who are alike in theirs can be taken out of it.
    """
    alike, sizes = np.unique(np.column_stack([linked.team, linked.events]), axis=0, return_counts=True)
    most = np.zeros(linked.team.max() + 1, dtype=np.int64)
    np.maximum.at(most, alike[:, 0], sizes)
    return none_or_enough(int(sizes.sum() - most.sum()), k)


def _doses(wave: Wave, past: Past, linked: _Linked) -> tuple[Bounds, str | None]:
    """The doses that may be told, and if there are not two, why."""
    bounds = _bounds(linked, max(wave.k, past.previous.k, EXACT_FROM))
    if len(bounds) < 2:
        return ANY, "few"
    dose = np.searchsorted([low for low, _ in bounds], linked.events, side="right")
    sides = (wave, linked.now), (past.previous, linked.then)
    if not all(may_contrast(one.sample, one.plan, _parts(one, rows, dose), one.k) for one, rows in sides):
        return ANY, "crossing"
    in_dose = dose[:, None] == np.arange(2, len(bounds) + 1)
    if largest_leverage(in_dose, linked.team) > 1 / wave.k:
        return ANY, DOMINANCE
    return bounds, None


def _parts(wave: Wave, rows: Integers, dose: Integers) -> Integers:
    parts = np.zeros(len(wave.sample.both), dtype=np.int64)
    parts[np.flatnonzero(wave.sample.both)[rows]] = dose
    return parts


def _bounds(linked: _Linked, least: int) -> Bounds:
    """Doses put together until each has enough persons to be told exactly (R7), and those of it who were
    invited and are not linked are not one or two, whom the feed would name (R8). Nobody recognised stays a
    dose of its own as long as it can.
    """
    starts: list[int] = []
    for low, _ in reversed(DOSES[2:]):
        if _is_told(linked, low, starts, least):
            starts.insert(0, low)
    for low, _ in reversed(DOSES[:2]):
        starts = _down_to(low, linked, starts, least)
    highs = [above - 1 for above in starts[1:]]
    return list(zip(starts, [*highs, None], strict=True)) if starts else ANY


def _down_to(low: int, linked: _Linked, starts: list[int], least: int) -> list[int]:
    """With a dose from `low` on, which takes in as many of those above it as it needs; none if all are not
    enough.
    """
    for taken in range(len(starts) + 1):
        if _is_told(linked, low, starts[taken:], least):
            return [low, *starts[taken:]]
    return []


def _is_told(linked: _Linked, low: int, starts: Sequence[int], least: int) -> bool:
    """Of the dose from `low` to below the first of `starts`."""
    below = starts[0] if starts else inf
    n, silent = (
        int(np.count_nonzero((events >= low) & (events < below))) for events in (linked.events, linked.silent)
    )
    return n >= least and silent not in NAMES_THE_SILENT


# ------------------------------------------------------------------ what is told


def _told(wave: Wave, past: Past, linked: _Linked) -> RecognitionSince | RecognitionUnknown:
    bounds, why_none = _doses(wave, past, linked)
    reliability = reliability_of_dimension(past.previous, "engagement")
    found = lagged(
        linked.later,
        linked.earlier,
        linked.events,
        linked.team,
        linked.before,
        bounds,
        _error_variance(past.previous, reliability),
    )
    if found.association is None or found.stability is None or found.r2 is None:
        unreliable = found.undefined == "too_unreliable"
        reason: Literal["too_unreliable", "not_estimable"] = (
            "too_unreliable" if unreliable else "not_estimable"
        )
        return RecognitionUnknown(status="undefined", reason=reason, n=wave.n(ORGANIZATION))
    assert found.errors is not None
    assert found.direction is not None
    doses = None if why_none else _as_told(found.doses, float(wave.both.dimensions["engagement"].mean()))
    recognised = found.recognised if doses and doses[0].most == 0 else None
    is_told = _may_tell_placebo(linked, wave.k)
    placebo = _slope(found.placebo) if found.placebo is not None and is_told else None
    trend = None if found.trend is None else _slope(found.trend)
    return RecognitionSince(
        status="ok",
        from_survey=past.previous.survey_id,
        to_survey=wave.survey_id,
        received_after=past.closed_at,
        received_until=past.until,
        n=found.n,
        recognised=recognised,
        association=_slope(found.association),
        stability=_slope(found.stability),
        reliability=reliability.value,
        r2=found.r2,
        errors=found.errors,
        placebo=placebo,
        direction=found.direction if is_told else "not_separable",
        doses=doses,
        trend=trend,
        within_persons=_within(wave, past),
        reasons=reasons_of(
            ({"reliability": reliability.value}, reliability.reason or ""),
            ({"recognised": recognised}, why_none or "few"),
            ({"placebo": placebo}, "not_estimable" if is_told else DOMINANCE),
            ({"doses": doses}, why_none or "not_estimable"),
            ({"trend": trend}, why_none or "not_estimable"),
        ),
    )


def _error_variance(previous: Wave, reliability: Reliability) -> float:
    """Of engagement at the wave before, points squared: of a single part nobody knows it, and it counts as 0;
    of parts that disagree there is nothing but error."""
    if reliability.reason == "single_part":
        return 0.0
    return float(previous.both.dimensions["engagement"].var(ddof=1)) * (1 - (reliability.value or 0.0))


def _may_tell_placebo(linked: _Linked, k: int) -> bool:
    """Whether it rests on nobody for more than 1/k, with what was received before held equal."""
    if linked.before is None:
        return True
    doses = np.log1p(np.column_stack([linked.events, linked.before]))
    return largest_leverage(doses, linked.team) <= 1 / k


def _slope(of: Coefficient) -> RecognitionSlope:
    return RecognitionSlope(points=of.value, ci_low=of.ci.low, ci_high=of.ci.high, p=of.p)


def _as_told(doses: Sequence[Dose], score: float) -> list[RecognitionDose] | None:
    """Each mean as it differs from that of all doses, put on the organisation's own score.

    The mean of those linked is not told: with what other pairs of waves tell it would come down to those who
    answered one wave more than others did.
    """
    known = [(dose, dose.mean, dose.ci) for dose in doses if dose.mean is not None and dose.ci is not None]
    if len(known) < len(doses):
        return None
    shift = score - sum(dose.n * mean for dose, mean, _ in known) / sum(dose.n for dose in doses)
    return [
        RecognitionDose(
            least=dose.low,
            most=dose.high,
            n=dose.n,
            score=shown_score(mean + shift, "exact"),
            ci_low=shown_score(ci.low + shift, "exact"),
            ci_high=shown_score(ci.high + shift, "exact"),
        )
        for dose, mean, ci in known
    ]


# ------------------------------------------------------------------ within persons


def _within(wave: Wave, past: Past) -> WithinPersons:
    """Fixed effects over all waves there are; the oldest only begins the first time between two."""
    assert past.received
    newest = [Answered.of(one.sample, one.k, is_erased=False) for one in (wave, past.previous)]
    waves = [*newest, *past.older][: len(past.received) + 1]
    if len(waves) < FEWEST_WAVES:
        return WithinPersonsUndefined(status="undefined", reason="under_three_waves")
    if any(one.is_erased for one in waves):
        return WithinPersonsSuppressed(status="suppressed", reason="erased")
    k = max(one.k for one in waves)
    scores, events = _over_waves(waves, past.received, k)
    found = within_persons(scores, events)
    if found.undefined == "too_few":
        few_persons = found.persons < FEWEST_LINKED
        return WithinPersonsInsufficient(
            status="insufficient", reason="too_few_persons" if few_persons else "too_few_recognised"
        )
    if found.association is None:
        return WithinPersonsUndefined(status="undefined", reason="not_estimable")
    is_counted = _may_count(waves, scores + events)
    if not is_counted or _share_within(scores, events) > 1 / k:
        return WithinPersonsSuppressed(status="suppressed", reason=DOMINANCE if is_counted else "crossing")
    slope = _slope(found.association)
    return WithinPersonsOk(status="ok", persons=found.persons, waves=found.waves, association=slope)


def _share_within(scores: Floats, events: Floats) -> float:
    """The most that one person counts in the slope, all of their waves together (R13)."""
    usable = ~np.isnan(scores) & ~np.isnan(events)
    person, wave = np.nonzero(usable & (usable.sum(axis=1) > 1)[:, None])
    left = less_levels(np.log1p(events[person, wave]), person, wave)
    return largest_share(left, person)


def _over_waves(waves: Sequence[Answered], received: Sequence[Received], k: int) -> tuple[Floats, Floats]:
    """Scores and events, persons x waves, newest first turned to oldest first; events are capped (R13)."""
    place = {key: row for row, key in enumerate(sorted({key for one in waves for key in one.keys}))}
    scores = np.full((len(place), len(waves)), np.nan)
    events = scores.copy()
    for column, one in enumerate(waves):
        scores[[place[key] for key in one.keys], -1 - column] = one.engagement
    for column in range(len(waves) - 1):
        answered = ~np.isnan(scores[:, -1 - column])
        doses = np.where(answered, _counts(received[column], place), np.nan)
        events[:, -1 - column] = capped(doses, k)
    return scores, events


def _may_count(waves: Sequence[Answered], values: Floats) -> bool:
    """R9: in every wave those who are compared with themselves, and the others, are none or enough."""
    is_known = ~np.isnan(values)
    counts = (is_known & (is_known.sum(axis=1) > 1)[:, None]).sum(axis=0)[::-1]
    return all(
        none_or_enough(n, one.k) and none_or_enough(len(one.keys) - n, one.k)
        for one, n in zip(waves, counts.tolist(), strict=True)
    )
