"""Who calls, which version of a resource is meant, and searching."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import scim2_models as scim
from scim2_models import Context

from app.core.conditional import Preconditions, etag_of, matches
from app.core.database import TenantSession
from app.core.errors import PreconditionFailed
from app.core.secrets import Keyring
from app.scim import mapping
from app.scim.filters import demands
from app.scim.queries import Narrowing
from app.scim.schemas import (
    DEFAULT_RESULTS,
    MAX_RESULTS,
    Group,
    Person,
)

CHUNK = 500
MOST_SCANNED = 10_000
"""People or teams a filter or an order that no index serves is tried on."""
Resource = scim.Resource[Any]
Search = scim.SearchRequest[Any]


@dataclass(frozen=True)
class Caller:
    organization_id: UUID
    has_dates: bool
    base: str
    """The address of this SCIM service, which stands in front of every resource's."""
    keyring: Keyring


class Kind(NamedTuple):
    """A type of resource as searching sees it."""

    model: type[Resource]
    ids: Callable[[TenantSession, Narrowing], Awaitable[Sequence[UUID]]]
    load: Callable[[TenantSession, Caller, Sequence[UUID]], Awaitable[Sequence[Resource]]]


class Match(NamedTuple):
    kind: Kind
    id: UUID
    sort_value: Any


def no_resource(id_: str) -> scim.NotFoundException:
    return scim.NotFoundException(detail=f"There is no resource {id_}.")


def known_id(id_: str) -> UUID:
    if not mapping.is_id(id_):
        raise no_resource(id_)
    return UUID(id_)


def versioned(resource: Resource) -> Resource:
    """With its version, which is that of what this caller may see of it."""
    body = resource.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    assert resource.meta is not None
    resource.meta.version = f"W/{etag_of(body.encode())}"
    return resource


def require(conditions: Preconditions, current: Resource) -> None:
    if conditions.if_match is None:
        return
    meta = versioned(current.model_copy(deep=True)).meta
    assert meta is not None
    if not matches(conditions.if_match, (meta.version or "").removeprefix("W/")):
        raise PreconditionFailed


async def search(
    session: TenantSession, caller: Caller, kinds: Sequence[Kind], request: Search
) -> scim.ListResponse[Person | Group]:
    found = [match for kind in kinds for match in await matching(session, caller, kind, request)]
    if request.sort_by is not None:
        found.sort(
            key=lambda match: (match.sort_value is None, match.sort_value or ""),
            reverse=request.sort_order == scim.SearchRequest.SortOrder.descending,
        )
    first = request.start_index or 1
    count = DEFAULT_RESULTS if request.count is None else min(request.count, MAX_RESULTS)
    page = found[first - 1 : first - 1 + count]
    resources = await loaded(session, caller, kinds, page)
    return scim.ListResponse[Person | Group](
        total_results=len(found),
        start_index=first,
        items_per_page=len(resources),
        resources=resources,  # type: ignore[arg-type]  # of the two kinds that `kinds` may have
    )


async def matching(session: TenantSession, caller: Caller, kind: Kind, request: Search) -> list[Match]:
    tried = scim.ScimFilter[kind.model](str(request.filter)) if request.filter else None  # type: ignore[name-defined]
    ids = await kind.ids(session, Narrowing(**demands(tried)))
    if tried is None and request.sort_by is None:
        return [Match(kind, id_, None) for id_ in ids]
    if len(ids) > MOST_SCANNED:
        raise scim.TooManyException(
            detail="Too many users match: filter on userName, externalId or id with eq."
        )
    matches: list[Match] = []
    for start in range(0, len(ids), CHUNK):
        resources = await kind.load(session, caller, ids[start : start + CHUNK])
        matches += [
            Match(kind, UUID(resource.id), request.sort_value(resource))
            for resource in resources
            if tried is None or tried.match(resource)
        ]
    return matches


async def loaded(
    session: TenantSession, caller: Caller, kinds: Sequence[Kind], page: Sequence[Match]
) -> list[Resource]:
    resources: dict[str, Resource] = {}
    for kind in kinds:
        ids = [match.id for match in page if match.kind is kind]
        for resource in await kind.load(session, caller, ids):
            resources[str(resource.id)] = versioned(resource)
    return [resources[str(match.id)] for match in page if str(match.id) in resources]
