"""What is said of recognition in the groups of an organisation (metrics.md 2.16). Pure.

Persons and groups are sorted so that a team with all below it is one slice of either; whatever adds up is
summed once for all groups, and only what does not is computed group by group.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.metrics.blocks.wave import hidden
from app.metrics.disclosure import Decision, Node, decide
from app.metrics.formulas import (
    Pool,
    Subtrees,
    centralisation,
    clumped_rate,
    drawn_in,
    gini,
    gini_by_chance,
    kaplan_meier,
    ratio_of_clumped,
    weak_components,
)
from app.metrics.sample import Flags, Floats, Integers
from app.metrics.schemas.common import Reasons
from app.metrics.schemas.recognition import (
    Concentration,
    CrossTeam,
    RecognitionNetwork,
    RecognitionNumbers,
    RecognitionOk,
    RecognitionRate,
    RecognitionRatio,
    Specificity,
    TimeSinceLast,
)

FEWEST_ACTIVE: Final = 10
MOST_REACHED_BY: Final = 5
"""In what groups are compared by, a person's events count up to what this many persons reached (R13)."""
DAYS_A_MONTH: Final = 365.25 / 12
Told = TypeVar("Told", int, float)
NOBODY_THERE: Final = Decision("suppressed", "below_minimum", None, False)
CHANGED: Final = Decision("suppressed", "complementary", None, False)


@dataclass(frozen=True, slots=True)
class Teams:
    """The organisation (ordinal 0), then its teams, each directly before all that lies below it."""

    parents: Sequence[int | None]
    keys: Sequence[str]

    def last(self) -> Integers:
        """Of each ordinal, the first one after its subtree."""
        tree = Subtrees(np.array([-1 if parent is None else parent for parent in self.parents]))
        return np.arange(len(self.keys)) + tree.totals(np.ones(len(self.keys), dtype=np.int64))


@dataclass(frozen=True, slots=True)
class People:
    """One a person active in the window, by `team`, the ordinal they are a direct member of.

    `is_active` is months x persons; `days` were employed. `since` has the days from their last receipt of the
    past year to the end of their time in the window, where `is_known`; else those they were there, at most a
    year.
    `is_recent`: received in the last 30 days of the window.
    """

    team: Integers
    is_active: Flags
    days: Integers
    received: Integers
    given: Integers
    scored: Integers
    specificity: Integers
    since: Integers
    is_known: Flags
    is_recent: Flags
    person: Integers | None = None
    """Whose row each is, where somebody has several: one for each team they were in. Else one a person."""

    def persons(self, first: int, last: int) -> tuple[Integers, Integers]:
        """Of the rows from `first` to before `last` the persons, once each, and whose each row is."""
        if self.person is None:
            own = np.arange(first, last)
            return own, own - first
        own, whose = np.unique(self.person[first:last], return_inverse=True)
        return own, whose.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who gave to whom, each pair of places in People once, how often, and how often across teams: where it
    is not given, always or never, by the teams that People has.
    """

    giver: Integers
    receiver: Integers
    events: Integers
    across: Integers | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A month as it was told. `people` are those employed in it, and `number` has theirs; the columns of
    `pairs` are the numbers of giver and receiver, and their events.
    """

    teams: Teams
    names: Sequence[str]
    number: Integers
    people: People
    pairs: Integers


def of_months(months: Sequence[Month]) -> list[RecognitionNumbers]:
    """What may be said of each group of the last month, over all of them.

    In each month everybody counts where they were: so a sum over months is that of what was told of each,
    and who moves between two of them can be found by no subtraction.
    """
    newest = months[-1].teams
    placed = [_placed(own.teams, newest) for own in months]
    people, rows = _together(months, [target for target, _ in placed])
    pairs = _pairs_of(months, rows, len(people.team))
    moved = {group for _, changed in placed for group in changed}
    return bodies(newest, people, pairs, _why_not_in(months, moved))


def bodies(
    teams: Teams, people: People, pairs: Pairs, why_not: Mapping[int, Decision] | None = None
) -> list[RecognitionNumbers]:
    """What may be said of each group, by ordinal."""
    groups = _Groups(teams, people, pairs)
    why_not = suppressed(teams, people) if why_not is None else why_not
    return [
        hidden(why_not[ordinal]) if ordinal in why_not else groups.body(ordinal)
        for ordinal in range(len(teams.keys))
    ]


def suppressed(teams: Teams, people: People) -> dict[int, Decision]:
    """The groups that are not shown, with what was decided of each.

    A window is whole months and a group must be safe in each: then nothing that any two windows leave over
    when subtracted stands on fewer persons than may be shown either.
    """
    return _in_any(decide(_nodes(teams, people.team[month]), FEWEST_ACTIVE) for month in people.is_active)


