"""The first organisation and its first key, for who has no shell on the server.

A link is printed on the terminal of `serve` while there is no organisation. Of its token a hash is stored, so
that each process, also one that is started later, knows the link, and nobody who reads the database has it.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.auth.principal import Scope
from app.core import audit
from app.core.database import AsyncSession, Database, Row
from app.core.secrets import token_hash
from app.organizations import service as organizations
from app.organizations.schemas import ApiKeyWrite, OrganizationRef
from app.organizations.setup import queries, schemas
from app.organizations.setup.errors import AlreadySetUp, SetupLinkExpired, UnknownSetupLink

PREFIX = "bts_"
LIFE = 3600
"""Seconds."""


@dataclass(frozen=True)
class Link:
    token: str
    expires_at: datetime


async def new_link(database: Database) -> Link | None:
    """None where there is an organisation."""
    token = PREFIX + secrets.token_urlsafe(32)
    async with database.system_session(reason="make a link to set up") as session:
        expires_at = await queries.add_link(session, token_hash(token), LIFE)
    return None if expires_at is None else Link(token, expires_at)


async def is_known(database: Database, token: str) -> bool:
    """Whether or not it still works: nobody else is told of that."""
    async with database.system_session(reason="know a link to set up") as session:
        return link_of(token, await queries.links(session)) is not None


async def set_up(
    database: Database, token: str, wanted: schemas.FirstOrganizationWrite
) -> schemas.FirstOrganization:
    async with database.system_session(reason="create the first organisation") as session:
        await require_working(session, token)
        sent = wanted.model_dump(exclude_unset=True)
        organization_id = await organizations.create_organization(session, keyring=database.keyring, **sent)
        async with database.tenant_within(session, organization_id) as tenant:
            await audit.record(tenant, audit.SETUP_LINK, "create_organization", str(organization_id))
            key = ApiKeyWrite(name="first key", scopes=list(Scope))
            issued = await organizations.issue_api_key(tenant, key)
            told = {"scopes": sorted(key.scopes)}
            await audit.record(tenant, audit.SETUP_LINK, "create_api_key", str(issued.id), told)
    organization = OrganizationRef(id=organization_id, name=wanted.name)
    return schemas.FirstOrganization(organization=organization, api_key=issued)


async def require_working(session: AsyncSession, token: str) -> None:
    """Who comes at the same time waits here, and is then told that there is an organisation."""
    link = link_of(token, await queries.hold_links(session))
    if link is None:
        raise UnknownSetupLink
    if link.is_ended or await queries.is_set_up(session):
        raise AlreadySetUp
    if link.is_expired:
        raise SetupLinkExpired


def link_of(token: str, links: Iterable[Row[Any]]) -> Row[Any] | None:
    sent = token_hash(token)
    return next((link for link in links if hmac.compare_digest(link.token_hash, sent)), None)
