from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from app.auth.callers import CalendarReader, CalendarWriter
from app.auth.dependencies import Once, Tenant, database_of
from app.calendar.api import LinkToken
from app.calendar.reminders import queries, schemas, service
from app.core.database import as_of
from app.core.errors import NotFound
from app.core.frame import PAGE, LinkRoute, framed
from app.core.newest import newest
from app.core.pages import Page
from app.core.requests import Route
from app.organizations.queries import name_of
from app.tables import Reminder

router = APIRouter(route_class=Route, tags=["calendar"])
linked = APIRouter(route_class=LinkRoute, tags=["calendar"])
REMINDERS = "/v1/reminders"
UNSUBSCRIBE = "/v1/unsubscribe/{token}"
ASK = {"nl": "Wil je geen herinneringen meer?", "en": "Do you want no more reminders?"}
BUTTON = {"nl": "Uitschrijven", "en": "Unsubscribe"}
DONE = {"nl": "Je krijgt geen herinneringen meer.", "en": "You receive no more reminders."}


@router.get(REMINDERS, operation_id="list_reminders", response_model=schemas.ReminderPage)
async def list_reminders(who: CalendarReader, session: Tenant, page: Page) -> schemas.ReminderPage:
    now = await as_of(session)
    after = page.last_moment
    rows = await newest(session, Reminder, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    return schemas.ReminderPage(items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now)


@router.post(REMINDERS, operation_id="create_reminder", status_code=201, response_model=schemas.Reminder)
async def create_reminder(
    body: schemas.ReminderWrite, who: CalendarWriter, session: Tenant, once: Once
) -> Response:
    return await once.answer(201, await service.create_reminder(session, body))


@router.delete(REMINDERS + "/{reminder_id}", operation_id="delete_reminder", status_code=204)
async def delete_reminder(reminder_id: UUID, who: CalendarWriter, session: Tenant) -> None:
    if not await queries.delete_reminder(session, reminder_id):
        raise NotFound


@linked.get(UNSUBSCRIBE, operation_id="get_unsubscription", response_class=HTMLResponse, responses=PAGE)
async def get_unsubscription(token: LinkToken, request: Request) -> HTMLResponse:
    """Asks first: programs that scan mails follow every link in them."""
    organization_id, _ = await service.whose_token(database_of(request), token)
    async with database_of(request).tenant_session(organization_id) as session:
        return framed(request, await name_of(session), ASK, BUTTON)


@linked.post(UNSUBSCRIBE, operation_id="create_unsubscription", response_class=HTMLResponse, responses=PAGE)
async def create_unsubscription(token: LinkToken, request: Request) -> HTMLResponse:
    """The one click of RFC 8058; whatever the body says."""
    organization_id, person_id = await service.whose_token(database_of(request), token)
    async with database_of(request).tenant_session(organization_id) as session:
        await queries.unsubscribe(session, person_id)
        return framed(request, await name_of(session), DONE)
