from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.batches import (
    BatchResult,
    DependsOnFailedRow,
    Done,
    Effect,
    batch_result,
    external_id_of,
    parse_items,
    refuse_repeats,
)
from app.core.conditional import Preconditions
from app.core.errors import AppError, Conflict, NotFound, Unprocessable, validated
from app.people import queries, rules, schemas
from app.people.rules import Period, Refusal

READ_ONLY = {"external_id", "unresolved", "employments", "created_at", "updated_at"}
AnyWrite = schemas.TeamWrite | schemas.TeamPatch | schemas.PersonWrite | schemas.PersonPatch


class IdentifierMismatch(Unprocessable):
    code = "identifier_mismatch"
    detail = "The external_id in the body is not the one in the path: send the same, or none."


class UnknownParent(Unprocessable):
    code = "unknown_parent"


class TeamCycle(Unprocessable):
    code = "team_cycle"
    detail = "With this parent the team would be below itself."


class TeamTooDeep(Unprocessable):
    code = "team_too_deep"
    detail = f"With this parent the tree would have more than {rules.MAXIMUM_LEVELS} levels."


class TeamInUse(Conflict):
    code = "team_in_use"
    detail = "There are people in this team or teams below it: move them first."


class UnknownTeam(Unprocessable):
    code = "unknown_team"


class OwnManager(Unprocessable):
    code = "own_manager"
    detail = "Nobody manages themselves: name another person, or null."


class EndsBeforeStarts(Unprocessable):
    code = "ends_before_starts"
    detail = "The last day employed is before the first."


class PersonInUse(Conflict):
    code = "person_in_use"
    detail = "Surveys, answers or recognition events refer to this person: send ends_on for a leaver."


def require_identifier(sent: AnyWrite, external_id: str) -> None:
    """A body may repeat the identifier of its path, and may not have another."""
    if "external_id" in sent.model_fields_set and sent.external_id != external_id:
        raise IdentifierMismatch.at("#/external_id")


# ---------------------------------------------------------------------------------------------- teams


def represent_team(row: RowMapping) -> schemas.Team:
    unresolved = ["lead"] if row["is_lead_unknown"] else []
    return schemas.Team.model_validate({**row, "unresolved": unresolved})


async def read_teams(
    session: AsyncSession, organization_id: UUID, external_ids: Sequence[str]
) -> dict[str, schemas.Team]:
    rows = await queries.teams(session, organization_id, external_ids)
    return {row["external_id"]: represent_team(row) for row in rows}


async def read_team(session: AsyncSession, organization_id: UUID, external_id: str) -> schemas.Team:
    found = await read_teams(session, organization_id, [external_id])
    if external_id not in found:
        raise NotFound(f"There is no team {external_id}.")
    return found[external_id]


async def put_team(
    session: AsyncSession,
    organization_id: UUID,
    external_id: str,
    body: schemas.TeamWrite,
    conditions: Preconditions,
) -> tuple[schemas.Team, Effect]:
    require_identifier(body, external_id)
    item = validated(schemas.TeamItem, body.model_dump() | {"external_id": external_id})
    await queries.hold_team_tree(session, organization_id)
    current = await read_teams(session, organization_id, [external_id])
    conditions.check(current.get(external_id))
    effect = await _store_team(session, organization_id, item)
    return await read_team(session, organization_id, external_id), effect


async def update_team(
    session: AsyncSession,
    organization_id: UUID,
    external_id: str,
    patch: schemas.TeamPatch,
    conditions: Preconditions,
) -> schemas.Team:
    require_identifier(patch, external_id)
    await queries.hold_team_tree(session, organization_id)
    current = await read_team(session, organization_id, external_id)
    conditions.check(current)
    await _store_team(session, organization_id, validated(schemas.TeamItem, _patched(current, patch)))
    return await read_team(session, organization_id, external_id)


def _patched(current: schemas.Team | schemas.Person, patch: AnyWrite) -> dict[str, Any]:
    sent = patch.model_dump(exclude_unset=True, exclude=READ_ONLY)
    return rules.merge_patch(current.model_dump(), sent)


async def _store_team(session: AsyncSession, organization_id: UUID, item: schemas.TeamItem) -> Effect:
    [outcome] = await _store_teams(session, organization_id, [item], failed=())
    if isinstance(outcome, AppError):
        raise outcome
    return outcome.effect


async def put_teams(
    session: AsyncSession, organization_id: UUID, items: Sequence[Any], limit: int
) -> BatchResult:
    parsed = refuse_repeats(
        parse_items(items, schemas.TeamItem, limit), key=lambda item: item.external_id
    )
    pairs = zip(items, parsed, strict=True)
    failed = {external_id_of(sent) for sent, item in pairs if isinstance(item, AppError)} - {None}
    await queries.hold_team_tree(session, organization_id)
    return batch_result(items, await _store_teams(session, organization_id, parsed, failed))


async def _store_teams(
    session: AsyncSession,
    organization_id: UUID,
    parsed: Sequence[schemas.TeamItem | AppError],
    failed: Collection[str],
) -> list[Done | AppError]:
    """For who holds the team tree."""
    tree = await queries.team_tree(session, organization_id)
    ids = {team.external_id: team.id for team in tree}
    names = {team.id: team.external_id for team in tree}
    parents = {team.external_id: names[team.parent_id] if team.parent_id else None for team in tree}
    wanted = {item.external_id: item for item in parsed if not isinstance(item, AppError)}
    refused = rules.refused_teams(parents, {key: item.parent for key, item in wanted.items()}, failed)
    ...
