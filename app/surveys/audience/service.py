"""Who is asked: checked in a draft, frozen when the survey opens."""

import asyncio
from collections.abc import Hashable, Sequence
from datetime import date

from app.core.database import TenantSession
from app.organizations.errors import UnknownTeam
from app.people.persons import queries as persons_queries
from app.people.persons.queries import EmployedPerson
from app.people.teams import queries as teams_queries
from app.surveys.audience import queries, rules
from app.surveys.audience.rules import Cell
from app.surveys.errors import AudienceTooSmall
from app.tables import Survey


async def check_audience(session: TenantSession, teams: list[str] | None) -> None:
    if not teams:
        return
    known = {team.external_id for team in await teams_queries.team_tree(session)}
    for index, team in enumerate(teams):
        if team not in known:
            raise UnknownTeam.at(f"#/audience/teams/{index}")


async def freeze_audience(
    session: TenantSession, survey: Survey, organization_name: str, k: int, today: date
) -> None:
    """Stores the tree, the categories, the cells and, with access invited, who is in which cell.

    Who are too few to be shown are not asked: what is told of them would be of nearly each (R8).
    """
    audience = survey.audience or {}
    await check_audience(session, audience.get("teams"))
    rows = await teams_queries.team_tree(session)
    tree = [rules.TeamNode(team.id, team.external_id, team.name, team.parent_id) for team in rows]
    within = None if audience.get("teams") is None else rules.descendants(tree, audience["teams"])
    asked = [
        person
        for person in await persons_queries.employed_people(session, today)
        if (within is None or person.team_id in within)
        and rules.matches_segments(person.segments, audience.get("segments"))
    ]
    has_frame = survey.access == "invited"
    if has_frame and len(asked) < k:
        raise AudienceTooSmall
    groups = frozen_groups(survey, tree, within, asked)
    cells, cell_of = await asyncio.to_thread(frozen_cells, survey, groups, asked, k)
    names = {team.id: team for team in tree}
    categories = rules.categories_to_report(cells, survey.report_by)
    await queries.store_groups(session, survey, groups, names, organization_name, categories)
    await queries.store_cells(session, survey, cells, has_frame=has_frame)
    if has_frame:
        members = {person.id: cell for person, cell in zip(asked, cell_of, strict=True)}
        await queries.store_members(session, survey, members)


def frozen_groups(
    survey: Survey,
    tree: Sequence[rules.TeamNode],
    within: set[Hashable] | None,
    asked: Sequence[EmployedPerson],
) -> list[rules.FrozenGroup]:
    """The teams of those asked; where anybody may answer and only teams narrow it, every such team."""
    direct: set[Hashable] = {person.team_id for person in asked}
    if survey.access == "open" and not (survey.audience or {}).get("segments"):
        direct = {team.id for team in tree} if within is None else within
    return rules.freeze_groups(tree, rules.with_ancestors(tree, direct - {None}))


def frozen_cells(
    survey: Survey, groups: Sequence[rules.FrozenGroup], asked: Sequence[EmployedPerson], k: int
) -> tuple[Sequence[Cell], Sequence[int]]:
    """The cells, and which of them each person asked is in."""
    ordinals = {group.team: group.ordinal for group in groups}
    places = [
        (ordinals[person.team_id], rules.categories_of(person.segments, survey.report_by)) for person in asked
    ]
    parents = [group.parent for group in groups]
    found = rules.freeze_cells(places, parents, k, is_merged=survey.mode == "anonymous")
    if survey.access == "invited":
        return found.cells, found.index
    return rules.with_room_for_anybody(found.cells, places, len(groups), len(survey.report_by)), []
