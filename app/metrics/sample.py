"""Who answered what, and in which groups: all that the numbers of a release are computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.metrics.formulas import Subtrees, pomp, scale_scores
from app.surveys.questionnaires.rules import Dimension, LeverName

Key = TypeVar("Key", bound=str)
DIMENSIONS: Final = ("satisfaction", "engagement")
OUTCOMES: Final = ("enps", "overall_satisfaction", "intent_to_stay")
LEVERS: Final = ("clarity", "recognition", "purpose", "connection", "resources_and_safety", "growth")

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Answers = NDArray[np.int16]
"""Persons x questions: the answer, -1 for not applicable or don't know, -2 for not answered."""
SKIPPED: Final = -2


@dataclass(frozen=True, slots=True)
class Instrument:
    """The questions in the order of the answer columns; 0 <= low < high."""

    key: Sequence[str]
    low: Sequence[int]
    high: Sequence[int]
    is_reversed: Sequence[bool]
    dimension: Sequence[Dimension]
    facet: Sequence[str]
    role: Sequence[str]
    lever: Sequence[LeverName | None]

    def facets_of(self, dimension: str) -> dict[str, list[int]]:
        """The columns of each facet, facets in order of first appearance."""
        return self._grouped(self.facet, [own == dimension for own in self.dimension])

    def core_facets(self) -> dict[str, list[int]]:
        return self._grouped(self.facet, [role == "core" for role in self.role])

    def levers(self) -> dict[LeverName, list[int]]:
        found = self._grouped(self.lever, [lever is not None for lever in self.lever])
        return {lever: found[lever] for lever in LEVERS if lever in found}

    def outcomes(self) -> dict[str, list[int]]:
        return self.facets_of("outcome")

    def _grouped(self, names: Sequence[str | None], belongs: Sequence[bool]) -> dict[str, list[int]]:
        columns: dict[str, list[int]] = {}
        for column, name in enumerate(names):
            if name is not None and belongs[column]:
                columns.setdefault(name, []).append(column)
        return columns


@dataclass(frozen=True, slots=True)
class Choice:
    """A question that is answered by one of its options, or by several, and what each person answered.

    `values` is as in Answers: the place of the option, or the sum of 2 to the power of each place.
    """

    key: str
    kind: Literal["choice", "choices"]
    options: Sequence[str]
    values: Integers

    @property
    def answered(self) -> Flags:
        return self.values >= 0

    def chosen(self) -> Flags:
        """Persons x options."""
        places = np.arange(len(self.options))
        if self.kind == "choice":
            return np.asarray(self.values[:, None] == places)
        return np.asarray((self.values[:, None] >= 0) & (self.values[:, None] >> places & 1 > 0))

    def of(self, persons: Flags) -> "Choice":
        return replace(self, values=self.values[persons])


@dataclass(frozen=True, slots=True)
class Groups:
    """The organisation (ordinal 0) and its teams as a tree, then the categories of each dimension.

    `parents` and `keys` are of the tree, a team directly before all that lies below it. `categories` names
    (dimension, category) of every ordinal after the tree; those of one dimension follow one another.
    """

    parents: Sequence[int | None]
    keys: Sequence[str]
    categories: Sequence[tuple[str, str]] = ()

    def __len__(self) -> int:
        return len(self.parents) + len(self.categories)

    def dimensions(self) -> dict[str, range]:
        """The ordinals of each dimension's categories, dimensions in the order of priority."""
        found: dict[str, list[int]] = {}
        for ordinal, (dimension, _) in enumerate(self.categories, start=len(self.parents)):
            found.setdefault(dimension, []).append(ordinal)
        return {dimension: range(own[0], own[-1] + 1) for dimension, own in found.items()}

    def is_team(self, ordinal: int) -> bool:
        """Whether it is of the tree, the organisation included."""
        return ordinal < len(self.parents)