def _in_any(decisions: Iterable[Mapping[int, Decision]]) -> dict[int, Decision]:
    """What hides a group in one month hides it."""
    why_not: dict[int, Decision] = {}
    for of_month in decisions:
        for ordinal, own in of_month.items():
            before = why_not.get(ordinal)
            if own.reason is not None and (before is None or before.reason != "below_minimum"):
                why_not[ordinal] = own
    return why_not


def _why_not_in(months: Sequence[Month], moved: Collection[int]) -> dict[int, Decision]:
    """Each month by its own teams. A group that a team came to or left between two months is one thing in
    the one and another in the other: it is not told over both.
    """
    newest = months[-1].teams
    decisions = []
    for own in months:
        decided = decide(_nodes(own.teams, own.people.team), FEWEST_ACTIVE)
        by_key = {own.teams.keys[ordinal]: decision for ordinal, decision in decided.items()}
        decisions.append({at: by_key.get(key, NOBODY_THERE) for at, key in enumerate(newest.keys)})
    return _in_any([dict.fromkeys(moved, CHANGED), *decisions])


def _placed(own: Teams, newest: Teams) -> tuple[Integers, set[int]]:
    """Of each team of a month the newest one its rows count in; and the groups that are others since."""
    at = {key: ordinal for ordinal, key in enumerate(newest.keys)}
    targets: list[int] = []
    then: list[frozenset[int]] = []
    changed: set[int] = set()
    for parent, key in zip(own.parents, own.keys, strict=True):
        above: frozenset[int] = frozenset() if parent is None else then[parent]
        here = at.get(key)
        then.append(above if here is None else above | {here})
        targets.append(targets[parent or 0] if here is None else here)
        changed |= then[-1] ^ _path(newest, targets[-1])
    return np.array(targets), changed


def _path(teams: Teams, ordinal: int | None) -> frozenset[int]:
    found = set()
    while ordinal is not None:
        found.add(ordinal)
        ordinal = teams.parents[ordinal]
    return frozenset(found)


def _together(months: Sequence[Month], targets: Sequence[Integers]) -> tuple[People, list[Integers]]:
    """One row for each person and team they were in, by team; and of each month the rows of its people."""
    team = np.concatenate([target[own.people.team] for own, target in zip(months, targets, strict=True)])
    number = np.concatenate([own.number for own in months])
    keys, row = np.unique(np.column_stack([team, number]), axis=0, return_inverse=True)
    ends = np.cumsum([len(own.number) for own in months])
    rows = np.split(row.reshape(-1), ends[:-1])
    is_active = np.zeros((len(months), len(keys)), dtype=np.bool_)
    for month, of_month in enumerate(rows):
        is_active[month, of_month] = True

    def total(name: str) -> Integers:
        added = np.zeros(len(keys), dtype=np.int64)
        np.add.at(added, row.reshape(-1), np.concatenate([getattr(own.people, name) for own in months]))
        return added

    def at_last(values: NDArray[Any]) -> NDArray[Any]:
        kept = np.zeros(len(keys), dtype=values.dtype)
        kept[rows[-1]] = values
        return kept

    newest = months[-1].people
    people = People(
        team=keys[:, 0],
        is_active=is_active,
        days=total("days"),
        received=total("received"),
        given=total("given"),
        scored=total("scored"),
        specificity=total("specificity"),
        since=at_last(newest.since),
        is_known=at_last(newest.is_known),
        is_recent=at_last(newest.is_recent),
        person=np.unique(keys[:, 1], return_inverse=True)[1],
    )
    return people, rows


