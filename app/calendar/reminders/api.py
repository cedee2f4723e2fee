from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import HTMLResponse

from app.auth.dependencies import Once, Tenant, database_of, requires
from app.auth.principal import Principal, Scope
from app.calendar.api import CalendarReader
from app.calendar.reminders import queries, schemas, service
from app.calendar.schemas import AddressToken
from app.core.conditional import NO_STORE
from app.core.database import as_of
from app.core.errors import NotFound
from app.core.pages import Page
from app.core.requests import Route

router = APIRouter(route_class=Route, tags=["calendar"])
CalendarWriter = Annotated[Principal, Depends(requires(Scope.CALENDAR_WRITE))]
Token = Annotated[AddressToken, Path()]
REMINDERS = "/v1/reminders"
UNSUBSCRIBE = "/v1/unsubscribe/{token}"
HEADERS = NO_STORE | {"Content-Security-Policy": "default-src 'none'; form-action 'self'"}
ASK = """<!doctype html><html lang="nl"><meta charset="utf-8"><title>Betrokken</title>
<form method="post"><p>Geen herinneringen meer? <span lang="en">No more reminders?</span></p>
<button>Uitschrijven / Unsubscribe</button></form></html>"""
DONE = """<!doctype html><html lang="nl"><meta charset="utf-8"><title>Betrokken</title>
<p>Je krijgt geen herinneringen meer. <span lang="en">You receive no more reminders.</span></p></html>"""
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@router.get(REMINDERS, operation_id="list_reminders", response_model=schemas.ReminderPage)
async def list_reminders(who: CalendarReader, session: Tenant, page: Page) -> schemas.ReminderPage:
    now = await as_of(session)
    after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None
    rows = await queries.reminders_before(session, after, page.limit + 1)
    rows, cursor = page.cut(list(rows), lambda row: [row.created_at.isoformat(), str(row.id)])
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


@router.get(UNSUBSCRIBE, operation_id="get_unsubscription", response_class=HTMLResponse, responses=PAGE)
async def get_unsubscription(token: Token, request: Request) -> HTMLResponse:
    """Asks first: programs that scan mails follow every link in them."""
    await service.whose_token(database_of(request), token)
    return HTMLResponse(ASK, headers=HEADERS)


@router.post(UNSUBSCRIBE, operation_id="create_unsubscription", response_class=HTMLResponse, responses=PAGE)
async def create_unsubscription(token: Token, request: Request) -> HTMLResponse:
    """The one click of RFC 8058; whatever the body says."""
    organization_id, person_id = await service.whose_token(database_of(request), token)
    async with database_of(request).tenant_session(organization_id) as session:
        await queries.unsubscribe(session, person_id)
    return HTMLResponse(DONE, headers=HEADERS)
