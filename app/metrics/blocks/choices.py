"""How often each option of a question was chosen, in every group large enough for that."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from app.metrics.blocks.dont_know import DONT_KNOW, DontKnow, why_not_told
from app.metrics.blocks.wave import ORGANIZATION, Wave, of_each_group, reasons_of
from app.metrics.disclosure import Precision, left_out_by_lot, shown_share, tellable, told_where
from app.metrics.disclosure.tree import EXACT_FROM
from app.metrics.formulas.intervals import score_interval
from app.metrics.sample import Choice, Integers
from app.metrics.schemas import ChoicesOk, Suppressed, Undefined
from app.metrics.schemas.choices import ChoiceKept, ChoiceNumbers, ChoiceUntold, OptionShare


@dataclass(frozen=True, slots=True)
class _Counts:
    """Of one question, by group: how many count, how many of them chose each option, and who did not know.

    `told` has, by the place of an option, the groups that tell it.
    """

    of: Choice
    n: Integers
    chosen: Integers
    dont_know: DontKnow
    told: Mapping[int, AbstractSet[int]]


def choices(wave: Wave) -> dict[int, ChoicesOk | Suppressed | Undefined]:
    of_questions = [_counts(wave, choice.of(wave.sample.both)) for choice in wave.sample.choices]

    def shown(ordinal: int, precision: Precision) -> ChoicesOk | Undefined:
        if not of_questions:
            return Undefined(status="undefined", reason="question_missing", n=wave.n(ordinal))
        told = [_question(wave, of, ordinal, precision) for of in of_questions]
        return ChoicesOk(status="ok", n=wave.n(ordinal), questions=told)

    return of_each_group(wave, shown)


def _counts(wave: Wave, choice: Choice) -> _Counts:
    regions, order = wave.plan.regions[wave.rollup.places.team], wave.sample.lot[wave.sample.both]
    counted = left_out_by_lot(choice.answered, regions, order, wave.k)
    n = wave.rollup.counts(counted)
    chosen = wave.rollup.sums((choice.chosen() & counted[:, None]).astype(np.float64)).astype(np.int64)
    exact = {
        ordinal
        for ordinal, own in wave.plan.decisions.items()
        if wave.sample.groups.is_team(ordinal)
        and own.precision not in (None, "banded")
        and n[ordinal] >= EXACT_FROM
    }
    told = dict(
        _told_one(wave, n, chosen, exact) if choice.kind == "choice" else _told_each(wave, n, chosen, exact)
    )
    of_some = frozenset[int]().union(*told.values())
    exactly = [ordinal for ordinal in of_some if wave.plan.decisions[ordinal].precision == "exact"]
    dont_know = DontKnow.take(wave, choice.values == DONT_KNOW, n, exactly)
    return _Counts(choice, n, chosen, dont_know, told)


def _told_one(
    wave: Wave, n: Integers, chosen: Integers, exact: AbstractSet[int]
) -> Iterator[tuple[int, AbstractSet[int]]]:
    """Where one is chosen the shares add up to 1: a group tells the same options as all others, or none."""
    options = tellable(chosen[ORGANIZATION], wave.k)
    rest = n - chosen[:, options].sum(axis=1)
    is_all = len(options) == chosen.shape[1]
    parts = chosen[:, options] if is_all else np.column_stack([chosen[:, options], rest])
    groups = told_where(parts, wave.sample.groups, exact, wave.k) if options else set()
    yield from ((option, groups) for option in options)


def _told_each(
    wave: Wave, n: Integers, chosen: Integers, exact: AbstractSet[int]
) -> Iterator[tuple[int, AbstractSet[int]]]:
    """Where several are, each option is a question of its own: chosen or not."""
    for option in range(chosen.shape[1]):
        parts = np.column_stack([chosen[:, option], n - chosen[:, option]])
        yield option, told_where(parts, wave.sample.groups, exact, wave.k)


def _question(wave: Wave, of: _Counts, ordinal: int, group: Precision) -> ChoiceKept:
    if not wave.sample.groups.is_team(ordinal):
        return ChoiceUntold(key=of.of.key, kind=of.of.kind, status="suppressed", reason="crossing")
    n = int(of.n[ordinal])
    if n < wave.k:
        return ChoiceUntold(key=of.of.key, kind=of.of.kind, status="suppressed", reason="below_minimum")
    if group == "banded" or n < EXACT_FROM:
        return ChoiceUntold(key=of.of.key, kind=of.of.kind, status="suppressed", reason="banded")
    if not any(ordinal in groups for groups in of.told.values()):
        return ChoiceUntold(key=of.of.key, kind=of.of.kind, status="suppressed", reason="few")
    dont_know = of.dont_know.shown(ordinal)
    return ChoiceNumbers(
        key=of.of.key,
        kind=of.of.kind,
        status="ok",
        n=n,
        precision=group,
        options=[_option(of, place, ordinal, group) for place in range(len(of.of.options))],
        dont_know=dont_know,
        reasons=reasons_of(({"dont_know": dont_know}, why_not_told(wave, ordinal, group))),
    )


def _option(of: _Counts, place: int, ordinal: int, precision: Precision) -> OptionShare:
    key = of.of.options[place]
    if ordinal not in of.told.get(place, ()):
        return OptionShare(key=key, share=None, ci_low=None, ci_high=None, reason="few")
    count, n = int(of.chosen[ordinal][place]), int(of.n[ordinal])
    ci = score_interval(count / n, n)
    return OptionShare(
        key=key,
        share=shown_share(count / n, precision),
        ci_low=shown_share(ci.low, precision),
        ci_high=shown_share(ci.high, precision),
        reason=None,
    )
