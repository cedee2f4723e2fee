"""The pages in a real Chromium, on the service of the tests."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from app.serving import OPTIONS
from tests.pages.visiting import Visit
from tests.waiting import PATIENCE, until

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The shell draws the same pages for a quarter less of the processor."""
FLAGS = ["--disable-gpu", "--disable-dev-shm-usage"]
LANGUAGES = pytest.mark.parametrize("language", ["nl", pytest.param("en", marks=pytest.mark.nightly)])
"""That the words of one language are those of the other is tested without a browser."""
Visits = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture(scope="session")
async def address(app: FastAPI) -> AsyncIterator[str]:
    async with listening(app) as address:
        yield address


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The address of an application that is started already."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", **OPTIONS))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    await task


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: .ci/packages does it")
    playwright = pytest.importorskip(
        "playwright.async_api", reason="playwright is not installed: make test does it"
    )
    async with playwright.async_playwright() as driver:
        is_root = os.geteuid() == 0  # who has no sandbox of Chromium's
        browser = await driver.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=not is_root, timeout=PATIENCE * 1000
        )
        yield browser
        await browser.close()


@pytest.fixture
def visit(browser: Any, address: str) -> Visits:
    """A tab of its own, by default a phone's; what it should not have done fails the test as it closes."""

    @asynccontextmanager
    async def visiting(
        language: str = "nl",
        width: int = 360,
        at: str = address,
        others: tuple[str, ...] = (),
        **options: Any,
    ) -> AsyncIterator[Visit]:
        size = {"width": width, "height": 780 if width < 600 else 900}
        context = await browser.new_context(
            locale=language, viewport=size, reduced_motion="reduce", **options
        )  # a colour on its way to another has a contrast of its own
        context.set_default_timeout(PATIENCE * 1000)
        try:
            visit = Visit(await context.new_page(), at, others=others)
            await visit.watch()
            yield visit
            assert not visit.faults
        finally:
            await context.close()

    return visiting
