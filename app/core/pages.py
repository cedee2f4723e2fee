"""Opaque cursors, pages and the Link header (RFC 8288)."""

import base64
import hashlib
import json
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from app.core.errors import Unprocessable


class InvalidCursor(Unprocessable):
    code = "invalid_cursor"
    detail = "This cursor belongs to another list or other filters: start without it."


class Paging:
    """The page asked for. A cursor carries the last key seen and is bound to path and filters."""

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
        self.after: list[Any] | None = self._decode(cursor) if cursor else None

    def cut(self, rows: list[Any], key: Any) -> tuple[list[Any], str | None]:
        """At most `limit` of `rows` (fetch one more than that) and the cursor of the next page.

        `key` gives a row's sort key as a list of JSON values.
        """
        if len(rows) <= self.limit:
            return rows, None
        page = rows[: self.limit]
        cursor = self._encode(key(page[-1]))
        target = self.request.url.include_query_params(cursor=cursor)
        self.response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
        return page, cursor

    def _binding(self) -> str:
        params = sorted(
            (k, v) for k, v in self.request.query_params.multi_items() if k not in ("cursor", "limit")
        )
        return hashlib.sha256(json.dumps([self.request.url.path, params]).encode()).hexdigest()[:16]

    def _encode(self, key: list[Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps([self._binding(), key]).encode()).decode().rstrip("=")

    def _decode(self, cursor: str) -> list[Any]:
        try:
            binding, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (ValueError, TypeError):
            raise InvalidCursor.parameter("cursor") from None
        if binding != self._binding() or not isinstance(key, list):
            raise InvalidCursor.parameter("cursor")
        return key


Page = Annotated[Paging, Depends()]
