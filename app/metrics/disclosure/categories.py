"""Which categories of which dimensions may be shown beside the tree (disclosure.md R5a)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.metrics.disclosure.crossing import Table, is_safe
from app.metrics.disclosure.tree import EXACT_FROM, Decision
from app.metrics.sample import Flags, Groups, Integers
from app.metrics.words import Precision, Suppression

REST: Final = -1
"""The categories not shown are one more category: the organisation without those shown."""


@dataclass(frozen=True, slots=True)
class Margin:
    """A dimension by itself: why a category is not shown, None where it is, and the code of each person."""

    name: str
    reasons: Mapping[int, Suppression | None]
    codes: Integers

    @property
    def shown(self) -> list[int]:
        return [ordinal for ordinal, reason in self.reasons.items() if reason is None]


def margin_of(
    name: str, own: range, groups: Groups, places: Integers, invited: Integers | None, k: int
) -> Margin:
    """R1, and the smallest category after those under k where they are fewer than k together."""
    n = np.bincount(places, minlength=len(groups))
    enough = [c for c in own if n[c] >= k and (invited is None or invited[c] >= k)]
    by_size = sorted(enough, key=lambda c: (n[c], groups.categories[c - len(groups.parents)]))
    hidden = int(n[list(own)].sum() - n[enough].sum())
    covering: list[int] = []
    while by_size and 0 < hidden < k:
        covering.append(by_size.pop(0))
        hidden += int(n[covering[-1]])
    reasons: dict[int, Suppression | None] = {
        c: "below_minimum" if c not in enough else "complementary" if c in covering else None for c in own
    }
    codes = np.where(np.isin(places, by_size), places, REST)
    return Margin(name, reasons, codes)


def safe_margins(
    margins: Iterable[Margin], regions: Integers, steady: Sequence[Flags], k: int
) -> list[Margin]:
    """Those that may be shown together, each in its turn added to the ones before it."""
    chosen: list[Margin] = []
    for own in margins:
        if own.shown and len(np.unique(own.codes)) > 1 and are_safe([*chosen, own], regions, steady, k):
            chosen.append(own)
    return chosen


def are_safe(margins: Sequence[Margin], regions: Integers, steady: Sequence[Flags], k: int) -> bool:
    table = Table(regions, [own.codes for own in margins])
    return all(is_safe(table, persons, k) for persons in steady)


def category_decisions(margins: Iterable[Margin], chosen: Sequence[Margin]) -> dict[int, Decision]:
    decisions = {}
    for own in margins:
        precisions = _precisions(own.codes)
        for ordinal, reason in own.reasons.items():
            if reason is None and own in chosen:
                decisions[ordinal] = Decision("ok", None, precisions[ordinal], False)
            elif reason == "below_minimum":
                decisions[ordinal] = Decision("suppressed", reason, None, False, rule="R1")
            else:
                decisions[ordinal] = Decision("suppressed", reason or "crossing", None, False, rule="R5a")
    return decisions


def _precisions(codes: Integers) -> dict[int, Precision]:
    """R7: what is beside a banded category is whole numbers, and so where the rest would be banded."""
    categories, n = np.unique(codes, return_counts=True)
    beside: Precision = "integer" if n.min(initial=EXACT_FROM) < EXACT_FROM else "exact"
    return {
        int(category): "banded" if count < EXACT_FROM else beside
        for category, count in zip(categories, n, strict=True)
    }
