"""From a bearer token to a Principal and the one tenant transaction of a request.

An endpoint's signature says what it needs: `who: PeopleReader`, `session: Tenant`, `once: Once`.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.types import Scope as ASGIScope

from app.auth import queries
from app.auth.oidc import BadToken, Issuer
from app.auth.principal import Principal, Proof, Scope
from app.core import audit, idempotency
from app.core import logging as app_logging
from app.core.database import Database, TenantSession
from app.core.errors import CHALLENGE, Forbidden, InvalidToken, MissingScope, Unauthorized
from app.core.memory import ANSWERS
from app.core.secrets import KEY_PREFIX, Keyring, is_well_formed, token_hash
from app.core.settings import Settings

API_KEY: Literal["api_key"] = "api_key"
AUDITED = {Scope.RESPONSES_READ, Scope.PRIVACY_MANAGE}
"""Scopes of which every use is recorded: what answers whose answer this is."""
ADMINISTRATIVE = AUDITED | {
    Scope.CALENDAR_WRITE,
    Scope.KEYS_MANAGE,
    Scope.ORGANIZATION_WRITE,
    Scope.SURVEYS_WRITE,
    Scope.WEBHOOKS_MANAGE,
}
"""Scopes of which every change is."""
PEOPLE = "/v1/people/"
OF_NUMBERS = re.compile(r"/v1/(metrics|charts)/(?!recognition|celebrations)")
"""What a replica may answer; months and quarters that are counted as they are told are written down."""
FORGOTTEN = "forgotten"
"""Where a transaction keeps what this process is to forget at once, when it has committed."""
WHO, HELD = "betrokken.principal", "betrokken.held"
"""Where a request keeps who sent it, and what holds as long as nothing of their organisation changes."""
PROOF = "betrokken.proof"
"""Where a request keeps who proved to send it, if that was asked before its body was read."""


class TeamsOnly(Forbidden):
    code = "teams_only"
    detail = "This key or login is limited to the metrics of some teams: use one without that limit."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope"'})


bearer = HTTPBearer(auto_error=False, scheme_name="bearer")
Token = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def credential(request: Request, token: Token) -> Proof:
    if token is None:
        raise Unauthorized
    return request.scope.get(PROOF) or await proof_of(request.app, request.scope, token.credentials)


async def proof_of(app: Any, scope: ASGIScope, token: str) -> Proof:
    """Whose key it is never changes, so it is looked up once; whether it is one still is asked of it."""
    issuer, keys = app.state.issuer, app.state.known_keys
    if token.startswith(KEY_PREFIX) or issuer is None:
        proof = keys.proof_of(scope) or await proof_of_key(app.state.database, token)
    else:
        proof = await proof_of_token(issuer, app.state.settings, token)
    keys.remember(scope, proof)
    app_logging.organization_id.set(str(proof.organization_id))
    return proof


async def proof_of_key(database: Database, key: str) -> Proof:
    if not is_well_formed(key):
        raise InvalidToken
    async with database.system_session(reason="find the organisation of a token") as session:
        found = await queries.credential_of(session, token_hash(key))
    if found is None or found.kind != API_KEY:
        raise InvalidToken
    return Proof(found.organization_id, key_id=found.credential_id)


async def proof_of_token(issuer: Issuer, settings: Settings, token: str) -> Proof:
    try:
        claims = await issuer.claims_of(token)
        return Proof(UUID(str(claims[settings.oidc_organization_claim])), claims=claims)
    except (BadToken, KeyError, ValueError):
        raise InvalidToken from None


Proven = Annotated[Proof, Depends(credential)]


async def principal(request: Request, credential: Proven) -> Principal:
    """What is read from now on is read before anything that will be told of; but not of a replica."""
    who = request.scope[WHO] = await principal_of(request.app, credential)
    database = database_of(request)
    is_late = database.replica is not None and may_lag(request)
    request.scope[HELD] = None if is_late else database.memory.hold((ANSWERS, who.organization_id))
    return who


async def principal_of(app: Any, proof: Proof) -> Principal:
    """Keys are remembered; whom somebody leads is another thing each day, and is read."""
    database: Database = app.state.database
    if proof.key_id is None:
        async with database.tenant_session(proof.organization_id) as session:
            return await principal_of_claims(session, proof, app.state.settings)
    found = await database.memory.recall(proof.key_id, lambda: principal_of_key(database, proof))
    if found is None:
        raise InvalidToken
    return found if found.person is None else await with_led_teams(database, found)


async def principal_of_key(database: Database, proof: Proof) -> Principal | None:
    assert proof.key_id is not None
    async with database.tenant_session(proof.organization_id) as session:
        key = await queries.api_key(session, proof.key_id)
    if key is None:
        return None
    scopes = frozenset(Scope(scope) for scope in key.scopes)
    teams = tuple(key.teams) if key.teams is not None else None
    return Principal(proof.organization_id, str(key.id), scopes, API_KEY, teams, person=key.person)


async def with_led_teams(database: Database, who: Principal) -> Principal:
    async with database.tenant_session(who.organization_id) as session:
        led = await queries.teams_led_by(session, who.person or "")
    return replace(who, teams=tuple(led), led_since=led)


async def principal_of_claims(session: TenantSession, proof: Proof, settings: Settings) -> Principal:
    """Scopes that are none of ours are another service's."""
    if not await queries.is_organization(session):
        raise InvalidToken
    listed = proof.claims.get(settings.oidc_scopes_claim, [])
    named = listed.split() if isinstance(listed, str) else listed
    scopes = frozenset(scope for scope in Scope if isinstance(named, list) and scope in named)
    person = proof.claims.get(settings.oidc_person_claim)
    led = await queries.teams_led_by(session, person) if isinstance(person, str) else {}
    teams = tuple(led) if settings.oidc_person_claim in proof.claims else None
    return Principal(proof.organization_id, proof.claims["sub"], scopes, "oidc", teams, led)


