"""What is found for an endpoint, and what is said of what is wrong, is what FastAPI finds and says."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from app.core.arguments import direct
from app.core.schema import Input

EVENTS: list[str] = []


class Body(Input):
    name: str
    count: int = 1


def plain(request: Request) -> str:
    EVENTS.append("plain")
    return request.method


async def awaited(number: int, way: Annotated[str, Depends(plain)]) -> str:
    EVENTS.append("awaited")
    return f"{way} {number}"


async def opened(way: Annotated[str, Depends(plain)]) -> AsyncIterator[str]:
    EVENTS.append("opened")
    try:
        yield way.lower()
    except ValueError:
        EVENTS.append("undone")
        raise
    EVENTS.append("closed")


async def refusing(deny: Annotated[bool, Query()] = False) -> None:
    if deny:
        raise ValueError


async def endpoint(
    number: int,
    body: Body,
    way: Annotated[str, Depends(awaited)],
    thing: Annotated[str, Depends(opened, scope="function")],
    nothing: Annotated[None, Depends(refusing)],
    token: Annotated[Any, Depends(HTTPBearer(auto_error=False))],
    some: Annotated[list[int] | None, Query(max_length=2)] = None,
    if_match: Annotated[str | None, Header(max_length=5)] = None,
) -> Response:
    EVENTS.append("endpoint")
    if body.name == "fails":
        raise ValueError
    said = [number, body.model_dump(), way, thing, token and token.credentials, some, if_match]
    return JSONResponse(said)


class Direct(APIRoute):
    def get_route_handler(self) -> Any:
        found = direct(self)
        assert found is not None
        return found


REQUESTS: list[dict[str, Any]] = [
    {"json": {"name": "x"}},
    {"json": {"name": "x", "count": 3}, "params": {"some": [1, 2]}, "headers": {"If-Match": "a"}},
    {"json": {"name": "x"}, "headers": {"Authorization": "Bearer secret"}},
    {"json": {"name": 3, "more": 1}, "params": {"some": ["x", 2]}, "headers": {"If-Match": "too long"}},
    {"json": {}, "params": {"some": [1, 2, 3]}},
    {"json": []},
    {"json": {"name": "x"}, "params": {"deny": "perhaps"}},
    {"json": {"name": "x"}, "params": {"deny": "true"}},
    {"json": {"name": "fails"}},
]


async def answers(route: type[APIRoute], path: str, **sent: Any) -> tuple[int, Any, list[str]]:
    app = FastAPI()
    app.router.add_api_route("/{number}", endpoint, methods=["POST"], route_class_override=route)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    EVENTS.clear()
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(path, **sent)
    return answer.status_code, answer.text, [*EVENTS]


@pytest.mark.parametrize("path", ["/7", "/seven"])
@pytest.mark.parametrize("sent", REQUESTS)
async def test_it_is_as_fastapi_does_it(path: str, sent: dict[str, Any]) -> None:
    assert await answers(Direct, path, **sent) == await answers(APIRoute, path, **sent)


async def test_what_an_endpoint_opened_is_closed_before_its_answer_is_sent() -> None:
    _, _, events = await answers(Direct, "/7", json={"name": "x"})
    assert events == ["plain", "awaited", "opened", "endpoint", "closed"]


async def model() -> Body:
    return Body(name="x")


async def late(thing: Annotated[str, Depends(opened)]) -> Response:
    return Response(thing)


@pytest.mark.parametrize("other", [model, late])
def test_what_needs_more_is_left_to_fastapi(other: Any) -> None:
    """A model is to be represented; what is opened until the answer was sent is closed later."""
    assert direct(APIRoute("/", other)) is None
