from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from app.core import audit
from app.core.batches import (
    BatchResult,
    DependsOnFailedRow,
    Done,
    Effect,
    batch_result,
    external_id_of,
    parse_in_turns,
    refuse_repeats,
)
from app.core.conditional import Preconditions
from app.core.database import RowMapping, TenantSession
from app.core.errors import AppError, NotFound, Unprocessable, validated
from app.core.patches import require_identifier
from app.people import queries as people_queries
from app.people.service import patched
from app.people.teams import queries, rules, schemas
from app.people.teams.errors import TeamCycle, TeamInUse, TeamTooDeep, UnknownParent
from app.people.teams.queries import TeamNode
from app.people.teams.rules import Refusal

REFUSALS: dict[Refusal, type[Unprocessable]] = {
    Refusal.UNKNOWN_PARENT: UnknownParent,
    Refusal.FAILED_PARENT: DependsOnFailedRow,
    Refusal.CYCLE: TeamCycle,
    Refusal.TOO_DEEP: TeamTooDeep,
}


def no_team(external_id: str) -> NotFound:
    return NotFound(f"There is no team {external_id}.")


def represent_team(row: RowMapping) -> schemas.Team:
    unresolved = ["lead"] if row["is_lead_unknown"] else []
    return schemas.Team.model_validate({**row, "unresolved": unresolved})


async def read_teams(session: TenantSession, external_ids: Sequence[str]) -> dict[str, schemas.Team]:
    rows = await queries.teams(session, external_ids)
    return {row["external_id"]: represent_team(row) for row in rows}


async def read_team(session: TenantSession, external_id: str) -> schemas.Team:
    found = await read_teams(session, [external_id])
    if external_id not in found:
        raise no_team(external_id)
    return found[external_id]


async def put_team(
    session: TenantSession,
    external_id: str,
    body: schemas.TeamWrite,
    conditions: Preconditions,
) -> tuple[schemas.Team, bool]:
    """The team, and whether it is new."""
    require_identifier(body, "external_id", external_id)
    item = validated(schemas.TeamItem, body.model_dump() | {"external_id": external_id})
    await queries.hold_team_tree(session)
    current = await read_teams(session, [external_id])
    conditions.check(current.get(external_id))
    effect = await _store_team(session, item)
    return await read_team(session, external_id), effect is Effect.CREATED


async def update_team(
    session: TenantSession,
    external_id: str,
    patch: schemas.TeamPatch,
    conditions: Preconditions,
) -> schemas.Team:
    require_identifier(patch, "external_id", external_id)
    await queries.hold_team_tree(session)
    current = await read_team(session, external_id)
    conditions.check(current)
    await _store_team(session, validated(schemas.TeamItem, patched(current, patch)))
    return await read_team(session, external_id)


async def _store_team(session: TenantSession, item: schemas.TeamItem) -> Effect:
    [outcome] = await _store_teams(session, [item], failed=())
    if isinstance(outcome, AppError):
        raise outcome
    return outcome.effect


async def put_teams(session: TenantSession, items: Sequence[Any], limit: int) -> BatchResult:
    read = await parse_in_turns(items, schemas.TeamItem, limit)
    parsed = refuse_repeats(read, lambda item: item.external_id)
    pairs = zip(items, parsed, strict=True)
    failed = [external_id_of(sent) for sent, item in pairs if isinstance(item, AppError)]
    await queries.hold_team_tree(session)
    return batch_result(items, await _store_teams(session, parsed, failed))


async def _store_teams(
    session: TenantSession,
    parsed: Sequence[schemas.TeamItem | AppError],
    failed: Collection[str | None],
) -> list[Done | AppError]:
    """For who holds the team tree."""
    tree = await queries.team_tree(session)
    wanted = {item.external_id: item for item in parsed if not isinstance(item, AppError)}
    parents = {key: item.parent for key, item in wanted.items()}
    refused = rules.refused_teams(_parents(tree), parents, failed)
    accepted = [item for key, item in wanted.items() if key not in refused]
    effects = await _write_teams(session, tree, accepted)
    outcomes = {key: REFUSALS[reason].at("#/parent") for key, reason in refused.items()} | {
        key: Done(effect) for key, effect in effects.items()
    }
    return [item if isinstance(item, AppError) else outcomes[item.external_id] for item in parsed]


def _parents(tree: Sequence[TeamNode]) -> dict[str, str | None]:
    names = {team.id: team.external_id for team in tree}
    return {team.external_id: names[team.parent_id] if team.parent_id else None for team in tree}


async def _write_teams(
    session: TenantSession,
    tree: Sequence[TeamNode],
    items: Sequence[schemas.TeamItem],
) -> dict[str, Effect]:
    existing = {team.external_id: team for team in tree}
    ids = {item.external_id: uuid4() for item in items} | {key: team.id for key, team in existing.items()}
    nodes = [_node(item, ids) for item in items]
    effects = {node.external_id: _effect(node, existing) for node in nodes}
    new = [node for node in nodes if effects[node.external_id] is Effect.CREATED]
    changed = [node for node in nodes if effects[node.external_id] is Effect.UPDATED]
    if new:
        await queries.add_teams(session, new)
    if changed:
        await queries.change_teams(session, changed)
    await _note_doors(session, nodes, existing)
    return effects


async def _note_doors(
    session: TenantSession, nodes: Sequence[TeamNode], before: Mapping[str, TeamNode]
) -> None:
    """Who leads a team, and what it is part of, decide who comes to see it: a change is in the audit log."""
    led = [one.external_id for one in nodes if one.lead != _lead(before.get(one.external_id))]
    known = [(one, before[one.external_id]) for one in nodes if one.external_id in before]
    moved = [one.external_id for one, old in known if one.parent_id != old.parent_id]
    await audit.record_each(session, "change_lead", targets=led)
    await audit.record_each(session, "move_team", targets=moved)


def _lead(team: TeamNode | None) -> str | None:
    return None if team is None else team.lead


def _node(item: schemas.TeamItem, ids: Mapping[str, UUID]) -> TeamNode:
    parent_id = ids[item.parent] if item.parent else None
    return TeamNode(ids[item.external_id], item.external_id, item.name, parent_id, item.lead)


def _effect(node: TeamNode, existing: Mapping[str, TeamNode]) -> Effect:
    if node.external_id not in existing:
        return Effect.CREATED
    return Effect.UNCHANGED if existing[node.external_id] == node else Effect.UPDATED


async def delete_team(session: TenantSession, external_id: str, conditions: Preconditions) -> None:
    await queries.hold_team_tree(session)
    team_id = await queries.hold_team(session, external_id)
    if team_id is None:
        raise no_team(external_id)
    conditions.check(await read_team(session, external_id))
    if await queries.is_team_in_use(session, team_id):
        raise TeamInUse
    await queries.delete_team(session, team_id)
    await people_queries.bury(session, "team", external_id)
