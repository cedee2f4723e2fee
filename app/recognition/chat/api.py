"""Slack and Teams: where their commands arrive, and how they are connected."""

import html
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.auth.callers import KeyManager, PeopleReader, PeopleWriter
from app.auth.dependencies import KeyringOf, Once, Tenant, database_of
from app.auth.principal import Scope
from app.auth.queries import credential_of
from app.core import telemetry
from app.core.conditional import NO_STORE, Preconditions
from app.core.database import TenantSession, as_of, once_committed
from app.core.errors import AppError, NotFound
from app.core.pages import Page
from app.core.requests import Route
from app.core.schema import Identifier
from app.core.secrets import token_hash
from app.recognition.chat import queries, schemas, service
from app.recognition.chat.rules import slack_parts, teams_parts
from app.recognition.chat.signatures import is_from_slack, is_from_teams
from app.tables import Credential

router = APIRouter(route_class=Route, tags=["recognition"])
ChatId = Annotated[Identifier, Path()]
IDENTITY = "/v1/chat-identities/{product}/{chat_id}"


class BadSignature(AppError):
    status = 401
    code = "bad_signature"
    detail = "The signature matches no chat connection, or is too old: check the secret and the clock."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "HMAC"})


# ------------------------------------------------------------------------------------- what is signed


async def credential(request: Request, connection: UUID) -> Credential:
    async with database_of(request).system_session(reason="find the organisation of a chat") as session:
        found = await credential_of(session, token_hash(str(connection)))
    if found is None or found.kind != service.CHAT_CONNECTION:
        raise BadSignature
    return found


Connection = Annotated[Credential, Depends(credential)]


async def chat_session(request: Request, connection: Connection) -> AsyncIterator[TenantSession]:
    async with database_of(request).tenant_session(connection.organization_id) as session:
        yield session


ChatSession = Annotated[TenantSession, Depends(chat_session, scope="function")]


async def slack_form(
    request: Request, connection: Connection, session: ChatSession, keyring: KeyringOf
) -> dict[str, str]:
    """The members of a slash command, once its signature is proven.

    Slack looks from time to time whether it reaches us (`ssl_check`), and wants a 200. Its own libraries ask
    no signature of that, and nothing is done for it.
    """
    body = await request.body()
    form = dict(parse_qsl(body.decode(errors="replace")))
    if is_ssl_check(form):
        return form
    secret = await service.secret_of(session, connection.credential_id, "slack", keyring)
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if secret is None or not is_from_slack(secret, timestamp, signature, body, datetime.now(UTC)):
        raise BadSignature
    return form


def is_ssl_check(form: Mapping[str, str]) -> bool:
    return form.get("ssl_check") == "1"


async def teams_sender(
    request: Request, connection: Connection, session: ChatSession, keyring: KeyringOf
) -> UUID:
    """The organisation of an outgoing webhook, once its signature is proven."""
    secret = await service.secret_of(session, connection.credential_id, "teams", keyring)
    authorization = request.headers.get("authorization", "")
    if secret is None or not is_from_teams(secret, authorization, await request.body()):
        raise BadSignature
    return connection.organization_id


SlackForm = Annotated[dict[str, str], Depends(slack_form)]
TeamsSender = Annotated[UUID, Depends(teams_sender)]


@router.post(
    "/v1/recognitions/slack", operation_id="create_recognition_from_slack", response_model=schemas.SlackAnswer
)
async def create_recognition_from_slack(
    connection: Connection, form: SlackForm, session: ChatSession
) -> schemas.SlackAnswer:
    if is_ssl_check(form):
        return schemas.SlackAnswer(response_type="ephemeral", text=service.reached())
    command = service.Command(
        product="slack",
        key=form.get("trigger_id"),
        senders=[form.get("user_id", "")],
        parts=slack_parts(form.get("text", "")),
    )
    answer, is_new = await service.recognise(session, command, datetime.now(UTC))
    once_committed(session, telemetry.RECOGNITIONS.inc, is_new)
    return schemas.SlackAnswer(
        response_type="in_channel" if answer.is_public else "ephemeral",
        text=html.escape(answer.text, quote=False),
    )


@router.post(
    "/v1/recognitions/teams", operation_id="create_recognition_from_teams", response_model=schemas.TeamsAnswer
)
async def create_recognition_from_teams(
    organization_id: TeamsSender,
    message: schemas.TeamsMessage,
    session: ChatSession,
) -> schemas.TeamsAnswer:
    command = service.Command(
        product="teams",
        key=message.id,
        senders=service.ids_of(message.sender),
        parts=teams_parts(message.text, service.teams_mentions(message)),
        aliases=service.teams_aliases(message),
    )
    answer, is_new = await service.recognise(session, command, datetime.now(UTC))
    once_committed(session, telemetry.RECOGNITIONS.inc, is_new)
    return schemas.TeamsAnswer(type="message", text=html.escape(answer.text, quote=False))


# ---------------------------------------------------------------------------------------- connections


@router.get(
    "/v1/chat-connections", operation_id="list_chat_connections", response_model=schemas.ChatConnectionPage
)
async def list_chat_connections(
    who: KeyManager, session: Tenant, page: Page, response: Response
) -> schemas.ChatConnectionPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = page.last_moment
    rows = await queries.connections_before(session, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    items = [service.represent_connection(row) for row in rows]
    return schemas.ChatConnectionPage(items=items, next_cursor=cursor, as_of=now)


@router.post(
    "/v1/chat-connections",
    operation_id="create_chat_connection",
    status_code=201,
    response_model=schemas.ChatConnection,
)
async def create_chat_connection(
    body: schemas.ChatConnectionWrite, who: KeyManager, session: Tenant, once: Once, keyring: KeyringOf
) -> Response:
    return await once.answer(201, await service.connect(session, body, keyring))


@router.delete("/v1/chat-connections/{connection_id}", operation_id="delete_chat_connection", status_code=204)
async def delete_chat_connection(connection_id: UUID, who: KeyManager, session: Tenant) -> None:
    if not await queries.delete_connection(session, connection_id):
        raise NotFound


# ----------------------------------------------------------------------------------------- identities


@router.get(
    "/v1/chat-identities", operation_id="list_chat_identities", response_model=schemas.ChatIdentityPage
)
async def list_chat_identities(
    who: PeopleReader,
    session: Tenant,
    page: Page,
    product: Annotated[schemas.Product, Query()],
    response: Response,
) -> schemas.ChatIdentityPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = page.last_name or ""
    rows = await queries.identities_after(session, product, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.chat_id,))
    items = [schemas.ChatIdentity.model_validate(row, from_attributes=True) for row in rows]
    return schemas.ChatIdentityPage(items=items, next_cursor=cursor, as_of=now)


@router.put(
    IDENTITY,
    operation_id="put_chat_identity",
    response_model=schemas.ChatIdentity,
    responses={201: {"model": schemas.ChatIdentity}},
)
async def put_chat_identity(
    product: schemas.Product,
    chat_id: ChatId,
    body: schemas.ChatIdentityWrite,
    who: PeopleWriter,
    session: Tenant,
) -> Response:
    is_vouched = Scope.RECOGNITIONS_WRITE in who.scopes
    identity, is_new = await service.put_identity(
        session, product, chat_id, body.email, is_vouched=is_vouched
    )
    return Preconditions().answer(identity, 201 if is_new else 200)


@router.delete(IDENTITY, operation_id="delete_chat_identity", status_code=204)
async def delete_chat_identity(
    product: schemas.Product, chat_id: ChatId, who: PeopleWriter, session: Tenant
) -> None:
    await service.delete_identity(session, product, chat_id)
