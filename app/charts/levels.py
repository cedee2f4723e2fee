"""Which of an answer's groups are drawn, and what is said of those that are not shown."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from app.charts.letters import shortened
from app.charts.look import Look
from app.metrics import schemas

MOST_NAMES = 12
"""In one note; the rest are counted there, and all are named in the data."""


TREE = ("organization", "team")


class OfGroup(Protocol):
    @property
    def group(self) -> schemas.GroupRef: ...


class Hidden(OfGroup, Protocol):
    @property
    def reason(self) -> str: ...


Group = TypeVar("Group", bound=OfGroup)


def one_level(groups: Sequence[Group]) -> list[Group]:
    """The whole and what is right below it; of several that lie apart, these."""
    there = {one.group.id for one in groups}
    tops = [one for one in groups if one.group.kind == "organization" or is_top(one.group, there)]
    whole = next((one for one in tops if one.group.kind == "organization"), None)
    if whole is None and len(tops) == 1:
        whole = tops[0]
        return [whole, *(one for one in groups if one.group.parent == whole.group.id and one is not whole)]
    return tops


def whole_of(groups: Sequence[Group]) -> Group | None:
    """The one that all others are part of, shown or not; None where they lie beside each other."""
    there = {one.group.id for one in groups}
    organizations = [one for one in groups if one.group.kind == "organization"]
    tops = organizations or [one for one in groups if is_top(one.group, there)]
    return tops[0] if len(tops) == 1 < len(groups) and tops[0].group.kind in TREE else None


def is_top(group: schemas.GroupRef, there: set[str | None]) -> bool:
    return group.parent is None or group.parent not in there


def hidden_rows(look: Look, groups: Iterable[Hidden]) -> list[dict[str, str]]:
    """Nothing but the name and the reason."""
    return [{"name": look.name(one.group), "reason": look.label("reasons", one.reason)} for one in groups]


def hidden_notes(look: Look, rows: Sequence[dict[str, str]]) -> list[str]:
    """A sentence for each reason, with the names."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(row["reason"], []).append(row["name"])
    return [
        look.say("not_shown", names=_some(look, names), reason=reason) for reason, names in by_reason.items()
    ]


def most_of(groups: Sequence[Group], weight: Callable[[Group], float], most: int) -> list[Group]:
    """Those that weigh most, in the order they came in."""
    order = sorted(range(len(groups)), key=lambda at: -weight(groups[at]))[:most]
    return [groups[at] for at in sorted(order)]


def with_hidden(look: Look, said: str, rows: Sequence[object]) -> str:
    return f"{said} {look.say('hidden_in_words', count=len(rows))}" if rows else said


def left_out(look: Look, drawn: Sequence[object], every: Sequence[object], which: str) -> list[str]:
    """A note where not all is drawn that can be shown; `which`: the words for what is."""
    if len(drawn) == len(every):
        return []
    return [look.say("left_out", count=len(drawn), every=len(every), which=look.say(which))]


def first_alone(look: Look, groups: Sequence[OfGroup]) -> list[str]:
    """A note where a chart of one group was given several."""
    if len(groups) < 2:
        return []
    return [look.say("first_alone", name=look.name(groups[0].group), count=len(groups))]


def _some(look: Look, names: list[str]) -> str:
    short = [shortened(name, look.width / 2) for name in names]
    if len(short) <= MOST_NAMES:
        return look.listed(short)
    return look.listed([*short[:MOST_NAMES], look.say("more", count=len(short) - MOST_NAMES)])
