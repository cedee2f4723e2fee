"""Who calls, which version of a resource is meant, and searching."""

import asyncio
import json
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import scim2_models as scim
from scim2_models import Context

from app.core.conditional import Preconditions, etag_of, matches
from app.core.database import TenantSession, as_of
from app.core.errors import PreconditionFailed
from app.core.secrets import Keyring
from app.scim import mapping, queries
from app.scim.filters import Demand, demand_of
from app.scim.queries import START, ListPlace, Order, Sorting
from app.scim.schemas import (
    DEFAULT_RESULTS,
    MAX_RESULTS,
    Group,
    Person,
)

CHUNK = 500
MOST_PLACES = 5_000
"""Settled places that are known of one order: of half a million people, at a hundred a page."""
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
    arrivals: "Arrivals"


class Arrivals:
    """Places in the orders of arrival that are settled: nobody can come before them any more.

    They are forgotten when somebody goes who may stand before one. Whoever walks through the pages finds each
    where the last one ended, and passes nobody twice.
    """

    def __init__(self) -> None:
        self._places: dict[Order, list[ListPlace]] = {}

    def before(self, order: Order, rank: int) -> ListPlace:
        """The last one that is known behind at most so many."""
        places = self._of(order)
        return places[bisect_right(places, rank, key=attrgetter("rank")) - 1]

    def last(self, order: Order) -> ListPlace:
        return self._of(order)[-1]

    def settle(self, order: Order, place: ListPlace, until: datetime) -> None:
        places = self._of(order)
        at = bisect_right(places, place.rank, key=attrgetter("rank"))
        if place.created_at < until and places[at - 1].rank < place.rank and len(places) < MOST_PLACES:
            places.insert(at, place)

    def _of(self, order: Order) -> list[ListPlace]:
        return self._places.setdefault(order, [START])


class Kind(NamedTuple):
    """A type of resource as searching sees it."""

    model: type[Resource]
    order: Order
    """Of arrival."""
    found_ids: Callable[[TenantSession, Demand | None, int], Awaitable[Sequence[UUID] | None]]
    """At most so many of what meets a demand, and perhaps more; None where everything has to be tried."""
    load: Callable[[TenantSession, Caller, Sequence[UUID], bool], Awaitable[Sequence[Resource]]]
    """With the members of groups, or without."""
    sorting: Sorting | None = None
    """How it is put into another order than that of arrival."""


class Match(NamedTuple):
    kind: Kind
    id: UUID
    sort_value: Any


class Page(NamedTuple):
    total: int
    matches: Sequence[Match]


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


def written(resource: Resource) -> dict[str, Any]:
    """The same as a document, for which it is written once."""
    body = resource.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    document: dict[str, Any] = json.loads(body)
    document["meta"]["version"] = f"W/{etag_of(body.encode())}"
    return document


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
    first = request.start_index or 1
    count = DEFAULT_RESULTS if request.count is None else min(request.count, MAX_RESULTS)
    page = await page_asked_for(session, caller, kinds, request, first - 1, count)
    resources = await loaded(session, caller, kinds, page.matches, asks_for_members(request))
    return scim.ListResponse[Person | Group](
        total_results=page.total,
        start_index=first,
        items_per_page=len(resources),
        resources=resources,  # type: ignore[arg-type]  # of the two kinds that `kinds` may have
    )


async def page_asked_for(
    session: TenantSession, caller: Caller, kinds: Sequence[Kind], request: Search, skipped: int, count: int
) -> Page:
    if request.filter is None and request.sort_by is None:
        return await in_order_of_arrival(session, caller.arrivals, kinds, skipped, count)
    field = sorting_field(kinds, request)
    if field is not None:
        return await in_order_of(session, caller.arrivals, kinds[0], field, request, skipped, count)
    return await matching(session, caller, kinds, request, skipped, count)


def sorting_field(kinds: Sequence[Kind], request: Search) -> str | None:
    """Which order of all of one kind is asked for, where the database knows it."""
    sorting = kinds[0].sorting
    if request.filter is not None or len(kinds) > 1 or sorting is None:
        return None
    wanted = str(request.sort_by).rpartition(":")[2].lower()
    return next((name for name in sorting.keys if name.lower() == wanted), None)


