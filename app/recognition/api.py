from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from app.auth.callers import RecognitionReader, RecognitionWriter
from app.auth.dependencies import Once, SettingsOf, Tenant
from app.core import telemetry
from app.core.batches import BatchResult, Effect, batch_result, parse_in_turns, refuse_repeats
from app.core.conditional import NO_STORE, ChangeConditions, Preconditions, ReadConditions, etag_of
from app.core.database import as_of, once_committed
from app.core.pages import Page
from app.core.parameters import ExternalId, WantedIdentifier
from app.core.requests import Route
from app.core.schema import Date, Identifier, Instant
from app.recognition import queries, schemas, service

router = APIRouter(route_class=Route, tags=["recognition"])
ReactionKind = Annotated[Identifier, Path()]
First = Annotated[Date | None, Query(alias="from")]
Last = Annotated[Date | None, Query(alias="to")]
REACTION = "/v1/recognitions/{recognition_id}/reactions/{external_id}/{kind}"


def filters(
    giver: WantedIdentifier = None,
    receiver: WantedIdentifier = None,
    since: Annotated[Instant | None, Query()] = None,
    until: Annotated[Instant | None, Query()] = None,
    value: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    reply_to: UUID | None = None,
    team: WantedIdentifier = None,
) -> queries.Filters:
    return queries.Filters(giver, receiver, since, until, value, reply_to, team)


@router.get("/v1/recognitions", operation_id="list_recognitions", response_model=schemas.RecognitionPage)
async def list_recognitions(
    who: RecognitionReader,
    session: Tenant,
    page: Page,
    filters: Annotated[queries.Filters, Depends(filters)],
    response: Response,
) -> schemas.RecognitionPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = page.last_moment
    rows = await service.find_events(session, filters, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.occurred_at, row.id))
    return schemas.RecognitionPage(
        items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now
    )


@router.post(
    "/v1/recognitions",
    operation_id="create_recognition",
    status_code=201,
    response_model=schemas.Recognition,
    responses={200: {"model": schemas.Recognition}},
)
async def create_recognition(
    body: schemas.RecognitionWrite,
    who: RecognitionWriter,
    session: Tenant,
    once: Once,
) -> Response:
    event, effect = await service.record_one(session, body, datetime.now(UTC))
    once_committed(session, telemetry.RECOGNITIONS.inc, effect is Effect.CREATED)
    once_committed(session, telemetry.REPLAYS.labels("recognition").inc, effect is not Effect.CREATED)
    headers = {
        **NO_STORE,
        "ETag": etag_of(event.model_dump_json().encode()),
        "Location": f"/v1/recognitions/{event.id}",
    }
    return await once.answer(201 if effect is Effect.CREATED else 200, event, headers)


@router.post("/v1/recognitions/batch", operation_id="create_recognitions_batch", response_model=BatchResult)
async def create_recognitions_batch(
    body: schemas.RecognitionBatch,
    who: RecognitionWriter,
    session: Tenant,
    once: Once,
    settings: SettingsOf,
) -> Response:
    parsed = await parse_in_turns(body.items, schemas.RecognitionWrite, settings.events_batch_limit)
    wanted = refuse_repeats(parsed, lambda item: item.external_id)
    outcomes = await service.record(session, wanted, datetime.now(UTC))
    result = batch_result(body.items, outcomes)
    once_committed(session, telemetry.RECOGNITIONS.inc, result.summary.created)
    once_committed(session, telemetry.REPLAYS.labels("recognition").inc, result.summary.unchanged)
    return await once.answer(200, result)


@router.get(
    "/v1/recognitions/{recognition_id}",
    operation_id="get_recognition",
    response_model=schemas.Recognition,
)
async def get_recognition(
    recognition_id: UUID, who: RecognitionReader, session: Tenant, conditions: ReadConditions
) -> Response:
    return conditions.answer(await service.read_event(session, recognition_id))


@router.patch(
    "/v1/recognitions/{recognition_id}",
    operation_id="update_recognition",
    response_model=schemas.Recognition,
)
async def update_recognition(
    recognition_id: UUID,
    body: schemas.RecognitionPatch,
    who: RecognitionWriter,
    session: Tenant,
    conditions: ChangeConditions,
) -> Response:
    event = await service.edit_event(session, recognition_id, body, conditions, datetime.now(UTC))
    return conditions.answer(event)


@router.delete("/v1/recognitions/{recognition_id}", operation_id="delete_recognition", status_code=204)
async def delete_recognition(
    recognition_id: UUID, who: RecognitionWriter, session: Tenant, conditions: ChangeConditions
) -> None:
    await service.delete_event(session, recognition_id, conditions)


@router.get(
    "/v1/people/{external_id}/recognition",
    operation_id="get_person_recognition",
    response_model=schemas.PersonRecognition,
)
async def get_person_recognition(
    external_id: ExternalId,
    who: RecognitionReader,
    session: Tenant,
    conditions: ReadConditions,
    first: First = None,
    last: Last = None,
) -> Response:
    _, first, last = await service.months_asked_for(session, first, last, datetime.now(UTC))
    return conditions.answer(await service.own_numbers(session, external_id, first, last))


@router.put(
    REACTION,
    operation_id="put_recognition_reaction",
    response_model=schemas.Reaction,
    responses={201: {"model": schemas.Reaction}},
)
async def put_recognition_reaction(
    recognition_id: UUID, external_id: ExternalId, kind: ReactionKind, who: RecognitionWriter, session: Tenant
) -> Response:
    reaction, is_new = await service.react(session, recognition_id, external_id, kind)
    return Preconditions().answer(reaction, 201 if is_new else 200)


@router.delete(REACTION, operation_id="delete_recognition_reaction", status_code=204)
async def delete_recognition_reaction(
    recognition_id: UUID, external_id: ExternalId, kind: ReactionKind, who: RecognitionWriter, session: Tenant
) -> None:
    await service.take_reaction_back(session, recognition_id, external_id, kind)
