"""What the paths of teams and of people have in common."""

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from app.auth.dependencies import requires
from app.auth.principal import Principal, Scope
from app.core.conditional import NO_STORE, Preconditions
from app.core.pages import Paging
from app.core.schema import Date, Identifier, Instant, Schema

PeopleReader = Annotated[Principal, Depends(requires(Scope.PEOPLE_READ))]
PeopleWriter = Annotated[Principal, Depends(requires(Scope.PEOPLE_WRITE))]
ExternalId = Annotated[Identifier, Path()]
AsOf = Annotated[Date | None, Query(alias="as_of")]
UpdatedAfter = Annotated[Instant | None, Query()]


def last_key(page: Paging) -> str | None:
    return str(page.after[0]) if page.after else None


def put_answer(resource: Schema, is_new: bool, address: str) -> Response:
    """Without the sender's conditions: they held, and `If-None-Match` would make this a 304."""
    if not is_new:
        return Preconditions().answer(resource)
    return Preconditions().answer(resource, 201, NO_STORE | {"Location": address})
