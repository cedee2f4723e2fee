"""Who counts in which score of some of the headline set (disclosure.md R6).

A block is the questions that facets and levers join. All scores of a block stand on the same persons of a
part of the organisation, who answered all of it, so a combination of scores lives on all of them or on none.
What is left to protect are those who are told of in the dimension and not in a block. A combination that
takes the dimension away from the others lives on them, and on nobody else: in a region that headline numbers
tell apart it may as well leave the dimension out, and then lives on those of the region who count. So in each
region a combination can choose the fewer of the two: who counts, or who does not. Over the regions of a part
these fewer have to be k persons in all, or none. Until they are, more persons are left out by lot: in one
order for all blocks, so that it is the same persons again and again.

Where each pattern of answers in a region is that of k persons, nothing has to be left out: each score stands
on whoever has it, and any combination lives on whole patterns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.crossing import numbered
from app.metrics.disclosure.patterns import Columns, Measure, Patterns, pattern_numbers, usual
from app.metrics.disclosure.tree import none_or_enough
from app.metrics.sample import DIMENSIONS, Flags, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`measures` are all whose questions are among `columns`."""

    columns: Columns
    measures: Sequence[Measure]
    whole: Flags
    """Who answered every question."""
    below: Flags
    """Who answered too little of some facet to have it."""

    def scored(self, patterns: Patterns, dimension: str) -> Flags:
        """Who has a facet of the dimension here: a part of their score of it stands on this block."""
        facets = [own for own in patterns.facets[dimension] if own in self.measures]
        return np.any([facet.known for facet in facets], axis=0) if facets else np.zeros_like(self.whole)


def blocks_of(patterns: Patterns) -> list[Block]:
    pieces: list[set[int]] = []
    for measure in patterns.measures():
        own = set(measure.columns)
        joined = [piece for piece in pieces if piece & own]
        pieces = [piece for piece in pieces if not piece & own] + [own.union(*joined)]
    measures = patterns.measures()
    return [
        Block(
            tuple(sorted(piece)),
            [one for one in measures if piece.issuperset(one.columns)],
            np.asarray(patterns.answered[:, sorted(piece)].all(axis=1)),
            _below(patterns, [one for one in measures if piece.issuperset(one.columns)]),
        )
        for piece in sorted(pieces, key=min)
    ]


def _below(patterns: Patterns, measures: Sequence[Measure]) -> Flags:
    some = [_has_answered(patterns, one.columns) & ~one.known for one in measures]
    return np.asarray(np.any(some, axis=0))


@dataclass(frozen=True, slots=True)
class Counted:
    """Who counts in each block, and who counts in those scores of it that they have: `partly`.

    By dimension, its blocks; who has as many facets of it as most of their part; and who is told of in it and
    not in all of its blocks: of those whose scores, and of those whose answers.
    """

    blocks: Sequence[Block]
    persons: Sequence[Flags]
    partly: Sequence[Flags]
    of_dimension: dict[str, list[int]]
    usual: dict[str, Flags]
    beside: dict[str, tuple[Flags, Flags]]

    def told(self, blocks: Sequence[int]) -> list[Flags]:
        return [self.persons[at] for at in blocks if self.persons[at].any()]

    def of(self, at: int, measure: Measure) -> Flags:
        """Who counts in a score of the block."""
        return np.asarray(self.persons[at] | (self.partly[at] & measure.known))


def counted_by_lot(
    patterns: Patterns, regions: Integers, parts: Integers, order: Integers, k: int
) -> Counted:
    """All have one a person of the headline set: the region headline numbers tell apart, the part of the
    organisation in which scores are told apart, -1 for none, and the place in the order drawn by lot.
    """
    blocks = blocks_of(patterns)
    chosen, partly = ([np.zeros_like(block.whole) for block in blocks] for _ in range(2))
    everybody = _Everybody.take(patterns, blocks)
    for within in _each(parts):
        if parts[within[0]] < 0:
            continue
        drawing = _Part(everybody, within[np.argsort(order[within])], regions, k)
        drawing.draw()
        for at in range(len(blocks)):
            chosen[at][drawing.persons] = drawing.chosen[at]
            partly[at][drawing.persons] = drawing.partly[at]
    return _with_those_beside(patterns, blocks, chosen, partly, parts)


