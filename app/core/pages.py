"""Opaque cursors, pages and the Link header (RFC 8288)."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from hmac import compare_digest
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.core.errors import Unprocessable
from app.core.secrets import Keyring

OWN = ("cursor", "limit")
MAC_SIZE = 12
Listed = TypeVar("Listed")


class InvalidCursor(Unprocessable):
    code = "invalid_cursor"
    detail = "This cursor belongs to another list or other filters: start without it."


class Paging:
    """The page asked for. A cursor carries the last key seen."""

    def __init__(
        self,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=1000)] = None,
    ) -> None:
        self.request = request
        self.response = response
        self.limit = limit
        self.after: list[str] | None = self._decode(cursor) if cursor else None

    @property
    def last_name(self) -> str | None:
        """Where a list is in the order of a name."""
        return self.after[0] if self.after else None

    @property
    def last_moment(self) -> tuple[datetime, UUID] | None:
        """Where a list is in the order of a time, and of what has the same."""
        return (datetime.fromisoformat(self.after[0]), UUID(self.after[1])) if self.after else None

    def cut(
        self, rows: Sequence[Listed], key: Callable[[Listed], tuple[str | date | UUID, ...]]
    ) -> tuple[list[Listed], str | None]:
        """At most `limit` of `rows` (fetch one more than that) and the cursor of the next page.

        `key` is where a row stands in the order of the list.
        """
        if len(rows) <= self.limit:
            return list(rows), None
        page = list(rows[: self.limit])
        cursor = self._encode([_written(part) for part in key(page[-1])])
        target = self.request.url.include_query_params(cursor=cursor)
        self.response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
        return page, cursor

    def _macs(self, key: bytes) -> list[bytes]:
        """Bind a cursor to path and filters; nobody else can make one, so its key needs no checks."""
        keyring: Keyring = self.request.app.state.database.keyring
        filters = sorted(pair for pair in self.request.query_params.multi_items() if pair[0] not in OWN)
        place = json.dumps([self.request.url.path, filters]).encode()
        return [mac[:MAC_SIZE] for mac in keyring.common_macs("cursor", place, key)]

    def _encode(self, key: list[str]) -> str:
        raw = json.dumps(key).encode()
        return base64.urlsafe_b64encode(self._macs(raw)[0] + raw).decode().rstrip("=")

    def _decode(self, cursor: str) -> list[str]:
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise InvalidCursor.parameter("cursor") from None
        mac, key = raw[:MAC_SIZE], raw[MAC_SIZE:]
        if not any(compare_digest(mac, own) for own in self._macs(key)):
            raise InvalidCursor.parameter("cursor")
        after: list[str] = json.loads(key)
        return after


Page = Annotated[Paging, Depends()]


def _written(part: str | date | UUID) -> str:
    return part.isoformat() if isinstance(part, date) else str(part)
