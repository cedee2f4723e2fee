from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant, requires
from app.auth.principal import Principal, Scope
from app.core.batches import BatchResult
from app.core.conditional import NO_STORE, ChangeConditions, Conditions, Preconditions, ReadConditions
from app.core.database import as_of, transaction_time
from app.core.pages import Page, Paging
from app.core.requests import Route
from app.core.schema import Date, Identifier, Instant
from app.people import queries, schemas, service

router = APIRouter(route_class=Route, tags=["people"])
PeopleReader = Annotated[Principal, Depends(requires(Scope.PEOPLE_READ))]
PeopleWriter = Annotated[Principal, Depends(requires(Scope.PEOPLE_WRITE))]
ExternalId = Annotated[Identifier, Path()]
AsOf = Annotated[Date | None, Query(alias="as_of")]
UpdatedAfter = Annotated[Instant | None, Query()]


def last_key(page: Paging) -> str | None:
    return str(page.after[0]) if page.after else None


def put_answer(resource: schemas.Team | schemas.Person, is_new: bool, collection: str) -> Response:
    """Without the sender's conditions: they held, and `If-None-Match` would make this a 304."""
    if not is_new:
        return Preconditions().answer(resource)
    location = {"Location": f"/v1/{collection}/{resource.external_id}"}
    return Preconditions().answer(resource, 201, NO_STORE | location)


@router.get("/v1/teams", operation_id="list_teams", response_model=schemas.TeamPage)
async def list_teams(
    who: PeopleReader, session: Tenant, page: Page, updated_after: UpdatedAfter = None
) -> schemas.TeamPage:
    started = await as_of(session)
    window = service.window(last_key(page), updated_after, await transaction_time(session), page.limit + 1)
    rows = await queries.team_keys(session, window)
    keys, cursor = page.cut(rows, lambda key: [key.external_id])
    found = await service.read_teams(session, [key.external_id for key in keys])
    return schemas.TeamPage(items=service.listed(keys, found), next_cursor=cursor, as_of=started)


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
    return put_answer(team, is_new, "teams")


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


@router.get("/v1/people", operation_id="list_people", response_model=schemas.PersonPage)
async def list_people(
    who: PeopleReader,
    session: Tenant,
    page: Page,
    response: Response,
    team: Annotated[Identifier | None, Query()] = None,
    updated_after: UpdatedAfter = None,
    day: AsOf = None,
) -> schemas.PersonPage:
    response.headers.update(NO_STORE)
    started = await as_of(session)
    window = service.window(last_key(page), updated_after, await transaction_time(session), page.limit + 1)
    rows = await service.person_keys(session, window, team, day)
    keys, cursor = page.cut(rows, lambda key: [key.external_id])
    names = [key.external_id for key in keys]
    found = await service.read_people(session, names, day)
    return schemas.PersonPage(items=service.listed(keys, found), next_cursor=cursor, as_of=started)


@router.post("/v1/people/batch", operation_id="put_people_batch", response_model=BatchResult)
async def put_people_batch(
    body: schemas.PersonBatch,
    who: PeopleWriter,
    session: Tenant,
    once: Once,
    settings: SettingsOf,
    keyring: KeyringOf,
) -> Response:
    limit = settings.people_batch_limit
    result = await service.put_people(session, body.items, limit, keyring)
    return await once.answer(200, result)


@router.get("/v1/people/{external_id}", operation_id="get_person", response_model=schemas.Person)
async def get_person(
    external_id: ExternalId,
    who: PeopleReader,
    session: Tenant,
    conditions: ReadConditions,
    day: AsOf = None,
) -> Response:
    return conditions.answer(await service.read_person(session, external_id, day))


@router.put(
    "/v1/people/{external_id}",
    operation_id="put_person",
    response_model=schemas.Person,
    responses={201: {"model": schemas.Person}},
)
async def put_person(
    external_id: ExternalId,
    body: schemas.PersonWrite,
    who: PeopleWriter,
    session: Tenant,
    conditions: Conditions,
    keyring: KeyringOf,
) -> Response:
    person, is_new = await service.put_person(session, external_id, body, conditions, keyring)
    return put_answer(person, is_new, "people")


@router.patch("/v1/people/{external_id}", operation_id="update_person", response_model=schemas.Person)
async def update_person(
    external_id: ExternalId,
    body: schemas.PersonPatch,
    who: PeopleWriter,
    session: Tenant,
    conditions: ChangeConditions,
    keyring: KeyringOf,
) -> Response:
    person = await service.update_person(session, external_id, body, conditions, keyring)
    return conditions.answer(person)


@router.delete("/v1/people/{external_id}", operation_id="delete_person", status_code=204)
async def delete_person(
    external_id: ExternalId, who: PeopleWriter, session: Tenant, conditions: ChangeConditions
) -> None:
    await service.delete_person(session, external_id, conditions)
