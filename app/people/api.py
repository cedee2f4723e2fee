"""What the paths of teams and of people have in common."""

from typing import Annotated

from fastapi import Query

from app.core.schema import Date, Instant

AsOf = Annotated[Date | None, Query(alias="as_of")]
UpdatedAfter = Annotated[Instant | None, Query()]