Anyone = Annotated[Principal, Depends(principal)]
"""Any valid credential."""


def may_lag(request: Request) -> bool:
    """Numbers are of yesterday's survey; who wants to read what was written this moment says so."""
    is_read = request.method == "GET" and OF_NUMBERS.match(request.url.path) is not None
    return is_read and "no-cache" not in request.headers.get("cache-control", "").lower()


async def tenant_session(request: Request, who: Anyone) -> AsyncIterator[TenantSession]:
    database = database_of(request)
    opened = database.reading_session if may_lag(request) else database.tenant_session
    async with opened(who.organization_id) as session:
        audit.acts(session, who.subject)
        yield session
        await audit.keep(session)
    database_of(request).memory.forget(*session.info.get(FORGOTTEN, ()))


Tenant = Annotated[TenantSession, Depends(tenant_session, scope="function")]
"""The request's transaction: commits before the answer is sent."""


Transaction = AbstractAsyncContextManager[TenantSession]


def later_transaction(request: Request, session: Tenant) -> Callable[[], Transaction]:
    @asynccontextmanager
    async def later(noted: audit.Noted) -> AsyncIterator[TenantSession]:
        async with database_of(request).tenant_session(session.organization_id) as another:
            audit.take_over(another, noted)
            yield another
            await audit.keep(another)

    return lambda: later(audit.hand_over(session))


Later = Annotated[Callable[[], Transaction], Depends(later_transaction)]
"""A transaction to enter when the request's own has ended, for what must wait in between; asked for before
that, and it records what the request noted."""


def requires(*scopes: Scope, by_team: bool = False) -> Callable[..., Awaitable[Principal]]:
    """A dependency that gives the Principal if they have all these scopes; what they open is audited by them.

    Who sees some teams only is refused, unless the endpoint shows them no more than these (`by_team`).
    """

    async def permitted(who: Anyone) -> Principal:
        for scope in scopes:
            if scope not in who.scopes:
                raise MissingScope(f"This needs a key with the scope {scope}.", *scopes)
        if who.teams is not None and not by_team:
            raise TeamsOnly
        return who

    async def audited(
        who: Annotated[Principal, Depends(permitted)], session: Tenant, request: Request
    ) -> Principal:
        if (AUDITED if request.method == "GET" else ADMINISTRATIVE).intersection(scopes):
            audit.note(session, await entry_of(request, who))
        return who

    return audited if ADMINISTRATIVE.intersection(scopes) else permitted


async def entry_of(request: Request, who: Principal) -> audit.Entry:
    """The operation, the last thing its address names, which members were sent; a person only as a mark."""
    route, path, person = request.scope["route"], dict(request.path_params), None
    if request.url.path.startswith(PEOPLE):
        person = audit.person_mark(keyring_of(request), who.organization_id, path.pop("external_id"))
    sent = await request.json() if route.body_field is not None else None
    return audit.Entry(
        who.organization_id,
        who.subject,
        action=route.operation_id,
        target=str([*path.values()][-1]) if path else None,
        person=person,
        details={"members": sorted(sent)} if isinstance(sent, dict) else {},
    )


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def keyring_of(request: Request) -> Keyring:
    return database_of(request).keyring


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def public_base(request: Request) -> str:
    """The public address, or where nobody has set one that at which this was asked; no slash at its end."""
    settings = settings_of(request)
    is_set = "public_url" in settings.model_fields_set
    address = settings.public_url if is_set else f"{request.url.scheme}://{request.url.netloc}"
    return address.rstrip("/")


DatabaseOf = Annotated[Database, Depends(database_of)]
KeyringOf = Annotated[Keyring, Depends(keyring_of)]
SettingsOf = Annotated[Settings, Depends(settings_of)]
PublicBase = Annotated[str, Depends(public_base)]


OnceIn = Callable[[TenantSession], idempotency.Once]


async def once_later(
    request: Request,
    who: Anyone,
    keyring: KeyringOf,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> OnceIn:
    body = await request.body()

    def once_in(session: TenantSession) -> idempotency.Once:
        return idempotency.Once(
            session,
            who.organization_id,
            operation=request.scope["route"].operation_id,
            keyring=keyring,
            key=idempotency_key,
            target=request.url.path,
            body=body,
        )

    return once_in


OnceLater = Annotated[OnceIn, Depends(once_later)]
"""The Idempotency-Key of a request whose transaction is opened by who does its work."""


async def once(once_in: OnceLater, session: Tenant) -> idempotency.Once:
    attempt = once_in(session)
    await attempt.begin()
    return attempt


Once = Annotated[idempotency.Once, Depends(once)]
