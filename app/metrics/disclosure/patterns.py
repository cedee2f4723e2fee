"""Who of the headline set has which scores: what there is to take apart (disclosure.md R6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.metrics.disclosure.crossing import numbered
from app.metrics.sample import DIMENSIONS, Flags, Floats, Instrument, Integers, Key, Scores

Columns = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A score that is the mean of these questions, and who is known to have it."""

    name: str
    columns: Columns
    known: Flags


class Patterns:
    """The measures of an instrument, and who of the headline set answered what.

    Measures over the same questions are one: `names` has all their names by their questions, and the lists
    have each once, as a facet or outcome before a question before a lever.
    """

    def __init__(self, instrument: Instrument, scores: Scores) -> None:
        self.answered: Flags = ~np.isnan(scores.questions)
        self.names: dict[Columns, list[str]] = {}
        self.facets = {
            dimension: self._measures("facet", instrument.facets_of(dimension), scores.facets)
            for dimension in DIMENSIONS
        }
        self.outcomes = self._measures("outcome", instrument.outcomes(), scores.outcomes)
        columns = {key: [column] for column, key in enumerate(instrument.key)}
        values = dict(zip(instrument.key, scores.questions.T, strict=True))
        self.questions = self._measures("question", columns, values)
        self.levers = self._measures("lever", instrument.levers(), scores.levers)
        self._facet_of = {
            column: (facet, dimension)
            for dimension, facets in self.facets.items()
            for facet in facets
            for column in facet.columns
        }

    def _measures(
        self, kind: str, columns: Mapping[Key, Sequence[int]], scores: Mapping[Key, Floats]
    ) -> list[Measure]:
        found = []
        for key, own in columns.items():
            name, questions = f"{kind}:{key}", tuple(own)
            if questions not in self.names:
                found.append(Measure(name, questions, ~np.isnan(scores[key])))
            self.names.setdefault(questions, []).append(name)
        return found

    def measures(self) -> list[Measure]:
        facets = [facet for facets in self.facets.values() for facet in facets]
        return [*facets, *self.outcomes, *self.questions, *self.levers]

    def facet_of(self, column: int) -> Measure | None:
        found = self._facet_of.get(column)
        return None if found is None else found[0]

    def questions_in(self, parent: Measure) -> list[Measure]:
        """Those of a facet or outcome of several questions."""
        return [own for own in self.questions if own.columns[0] in parent.columns]

    def place_in_means(self, column: int) -> Integers:
        """One number for the persons whose answer has one weight in its facet and its dimension."""
        found = self._facet_of.get(column)
        if found is None:
            return np.zeros(len(self.answered), dtype=np.int64)
        facet, dimension = found
        place = numbered(self.parts(dimension), self.count(facet.columns))
        return np.where(facet.known, place, -1)

    def count(self, columns: Columns) -> Integers:
        """How many of the questions each person answered."""
        return np.asarray(self.answered[:, list(columns)].sum(axis=1), dtype=np.int64)

    def parts(self, dimension: str) -> Integers:
        """How many facets each person's score of the dimension is the mean of."""
        return np.asarray(sum(facet.known.astype(np.int64) for facet in self.facets[dimension]))

    def linked(self, dimension: str) -> Columns:
        """The questions whose scores bear on each other: of the dimension, and of both where a lever joins
        them.
        """
        own, all_of = self._columns(dimension), {c for d in DIMENSIONS for c in self._columns(d)}
        joins = any(0 < len(own & set(lever.columns)) < len(lever.columns) for lever in self.levers)
        return tuple(sorted(all_of if joins else own))

    def _columns(self, dimension: str) -> set[int]:
        return {column for facet in self.facets[dimension] for column in facet.columns}

    def lever_of(self, column: int) -> list[Measure]:
        """None or one."""
        return [lever for lever in self.levers if column in lever.columns]

    def whole(self, facet: Measure) -> Flags:
        """Who answered every question of the facet, and of the levers that share a question with it."""
        beside = {column for own in facet.columns for lever in self.lever_of(own) for column in lever.columns}
        return np.asarray(self.answered[:, sorted({*facet.columns, *beside})].all(axis=1))

    def steady(self, facet: Measure, dimension: str) -> Flags:
        """Those of the whole facet with as many facets as most: means tell none of them from the others."""
        parts = self.parts(dimension)
        return np.asarray(self.whole(facet) & (parts == usual(parts)))

    def steady_sets(self, dimension: str) -> list[Flags]:
        return [self.steady(facet, dimension) for facet in self.facets[dimension] if facet.known.any()]

    def steadiest(self, dimension: str) -> Flags:
        """The most persons whom means tell nothing of, seen from one facet."""
        return max(self.steady_sets(dimension), key=np.count_nonzero)


def usual(numbers: Integers) -> int:
    """The most frequent number, the larger of two as frequent."""
    values, persons = np.unique(numbers, return_counts=True)
    return int(values[np.flatnonzero(persons == persons.max())[-1]])


def pattern_numbers(answered: Flags) -> Integers:
    """One number for persons who answered the same questions."""
    packed = np.packbits(answered, axis=1)
    return numbered(*packed.T) if packed.shape[1] else np.zeros(len(answered), dtype=np.int64)


def fewest_alike(regions: Integers, patterns: Integers, count: int) -> Integers:
    """By region, of `count` regions, the size of its smallest set of persons with one pattern."""
    atoms = numbered(regions, patterns)
    firsts = np.unique(atoms, return_index=True)[1]
    fewest = np.full(count, len(regions), dtype=np.int64)
    np.minimum.at(fewest, regions[firsts], np.bincount(atoms))
    return fewest


def beside_the_usual(regions: Integers, alike: Integers, classes: Integers, count: int) -> Integers:
    """By region, how many are not of the largest class among those alike."""
    groups, cells = numbered(regions, alike), numbered(regions, alike, classes)
    firsts = np.unique(cells, return_index=True)[1]
    largest = np.zeros(groups.max(initial=-1) + 1, dtype=np.int64)
    np.maximum.at(largest, groups[firsts], np.bincount(cells))
    region_of = regions[np.unique(groups, return_index=True)[1]]
    in_largest = np.bincount(region_of, weights=largest, minlength=count).astype(np.int64)
    return np.bincount(regions, minlength=count) - in_largest


def most_frequent(regions: Integers, numbers: Integers, count: int) -> Integers:
    """By region, the number that most of its persons have."""
    width = int(numbers.max(initial=0)) + 1
    table = np.bincount(regions * width + numbers, minlength=count * width).reshape(count, width)
    return np.asarray(table.argmax(axis=1), dtype=np.int64)
