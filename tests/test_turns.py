"""A large batch or page does not hold the event loop for long: others are answered meanwhile.

Counted in the processor's time of each step of the loop, which a busy machine does not change.
"""

import gc
import json
import time
from asyncio.events import Handle
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.conftest import Tenant

pytestmark = pytest.mark.nightly
LONGEST = 0.05
FILL = (
    """
    INSERT INTO teams (organization_id, id, external_id, name)
    SELECT :organization_id, gen_random_uuid(), 't-' || n, 'Team ' || n FROM generate_series(1, 2000) AS n
    """,
    """
    INSERT INTO people (organization_id, id, external_id, name, email, is_active, starts_on, segments)
    SELECT :organization_id, gen_random_uuid(), 'E-' || n, 'Name ' || n, n || '@example.com', true,
        date '2020-01-01' + n % 365, '{}'
    FROM generate_series(1, 50000) AS n
    """,
)


@contextmanager
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """How long each step of the loop has the processor."""
    took: list[float] = []
    run = Handle._run

    def timed(handle: Any) -> None:
        began = time.thread_time()
        run(handle)
        took.append(time.thread_time() - began)

    with monkeypatch.context() as patched:
        patched.setattr(Handle, "_run", timed)
        yield took


@pytest.fixture
async def client(lone: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    """Without a look at the contract, which takes longer than the service."""
    async with lone.database.tenant_session(lone.id) as session:
        for statement in FILL:
            await session.execute(text(statement))
    async with lone.database.system_session(reason="test") as session:
        await session.execute(text("ANALYZE"))
    transport = httpx.ASGITransport(app=lone.app)
    key = lone.client.headers["Authorization"]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": key}, timeout=None
    ) as found:
        yield found


async def test_no_step_takes_long(
    client: httpx.AsyncClient, lone: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [
        {"external_id": f"E-{n}", "name": f"New name {n}", "team": f"t-{1 + n % 2000}"} for n in range(1000)
    ]
    sent: dict[str, tuple[str, bytes | None]] = {
        "/v1/people/batch": ("POST", json.dumps({"items": people}).encode()),
        "/scim/v2/Users?count=500": ("GET", None),
        "/scim/v2/Groups?count=500&excludedAttributes=members": ("GET", None),
    }
    longest: dict[str, float] = {}
    gc.freeze()  # as the service does with what it has loaded
    for path, (method, body) in sent.items():
        await client.get("/health/live")
        with steps(monkeypatch) as took:
            headers = {"Content-Type": "application/json"} if body else {}
            async with client.stream(method, path, content=body, headers=headers) as answer:
                packed = b"".join([part async for part in answer.aiter_raw()])
        assert answer.status_code == 200, packed[:500]
        assert answer.headers["content-encoding"] == "gzip"
        longest[path] = max(took)
    gc.unfreeze()
    assert all(one < LONGEST for one in longest.values()), longest
