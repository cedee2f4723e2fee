"""What a request's head must be, and what stands in every answer's."""

import base64
import hashlib
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Tenant, client_for
from tests.contract import ContractClient, operations
from tests.test_bad_input import Wire, server, wire

__all__ = ["server", "wire"]
READS = [operation for operation in operations() if operation.method == "get"]


async def plain(app: FastAPI, method: str, path: str, headers: Any = ()) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, headers=headers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/docs"),
        ("GET", "/docs-assets/swagger-ui-bundle.js"),
        ("GET", "/openapi.yaml"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("GET", "/v1/me"),
        ("GET", "/scim/v2/Users"),
        ("GET", "/v1/newsletter/confirm/x"),
        ("POST", "/health/live"),
        ("OPTIONS", "/v1/me"),
    ],
)
async def test_no_browser_guesses_what_an_answer_is(method: str, path: str, app: FastAPI) -> None:
    assert (await plain(app, method, path)).headers.get_list("x-content-type-options") == ["nosniff"]


async def test_nor_where_the_service_fails(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme.database, "tenant_session", None)
    answer = await api.get("/v1/me")
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (500, "nosniff")


async def test_the_page_of_the_contract_runs_what_is_ours_and_says_its_language(app: FastAPI) -> None:
    page = await plain(app, "GET", "/docs")
    assert '<html lang="en">' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    scripts = re.search(r"script-src ([^;]*)", policy)
    assert scripts is not None
    [inline] = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert scripts[1].split() == ["'self'", f"'sha256-{digest}'"]


HOSTS = [
    [],
    [("Host", "a"), ("Host", "b")],
    [("Host", "test"), ("Host", "test")],
    [("Host", "")],
    [("Host", "a b")],
    [("Host", "a/b")],
    [("Host", "user@a")],
    [("Host", "a:port")],
    [("Host", "a, b")],
]


@pytest.mark.parametrize("hosts", HOSTS, ids=str)
@pytest.mark.parametrize("path", ["/health/live", "/v1/me", "/docs", "/scim/v2/Users"])
async def test_a_request_says_once_whom_it_is_for(
    hosts: list[tuple[str, str]], path: str, app: FastAPI
) -> None:
    def only(request: httpx.Request) -> None:
        request.headers = httpx.Headers(hosts)

    hooks: Any = {"request": [plainly(only)]}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", event_hooks=hooks) as client:
        answer = await client.get(path)
    assert answer.status_code == 400, answer.text
    assert "Send one Host header" in answer.text


def plainly(change: Any) -> Any:
    async def hook(request: httpx.Request) -> None:
        change(request)

    return hook


@pytest.mark.parametrize("host", ["test", "test:8000", "127.0.0.1", "[::1]:8000", "a-b.example.com."])
async def test_names_of_hosts_are_let_in(host: str, app: FastAPI) -> None:
    assert (await plain(app, "GET", "/health/live", {"Host": host})).status_code == 200


async def test_on_the_wire(wire: Wire) -> None:
    for head in ("", "Host: a\r\nHost: b\r\n", "Host: \r\n"):
        reply = await wire.send(f"GET /health/live HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
        assert reply.status == 400, head
        assert "x-content-type-options: nosniff" in reply.head
    old = await wire.send(b"GET /health/live HTTP/1.0\r\n\r\n")
    assert old.status == 200, "balancers ask so"
    nothing = await wire.send(b"nonsense\r\n\r\n")
    assert (nothing.status, "x-content-type-options: nosniff" in nothing.head) == (400, True)


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key"])
async def test_what_counts_is_sent_once(name: str, acme: Tenant) -> None:
    token = f"Bearer {await acme.key()}"
    headers = [("Authorization", token), (name, "x"), (name, "x")]
    answer = await plain(acme.app, "GET", "/v1/me", headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "repeated_header")


async def test_a_host_that_is_refused_is_told_as_a_problem(acme: Tenant) -> None:
    answer = await client_for(acme.app, await acme.key()).get("/v1/me", headers={"Host": "a b"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_host")


@pytest.mark.parametrize("older", ['"other"', '"other", W/"another"'])
async def test_a_condition_on_two_lines_counts_whole(acme: Tenant, older: str) -> None:
    path = "/v1/people/E-1"
    tag = (await acme.client.put(path, json={"name": "Noor"})).headers["etag"]
    for lines in ([older, tag], [tag, older]):
        twice = [("If-None-Match", line) for line in lines]
        assert (await acme.client.get(path, headers=twice)).status_code == 304, lines
        twice = [("If-Match", line) for line in lines]
        assert (await acme.client.patch(path, json={"name": "Noor"}, headers=twice)).status_code == 200, lines
    table = [("Accept", "application/json;q=0.1"), ("Accept", "text/csv")]
    assert (await acme.client.get("/v1/people", headers=table)).headers["content-type"].startswith("text/csv")