def without(patterns: Patterns, counted: Counted, dimension: str, persons: Flags, parts: Integers) -> Counted:
    """The same where these persons count in no block of the dimension."""
    own = counted.of_dimension[dimension]
    chosen, partly = (
        [now & ~persons if at in own else now for at, now in enumerate(kind)]
        for kind in (counted.persons, counted.partly)
    )
    return _with_those_beside(patterns, counted.blocks, chosen, partly, parts)


def _with_those_beside(
    patterns: Patterns,
    blocks: Sequence[Block],
    chosen: Sequence[Flags],
    partly: Sequence[Flags],
    parts: Integers,
) -> Counted:
    own = {
        name: [at for at, block in enumerate(blocks) if _columns(patterns, block, name)]
        for name in DIMENSIONS
    }
    are_usual = {name: _are_usual(patterns.parts(name), parts) for name in DIMENSIONS}
    beside = {}
    for name in DIMENSIONS:
        scores, answers = ~are_usual[name], np.zeros(len(parts), dtype=np.bool_)
        for at in own[name]:
            block, columns = blocks[at], _columns(patterns, blocks[at], name)
            found = _beside(
                block.scored(patterns, name),
                _has_answered(patterns, columns),
                block.below,
                chosen[at],
                partly[at],
            )
            scores, answers = scores | found[0], answers | found[1]
        beside[name] = scores, answers
    return Counted(blocks, chosen, partly, own, are_usual, beside)


def _beside(
    scored: Flags, answered: Flags, below: Flags, chosen: Flags, partly: Flags
) -> tuple[Flags, Flags]:
    """Of one block: whose scores, and whose answers, are in the dimension and not in it."""
    return scored & ~chosen & ~partly, np.where(partly, below, answered & ~chosen)


def fewest_left(regions: Integers, beside: Flags, counted: Sequence[Flags]) -> int:
    """On how many a combination lives at least that takes the dimension away in some of the regions: there on
    those beside, elsewhere on those who count.
    """
    count = int(regions.max(initial=0)) + 1
    left = np.bincount(regions[beside], minlength=count)
    most = np.max([np.bincount(regions[own], minlength=count) for own in counted], axis=0)
    return int(np.minimum(left, most).sum())


def _are_usual(numbers: Integers, parts: Integers) -> Flags:
    """Who has the number that most of their part have."""
    found = np.zeros(len(numbers), dtype=np.bool_)
    for within in _each(parts):
        found[within] = numbers[within] == usual(numbers[within])
    return found


def _each(parts: Integers) -> list[Integers]:
    """The persons of each part, parts by their number and persons in their order."""
    if not len(parts):
        return []
    together = np.argsort(parts, kind="stable")
    return np.split(together, np.flatnonzero(np.diff(parts[together])) + 1)


def _has_answered(patterns: Patterns, columns: Sequence[int]) -> Flags:
    return np.asarray(patterns.answered[:, list(columns)].any(axis=1))


def _columns(patterns: Patterns, block: Block, dimension: str) -> list[int]:
    own = {column for facet in patterns.facets[dimension] for column in facet.columns}
    return sorted(own & set(block.columns))


@dataclass(frozen=True, slots=True)
class _OfDimension:
    """`blocks` are those with questions of it; the other lists have one a block, of all persons."""

    blocks: Sequence[int]
    scored: Sequence[Flags]
    answered: Sequence[Flags]
    parts: Integers
    alike: Integers

    @classmethod
    def take(cls, patterns: Patterns, blocks: Sequence[Block], name: str) -> "_OfDimension":
        columns = [_columns(patterns, block, name) for block in blocks]
        return cls(
            [at for at, own in enumerate(columns) if own],
            [block.scored(patterns, name) for block in blocks],
            [_has_answered(patterns, own) for own in columns],
            patterns.parts(name),
            pattern_numbers(patterns.answered[:, list(patterns.linked(name))]),
        )


@dataclass(frozen=True, slots=True)
class _Everybody:
    """What each part is asked of, worked out once for all; `alike` has the pattern of a block's answers."""

    blocks: Sequence[Block]
    alike: Sequence[Integers]
    dimensions: dict[str, _OfDimension]

    @classmethod
    def take(cls, patterns: Patterns, blocks: Sequence[Block]) -> "_Everybody":
        return cls(
            blocks,
            [pattern_numbers(patterns.answered[:, list(block.columns)]) for block in blocks],
            {name: _OfDimension.take(patterns, blocks, name) for name in DIMENSIONS},
        )


