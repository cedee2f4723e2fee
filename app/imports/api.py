import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from app.auth.dependencies import Anyone, KeyringOf, TeamsOnly, Tenant, database_of
from app.auth.principal import Principal
from app.core.conditional import NO_STORE, ReadConditions
from app.core.database import Database, TenantSession, as_of, transaction_time
from app.core.errors import MissingScope
from app.core.idempotency import Once
from app.core.pages import Page
from app.core.requests import Route
from app.imports import queries, schemas, service
from app.imports.files.values.rules import Kind

router = APIRouter(route_class=Route, tags=["imports"])
IMPORT = "/v1/imports/{import_id}"
SECONDS_BETWEEN_LOOKS = 0.5
LOOKS_BETWEEN_SIGNS_OF_LIFE = 30
Form = Annotated[schemas.ReportFormat, Query(alias="format")]


class EventStream(StreamingResponse):
    """FastAPI's own takes a generator for an endpoint, and would keep its transaction open all the while."""

    media_type = "text/event-stream"


def wanted(
    kind: Annotated[Kind, Query()],
    dry_run: Annotated[bool, Query()] = False,
    missing: Annotated[schemas.Missing, Query()] = "ignore",
    survey_id: Annotated[UUID | None, Query()] = None,
    mapping: Annotated[str | None, Query(min_length=1, max_length=8000)] = None,
) -> service.Wanted:
    return service.Wanted(kind, dry_run, missing, survey_id, mapping)


Wanted = Annotated[service.Wanted, Depends(wanted)]


async def importer(who: Anyone, wanted: Wanted) -> Principal:
    """Who has the scope of this kind; no transaction is open while a file comes."""
    if who.teams is not None:
        raise TeamsOnly
    if service.SCOPES[wanted.kind] not in who.scopes:
        scope = service.SCOPES[wanted.kind]
        raise MissingScope(f"This needs an API key with the scope {scope}.", scope)
    return who


def kinds_of(who: Principal) -> list[Kind]:
    return [kind for kind, scope in service.SCOPES.items() if scope in who.scopes]


async def import_reader(who: Anyone) -> Principal:
    """Who may import anything sees the imports of the kinds they may import."""
    if not kinds_of(who):
        raise MissingScope(
            "This needs an API key with a scope that allows an import.", *service.SCOPES.values()
        )
    if who.teams is not None:
        raise TeamsOnly
    return who


Importer = Annotated[Principal, Depends(importer)]


def once_of(
    request: Request,
    who: Importer,
    keyring: KeyringOf,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Callable[[TenantSession, bytes], Once]:
    """The Idempotency-Key of a request whose session and body are there later."""

    def once(session: TenantSession, body: bytes) -> Once:
        operation = request.scope["route"].operation_id
        target = f"{request.url.path}?{request.url.query}"
        return Once(session, who.organization_id, operation, keyring, idempotency_key, target, body)

    return once


OnceOf = Annotated[Callable[[TenantSession, bytes], Once], Depends(once_of)]
ImportReader = Annotated[Principal, Depends(import_reader)]


async def readable_import(import_id: UUID, who: ImportReader, session: Tenant) -> schemas.Import:
    found = await service.read_import(session, import_id)
    if found.kind not in kinds_of(who):
        raise service.no_import(import_id)
    return found


Readable = Annotated[schemas.Import, Depends(readable_import)]


@router.post(
    "/v1/imports",
    operation_id="create_import",
    status_code=202,
    response_model=schemas.Import,
    openapi_extra={"requestBody": {"required": True, "content": {}}},
)
async def create_import(
    request: Request, who: Importer, wanted: Wanted, keyring: KeyringOf, once_of: OnceOf
) -> Response:
    """The key of a retry is looked at when the file has come: what must be the same is its digest."""
    database, organization_id = database_of(request), who.organization_id
    sent = await service.file_sent(request.headers.get("content-type", ""), request.stream())
    async with database.tenant_session(organization_id) as session:
        now = await transaction_time(session)
        expected = await service.check(session, wanted, sent.content_type, now)
    upload = await service.receive(database, organization_id, wanted, expected, keyring, sent.pieces)
    async with service.accepting(database, organization_id, upload) as session:
        once = once_of(session, upload.digest)
        await once.begin()
        accepted = await service.accept(session, upload, expected)
        return await once.answer(202, accepted, NO_STORE | {"Location": f"/v1/imports/{accepted.id}"})


@router.get("/v1/imports", operation_id="list_imports", response_model=schemas.ImportPage)
async def list_imports(
    who: ImportReader, session: Tenant, page: Page, response: Response
) -> schemas.ImportPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = page.last_moment
    rows = await queries.imports_before(session, kinds_of(who), after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    return schemas.ImportPage(items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now)


@router.get(IMPORT, operation_id="get_import", response_model=schemas.Import)
async def get_import(found: Readable, conditions: ReadConditions) -> Response:
    return conditions.answer(found)


@router.get(
    IMPORT + "/report",
    operation_id="get_import_report",
    response_class=Response,
    responses={
        200: {"content": {media: {"schema": {"type": "string"}} for media in service.REPORTS}},
    },
)
async def get_import_report(
    found: Readable, who: ImportReader, request: Request, form: Form = "ndjson"
) -> Response:
    media = next(media for media, name in service.REPORTS.items() if name == form)
    lines = service.report(database_of(request), who.organization_id, found.id, form)
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="import-{found.id}.{form}"'}
    return StreamingResponse(lines, media_type=media, headers=headers)


@router.get(
    IMPORT + "/events",
    operation_id="watch_import",
    response_class=EventStream,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def watch_import(found: Readable, who: ImportReader, request: Request) -> Response:
    events = progress(database_of(request), who.organization_id, found)
    return EventStream(events, headers=NO_STORE)


async def progress(database: Database, organization_id: UUID, found: schemas.Import) -> AsyncIterator[bytes]:
    """An event whenever something changed, until the import has ended."""
    yield as_event(found)
    silent = 0
    while found.finished_at is None:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        async with database.tenant_session(organization_id) as session:
            now = await service.read_import(session, found.id)
        silent = 0 if now != found else silent + 1
        if now != found:
            yield as_event(now)
        elif silent % LOOKS_BETWEEN_SIGNS_OF_LIFE == 0:
            yield format_sse_event(comment="waiting")
        found = now


def as_event(found: schemas.Import) -> bytes:
    return format_sse_event(data_str=found.model_dump_json(), event=found.status)