@dataclass(frozen=True, slots=True)
class Places:
    """One a person: the ordinal they are a direct member of, and by dimension that of their category."""

    team: Integers
    category: Mapping[str, Integers]

    def __len__(self) -> int:
        return len(self.team)

    def of(self, persons: Flags) -> "Places":
        return Places(self.team[persons], {name: own[persons] for name, own in self.category.items()})


class Rollup:
    """Counts, sums and moments over the persons of every group, as arrays by ordinal."""

    def __init__(self, groups: Groups, places: Places) -> None:
        self.groups = groups
        self.places = places
        self._tree = Subtrees(np.array([-1 if parent is None else parent for parent in groups.parents]))
        self._flat = Subtrees(np.full(len(groups.categories), -1, dtype=np.int64))

    @cached_property
    def depths(self) -> Integers:
        """How far below the organisation; 1 for a category."""
        return np.concatenate([self._tree.depths(), np.ones(len(self.groups.categories), dtype=np.int64)])

    @cached_property
    def sizes(self) -> Integers:
        """How many persons each group has."""
        return self.counts()

    @cached_property
    def _ends(self) -> Integers:
        """One past the last ordinal of each subtree."""
        ones = np.ones(len(self.groups.parents), dtype=np.int64)
        return np.arange(len(ones)) + self._tree.totals(ones)

    def persons(self, ordinal: int) -> Flags:
        """Who is in the group: one flag a person."""
        if self.groups.is_team(ordinal):
            team = self.places.team
            return np.asarray((team >= ordinal) & (team < self._ends[ordinal]))
        dimension, _ = self.groups.categories[ordinal - len(self.groups.parents)]
        return np.asarray(self.places.category[dimension] == ordinal)

    def counts(self, persons: Flags | None = None) -> Integers:
        """How many persons each group has, of all or of those flagged."""
        flags = np.ones(len(self.places), dtype=np.bool_) if persons is None else persons
        return self.sums(flags.astype(np.float64)).astype(np.int64)

    def sums(self, values: Floats) -> Floats:
        """Sum over each group's persons, NaN counting nothing; `values` one a person or persons x columns."""
        if values.ndim == 2:
            return np.column_stack([self.sums(column) for column in values.T])
        known = np.nan_to_num(values)
        tree = self._tree.sums(self.places.team, known)
        return np.concatenate([tree, self._category_sums(known)])

    def totals(self, direct: Integers) -> Integers:
        """Of every node of the tree and all below it; `direct` is of each node's direct members."""
        return self._tree.totals(direct)

    def moments(self, values: Floats) -> tuple[Integers, Floats, Floats]:
        """n, mean and sd (n - 1) over each group's persons with a value; 0 where undefined."""
        n, means, products = self.products(values[:, None], ~np.isnan(values))
        squares = products[:, 0, 0]
        return n, means[:, 0], np.sqrt(np.divide(squares, n - 1, out=np.zeros(len(n)), where=n > 1))

    def products(self, table: Floats, persons: Flags) -> tuple[Integers, Floats, Floats]:
        """Of persons x columns, over those flagged in each group: n, means, sums of products about these."""
        places, own, first = self.places.of(persons), table[persons], len(self.groups.parents)
        found = [self._tree.products(places.team, own)]
        for name, ordinals in self.groups.dimensions().items():
            flat = self._flat.products(places.category[name] - first, own)
            within = slice(ordinals.start - first, ordinals.stop - first)
            found.append((flat[0][within], flat[1][within], flat[2][within]))
        n, means, products = zip(*found, strict=True)
        return np.concatenate(n), np.concatenate(means), np.concatenate(products)

    def _category_sums(self, values: Floats) -> Floats:
        total = np.zeros(len(self.groups.categories))
        for name in self.groups.dimensions():
            own = self.places.category[name] - len(self.groups.parents)
            total += np.bincount(own, weights=values, minlength=len(total))
        return total