class _Part:
    """A part of the organisation: its persons in the order of the lot, and all else in that order too."""

    def __init__(self, everybody: _Everybody, persons: Integers, regions: Integers, k: int) -> None:
        self.persons, self._k = persons, k
        self._regions = np.unique(regions[persons], return_inverse=True)[1]
        self._whole = [block.whole[persons] for block in everybody.blocks]
        self._below = [block.below[persons] for block in everybody.blocks]
        self.chosen: list[Flags] = []
        self.partly: list[Flags] = []
        self._of = {
            name: _Dimension(
                own.blocks,
                [scored[persons] for scored in own.scored],
                [answered[persons] for answered in own.answered],
                own.parts[persons],
                self._are_many(own.alike[persons]),
            )
            for name, own in everybody.dimensions.items()
        }
        self._is_natural = [
            all(own.is_sturdy for own in self._of.values() if at in own.blocks)
            and self._are_many(alike[persons])
            for at, alike in enumerate(everybody.alike)
        ]

    def draw(self) -> None:
        """By block who counts, or nobody; and who counts in part."""
        for whole, is_natural in zip(self._whole, self._is_natural, strict=True):
            self.chosen.append(whole if is_natural else self._enough(self._without(whole, 0)))
            self.partly.append(~whole if is_natural else np.zeros_like(whole))
        while not all(self._holds(own) for own in self._of.values()):
            for own in self._of.values():
                self._cover(own)

    def _cover(self, own: "_Dimension") -> None:
        """Leaves more out of one block, until that hides those of the others; else tells nothing of the
        dimension here.
        """
        while not self._holds(own):
            largest = max(own.blocks, key=self._spares)
            fewer = self._enough(
                self._without(self._whole[largest], 1 + self._left_out(self.chosen[largest]))
            )
            for at in own.blocks if not fewer.any() else [largest]:
                self.chosen[at] = fewer
                self.partly[at] = np.zeros_like(fewer)

    def _spares(self, at: int) -> tuple[bool, int]:
        """Rather more of a block that some are left out of, and of the one that has most."""
        n = int(self.chosen[at].sum())
        return n > 0 and self._left_out(self.chosen[at]) > 0, n

    def _are_many(self, patterns: Integers) -> bool:
        """Whether in each region each pattern of answers is that of k persons."""
        return bool(np.bincount(numbered(self._regions, patterns)).min() >= self._k)

    def _left_out(self, chosen: Flags) -> int:
        return int(np.count_nonzero(~chosen))

    def _without(self, whole: Flags, least: int) -> Flags:
        """Of those who answered all, without the first in the order: nobody is left out, or k, or `least`."""
        lacking = int(np.count_nonzero(~whole))
        wanted = max(least, self._k if lacking + least > 0 else 0)
        chosen = whole.copy()
        chosen[np.flatnonzero(whole)[: max(0, wanted - lacking)]] = False
        return chosen

    def _enough(self, chosen: Flags) -> Flags:
        return chosen if np.count_nonzero(chosen) >= self._k else np.zeros_like(chosen)

    def _holds(self, own: "_Dimension") -> bool:
        chosen, told = self.chosen, [at for at in own.blocks if self.chosen[at].any()]
        if own.is_sturdy or not told:
            return True
        is_usual = own.parts == usual(own.parts)
        counted = [chosen[at] & is_usual for at in told]
        beside = [~is_usual, np.zeros_like(is_usual)]
        for at in own.blocks:
            found = _beside(own.scored[at], own.answered[at], self._below[at], chosen[at], self.partly[at])
            beside = [now | more for now, more in zip(beside, found, strict=True)]
        fewest = [fewest_left(self._regions, persons, counted) for persons in beside]
        headline = [self._by_region(own.scored[at]) for at in told]
        of_counted = [self._by_region(persons) for persons in counted]
        apart = int(np.min([*headline, *of_counted], axis=0).sum())
        return apart >= self._k and all(none_or_enough(few, self._k) for few in fewest)

    def _by_region(self, persons: Flags) -> Integers:
        return np.bincount(self._regions[persons], minlength=int(self._regions.max()) + 1)


@dataclass(frozen=True, slots=True)
class _Dimension:
    """`blocks` are those with questions of it; the other lists have one a block, of persons in the order."""

    blocks: Sequence[int]
    scored: Sequence[Flags]
    answered: Sequence[Flags]
    parts: Integers
    is_sturdy: bool
