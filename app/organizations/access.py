"""From a bearer token to a Principal and the one tenant transaction of a request.

An endpoint's signature says what it needs: `who: PeopleReader`, `session: Tenant`, `once: Once`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import idempotency
from app.core.database import Database
from app.core.errors import Forbidden, Unauthorized
from app.core.limits import mark_known
from app.core.principal import Principal, Scope
from app.core.secrets import Keyring, is_well_formed, token_hash
from app.core.settings import Settings
from app.organizations import queries
from app.tables import Credential

API_KEY = "api_key"


class MissingScope(Forbidden):
    code = "missing_scope"


bearer = HTTPBearer(auto_error=False, scheme_name="bearer")
Token = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def credential(request: Request, token: Token) -> Credential:
    if token is None or not is_well_formed(token.credentials):
        raise Unauthorized
    async with database_of(request).system_session(reason="find the organisation of a token") as session:
        found = await queries.credential_of(session, token_hash(token.credentials))
    if found is None or found.kind != API_KEY:
        raise Unauthorized
    mark_known(request.scope)
    return found


async def tenant_session(
    request: Request, credential: Annotated[Credential, Depends(credential)]
) -> AsyncIterator[AsyncSession]:
    async with database_of(request).tenant_session(credential.organization_id) as session:
        yield session


Tenant = Annotated[AsyncSession, Depends(tenant_session, scope="function")]
"""The request's transaction: commits before the answer is sent."""


async def principal(session: Tenant, credential: Annotated[Credential, Depends(credential)]) -> Principal:
    key = await queries.api_key(session, credential.organization_id, credential.credential_id)
    if key is None:
        raise Unauthorized
    scopes = frozenset(Scope(scope) for scope in key.scopes)
    return Principal(credential.organization_id, str(key.id), scopes)


Anyone = Annotated[Principal, Depends(principal)]
"""Any valid credential."""


def requires(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that gives the Principal if he has `scope`."""

    async def permitted(who: Anyone) -> Principal:
        if scope not in who.scopes:
            raise MissingScope(f"This needs a key with the scope {scope}.")
        return who

    return permitted


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def keyring_of(request: Request) -> Keyring:
    keyring: Keyring = request.app.state.keyring
    return keyring


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


KeyringOf = Annotated[Keyring, Depends(keyring_of)]
SettingsOf = Annotated[Settings, Depends(settings_of)]


async def once(
    request: Request,
    session: Tenant,
    who: Anyone,
    keyring: KeyringOf,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> idempotency.Once:
    attempt = idempotency.Once(
        session,
        who.organization_id,
        operation=request.scope["route"].operation_id,
        keyring=keyring,
        key=idempotency_key,
        target=request.url.path,
        body=await request.body(),
    )
    await attempt.begin()
    return attempt


Once = Annotated[idempotency.Once, Depends(once)]
