"""The numbers of persons that an answer tells of a group beside how many it has, and whom each counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.metrics.blocks.dont_know import DONT_KNOW
from app.metrics.disclosure import Plan, left_out_by_lot
from app.metrics.sample import Flags, Sample

Json = dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """`kind` has who of all there are is of the kind that is counted; None where it is everybody with both
    scores.
    """

    of: str
    number: int
    kind: Flags | None
    are_unknowing: bool = False


@dataclass(frozen=True)
class Parts:
    """Of one release, whose persons are `released`."""

    sample: Sample
    plan: Plan
    released: Flags
    k: int

    def of(self, metric: str, group: Json, ordinal: int) -> Iterator[Counted]:
        if metric == "enps" or group.get("status") == "ok":
            yield from READERS.get(metric, _none)(self, group, ordinal)

    def facets(self, group: Json, ordinal: int) -> Iterator[Counted]:
        for entry in (*group["facets"], *group["questions"]):
            is_question = "facet" in entry
            kind = "question" if is_question else "outcome" if entry["dimension"] == "outcome" else "facet"
            name = f"{kind}:{entry['key']}"
            if entry["status"] == "ok":
                yield self.scored(name, entry["n"], ordinal)
            if entry.get("dont_know") is not None:
                column = list(self.sample.instrument.key).index(entry["key"])
                gave = self.sample.answers[:, column] == DONT_KNOW
                yield Counted(name, entry["dont_know"], gave, are_unknowing=True)

    def choices(self, group: Json, ordinal: int) -> Iterator[Counted]:
        for entry, choice in zip(group["questions"], self.sample.choices, strict=True):
            if entry["status"] == "ok":
                yield Counted(entry["key"], entry["n"], self.drawn(choice.answered))
            if entry.get("dont_know") is not None:
                gave = choice.values == DONT_KNOW
                yield Counted(entry["key"], entry["dont_know"], gave, are_unknowing=True)

    def enps(self, group: Json, ordinal: int) -> Iterator[Counted]:
        """Where it is not asked for, the group's own number stands there."""
        if group["status"] == "ok":
            yield self.scored("outcome:enps", group["n"], ordinal)
        elif "n" in group:
            yield Counted("enps", group["n"], None)

    def overview(self, group: Json, ordinal: int) -> Iterator[Counted]:
        yield from self.enps(group["enps"], ordinal)

    def levers(self, group: Json, ordinal: int) -> Iterator[Counted]:
        for entry in group["levers"]:
            if entry["status"] == "ok":
                yield self.scored(f"lever:{entry['lever']}", entry["n"], ordinal)

    def reliability(self, group: Json, ordinal: int) -> Iterator[Counted]:
        for entry in group["scales"]:
            if entry["status"] == "ok":
                yield Counted(f"{entry['kind']} of {entry['key']}", entry["n"], self.with_every_part(entry))
        for dimension, entry in group["agreement"].items():
            if entry["status"] == "ok":
                columns = [own == dimension for own in self.sample.instrument.dimension]
                answered = ~np.isnan(self.sample.scores.questions[:, columns]).any(axis=1)
                yield Counted(f"agreement on {dimension}", entry["n"], answered)

    def scored(self, name: str, number: int, ordinal: int) -> Counted:
        is_in_steps = self.plan.is_coarse(name, ordinal)
        return Counted(name, number, None if is_in_steps else self.spread(self.plan.counted[name]))

    def with_every_part(self, entry: Json) -> Flags:
        scores, instrument = self.sample.scores, self.sample.instrument
        if entry["kind"] == "facet":
            columns = [own == entry["key"] for own in instrument.facet]
            answered = ~np.isnan(scores.questions[:, columns]).any(axis=1)
            return np.asarray(answered & self.spread(self.plan.counted[f"facet:{entry['key']}"]))
        of = instrument.core_facets() if entry["kind"] == "core" else instrument.facets_of(entry["key"])
        if len(of) == 1:
            columns = [own in of for own in instrument.facet]
            return np.asarray(~np.isnan(scores.questions[:, columns]).any(axis=1))
        return np.asarray(~np.any([np.isnan(scores.facets[facet]) for facet in of], axis=0))

    def drawn(self, answered: Flags) -> Flags:
        """Those who count in a choice."""
        those = self.sample.both & self.released
        regions = self.plan.regions[self.sample.places.team[those]]
        order = self.sample.lot[those]
        return self.spread(left_out_by_lot(answered[those], regions, order, self.k))

    def spread(self, counted: Flags) -> Flags:
        """From those of the headline set to all there are."""
        found = np.zeros(len(self.released), dtype=np.bool_)
        found[self.sample.both & self.released] = counted
        return found


def _none(_parts: Parts, _group: Json, _ordinal: int) -> Iterator[Counted]:
    return iter(())


READERS: Final[dict[str, Callable[[Parts, Json, int], Iterator[Counted]]]] = {
    "facets": Parts.facets,
    "choices": Parts.choices,
    "enps": Parts.enps,
    "levers": Parts.levers,
    "overview": Parts.overview,
    "reliability": Parts.reliability,
}
