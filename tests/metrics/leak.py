"""An attacker who adds and subtracts whatever is shown, exactly, and small random organisations to attack."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import TypeVar

from app.metrics.disclosure import Node

PRIME = 2**61 - 1  # far above any minor of these 0/1 matrices, so that rank modulo it is rank

Row = list[int]
Member = TypeVar("Member", bound=Hashable)


class Span:
    """Everything that sums and differences of `rows` can give."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._basis: list[tuple[int, Row]] = []
        for row in rows:
            self._add(row)

    @property
    def rank(self) -> int:
        return len(self._basis)

    def contains(self, row: Row) -> bool:
        return not any(self._reduced(row))

    def _add(self, row: Row) -> None:
        rest = self._reduced(row)
        pivot = next((column for column, value in enumerate(rest) if value), None)
        if pivot is not None:
            inverse = pow(rest[pivot], -1, PRIME)
            self._basis.append((pivot, [value * inverse % PRIME for value in rest]))

    def _reduced(self, row: Row) -> Row:
        for pivot, base in self._basis:
            if factor := row[pivot]:
                row = [(value - factor * other) % PRIME for value, other in zip(row, base, strict=True)]
        return row


def leak(
    sets: Sequence[AbstractSet[Member]], universe: AbstractSet[Member], k: int
) -> frozenset[Member] | None:
    """The smallest group of fewer than k persons about whom the sums over `sets` say something by themselves.

    Persons who are in the same sets form one atom. A union of atoms is exposed when some combination of the
    sets lives on it alone: when leaving its columns out lowers the rank.
    """
    atoms = _atoms(sets, universe)
    rows = [[int(atom <= members) for atom in atoms] for members in sets]
    rank = Span(rows).rank
    for union in _unions_below(atoms, k):
        kept = [[value for column, value in enumerate(row) if column not in union] for row in rows]
        if Span(kept).rank < rank:
            return frozenset(person for column in union for person in atoms[column])
    return None


def _atoms(sets: Sequence[AbstractSet[Member]], universe: AbstractSet[Member]) -> list[frozenset[Member]]:
    atoms: dict[tuple[bool, ...], set[Member]] = {}
    for person in universe:
        atoms.setdefault(tuple(person in members for members in sets), set()).add(person)
    return [frozenset(persons) for pattern, persons in atoms.items() if any(pattern)]


def _unions_below(atoms: Sequence[frozenset[Member]], k: int) -> Iterator[frozenset[int]]:
    small = [column for column, atom in enumerate(atoms) if len(atom) < k]
    unions = (union for size in range(1, k) for union in combinations(small, size))
    weights = ((sum(len(atoms[column]) for column in union), union) for union in unions)
    for _, union in sorted(pair for pair in weights if pair[0] < k):
        yield frozenset(union)


def named_silence(
    shown: Sequence[AbstractSet[Member]], silent: Mapping[Member, int]
) -> frozenset[Member] | None:
    """A set of regions, derivable from the `shown` sets of regions, that holds one or two silent persons.

    `silent` has the number of every region. Unlike `leak` this looks at what the numbers are.
    """
    regions = list(silent)
    span = Span([[int(region in group) for region in regions] for group in shown])
    for size in range(1, len(regions) + 1):
        for union in combinations(regions, size):
            if sum(silent[region] for region in union) not in (1, 2):
                continue
            if span.contains([int(region in union) for region in regions]):
                return frozenset(union)
    return None


@dataclass(frozen=True)
class Organisation:
    """`parents` by group, the organisation itself first; by person the `team` they are a direct member of."""

    parents: list[int | None]
    team: list[int]
    responded: list[bool]
    has_both_scores: list[bool]

    def ancestors(self, group: int | None) -> Iterator[int]:
        """The group itself first."""
        while group is not None:
            yield group
            group = self.parents[group]

    def persons(self, group: int) -> frozenset[int]:
        return frozenset(person for person, team in enumerate(self.team) if group in self.ancestors(team))

    def headline_set(self, group: int) -> frozenset[int]:
        return frozenset(person for person in self.persons(group) if self.has_both_scores[person])

    def nodes(self) -> list[Node]:
        everybody = [True] * len(self.team)
        invited, responded, n = map(self._counts, (everybody, self.responded, self.has_both_scores))
        return [
            Node(
                ordinal=group,
                parent=parent,
                depth=len(list(self.ancestors(group))) - 1,
                key=f"team-{group}",
                n=n[group],
                invited=invited[group],
                responded=responded[group],
            )
            for group, parent in enumerate(self.parents)
        ]

    def _counts(self, belongs: list[bool]) -> Counter[int]:
        teams = [team for person, team in enumerate(self.team) if belongs[person]]
        return Counter(group for team in teams for group in self.ancestors(team))


def random_organisation(seed: int) -> Organisation:
    """8-26 persons in 3-9 groups, some of them small or empty, with direct members at every level."""
    random = Random(seed)
    parents = [None, *(random.randrange(group) for group in range(1, random.randint(3, 9)))]
    sizes = [random.choice([0.1, 1, 6]), *(random.choice([0, 1, 2, 4, 6, 9]) for _ in parents[1:])]
    team = random.choices(range(len(parents)), weights=sizes, k=random.randint(8, 26))
    responded = [random.random() < 0.9 for _ in team]
    return Organisation(parents, team, responded, [came and random.random() < 0.95 for came in responded])
