"""Which of an answer's groups are drawn, and what is said of those that are not shown."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from app.charts.letters import shortened
from app.charts.look import Look
from app.metrics import schemas

MOST_NAMES = 12
"""In one note; the rest are counted there, and all are named in the data."""


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


def _some(look: Look, names: list[str]) -> str:
    short = [shortened(name, look.width / 2) for name in names]
    if len(short) <= MOST_NAMES:
        return look.listed(short)
    return look.listed([*short[:MOST_NAMES], look.say("more", count=len(short) - MOST_NAMES)])
