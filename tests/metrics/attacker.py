"""An attacker who adds and subtracts all means and shares, exactly, with a column per person and question.

Unlike `leak` it has the weights of means of means: a facet counts 1/F in a dimension for a person with F. In
a share of favourable answers each answer counts one, of persons without the score too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from app.metrics.sample import DIMENSIONS, Flags, Sample

PRIME = 2**31 - 1  # products fit 64 bits; a fraction of small numbers is itself modulo it

MOST = 20
"""How often one number is added or taken away."""

Part = tuple[Flags, Flags]
"""A group, and who of all there are is of a kind."""
Table = NDArray[np.int64]
"""Sums x persons x questions."""


@dataclass
class Knowledge:
    """The sums known of the headline set: each a weight for every answer of every person, modulo PRIME.

    `shares` are sums too, of answers that are favourable: nothing follows from both together. `sizes` are the
    groups of which it is known how many they are; `counts` has, by score or question, the groups of which it
    is known how many are of a kind there: counted in it, or without knowledge of it.
    """

    sample: Sample
    sums: list[Table] = field(default_factory=list)
    shares: list[Table] = field(default_factory=list)
    sizes: list[Flags] = field(default_factory=list)
    counts: dict[str, list[Part]] = field(default_factory=dict)

    def learn(self, weights: Table, persons: Flags) -> None:
        """A mean times its n; `weights` is persons x questions."""
        self.sums.append(weights * persons[:, None])

    def learn_headline(self, persons: Flags) -> None:
        """Satisfaction and engagement; the gap is their difference."""
        self.sizes.append(persons & self.sample.both)
        for name in DIMENSIONS:
            self.learn(self.dimension(name), persons & self.sample.both)
            columns = [at for at, own in enumerate(self.sample.instrument.dimension) if own == name]
            self.learn_share(columns, persons & self.sample.both)

    def learn_count(self, of: str, group: Flags, kind: Flags) -> None:
        """How many of the group are of the kind."""
        both = self.sample.both
        self.counts.setdefault(of, []).append((group & both, kind & both))

    def learn_measure(self, name: str, group: Flags, counted: Flags) -> None:
        """Of those of the group who count in it, and how many they are."""
        persons = group & counted
        self.learn_count(name, group, counted)
        self.learn(self.measure(name), persons & self.sample.both)
        self.learn_share(self.columns(name), persons & self.sample.both)

    def learn_share(self, columns: Sequence[int], persons: Flags) -> None:
        """Over all answers of these persons to these questions."""
        weights = np.zeros(self.sample.scores.questions.shape, dtype=np.int64)
        weights[:, columns] = ~np.isnan(self.sample.scores.questions[:, columns])
        self.shares.append(weights * persons[:, None])

    def dimension(self, name: str) -> Table:
        facets = self.sample.instrument.facets_of(name)
        known = np.column_stack([~np.isnan(self.sample.scores.facets[facet]) for facet in facets])
        each = known * _inverse(known.sum(axis=1))[:, None]
        means = [self._mean(columns) for columns in facets.values()]
        weights: Table = np.sum(
            [mean * own[:, None] for mean, own in zip(means, each.T, strict=True)], axis=0
        )
        return weights % PRIME

    def measure(self, name: str) -> Table:
        return self._mean(self.columns(name))

    def columns(self, name: str) -> Sequence[int]:
        kind, _, key = name.partition(":")
        instrument = self.sample.instrument
        columns = {
            "question": {own: [number] for number, own in enumerate(instrument.key)},
            "facet": {**instrument.facets_of("satisfaction"), **instrument.facets_of("engagement")},
            "lever": instrument.levers(),
            "outcome": instrument.outcomes(),
        }
        return columns[kind][key]

    def _mean(self, columns: Sequence[int]) -> Table:
        """Of these questions, for who answered half of them."""
        answered = ~np.isnan(self.sample.scores.questions)
        wanted = np.zeros_like(answered)
        wanted[:, columns] = answered[:, columns]
        count = wanted.sum(axis=1)
        has = 2 * count >= len(columns)
        return wanted * (has * _inverse(count))[:, None]

    def exposed(self, k: int) -> bool:
        """Whether some combination of the sums lives on fewer than k persons."""
        sums = any(own and _is_exposed(np.array(own), k) for own in (self.sums, self.shares))
        return sums or bool(self.counted_few(k))

    def counted_few(self, k: int) -> list[str]:
        """The scores and questions of which numbers of persons come down to how many some few are."""
        return [of for of, own in self.counts.items() if _counts_few(self.sizes, own, k)]


def _is_exposed(sums: Table, k: int) -> bool:
    pieces = (sums[np.ix_(rows, range(sums.shape[1]), columns)] for rows, columns in _apart(sums))
    return any(lives_on_few(piece, k) for piece in pieces)


def _inverse(counts: NDArray[np.int64]) -> Table:
    """0 of 0."""
    return np.array([pow(int(count), PRIME - 2, PRIME) if count else 0 for count in counts])


def _apart(sums: Table) -> Iterable[tuple[list[int], list[int]]]:
    """Sums over different questions have nothing in common: the sums and questions that have."""
    touched = [set(np.flatnonzero(own.any(axis=0))) for own in sums]
    pieces: list[set[int]] = []
    for questions in touched:
        joined = [piece for piece in pieces if piece & questions]
        pieces = [piece for piece in pieces if not piece & questions] + [questions.union(*joined)]
    for piece in filter(None, pieces):
        yield [row for row, own in enumerate(touched) if own & piece], sorted(piece)


def lives_on_few(sums: Table, k: int) -> bool:
    """Whether a combination of sums lives on fewer than k persons.

    Persons alike in all sums stand or fall together: they are one, of as much weight.
    """
    alike: dict[bytes, int] = {}
    weights: list[int] = []
    kept: list[int] = []
    for person in range(sums.shape[1]):
        number = alike.setdefault(sums[:, person].tobytes(), len(alike))
        if number == len(weights):
            weights.append(0)
            kept.append(person)
        weights[number] += 1
    weight = np.array(weights)
    rows = sums[:, kept].reshape(len(sums), -1)
    owner = np.repeat(np.arange(len(kept)), sums.shape[2])
    return _finds(_zero_at(rows, np.flatnonzero(weight[owner] >= k)), owner, weight, k)


def _counts_few(sizes: Sequence[Flags], told: Sequence[Part], k: int) -> bool:
    """Whether it follows how many of some kind there are in some places, and they are fewer than k.

    Who is where is known, and not of which kind they are: so a sum has to hold wherever they might be.
    """
    groups, kinds = [*sizes, *(group for group, _ in told)], _alike([kind for _, kind in told])
    sets = np.array([*sizes, *(group & kind for group, kind in told)])
    if not told or not lives_on_few(sets[:, :, None].astype(np.int64), k):
        return False
    places, place = np.unique(np.array(groups), axis=1, return_inverse=True)
    real = np.zeros((places.shape[1], len(kinds)), dtype=np.int64)
    np.add.at(real, (place.ravel(), np.argmax(kinds, axis=0)), 1)
    of = [np.ones(len(kinds))] * len(sizes) + [
        np.array([np.array_equal(kind, one) for one in kinds], dtype=np.float64) for _, kind in told
    ]
    rows = np.array([np.outer(own, kind).ravel() for own, kind in zip(places, of, strict=True)])
    return _adds_up_to_few(rows, real.ravel(), k)


def _alike(kinds: Sequence[Flags]) -> list[Flags]:
    """The kinds there are, and everybody else as one more."""
    found = list({kind.tobytes(): kind for kind in kinds}.values())
    return [*found, ~np.any(found, axis=0)] if found else []


def _adds_up_to_few(rows: NDArray[np.float64], real: NDArray[np.int64], k: int) -> bool:
    """Whether a combination of rows is 1 in some columns and 0 elsewhere, with 1 to k - 1 persons in them."""
    count, columns = rows.shape
    adds_up = np.hstack([rows.T, -np.eye(columns)])
    few = np.concatenate([np.zeros(count), real])
    found = milp(
        np.zeros(count + columns),
        integrality=np.concatenate([np.zeros(count), np.ones(columns)]),
        bounds=Bounds([-MOST] * count + [0] * columns, [MOST] * count + [1] * columns),
        constraints=[LinearConstraint(adds_up, 0, 0), LinearConstraint(few[None, :], 1, k - 1)],
    )
    return found.status == 0


def _finds(rows: Table, owner: Table, weight: Table, k: int) -> bool:
    """Of m + 1 sets of persons, a combination that lives on m persons at most is zero on one of the sets."""
    if not len(rows):
        return False
    lives = np.zeros((len(rows), len(weight)), dtype=np.int64)
    np.add.at(lives.T, owner, (rows != 0).T)
    if np.any((lives > 0) @ weight < k):
        return True
    persons = np.flatnonzero(lives.any(axis=0))
    most = int(np.count_nonzero(np.cumsum(np.sort(weight[persons])) < k))
    parts = (np.isin(owner, persons[part :: most + 1]) for part in range(most + 1))
    return any(_finds(_zero_at(rows, np.flatnonzero(part)), owner, weight, k) for part in parts)


def _zero_at(rows: Table, columns: Table) -> Table:
    """A basis of the combinations of rows that are zero in the columns: Gauss, modulo PRIME."""
    for column in columns:
        pivots = np.flatnonzero(rows[:, column])
        if len(pivots):
            pivot = rows[pivots[0]]
            factors = rows[:, column] * pow(int(pivot[column]), PRIME - 2, PRIME) % PRIME
            rows = np.delete((rows - factors[:, None] * pivot) % PRIME, pivots[0], axis=0)
    return rows[rows.any(axis=1)]