async def in_order_of(
    session: TenantSession,
    arrivals: Arrivals,
    kind: Kind,
    field: str,
    request: Search,
    skipped: int,
    count: int,
) -> Page:
    assert kind.sorting is not None
    ids = await queries.sorted_ids(
        session,
        kind.sorting,
        field,
        is_descending=request.sort_order == scim.SearchRequest.SortOrder.descending,
        skipped=skipped,
        limit=count,
    )
    total = await counted(session, arrivals, kind.order, await as_of(session))
    return Page(total, [Match(kind, id_, None) for id_ in ids])


def asks_for_members(request: scim.ResponseParameters[Any]) -> bool:
    """A group may have fifty thousand; clients leave them out of what they only look up."""
    named = [str(path).rpartition(":")[-1].lower().partition(".")[0] for path in request.attributes or ()]
    without = [str(path).rpartition(":")[-1].lower() for path in request.excluded_attributes or ()]
    return "members" in named if named else "members" not in without


async def in_order_of_arrival(
    session: TenantSession, arrivals: Arrivals, kinds: Sequence[Kind], skipped: int, count: int
) -> Page:
    """Reads no more than the page, and those who have come since it was last counted."""
    total, matches = 0, list[Match]()
    until = await as_of(session)
    for kind in kinds:
        size = await counted(session, arrivals, kind.order, until)
        before, wanted = max(0, skipped - total), count - len(matches)
        if wanted and before < size:
            found = await page_of(session, arrivals, kind.order, until, before, wanted)
            matches += [Match(kind, place.id, None) for place in found]
        total += size
    return Page(total, matches)


async def counted(session: TenantSession, arrivals: Arrivals, order: Order, until: datetime) -> int:
    size, last = await queries.size_of(session, order, arrivals.last(order), until)
    if last is not None:
        arrivals.settle(order, last, until)
    return size


async def page_of(
    session: TenantSession, arrivals: Arrivals, order: Order, until: datetime, skipped: int, limit: int
) -> list[ListPlace]:
    found = await queries.page_after(session, order, arrivals.before(order, skipped), skipped, limit)
    if found:
        arrivals.settle(order, found[-1], until)
    return found


async def matching(
    session: TenantSession,
    caller: Caller,
    kinds: Sequence[Kind],
    request: Search,
    skipped: int,
    count: int,
) -> Page:
    """Tries the filter on all that an index finds, or on everything."""
    found = [match for kind in kinds for match in await matches_of(session, caller, kind, request)]
    if request.sort_by is not None:
        found.sort(
            key=lambda match: (match.sort_value is None, match.sort_value or ""),
            reverse=request.sort_order == scim.SearchRequest.SortOrder.descending,
        )
    return Page(len(found), found[skipped : skipped + count])


async def matches_of(session: TenantSession, caller: Caller, kind: Kind, request: Search) -> list[Match]:
    tried = scim.ScimFilter[kind.model](str(request.filter)) if request.filter else None  # type: ignore[name-defined]
    ids = await kind.found_ids(session, demand_of(tried), MOST_SCANNED + 1)
    if ids is None:
        ids = [
            place.id for place in await queries.page_after(session, kind.order, START, 0, MOST_SCANNED + 1)
        ]
    if len(ids) > MOST_SCANNED:
        raise scim.TooManyException(
            detail="Too many match: filter with eq on userName, externalId, emails, displayName or id;"
            " without a filter sort by userName, externalId, displayName, id, name or meta."
        )
    matches: list[Match] = []
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        resources = await kind.load(session, caller, chunk, "members" in f"{request.filter}".lower())
        matches += await asyncio.to_thread(let_through, kind, request, tried, resources)
    return matches


def let_through(
    kind: Kind, request: Search, tried: scim.ScimFilter[Any] | None, resources: Sequence[Resource]
) -> list[Match]:
    return [
        Match(kind, UUID(resource.id), request.sort_value(resource))
        for resource in resources
        if tried is None or tried.match(resource)
    ]


async def loaded(
    session: TenantSession, caller: Caller, kinds: Sequence[Kind], page: Sequence[Match], is_whole: bool
) -> list[Resource]:
    resources: dict[str, Resource] = {}
    for kind in kinds:
        ids = [match.id for match in page if match.kind is kind]
        for resource in await kind.load(session, caller, ids, is_whole) if ids else ():
            resources[str(resource.id)] = resource
    return [resources[str(match.id)] for match in page if str(match.id) in resources]
