"""A process that is told to end says so first, and still takes what comes."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_for
from tests.waiting import until


@pytest.fixture
def ended() -> Iterator[asyncio.Event]:
    """Set by what ends a process that serves."""
    event = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: event.set())
    yield event
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
async def leaving(
    request: pytest.FixtureRequest, settings: Settings, database_url: str, ended: asyncio.Event
) -> AsyncIterator[Any]:
    app = create_app(settings.model_copy(update={"shutdown_grace": request.param}), database_url)
    async with app.router.lifespan_context(app):
        yield client_for(app, None)


@pytest.mark.parametrize("leaving", [1], indirect=True)
async def test_it_is_not_ready_and_takes_requests_until_it_ends(leaving: Any, ended: asyncio.Event) -> None:
    before = await leaving.get("/health/ready")
    assert (before.status_code, "connection" in before.headers) == (200, False)
    signal.raise_signal(signal.SIGTERM)
    answer = await leaving.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "shutting_down")
    taken = await leaving.get("/health/live")
    assert (taken.status_code, taken.headers["connection"], ended.is_set()) == (200, "close", False)
    await until(ended.is_set)


@pytest.mark.parametrize("leaving", [600], indirect=True)
async def test_whoever_is_told_twice_does_not_wait(leaving: Any, ended: asyncio.Event) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert not ended.is_set()
    signal.raise_signal(signal.SIGTERM)
    assert ended.is_set()


@pytest.mark.parametrize("leaving", [0], indirect=True)
async def test_without_a_grace_period_it_ends_at_once(leaving: Any, ended: asyncio.Event) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert ended.is_set()
