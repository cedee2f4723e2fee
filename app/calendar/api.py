from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.auth.callers import CalendarReader, DatesKeeper
from app.auth.dependencies import Tenant
from app.calendar import queries, schemas, service
from app.core.conditional import NO_STORE, ChangeConditions, Conditions, ReadConditions
from app.core.database import as_of
from app.core.pages import Page
from app.core.parameters import ExternalId, Key, WantedIdentifier
from app.core.requests import Route
from app.core.schema import Date
from app.organizations.queries import organization as find_organization

router = APIRouter(route_class=Route, tags=["calendar"])
LinkToken = Annotated[schemas.AddressToken, Path()]
OCCASIONS = "/v1/people/{external_id}/occasions"
CELEBRATIONS = "/v1/people/{external_id}/celebrations"


@router.get(OCCASIONS, operation_id="list_occasions", response_model=schemas.OccasionPage)
async def list_occasions(
    external_id: ExternalId, who: DatesKeeper, session: Tenant, page: Page, response: Response
) -> schemas.OccasionPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    person_id = await service.find_person(session, external_id)
    after = page.last_name or ""
    rows = await queries.occasions_after(session, person_id, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.key,))
    return schemas.OccasionPage(items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now)


@router.get(OCCASIONS + "/{key}", operation_id="get_occasion", response_model=schemas.Occasion)
async def get_occasion(
    external_id: ExternalId, key: Key, who: DatesKeeper, session: Tenant, conditions: ReadConditions
) -> Response:
    person_id = await service.find_person(session, external_id)
    return conditions.answer(await service.find_occasion(session, person_id, key))


@router.put(
    OCCASIONS + "/{key}",
    operation_id="put_occasion",
    response_model=schemas.Occasion,
    responses={201: {"model": schemas.Occasion}},
)
async def put_occasion(
    external_id: ExternalId,
    key: Key,
    body: schemas.OccasionWrite,
    who: DatesKeeper,
    session: Tenant,
    conditions: Conditions,
) -> Response:
    occasion, is_new = await service.put_occasion(session, external_id, key, body, conditions)
    return conditions.answer_put(occasion, is_new, f"/v1/people/{external_id}/occasions/{key}")


@router.delete(OCCASIONS + "/{key}", operation_id="delete_occasion", status_code=204)
async def delete_occasion(
    external_id: ExternalId, key: Key, who: DatesKeeper, session: Tenant, conditions: ChangeConditions
) -> None:
    await service.delete_occasion(session, external_id, key, conditions)


@router.get(CELEBRATIONS, operation_id="get_celebrations", response_model=schemas.Celebrations)
async def get_celebrations(
    external_id: ExternalId, who: DatesKeeper, session: Tenant, conditions: ReadConditions
) -> Response:
    person_id = await service.find_person(session, external_id)
    row = await queries.celebrations(session, person_id)
    return conditions.answer(service.represent_celebrations(row))


@router.put(CELEBRATIONS, operation_id="put_celebrations", response_model=schemas.Celebrations)
async def put_celebrations(
    external_id: ExternalId,
    body: schemas.CelebrationsWrite,
    who: DatesKeeper,
    session: Tenant,
    conditions: ChangeConditions,
) -> Response:
    return conditions.answer(await service.put_celebrations(session, external_id, body, conditions))


@router.get("/v1/calendar", operation_id="list_occurrences", response_model=schemas.OccurrencePage)
async def list_occurrences(
    who: CalendarReader,
    session: Tenant,
    page: Page,
    first: Annotated[Date, Query(alias="from")],
    last: Annotated[Date, Query(alias="to")],
    response: Response,
    team: WantedIdentifier = None,
) -> schemas.OccurrencePage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = place_of(page.after) if page.after else None
    organization = await find_organization(session)
    rows = await service.find_occurrences(session, organization, first, last, team, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.kept_on, row.external_id, row.key))
    items = [service.represent_occurrence(row, organization) for row in rows]
    return schemas.OccurrencePage(items=items, next_cursor=cursor, as_of=now)


def place_of(after: list[str]) -> queries.PageStart:
    day, person, key = after
    return queries.PageStart(date.fromisoformat(day), person, key)
