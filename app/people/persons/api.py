from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.callers import PeopleReader, PeopleWriter
from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant
from app.core.batches import BatchResult
from app.core.conditional import NO_STORE, ChangeConditions, Conditions, ReadConditions
from app.core.database import as_of, transaction_time
from app.core.pages import Page
from app.core.parameters import ExternalId, WantedIdentifier
from app.core.requests import Route
from app.core.schema import one_spelling
from app.people import service as people_service
from app.people.api import AsOf, UpdatedAfter
from app.people.persons import schemas, service

router = APIRouter(route_class=Route, tags=["people"])


@router.get("/v1/people", operation_id="list_people", response_model=schemas.PersonPage)
async def list_people(
    who: PeopleReader,
    session: Tenant,
    page: Page,
    response: Response,
    team: WantedIdentifier = None,
    email: Annotated[str | None, Query(min_length=1, max_length=320)] = None,
    updated_after: UpdatedAfter = None,
    day: AsOf = None,
) -> schemas.PersonPage:
    response.headers.update(NO_STORE)
    started = await as_of(session)
    window = people_service.window(
        page.last_name, updated_after, await transaction_time(session), page.limit + 1
    )
    rows = await service.person_keys(session, window, team, day, email and one_spelling(email))
    keys, cursor = page.cut(rows, lambda key: (key.external_id,))
    names = [key.external_id for key in keys]
    found = await service.read_people(session, names, day)
    return schemas.PersonPage(items=people_service.listed(keys, found), next_cursor=cursor, as_of=started)


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
    return conditions.answer_put(person, is_new, f"/v1/people/{person.external_id}")


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