def _pairs_of(months: Sequence[Month], rows: Sequence[Integers], count: int) -> Pairs:
    """The pairs both of whom were employed in the month, by row."""
    found = [_places(own, of_month) for own, of_month in zip(months, rows, strict=True)]
    giver, receiver, *counts = np.concatenate(found, axis=1)
    codes, pair = np.unique(giver * count + receiver, return_inverse=True)
    sums = np.zeros((2, len(codes)), dtype=np.int64)
    for own, added in zip(sums, counts, strict=True):
        np.add.at(own, pair.reshape(-1), added)
    return Pairs(codes // max(count, 1), codes % max(count, 1), *sums)


def _places(own: Month, rows: Integers) -> Integers:
    """Rows of giver and receiver, their events, and of these the ones across the teams of the month."""
    most = max(int(own.pairs[:, :2].max(initial=0)), int(own.number.max(initial=0)))
    place = np.full(most + 1, -1)
    place[own.number] = np.arange(len(own.number))
    giver, receiver = place[own.pairs[:, 0]], place[own.pairs[:, 1]]
    both = (giver >= 0) & (receiver >= 0)
    giver, receiver, events = giver[both], receiver[both], own.pairs[both, 2]
    crossing = own.people.team[giver] != own.people.team[receiver]
    return np.stack([rows[giver], rows[receiver], events, events * crossing])


def _nodes(teams: Teams, members: Integers) -> Iterator[Node]:
    tree = Subtrees(np.array([-1 if parent is None else parent for parent in teams.parents]))
    counts, depths = tree.counts(members), tree.depths()
    for ordinal, (parent, key) in enumerate(zip(teams.parents, teams.keys, strict=True)):
        n = int(counts[ordinal])
        yield Node(ordinal, parent, int(depths[ordinal]), key, n=n, invited=None, responded=n)


class _Groups:
    def __init__(self, teams: Teams, people: People, pairs: Pairs) -> None:
        self.teams, self.people = teams, people
        last = teams.last()
        self.first_person = np.searchsorted(people.team, np.arange(len(last)))
        self.last_person = np.searchsorted(people.team, last)
        inside = self._innermost(pairs, last)
        order = np.argsort(inside, kind="stable")
        self.giver, self.receiver = pairs.giver[order], pairs.receiver[order]
        self.first_pair = np.searchsorted(inside[order], np.arange(len(last)))
        self.last_pair = np.searchsorted(inside[order], last)
        self.exchanged = _running(np.bincount(pairs.receiver, pairs.events, len(people.team)))
        crossing = people.team[pairs.giver] != people.team[pairs.receiver]
        across = pairs.events * crossing if pairs.across is None else pairs.across
        self.crossed = _running(np.bincount(pairs.receiver, across, len(people.team)))

    def _innermost(self, pairs: Pairs, last: Integers) -> Integers:
        """Of each pair the innermost group both are in."""
        parents = np.array([-1 if parent is None else parent for parent in self.teams.parents])
        group, other = self.people.team[pairs.giver], self.people.team[pairs.receiver]
        while True:
            outside = np.flatnonzero((other < group) | (other >= last[group]))
            if not len(outside):
                return group
            group = group.copy()
            group[outside] = parents[group[outside]]

    @cached_property
    def staying(self) -> Flags:
        """Who is there in the last month: of windows that end together, all tell of the same persons now."""
        last: Flags = self.people.is_active[-1]
        return last

    @cached_property
    def sums(self) -> Mapping[str, Floats]:
        added = ("received", "scored", "specificity")
        found = {name: _running(getattr(self.people, name)) for name in added}
        months, received = self.people.days / DAYS_A_MONTH, self.people.received
        counted = drawn_in(received, MOST_REACHED_BY)
        return found | {
            "months": _running(months),
            "months_squared": _running(months**2),
            "received_squared": _running(received**2),
            "received_in_months": _running(received * months),
            "counted": _running(counted),
            "counted_squared": _running(counted**2),
            "counted_in_months": _running(counted * months),
            "staying": _running(self.staying),
            "recent": _running(self.people.is_recent & self.staying),
            "meeting": _running(self._chance_to_cross()),
        }

    def _chance_to_cross(self) -> Floats:
        """Of each person, that a giver drawn from all others is of another team."""
        team = self.people.team
        others = max(len(team) - 1, 1)
        return 1 - (np.bincount(team)[team] - 1) / others if len(team) else np.empty(0)

    def body(self, ordinal: int) -> RecognitionOk:
        first, last = int(self.first_person[ordinal]), int(self.last_person[ordinal])
        total = {name: float(sums[last] - sums[first]) for name, sums in self.sums.items()}
        persons, whose = self.people.persons(first, last)
        n, reasons = len(persons), Reasons()
        received, given = (
            np.bincount(whose, values[first:last], n) for values in (self.people.received, self.people.given)
        )
        isolated = int(np.count_nonzero((given == 0) & (received == 0)))
        return RecognitionOk(
            status="ok",
            n=n,
            events=round(total["received"]),
            coverage_30=total["recent"] / total["staying"],
            giver_share=float(np.count_nonzero(given)) / n,
            rate=self._rate(last - first, total, reasons),
            concentration=_concentration(received.astype(np.int64), reasons),
            cross_team=self._cross_team(
                first, last, min(max(total["meeting"] / (last - first), 0.0), 1.0), reasons
            ),
            specificity=_specificity(total, reasons),
            time_since_last=self._time_since_last(first, last, reasons),
            network=self._network(ordinal, whose, n, isolated, reasons),
            reasons=reasons,
        )

    def _rate(self, n: int, total: Mapping[str, float], reasons: Reasons) -> RecognitionRate:
        rate = clumped_rate(_pool(n, total, "received"))
        assert rate is not None
        ratio = self._ratio_to_rest(n, total, reasons)
        return RecognitionRate(
            person_months=total["months"],
            per_person_month=rate.value,
            ci_low=rate.ci.low,
            ci_high=rate.ci.high,
            ratio_to_rest=ratio,
        )

    def _ratio_to_rest(self, n: int, total: Mapping[str, float], reasons: Reasons) -> RecognitionRatio | None:
        """Of a group and everybody else: both are told, so this tells no more than their rates do."""
        others = len(self.people.team) - n
        if others < FEWEST_ACTIVE:
            reasons["rate.ratio_to_rest"] = "no_rest"
            return None
        rest = {name: float(sums[-1]) - total[name] for name, sums in self.sums.items()}
        of = ratio_of_clumped(_pool(n, total, "counted"), _pool(others, rest, "counted"))
        if of is None:
            reasons["rate.ratio_to_rest"] = "none_to_compare"
            return None
        return RecognitionRatio(ratio=of.value, ci_low=of.ci.low, ci_high=of.ci.high)

    def _cross_team(self, first: int, last: int, expected: float, reasons: Reasons) -> CrossTeam:
        events = float(self.exchanged[last] - self.exchanged[first])
        if events == 0:
            reasons |= {"cross_team.share": "zero_total", "cross_team.ei_index": "zero_total"}
            return CrossTeam(share=None, expected=expected, ei_index=None)
        share = float(self.crossed[last] - self.crossed[first]) / events
        return CrossTeam(share=share, expected=expected, ei_index=2 * share - 1)

    def _time_since_last(self, first: int, last: int, reasons: Reasons) -> TimeSinceLast:
        there = first + np.flatnonzero(self.staying[first:last])
        curve = kaplan_meier(self.people.since[there], self.people.is_known[there])
        if curve.median is None:
            reasons["time_since_last.median_days"] = "not_reached"
        over_60, over_90 = curve.longer_than(60), curve.longer_than(90)
        return TimeSinceLast(
            median_days=curve.median,
            over_30=curve.longer_than(30),
            over_60=_unless_few(over_60, over_60 * len(there), "time_since_last.over_60", reasons),
            over_90=_unless_few(over_90, over_90 * len(there), "time_since_last.over_90", reasons),
        )

    def _network(
        self, ordinal: int, whose: Integers, n: int, isolated: int, reasons: Reasons
    ) -> RecognitionNetwork:
        """Among the persons of the group; isolates are those without any event, in the group or beyond it."""
        first = int(self.first_person[ordinal])
        pairs = slice(int(self.first_pair[ordinal]), int(self.last_pair[ordinal]))
        giver, receiver = whose[self.giver[pairs] - first], whose[self.receiver[pairs] - first]
        codes = np.unique(giver * n + receiver)
        ends = np.column_stack([codes // n, codes % n])
        edges = len(codes)
        if edges == 0:
            reasons["network.reciprocity"] = "no_edge"
        mutual = int(np.count_nonzero(np.isin(codes, ends[:, 1] * n + ends[:, 0])))
        central = centralisation(np.bincount(ends[:, 1], minlength=n)).value
        assert central is not None, "a group that is shown has persons enough"
        return RecognitionNetwork(
            reciprocity=mutual / edges if edges else None,
            density=edges / (n * (n - 1)),
            centralisation=central,
            components=weak_components(ends, n),
            isolates=_unless_few(isolated, isolated, "network.isolates", reasons),
        )


def _running(values: NDArray[Any]) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def _pool(n: int, total: Mapping[str, float], events: str) -> Pool:
    """Of `n` rows: who was in two teams is there twice, with what they received in each."""
    names = ("months", events, "months_squared", f"{events}_squared", f"{events}_in_months")
    return Pool(n, *(total[name] for name in names))


def _concentration(received: Integers, reasons: Reasons) -> Concentration:
    of = gini(received)
    told = Concentration(
        gini=of.value,
        gini_by_chance=gini_by_chance(float(received.mean()), of.n),
        gini_corrected=of.corrected,
        top_tenth=of.top_tenth,
    )
    reasons |= {f"concentration.{name}": "zero_total" for name, value in told if value is None}
    return told


def _specificity(total: Mapping[str, float], reasons: Reasons) -> Specificity:
    scored = round(total["scored"])
    if not scored:
        reasons["specificity.mean"] = "zero_total"
    mean = total["specificity"] / scored if scored else None
    return Specificity(mean=mean, n=scored, status="experimental")


def _unless_few(told: Told, persons: float, path: str, reasons: Reasons) -> Told | None:
    """Numbers of persons without recognition are told where they are none, or many enough to hide in."""
    if 0 < round(persons, 6) < FEWEST_ACTIVE:
        reasons[path] = "few_without"
        return None
    return told
