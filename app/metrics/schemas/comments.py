from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupSuppressed,
    GroupUndefined,
    Insufficient,
    Kept,
    Metrics,
    OfGroup,
    Suppressed,
    Undefined,
)


class CommentsOk(Schema):
    status: Literal["ok"]
    n: int


CommentsNumbers = Annotated[CommentsOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")]
"""What a release keeps of one group."""


class Written(Kept):
    """What a release keeps of one group's answers in words: of each question what may be read."""

    status: Literal["ok"]
    questions: dict[str, CommentsNumbers]


class CommentTexts(Schema):
    comments: Annotated[list[str], Field(max_length=200)]


class CommentsGroupOk(CommentTexts, CommentsOk, OfGroup):
    pass


CommentsGroup = Annotated[
    CommentsGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Comments(Metrics):
    groups: list[CommentsGroup]