@dataclass(frozen=True, slots=True)
class Scores:
    """POMP scores, 0-100, one a person; NaN where a person has none (fewer than half of the parts).

    A lever is the mean of its questions, a dimension that of its facets; `core` is engagement over its core
    facets alone. `questions` is persons x questions.
    """

    questions: Floats
    facets: Mapping[str, Floats]
    dimensions: Mapping[str, Floats]
    core: Floats
    levers: Mapping[LeverName, Floats]
    outcomes: Mapping[str, Floats]

    @classmethod
    def take(cls, answers: Answers, instrument: Instrument) -> "Scores":
        questions = _questions(answers, instrument)
        facets = {
            name: scale_scores(questions[:, columns])
            for dimension in DIMENSIONS
            for name, columns in instrument.facets_of(dimension).items()
        }
        of = {dimension: list(instrument.facets_of(dimension)) for dimension in DIMENSIONS}
        return cls(
            questions=questions,
            facets=facets,
            dimensions={dimension: _mean_of(facets, names, len(answers)) for dimension, names in of.items()},
            core=_mean_of(facets, list(instrument.core_facets()), len(answers)),
            levers=_scales(questions, instrument.levers()),
            outcomes=_scales(questions, instrument.outcomes()),
        )

    def of(self, persons: Flags) -> "Scores":
        def kept(scores: Mapping[Key, Floats]) -> dict[Key, Floats]:
            return {name: values[persons] for name, values in scores.items()}

        return Scores(
            questions=self.questions[persons],
            facets=kept(self.facets),
            dimensions=kept(self.dimensions),
            core=self.core[persons],
            levers=kept(self.levers),
            outcomes=kept(self.outcomes),
        )


def _questions(answers: Answers, instrument: Instrument) -> Floats:
    given = answers.astype(np.float64)
    given[given < 0] = np.nan
    return pomp(given, np.array(instrument.low), np.array(instrument.high), np.array(instrument.is_reversed))


def _scales(questions: Floats, columns: Mapping[Key, list[int]]) -> dict[Key, Floats]:
    return {name: scale_scores(questions[:, own]) for name, own in columns.items()}


def _mean_of(facets: Mapping[str, Floats], names: Sequence[str], persons: int) -> Floats:
    if not names:
        return np.full(persons, np.nan)
    return scale_scores(np.column_stack([facets[name] for name in names]))


@dataclass(frozen=True, slots=True)
class Sample:
    """Everybody who responded: where they are and what they scored, a person a row.

    `included` has the number of the release that took each person in first. `linked` has a key that is the
    same for the same person in every wave of this mode; None in anonymous mode. `order` is the one drawn by
    lot once for the survey, None where that is the order they are in.
    """

    instrument: Instrument
    groups: Groups
    places: Places
    answers: Answers
    scores: Scores
    included: Integers
    linked: Sequence[bytes] | None
    order: Integers | None = None
    choices: Sequence[Choice] = ()

    @property
    def lot(self) -> Integers:
        """The place of each in the order."""
        return np.arange(len(self.answers)) if self.order is None else self.order

    def of(self, persons: Flags) -> "Sample":
        linked = self.linked
        return replace(
            self,
            places=self.places.of(persons),
            answers=self.answers[persons],
            scores=self.scores.of(persons),
            included=self.included[persons],
            linked=None if linked is None else [linked[index] for index in np.flatnonzero(persons).tolist()],
            order=self.lot[persons],
            choices=[choice.of(persons) for choice in self.choices],
        )

    @property
    def is_complete(self) -> Flags:
        """Who skipped no question, on a scale or with options; "don't know" is an answer."""
        chosen = [choice.values != SKIPPED for choice in self.choices]
        return np.asarray(np.all([(self.answers != SKIPPED).all(axis=1), *chosen], axis=0))

    @property
    def both(self) -> Flags:
        """The headline set: those with both scores."""
        values = [self.scores.dimensions[dimension] for dimension in DIMENSIONS]
        return np.asarray(~np.isnan(values).any(axis=0))


@dataclass(frozen=True, slots=True)
class Cell:
    """Persons who are told of together or not at all.

    `places` has, of each place where some of them are, the ordinals of its team and of its category by
    dimension; `numbers` is what `blocks.filtered` adds up.
    """

    places: list[list[int]]
    numbers: list[float]
