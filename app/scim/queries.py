"""How resources are found: by what a filter demands of them, each demand by an index."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from app.core.database import TenantSession
from app.scim.filters import Demand, Equal


async def found_ids(
    session: TenantSession, ordered: str, ways: Mapping[str, str], demand: Demand | None, limit: int
) -> Sequence[UUID] | None:
    """`ordered`, of those who meet the demand and perhaps more; None where no way leads there."""
    values: dict[str, Any] = {}
    ids = selection(ways, demand, values) if demand else None
    if ids is None:
        return None
    return (await session.scalars(statement(ordered, ids), {**values, "limit": limit})).all()


@lru_cache(maxsize=256)  # a client decides on how many shapes there are
def statement(ordered: str, ids: str) -> TextClause:
    return text(ordered.format(ids=ids))


def selection(ways: Mapping[str, str], demand: Demand, values: dict[str, Any]) -> str | None:
    """A query of ids; the values that are to be bound are put into `values`."""
    if isinstance(demand, Equal):
        return by_equality(ways, demand, values)
    parts = [selection(ways, part, values) for part in demand.parts]
    known = [f"({part})" for part in parts if part is not None]
    is_enough = known if demand.word == "INTERSECT" else len(known) == len(parts)
    return f" {demand.word} ".join(known) if is_enough else None


def by_equality(ways: Mapping[str, str], demand: Equal, values: dict[str, Any]) -> str | None:
    if demand.column not in ways:
        return None
    name = f"value_{len(values)}"
    values[name] = demand.value
    return ways[demand.column].replace(":value", f":{name}")
