"""Conditional requests (RFC 9110, section 13): strong ETags over the representation's own bytes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from app.core.errors import PreconditionFailed
from app.core.ready import READY, Make, ReadyAnswers, mark_of

NO_STORE = {"Cache-Control": "no-store"}
REVALIDATE = {"Cache-Control": "private, no-cache"}
LONGEST_TAGS = 1000
Tags = Annotated[str | None, Header(max_length=LONGEST_TAGS)]


def etag_of(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def matches(header: str, tag: str | None) -> bool:
    """Whether a list of tags, or *, names the tag of something that exists; a weak tag does too."""
    return matches_strongly(header.replace("W/", ""), tag)


def matches_strongly(header: str, tag: str | None) -> bool:
    """As If-Match compares (RFC 9110, 13.1.1): a weak tag does not say that nothing changed."""
    tags = {offered.strip() for offered in header.split(",")}
    return tag is not None and ("*" in tags or tag in tags)


@dataclass(frozen=True)
class Preconditions:
    """The If-Match and If-None-Match of a request."""

    if_match: str | None = None
    if_none_match: str | None = None
    is_reading: bool = False

    def check(self, current: BaseModel | None) -> None:
        """Before a write: refuse where the resource is not as the sender believes it to be."""
        tag = etag_of(current.model_dump_json().encode()) if current else None
        if self.if_match is not None and not matches_strongly(self.if_match, tag):
            raise PreconditionFailed
        if self.if_none_match is not None and matches(self.if_none_match, tag):
            raise PreconditionFailed

    def is_known(self, tag: str) -> bool:
        """To a reader, who has it already."""
        return self.is_reading and self.if_none_match is not None and matches(self.if_none_match, tag)

    def answer(
        self, resource: BaseModel, status: int = 200, headers: Mapping[str, str] = NO_STORE
    ) -> Response:
        """The resource with its ETag; 304 to a reader who has it already."""
        body = resource.model_dump_json().encode()
        tagged: dict[str, Any] = {**headers, "ETag": etag_of(body)}
        if self.is_known(tagged["ETag"]):
            return Response(status_code=304, headers=tagged)
        return Response(body, status, tagged, media_type="application/json")

    def answer_put(self, resource: BaseModel, is_new: bool, address: str) -> Response:
        """What was put, and where it is if it was not there before."""
        if not is_new:
            return self.answer(resource)
        return self.answer(resource, 201, NO_STORE | {"Location": address})


def when_reading(if_none_match: Tags = None) -> Preconditions:
    return Preconditions(if_none_match=if_none_match, is_reading=True)


def when_changing(if_match: Tags = None) -> Preconditions:
    return Preconditions(if_match=if_match)


def when_putting(if_match: Tags = None, if_none_match: Tags = None) -> Preconditions:
    return Preconditions(if_match, if_none_match)


@dataclass(frozen=True)
class ReadyReading:
    """What is read of answers that are made once."""

    conditions: Preconditions
    answers: ReadyAnswers
    request: Request

    async def answer(self, made_of: Sequence[Any], make: Make) -> Response:
        """What `make` makes, which `made_of` settles; neither is looked at where the reader has it."""
        mark = self.request.scope[READY] = mark_of((self.request.scope["route"].operation_id, *made_of))
        tagged = {**REVALIDATE, "ETag": mark}
        if self.conditions.is_known(mark):
            return Response(status_code=304, headers=tagged)
        found = await self.answers.get(mark, self.request.headers.get("accept-encoding", ""), make)
        packed = {"Content-Encoding": "gzip"} if found.is_packed else {}
        return Response(found.body, headers=tagged | packed, media_type="application/json")


def reading(request: Request, if_none_match: Tags = None) -> ReadyReading:
    return ReadyReading(when_reading(if_none_match), request.app.state.ready_answers, request)


ReadOnce = Annotated[ReadyReading, Depends(reading)]
ReadConditions = Annotated[Preconditions, Depends(when_reading)]
ChangeConditions = Annotated[Preconditions, Depends(when_changing)]
Conditions = Annotated[Preconditions, Depends(when_putting)]
