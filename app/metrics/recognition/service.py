"""Reports of recognition: computed from the buckets once, kept as long as nothing they stand on changes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import numpy as np
from pydantic import TypeAdapter

from app.core.database import Row, TenantSession
from app.metrics.names import FORMULA_VERSION, joined
from app.metrics.recognition import queries
from app.metrics.recognition.blocks import Pairs, People, Teams, bodies
from app.metrics.recognition.queries import ReportGroup, Window
from app.metrics.sample import Flags, Integers
from app.metrics.schemas import OfGroup, TreeRef
from app.metrics.schemas.recognition import RecognitionGroup, RecognitionPeriod
from app.organizations.errors import UnknownTeam
from app.organizations.queries import organization
from app.people.teams.queries import TeamNode, team_tree
from app.recognition.rules import days_before, months_of

YEAR_DAYS = 365
RECENT_DAYS = 30
GROUP: Final[TypeAdapter[RecognitionGroup]] = TypeAdapter(RecognitionGroup)


@dataclass(frozen=True)
class Directory:
    """The organisation's name, and its teams in tree order with the ordinal of each."""

    name: str
    tree: Sequence[tuple[TeamNode, int | None]]

    def teams(self) -> Teams:
        return Teams(
            parents=[None, *(parent or 0 for _, parent in self.tree)],
            keys=["", *(team.external_id for team, _ in self.tree)],
        )

    def refs(self) -> list[TreeRef]:
        """What each group is called, by ordinal."""
        refs = [TreeRef(kind="organization", id=None, name=self.name, parent=None, depth=0)]
        for team, parent in self.tree:
            above, depth = (refs[parent].id, refs[parent].depth + 1) if parent else (None, 0)
            own = TreeRef(kind="team", id=team.external_id, name=team.name, parent=above, depth=depth)
            refs.append(own)
        return refs

    def ordinals(self) -> dict[UUID, int]:
        return {team.id: ordinal for ordinal, (team, _) in enumerate(self.tree, start=1)}


def window_of(first: date, last: date, today: date) -> Window:
    """`first` and `last` bound whole months, the last of which may not be over yet."""
    until = min(last, today)
    return Window(first, last, until, min(first, days_before(until, YEAR_DAYS).replace(day=1)))


async def groups(
    session: TenantSession, window: Window, by: Sequence[str], team: str | None
) -> list[RecognitionGroup]:
    """The organisation, or the team in its place, and the teams below it, as far as `by` asks for them."""
    with_teams = "team" in by
    if not with_teams and "organization" not in by:
        return []
    found = await report(session, window, with_teams=with_teams, team=team)
    return found if "organization" in by or team is not None else found[1:]


async def months(session: TenantSession, window: Window, team: str | None) -> list[RecognitionPeriod]:
    """The organisation, or the team, in each month of the window that has begun."""
    found = []
    for first, last in months_of(window.first, window.until):
        of_month = window_of(first, last, window.until)
        [result, *_] = await report(session, of_month, with_teams=False, team=team)
        found.append(RecognitionPeriod.model_validate({"from": first, "to": last, "result": result}))
    return found


async def report(
    session: TenantSession,
    window: Window,
    *,
    with_teams: bool,
    team: str | None,
) -> list[RecognitionGroup]:
    """The organisation or the team, first, and where asked for all teams below it."""
    print_now = await queries.fingerprint(session, window, FORMULA_VERSION)
    kept = await queries.report(session, window, print_now, with_teams=with_teams, team=team)
    if not kept:
        made = await _compute(session, window)
        await queries.keep_report(session, window, print_now, made)
        kept = await queries.report(session, window, print_now, with_teams=with_teams, team=team)
    return [GROUP.validate_python(group.body) for group in _narrowed(kept, team)]


def _narrowed(groups: Sequence[ReportGroup], team: str | None) -> Sequence[ReportGroup]:
    if team is None:
        return groups
    top = next((group for group in groups if group.team == team), None)
    if top is None:
        raise UnknownTeam.parameter("team")
    return [group for group in groups if top.ordinal <= group.ordinal < top.last_ordinal]


async def _compute(session: TenantSession, window: Window) -> list[ReportGroup]:
    name = (await organization(session)).name
    directory = Directory(name, in_tree_order(await team_tree(session)))
    employed = await queries.employed(session, window)
    counts = await queries.month_people(session, window)
    pairs = await queries.month_pairs(session, window)
    return await asyncio.to_thread(_groups, directory, window, employed, counts, pairs)


