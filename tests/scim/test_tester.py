"""The conformance tester of the SCIM project, against a running server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from scim2_client import BaseSyncSCIMClient
from scim2_tester import Status, check_server

from tests.conftest import Tenant
from tests.scim.client import PREFIX
from tests.waiting import PATIENCE, until

FAILURES = {Status.ERROR, Status.CRITICAL, Status.DEVIATION}


class HttpClient(BaseSyncSCIMClient):
    """The library's client over httpx; the engine it brings needs another HTTP library."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__()
        self.client = client

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return str(self.client.build_request("GET", endpoint).url).startswith(str(self.client.base_url))

    def _parse_json(self, response: Any) -> Any:
        return cast(httpx.Response, response).json()

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        return self.client.request(method, url, **kwargs)


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    await task


@pytest.mark.nightly
async def test_the_conformance_tester_finds_nothing_wrong(address: str, acme: Tenant) -> None:
    headers = {"Authorization": f"Bearer {await acme.key()}"}
    with httpx.Client(base_url=address + PREFIX, headers=headers, timeout=PATIENCE) as client:
        results = await asyncio.to_thread(check_server, HttpClient(client))
    wrong = [f"{one.title} {one.resource_type}: {one.reason}" for one in results if one.status in FAILURES]
    assert not wrong, "\n".join(wrong)
    summary = Counter(one.status.name for one in results)
    assert summary["SUCCESS"] > 100
    checked = {(one.title, one.resource_type) for one in results if one.status is Status.SUCCESS}
    for kind in ("User", "Group"):
        for check in ("object_creation", "object_replacement", "object_deletion", "check_add_attribute"):
            assert (check, kind) in checked
