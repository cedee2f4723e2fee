"""Reports of recognition. A month is told once it is over, as it is then, and never otherwise afterwards.

Read anew after somebody left, moved or was erased, two readings would differ by that person's count (R9b).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypedDict
from uuid import UUID

import numpy as np

from app.core.database import Row, TenantSession
from app.core.errors import Conflict
from app.core.schema import adapter, joined
from app.metrics.recognition import queries
from app.metrics.recognition.blocks import Month, People, Teams, of_months
from app.metrics.recognition.queries import ReportGroup, WholeMonths
from app.metrics.sample import Flags, Integers
from app.metrics.schemas import FORMULA_VERSION, OfGroup, TreeRef
from app.metrics.schemas.recognition import RecognitionGroup, RecognitionPeriod
from app.organizations.errors import UnknownTeam
from app.organizations.queries import organization
from app.people.teams.queries import TeamNode, team_tree
from app.recognition.counts.queries import hold_counts
from app.recognition.rules import days_before, months_of

YEAR_DAYS = 365
RECENT_DAYS = 30
COLUMNS = (
    "team",
    "days",
    "received",
    "given",
    "scored",
    "specificity",
    "since",
    "is_known",
    "is_recent",
)
PACKED = ">i4"
FINGERPRINT = f"{FORMULA_VERSION} of told months, with ratios drawn in"
GROUP: Final = adapter(RecognitionGroup)


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
        return refs_of(self.name, self.teams(), [team.name for team, _ in self.tree])

    def ordinals(self) -> dict[UUID, int]:
        return {team.id: ordinal for ordinal, (team, _) in enumerate(self.tree, start=1)}


class MonthNotOver(Conflict):
    code = "month_not_over"
    detail = "This month has no numbers yet: ask from the day after its last day."


def refs_of(name: str, teams: Teams, names: Sequence[str]) -> list[TreeRef]:
    """What each group is called, by ordinal."""
    refs = [TreeRef(kind="organization", id=None, name=name, parent=None, depth=0)]
    for key, own, parent in zip(teams.keys[1:], names, teams.parents[1:], strict=True):
        above, depth = (refs[parent].id, refs[parent].depth + 1) if parent else (None, 0)
        refs.append(TreeRef(kind="team", id=key, name=own, parent=above, depth=depth))
    return refs


def window_of(first: date, last: date, today: date) -> WholeMonths:
    """Of the whole months that `first` and `last` bound, those that are over."""
    until = min(last, today.replace(day=1) - timedelta(1))
    if until < first:
        raise MonthNotOver
    return WholeMonths(first, until, min(first, days_before(until, YEAR_DAYS).replace(day=1)))


async def groups(
    session: TenantSession, window: WholeMonths, by: Sequence[str], team: str | None
) -> list[RecognitionGroup]:
    """The organisation, or the team in its place, and the teams below it, as far as `by` asks for them."""
    with_teams = "team" in by
    if not with_teams and "organization" not in by:
        return []
    found = await report(session, window, with_teams=with_teams, team=team)
    return found if "organization" in by or team is not None else found[1:]


async def months(session: TenantSession, window: WholeMonths, team: str | None) -> list[RecognitionPeriod]:
    """The organisation, or the team, in each month of the window."""
    await _tell_missing(session, window)
    found = []
    for of_month in each_month(window):
        [result, *_] = await report(session, of_month, with_teams=False, team=team)
        found.append(
            RecognitionPeriod.model_validate({"from": of_month.first, "to": of_month.last, "result": result})
        )
    return found


async def report(
    session: TenantSession,
    window: WholeMonths,
    *,
    with_teams: bool,
    team: str | None,
) -> list[RecognitionGroup]:
    """The organisation or the team, first, and where asked for all teams below it."""
    kept = await queries.report(session, window, FINGERPRINT, with_teams=with_teams, team=team)
    if not kept:
        made = await _compute(session, window)
        await queries.keep_report(session, window, FINGERPRINT, made)
        kept = await queries.report(session, window, FINGERPRINT, with_teams=with_teams, team=team)
    return [GROUP.validate_json(group.body) for group in _narrowed(kept, team)]


def _narrowed(groups: Sequence[ReportGroup], team: str | None) -> Sequence[ReportGroup]:
    if team is None:
        return groups
    top = next((group for group in groups if group.team == team), None)
    if top is None:
        raise UnknownTeam.parameter("team")
    return [group for group in groups if top.ordinal <= group.ordinal < top.last_ordinal]


async def _compute(session: TenantSession, window: WholeMonths) -> list[ReportGroup]:
    name = (await organization(session)).name
    months = await told_months(session, window)
    return await asyncio.to_thread(_groups, name, months)


async def told_months(session: TenantSession, window: WholeMonths) -> list[Month]:
    """The months of the window; those that were never told of are looked at now, for good."""
    await _tell_missing(session, window)
    return [month_of(row) for row in await queries.told_months(session, window)]


async def _tell_missing(session: TenantSession, window: WholeMonths) -> None:
    if await _missing(session, window):
        await hold_counts(session)
        await queries.number_employed(session)
        for month in await _missing(session, window):
            await _tell(session, month)


async def _missing(session: TenantSession, window: WholeMonths) -> list[WholeMonths]:
    told = await queries.names_of_told(session, window)
    return [month for month in each_month(window) if month.first not in told]


def each_month(window: WholeMonths) -> list[WholeMonths]:
    return [
        WholeMonths(first, last, days_before(last, YEAR_DAYS).replace(day=1))
        for first, last in months_of(window.first, window.last)
    ]


async def _tell(session: TenantSession, month: WholeMonths) -> None:
    directory = Directory("", in_tree_order(await team_tree(session)))
    employed = await queries.employed(session, month)
    counts = await queries.month_people(session, month)
    pairs = await queries.month_pairs(session, month)
    people, numbers = await asyncio.to_thread(people_of, month, employed, counts, directory.ordinals())
    tree = [[team.external_id, team.name, parent or 0] for team, parent in directory.tree]
    columns = [numbers, *(getattr(people, name) for name in COLUMNS)]
    packed = np.column_stack(columns).astype(PACKED).tobytes()
    await queries.keep_month(session, month.first, tree, packed, pairs)


def month_of(row: Row[Any]) -> Month:
    number, *columns = _unpacked(row.people, 1 + len(COLUMNS)).T
    own = dict(zip(COLUMNS, columns, strict=True))
    flags = {name: own.pop(name) > 0 for name in ("is_known", "is_recent")}
    return Month(
        teams=Teams([None, *(parent for _, _, parent in row.tree)], ["", *(key for key, _, _ in row.tree)]),
        names=[name for _, name, _ in row.tree],
        number=number,
        people=People(is_active=np.ones((1, len(number)), dtype=np.bool_), **own, **flags),
        pairs=_unpacked(row.pairs, 3),
    )


def _unpacked(packed: bytes, columns: int) -> Integers:
    return np.frombuffer(packed, dtype=PACKED).reshape(-1, columns).astype(np.int64)


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


def _groups(name: str, months: Sequence[Month]) -> list[ReportGroup]:
    newest = months[-1]
    refs = refs_of(name, newest.teams, newest.names)
    told = [
        (ref, joined(GROUP, OfGroup(group=ref), numbers))
        for ref, numbers in zip(refs, of_months(months), strict=True)
    ]
    last = newest.teams.last().tolist()
    return [
        ReportGroup(ordinal, end, ref.id, group.model_dump_json())
        for ordinal, (end, (ref, group)) in enumerate(zip(last, told, strict=True))
    ]


def people_of(
    window: WholeMonths,
    employed: Sequence[Row[Any]],
    counts: Sequence[Row[Any]],
    ordinals: Mapping[UUID, int],
) -> tuple[People, Integers]:
    """Those employed in the window, by team, and the number of each."""
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
    return people, _ints(numbers)


def _spans(window: WholeMonths, row: Row[Any]) -> list[tuple[int, int]]:
    """First and last day of the periods that touch the window, no later than it."""
    first, until = window.first.toordinal(), window.last.toordinal()
    periods = [
        (row.starts_on, row.ends_on),
        *zip(row.earlier_starts or (), row.earlier_ends or (), strict=True),
    ]
    days = ((start.toordinal() if start else 1, end.toordinal() if end else until) for start, end in periods)
    return [(start, min(end, until)) for start, end in days if start <= until and end >= first]


class Receipts(TypedDict):
    since: Integers
    is_known: Flags
    is_recent: Flags


def _receipts(
    window: WholeMonths, spans: Sequence[Sequence[tuple[int, int]]], found: Sequence[Row[Any] | None]
) -> Receipts:
    last = _ints(
        0 if one is None or one.last_received_on is None else one.last_received_on.toordinal()
        for one in found
    )
    until = window.last.toordinal()
    end = _ints(max(end for _, end in own) for own in spans)
    start = _ints(max(own)[0] for own in spans)
    is_known = last > until - YEAR_DAYS
    waited = np.where(is_known, np.maximum(end - last, 0), np.minimum(end - start + 1, YEAR_DAYS))
    return Receipts(since=waited, is_known=is_known, is_recent=last > until - RECENT_DAYS)


def _active(window: WholeMonths, spans: Sequence[Sequence[tuple[int, int]]]) -> Flags:
    """Months x persons: employed on a day of the month."""
    place = np.repeat(np.arange(len(spans)), [len(own) for own in spans])
    start, end = np.array([span for own in spans for span in own]).reshape(-1, 2).T
    found = []
    for first, last in months_of(window.first, window.last):
        touches = (start <= last.toordinal()) & (end >= first.toordinal())
        found.append(np.bincount(place[touches], minlength=len(spans)) > 0)
    return np.array(found)


def _ints(values: Any) -> Integers:
    return np.fromiter(values, dtype=np.int64)
