from collections.abc import Collection, Mapping, Sequence
from uuid import UUID, uuid4

from app.core.batches import Done, Effect
from app.core.conditional import Preconditions
from app.core.database import TenantSession
from app.core.errors import AppError, NotFound, Unprocessable
from app.core.patches import require_identifier
from app.kpis import queries, schemas
from app.kpis.queries import NewValue
from app.organizations.errors import UnknownTeam
from app.people.teams import queries as teams_queries
from app.tables import Kpi

READ_ONLY = {"key", "created_at", "updated_at"}


class UnknownKpi(Unprocessable):
    code = "unknown_kpi"
    detail = "There is no KPI with this key: create it first."


def represent(row: Kpi) -> schemas.Kpi:
    return schemas.Kpi.model_validate(row, from_attributes=True)


async def find_kpi(session: TenantSession, key: str) -> schemas.Kpi:
    row = await queries.kpi(session, key)
    if row is None:
        raise NotFound(f"There is no KPI {key}.")
    return represent(row)


async def put_kpi(
    session: TenantSession,
    key: str,
    wanted: schemas.KpiWrite,
    conditions: Preconditions,
) -> tuple[schemas.Kpi, bool]:
    """The KPI, and whether it is new."""
    require_identifier(wanted, "key", key)
    values = wanted.model_dump(exclude=READ_ONLY) | {"key": key}
    is_new = await queries.add_or_hold_kpi(session, values)
    conditions.check(None if is_new else await find_kpi(session, key))
    if not is_new:
        await queries.change_kpi(session, values)
    return await find_kpi(session, key), is_new


async def delete_kpi(session: TenantSession, key: str, conditions: Preconditions) -> None:
    await queries.hold_kpi(session, key)
    conditions.check(await find_kpi(session, key))
    await queries.delete_kpi(session, key)


async def put_values(
    session: TenantSession, wanted: Sequence[schemas.KpiValueWrite | AppError]
) -> list[Done | AppError]:
    """Stores what is good, in a constant number of statements; an outcome for each of `wanted`."""
    good = [item for item in wanted if not isinstance(item, AppError)]
    kpis = await queries.hold_kpis(session, {item.kpi for item in good})
    teams = await teams_queries.hold_teams(session, {item.team for item in good if item.team})
    checked = [
        item if isinstance(item, AppError) else _flaw(item, kpis, teams) or _new_value(item, teams)
        for item in wanted
    ]
    values = [value for value in checked if isinstance(value, NewValue)]
    stored = await queries.put_values(session, values)
    return [one if isinstance(one, AppError) else Done(_effect(one, stored)) for one in checked]


def _flaw(item: schemas.KpiValueWrite, kpis: Collection[str], teams: Collection[str]) -> AppError | None:
    if item.kpi not in kpis:
        return UnknownKpi.at("#/kpi", f"There is no KPI {item.kpi}: put it first.")
    if item.team is not None and item.team not in teams:
        return UnknownTeam.at("#/team", f"There is no team {item.team}.")
    return None


def _new_value(item: schemas.KpiValueWrite, teams: Mapping[str, UUID]) -> NewValue:
    team_id = None if item.team is None else teams[item.team]
    return NewValue(uuid4(), item.kpi, team_id, item.period, item.value)


def _effect(value: NewValue, stored: Mapping[tuple[str, UUID | None, str], UUID]) -> Effect:
    if value.place not in stored:
        return Effect.UNCHANGED
    return Effect.CREATED if stored[value.place] == value.id else Effect.UPDATED
