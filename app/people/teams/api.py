from fastapi import APIRouter, Response

from app.auth.callers import PeopleReader, PeopleWriter
from app.auth.dependencies import Once, SettingsOf, Tenant
from app.core.batches import BatchResult
from app.core.conditional import ChangeConditions, Conditions, ReadConditions
from app.core.database import as_of, transaction_time
from app.core.pages import Page
from app.core.parameters import ExternalId
from app.core.requests import Route
from app.people import service as people_service
from app.people.api import UpdatedAfter
from app.people.teams import queries, schemas, service

router = APIRouter(route_class=Route, tags=["people"])


@router.get("/v1/teams", operation_id="list_teams", response_model=schemas.TeamPage)
async def list_teams(
    who: PeopleReader, session: Tenant, page: Page, updated_after: UpdatedAfter = None
) -> schemas.TeamPage:
    started = await as_of(session)
    window = people_service.window(
        page.last_name, updated_after, await transaction_time(session), page.limit + 1
    )
    rows = await queries.team_keys(session, window)
    keys, cursor = page.cut(rows, lambda key: (key.external_id,))
    found = await service.read_teams(session, [key.external_id for key in keys])
    return schemas.TeamPage(items=people_service.listed(keys, found), next_cursor=cursor, as_of=started)


@router.post("/v1/teams/batch", operation_id="put_teams_batch", response_model=BatchResult)
async def put_teams_batch(
    body: schemas.TeamBatch, who: PeopleWriter, session: Tenant, once: Once, settings: SettingsOf
) -> Response:
    limit = settings.people_batch_limit
    return await once.answer(200, await service.put_teams(session, body.items, limit))


@router.get("/v1/teams/{external_id}", operation_id="get_team", response_model=schemas.Team)
async def get_team(
    external_id: ExternalId, who: PeopleReader, session: Tenant, conditions: ReadConditions
) -> Response:
    return conditions.answer(await service.read_team(session, external_id))


@router.put(
    "/v1/teams/{external_id}",
    operation_id="put_team",
    response_model=schemas.Team,
    responses={201: {"model": schemas.Team}},
)
async def put_team(
    external_id: ExternalId,
    body: schemas.TeamWrite,
    who: PeopleWriter,
    session: Tenant,
    conditions: Conditions,
) -> Response:
    team, is_new = await service.put_team(session, external_id, body, conditions)
    return conditions.answer_put(team, is_new, f"/v1/teams/{team.external_id}")


@router.patch("/v1/teams/{external_id}", operation_id="update_team", response_model=schemas.Team)
async def update_team(
    external_id: ExternalId,
    body: schemas.TeamPatch,
    who: PeopleWriter,
    session: Tenant,
    conditions: ChangeConditions,
) -> Response:
    team = await service.update_team(session, external_id, body, conditions)
    return conditions.answer(team)


@router.delete("/v1/teams/{external_id}", operation_id="delete_team", status_code=204)
async def delete_team(
    external_id: ExternalId, who: PeopleWriter, session: Tenant, conditions: ChangeConditions
) -> None:
    await service.delete_team(session, external_id, conditions)
