import asyncio
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.auth.callers import CalendarReader, CalendarWriter
from app.auth.dependencies import Once, PublicBase, Tenant, database_of
from app.calendar.api import LinkToken
from app.calendar.feeds import queries, schemas, service
from app.core.conditional import REVALIDATE, ReadConditions, matches
from app.core.database import as_of
from app.core.errors import NotFound
from app.core.newest import newest
from app.core.pages import Page
from app.core.requests import Route
from app.tables import CalendarFeed

router = APIRouter(route_class=Route, tags=["calendar"])
FEEDS = "/v1/calendar/feeds"


class CalendarResponse(Response):
    media_type = "text/calendar"


@router.get(FEEDS, operation_id="list_calendar_feeds", response_model=schemas.CalendarFeedPage)
async def list_calendar_feeds(who: CalendarReader, session: Tenant, page: Page) -> schemas.CalendarFeedPage:
    now = await as_of(session)
    after = page.last_moment
    rows = await newest(session, CalendarFeed, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    return schemas.CalendarFeedPage(
        items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now
    )


@router.post(
    FEEDS,
    operation_id="create_calendar_feed",
    status_code=201,
    response_model=schemas.CalendarFeedCreated,
)
async def create_calendar_feed(
    body: schemas.CalendarFeedWrite, who: CalendarWriter, session: Tenant, once: Once, base: PublicBase
) -> Response:
    feed = await service.create_feed(session, body, base)
    return await once.answer(201, feed, is_secret=True)


@router.post(
    FEEDS + "/{feed_id}/token",
    operation_id="create_calendar_feed_token",
    status_code=201,
    response_model=schemas.CalendarFeedCreated,
)
async def create_calendar_feed_token(
    feed_id: UUID, who: CalendarWriter, session: Tenant, once: Once, base: PublicBase
) -> Response:
    feed = await service.rotate_token(session, feed_id, base)
    return await once.answer(201, feed, is_secret=True)


@router.delete(FEEDS + "/{feed_id}", operation_id="delete_calendar_feed", status_code=204)
async def delete_calendar_feed(feed_id: UUID, who: CalendarWriter, session: Tenant) -> None:
    if not await queries.delete_feed(session, feed_id):
        raise NotFound


@router.get(
    FEEDS + "/{token}.ics",
    operation_id="get_calendar_feed",
    response_class=CalendarResponse,
    responses={200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}},
)
async def get_calendar_feed(token: LinkToken, request: Request, conditions: ReadConditions) -> Response:
    """In a thread: an organisation of 50,000 takes seconds to write down."""
    snapshot = await service.read_feed(database_of(request), token, datetime.now(UTC))
    body, tag = await asyncio.to_thread(snapshot.write)
    headers = {**REVALIDATE, "ETag": tag}
    if conditions.if_none_match and matches(conditions.if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return CalendarResponse(body, headers=headers)
