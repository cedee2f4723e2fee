"""Answers of a release to a filter: of whole base cells, or of nobody (disclosure.md R5b)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.database import TenantSession
from app.core.errors import Unprocessable
from app.metrics import names, schemas
from app.metrics.blocks.filtered import CROSSING, Shared, of_union
from app.metrics.blocks.wave import ORGANIZATION
from app.metrics.releases import queries
from app.metrics.views import groups as service
from app.surveys.responses.errors import UnknownSegment
from app.tables import Release, SurveyGroup

PART = re.compile(r"(?P<segment>[A-Za-z][A-Za-z0-9_.-]{0,49}):(?P<value>.{1,100})", re.DOTALL)
BETWEEN_PARTS = re.compile(r",(?=[A-Za-z][A-Za-z0-9_.-]{0,49}:)")
"""Another comma belongs to a value."""


class BadFilter(Unprocessable):
    code = "bad_filter"
    detail = "This filter cannot be read: write it as segment:value,segment:value."


@dataclass(frozen=True)
class Wanted:
    """The ordinals looked for: of teams, and in every dimension, in their order, of categories."""

    teams: frozenset[int]
    categories: Sequence[frozenset[int]]

    def has(self, place: Sequence[int]) -> bool:
        team, *own = place
        return team in self.teams and all(
            category in wanted for category, wanted in zip(own, self.categories, strict=True)
        )


def parsed(filter: str) -> dict[str, set[str]]:
    """The values looked for, by segment."""
    values: dict[str, set[str]] = {}
    for part in BETWEEN_PARTS.split(filter):
        found = PART.fullmatch(part)
        if found is None:
            raise BadFilter.parameter("filter", f"This is not segment:value: {part[:100]}")
        values.setdefault(found["segment"], set()).add(found["value"])
    return values


def wanted_of(groups: Sequence[SurveyGroup], values: Mapping[str, set[str]], team: str | None) -> Wanted:
    categories: dict[str, dict[str, int]] = {}
    for group in groups:
        if group.segment is not None:
            categories.setdefault(group.segment, {})[group.external_id] = group.ordinal
    for segment in values:
        if segment not in categories:
            raise UnknownSegment.parameter("filter", f"The survey does not report by {segment}.")
    tree = [group for group in groups if group.segment is None]
    teams = service.within(tree, ["team"], team) if team is not None else tree
    return Wanted(
        frozenset(group.ordinal for group in teams),
        [
            frozenset(
                ordinal for key, ordinal in known.items() if segment not in values or key in values[segment]
            )
            for segment, known in categories.items()
        ],
    )


def whole_cells(places: Mapping[int, Sequence[Sequence[int]]], wanted: Wanted) -> list[int] | None:
    """The cells all of whose places are wanted; None where one is so in part, or there is none."""
    found = []
    for cell, own in places.items():
        is_wanted = [wanted.has(place) for place in own]
        if all(is_wanted):
            found.append(cell)
        elif any(is_wanted):
            return None
    return found or None


async def headline_of(
    session: TenantSession, release: Release, filter: str, team: str | None
) -> schemas.Group:
    """The one group that a filter asks for. Who asks, and what was asked before, decides nothing."""
    wanted = wanted_of(await queries.groups_of(session, release), parsed(filter), team)
    group = schemas.FilterRef(kind="filter", id=filter, name=filter, parent=team, depth=0)
    shared = (await queries.bodies(session, release, names.FILTER, [ORGANIZATION]))[ORGANIZATION]
    if not isinstance(shared, Shared):
        return names.HEADLINE.placed(group, shared)
    cells = whole_cells(await queries.places_of_cells(session, release), wanted)
    if cells is None:
        return names.HEADLINE.placed(group, CROSSING)
    numbers = of_union(shared, await queries.numbers_of_cells(session, release, cells))
    return names.HEADLINE.placed(group, numbers)
