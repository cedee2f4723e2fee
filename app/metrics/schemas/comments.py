from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupRef,
    GroupSuppressed,
    GroupUndefined,
    Metrics,
)


class CommentsGroupOk(Schema):
    group: GroupRef
    status: Literal["ok"]
    n: int
    comments: Annotated[list[str], Field(max_length=200)]


CommentsGroup = Annotated[
    CommentsGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Comments(Metrics):
    groups: list[CommentsGroup]