def in_tree_order(teams: Sequence[TeamNode]) -> list[tuple[TeamNode, int | None]]:
    """Each with the ordinal of its parent, 0 for a root; ordinal 0 is the organisation."""
    below: dict[UUID | None, list[TeamNode]] = {}
    for team in teams:
        below.setdefault(team.parent_id, []).append(team)
    found: list[tuple[TeamNode, int | None]] = []
    waiting = [(team, 0) for team in reversed(below.get(None, []))]
    while waiting:
        team, parent = waiting.pop()
        found.append((team, parent))
        waiting += [(child, len(found)) for child in reversed(below.get(team.id, []))]
    return found


def _groups(
    directory: Directory,
    window: Window,
    employed: Sequence[Row[Any]],
    counts: Sequence[Row[Any]],
    pairs: Integers,
) -> list[ReportGroup]:
    teams = directory.teams()
    people, numbers = people_of(window, employed, counts, directory.ordinals())
    found = bodies(teams, people, pairs_of(pairs, numbers))
    told = [
        (ref, joined(GROUP, OfGroup(group=ref), numbers))
        for ref, numbers in zip(directory.refs(), found, strict=True)
    ]
    return [
        ReportGroup(ordinal, last, ref.id, group.model_dump(mode="json"))
        for ordinal, (last, (ref, group)) in enumerate(zip(teams.last().tolist(), told, strict=True))
    ]


def people_of(
    window: Window, employed: Sequence[Row[Any]], counts: Sequence[Row[Any]], ordinals: Mapping[UUID, int]
) -> tuple[People, Integers]:
    """Those employed in the window, by team, and the number of each; -1 for who was in no event ever."""
    spans = [_spans(window, row) for row in employed]
    there = [place for place, own in enumerate(spans) if own]
    team = _ints(ordinals.get(employed[place].team_id, 0) for place in there)
    order = [there[place] for place in np.argsort(team, kind="stable").tolist()]
    spans = [spans[place] for place in order]
    of_number = {row.person: row for row in counts}
    numbers = [employed[place].number for place in order]
    found = [of_number.get(number) for number in numbers]
    people = People(
        team=np.sort(team),
        is_active=_active(window, spans),
        days=_ints(
            sum(end - max(start, window.first.toordinal()) + 1 for start, end in own) for own in spans
        ),
        received=_ints(one.received if one else 0 for one in found),
        given=_ints(one.given if one else 0 for one in found),
        scored=_ints(one.scored if one else 0 for one in found),
        specificity=_ints(one.specificity if one else 0 for one in found),
        **_receipts(window, spans, found),
    )
    return people, _ints(-1 if number is None else number for number in numbers)


def _spans(window: Window, row: Row[Any]) -> list[tuple[int, int]]:
    """First and last day of the periods that touch the window, no later than it."""
    first, until = window.first.toordinal(), window.until.toordinal()
    periods = [
        (row.starts_on, row.ends_on),
        *zip(row.earlier_starts or (), row.earlier_ends or (), strict=True),
    ]
    days = ((start.toordinal() if start else 1, end.toordinal() if end else until) for start, end in periods)
    return [(start, min(end, until)) for start, end in days if start <= until and end >= first]


def _receipts(
    window: Window, spans: Sequence[Sequence[tuple[int, int]]], found: Sequence[Row[Any] | None]
) -> dict[str, Any]:
    last = _ints(
        0 if one is None or one.last_received_on is None else one.last_received_on.toordinal()
        for one in found
    )
    until = window.until.toordinal()
    end = _ints(max(end for _, end in own) for own in spans)
    start = _ints(max(own)[0] for own in spans)
    is_known = last > until - YEAR_DAYS
    waited = np.where(is_known, np.maximum(end - last, 0), np.minimum(end - start + 1, YEAR_DAYS))
    return {"since": waited, "is_known": is_known, "is_recent": last > until - RECENT_DAYS}


def _active(window: Window, spans: Sequence[Sequence[tuple[int, int]]]) -> Flags:
    """Months x persons: employed on a day of the month."""
    place = np.repeat(np.arange(len(spans)), [len(own) for own in spans])
    start, end = np.array([span for own in spans for span in own]).reshape(-1, 2).T
    found = []
    for first, last in months_of(window.first, window.until):
        touches = (start <= last.toordinal()) & (end >= first.toordinal())
        found.append(np.bincount(place[touches], minlength=len(spans)) > 0)
    return np.array(found)


def pairs_of(pairs: Integers, numbers: Integers) -> Pairs:
    """The pairs both of whom are among the people, by place."""
    place = np.full(max(int(pairs[:, :2].max(initial=0)), int(numbers.max(initial=0))) + 1, -1)
    known = numbers >= 0
    place[numbers[known]] = np.flatnonzero(known)
    giver, receiver = place[pairs[:, 0]], place[pairs[:, 1]]
    both = (giver >= 0) & (receiver >= 0)
    return Pairs(giver[both], receiver[both], pairs[both, 2])


def _ints(values: Any) -> Integers:
    return np.fromiter(values, dtype=np.int64)
