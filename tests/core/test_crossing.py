"""A crossing leads where its routes would, one after another."""

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Match

from app.core.crossing import CHOSEN, Crossing
from app.main import ROUTES

PATHS = [
    *("/", "/metrics", "/health/live", "/v1/me", "/v1/nothing", "/v1/people/E-1", "/v1/people/batch"),
    *("/v1/surveys/x/responses", "/v1/surveys/x/responses/batch", "/v1/surveys/x/y/z", "/v1", "v1"),
]


def led_to(routes: list[BaseRoute], method: str, path: str) -> object:
    """The first that fits wholly, or else the first that fits but for its method."""
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    found = [(route.matches(scope)[0], route) for route in routes]
    for wanted in (Match.FULL, Match.PARTIAL):
        for match, route in found:
            if match == wanted:
                return route
    return None


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_it_leads_where_its_routes_would(method: str, path: str) -> None:
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    _, child = Crossing(ROUTES).matches(scope)
    assert child.get(CHOSEN) is led_to([*ROUTES], method, path)


def test_it_takes_no_route_that_it_could_not_find() -> None:
    other = FastAPI()
    other.get("/v1/{anything}")(lambda: None)
    with pytest.raises(AssertionError, match="anything"):
        Crossing(other.router.routes)
