"""Conditional requests (RFC 9110, section 13): strong ETags over the representation's own bytes."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from app.core.errors import PreconditionFailed

NO_STORE = {"Cache-Control": "no-store"}
REVALIDATE = {"Cache-Control": "private, no-cache"}


def etag_of(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


class Preconditions:
    """The If-Match and If-None-Match of a request."""

    def __init__(
        self,
        if_match: Annotated[str | None, Header(max_length=1000)] = None,
        if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
    ) -> None:
        self.if_match = if_match
        self.if_none_match = if_none_match

    def check(self, current: BaseModel | None) -> None:
        """Before a write: refuse where the resource is not as the sender believes it to be."""
        tag = etag_of(current.model_dump_json().encode()) if current else None
        if self.if_match is not None and not self._matches(self.if_match, tag):
            raise PreconditionFailed
        if self.if_none_match is not None and self._matches(self.if_none_match, tag):
            raise PreconditionFailed

    @staticmethod
    def _matches(header: str, tag: str | None) -> bool:
        return tag is not None and (header.strip() == "*" or tag in _tags(header))

    def answer(
        self, resource: BaseModel, status: int = 200, headers: Mapping[str, str] = NO_STORE
    ) -> Response:
        """The resource with its ETag; 304 to a GET whose sender has it already."""
        body = resource.model_dump_json().encode()
        tagged: dict[str, Any] = {**headers, "ETag": etag_of(body)}
        if status == 200 and self.if_none_match and self._matches(self.if_none_match, tagged["ETag"]):
            return Response(status_code=304, headers=tagged)
        return Response(body, status, tagged, media_type="application/json")


Conditions = Annotated[Preconditions, Depends()]
