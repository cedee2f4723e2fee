"""Where comments may be read (disclosure.md R10): by how many were given, never by what they say."""

from collections.abc import Mapping

from app.metrics.blocks.wave import Wave, hidden
from app.metrics.disclosure import Node, decide
from app.metrics.sample import Integers, Rollup
from app.metrics.schemas import CommentsOk, Suppressed, Written


def comments(wave: Wave, given: Integers, least: int) -> dict[int, CommentsOk | Suppressed]:
    """`given` is by direct group of the tree; `least` the smallest number that may be read together.

    Reading a group's comments and those of a group inside it leaves the rest's, so that has `least` as well.
    """
    groups = wave.sample.groups
    totals = Rollup(groups, wave.sample.places).totals(given)
    is_shown = {ordinal: decision.precision is not None for ordinal, decision in wave.plan.decisions.items()}
    nodes = [
        Node(
            ordinal=ordinal,
            parent=parent,
            depth=int(wave.rollup.depths[ordinal]),
            key=groups.keys[ordinal],
            n=int(totals[ordinal]) if is_shown[ordinal] else 0,
            invited=None,
            responded=0,
        )
        for ordinal, parent in enumerate(groups.parents)
    ]
    decisions = decide(nodes, least)
    return {
        node.ordinal: hidden(decisions[node.ordinal])
        if decisions[node.ordinal].precision is None
        else CommentsOk(status="ok", n=node.n)
        for node in nodes
    }


def texts(wave: Wave, given: Mapping[str, Integers], least: int) -> dict[int, Written]:
    """The same of what was written to each question: each by itself, as if there were no other."""
    found = {key: comments(wave, counts, least) for key, counts in given.items()}
    groups = range(len(wave.sample.groups.parents))
    return {
        ordinal: Written(status="ok", questions={key: own[ordinal] for key, own in found.items()})
        for ordinal in groups
    }
