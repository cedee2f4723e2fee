"""Which endpoint a path leads to, looked up by its shape: to ask each of them costs more than most do."""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from app.core.contract import Shape, shape_of

CHOSEN = "betrokken.route"


class Crossing(BaseRoute):
    """Some routes as one, in their order; the second step of each path is literal, or there is none."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self.routes: list[BaseRoute] = [*routes]
        self.by_shape: dict[Shape, list[BaseRoute]] = {}
        for route in self.routes:
            assert isinstance(route, Route), "routes with a path of their own"
            assert "{" not in shape_of(route.path)[1], route.path
            self.by_shape.setdefault(shape_of(route.path), []).append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        best: tuple[Match, Scope] = (Match.NONE, {})
        near = self.by_shape.get(shape_of(scope["path"]), []) if scope["type"] == "http" else []
        for route in near:
            match, child = route.matches(scope)
            if match.value > best[0].value:
                best = match, {**child, CHOSEN: route}
            if match == Match.FULL:
                break
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope[CHOSEN].handle(scope, receive, send)
