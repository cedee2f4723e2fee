"""What is said of recognition in the groups of an organisation (metrics.md 2.16). Pure.

Persons and groups are sorted so that a team with all below it is one slice of either; whatever adds up is
summed once for all groups, and only what does not is computed group by group.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    gini,
    gini_by_chance,
    kaplan_meier,
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
    Specificity,
    TimeSinceLast,
)

FEWEST_ACTIVE: Final = 10
DAYS_A_MONTH: Final = 365.25 / 12
Told = TypeVar("Told", int, float)


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


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who gave to whom, each pair of places in People once, and how often."""

    giver: Integers
    receiver: Integers
    events: Integers


def bodies(teams: Teams, people: People, pairs: Pairs) -> list[RecognitionNumbers]:
    """What may be said of each group, by ordinal."""
    groups = _Groups(teams, people, pairs)
    why_not = suppressed(teams, people)
    return [
        hidden(why_not[ordinal]) if ordinal in why_not else groups.body(ordinal)
        for ordinal in range(len(teams.keys))
    ]


def suppressed(teams: Teams, people: People) -> dict[int, Decision]:
    """The groups that are not shown, with what was decided of each.

    A window is whole months and a group must be safe in each: then nothing that any two windows leave over
    when subtracted stands on fewer persons than may be shown either.
    """
    why_not: dict[int, Decision] = {}
    for month in people.is_active:
        decisions = decide(_nodes(teams, people.team[month]), FEWEST_ACTIVE)
        for ordinal, own in decisions.items():
            before = why_not.get(ordinal)
            if own.reason is not None and (before is None or before.reason != "below_minimum"):
                why_not[ordinal] = own
    return why_not


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
        self.mutual = _running(_is_mutual(pairs, len(people.team))[order])
        self.exchanged = _running(np.bincount(pairs.receiver, pairs.events, len(people.team)))
        crossing = people.team[pairs.giver] != people.team[pairs.receiver]
        self.crossed = _running(np.bincount(pairs.receiver, pairs.events * crossing, len(people.team)))

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
        return found | {
            "months": _running(months),
            "months_squared": _running(months**2),
            "received_squared": _running(received**2),
            "received_in_months": _running(received * months),
            "staying": _running(self.staying),
            "recent": _running(self.people.is_recent & self.staying),
            "givers": _running(self.people.given > 0),
            "isolates": _running((self.people.given == 0) & (self.people.received == 0)),
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
        n, reasons = last - first, Reasons()
        return RecognitionOk(
            status="ok",
            n=n,
            events=round(total["received"]),
            coverage_30=total["recent"] / total["staying"],
            giver_share=total["givers"] / n,
            rate=_rate(n, total),
            concentration=_concentration(self.people.received[first:last], reasons),
            cross_team=self._cross_team(first, last, min(max(total["meeting"] / n, 0.0), 1.0), reasons),
            specificity=_specificity(total, reasons),
            time_since_last=self._time_since_last(first, last, reasons),
            network=self._network(ordinal, round(total["isolates"]), reasons),
            reasons=reasons,
        )

    def _cross_team(self, first: int, last: int, expected: float, reasons: Reasons) -> CrossTeam:
        events = float(self.exchanged[last] - self.exchanged[first])
        if events == 0:
            reasons |= {"cross_team.share": "no_edge", "cross_team.ei_index": "no_edge"}
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

    def _network(self, ordinal: int, isolated: int, reasons: Reasons) -> RecognitionNetwork:
        """Among the persons of the group; isolates are those without any event, in the group or beyond it."""
        first, last = int(self.first_person[ordinal]), int(self.last_person[ordinal])
        pairs = slice(int(self.first_pair[ordinal]), int(self.last_pair[ordinal]))
        n, edges = last - first, pairs.stop - pairs.start
        ends = np.column_stack([self.giver[pairs], self.receiver[pairs]]) - first
        if edges == 0:
            reasons["network.reciprocity"] = "no_edge"
        mutual = float(self.mutual[pairs.stop] - self.mutual[pairs.start])
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


def _is_mutual(pairs: Pairs, n: int) -> Flags:
    return np.isin(pairs.giver * n + pairs.receiver, pairs.receiver * n + pairs.giver)


def _rate(n: int, total: Mapping[str, float]) -> RecognitionRate:
    names = ("months", "received", "months_squared", "received_squared", "received_in_months")
    pool = Pool(n, *(total[name] for name in names))
    rate = clumped_rate(pool)
    assert rate is not None
    return RecognitionRate(
        person_months=pool.answers, per_person_month=rate.value, ci_low=rate.ci.low, ci_high=rate.ci.high
    )


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
        reasons["specificity.mean"] = "no_edge"
    mean = total["specificity"] / scored if scored else None
    return Specificity(mean=mean, n=scored, status="experimental")


def _unless_few(told: Told, persons: float, path: str, reasons: Reasons) -> Told | None:
    """Numbers of persons without recognition are told where they are none, or many enough to hide in."""
    if 0 < round(persons, 6) < FEWEST_ACTIVE:
        reasons[path] = "few_without"
        return None
    return told
