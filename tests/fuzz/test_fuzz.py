"""Schemathesis makes requests of the contract, good and bad, to an organisation that has everything.

No answer is a failure of ours, and none is one that the contract does not tell of. In an environment of its
own, which `make nightly` makes; `python -m pytest tests/fuzz --hypothesis-profile=searching -m nightly`.
"""

import asyncio
import copy
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from app.core.contract import METHODS, contract
from app.serving import OPTIONS
from tests.conftest import Tenant, new_tenant
from tests.contract import SHARED_STATUSES
from tests.installed import has_been_installed
from tests.waiting import PATIENCE, until
from tests.world import furnish

pytestmark = pytest.mark.nightly
FUZZ = Path(sys.prefix) / "fuzz"
EXAMPLES = 25
MOST_SECONDS = int(os.environ.get("FUZZ_SECONDS", "1800"))
OF_EVERY_OPERATION = SHARED_STATUSES - {500, 503}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
PHASES = "examples,coverage,fuzzing,stateful"


@pytest.fixture
async def filled(app: FastAPI) -> Tenant:
    acme = await new_tenant(app, "Acme")
    await furnish(acme)
    return acme


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", **OPTIONS))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


def lenient() -> dict[str, Any]:
    """The contract, with what it says in its introduction of every operation written at each."""
    document = copy.deepcopy(contract())
    problem = {"description": "", "content": {"application/problem+json": {"schema": PROBLEM}}}
    for item in document["paths"].values():
        for method in item.keys() & METHODS:
            responses = item[method]["responses"]
            item[method]["responses"] = dict.fromkeys(map(str, OF_EVERY_OPERATION), problem) | responses
            keep_what_it_reads(item[method])
    return document


def keep_what_it_reads(operation: dict[str, Any]) -> None:
    """It can make no spreadsheet, and takes YAML and events for the objects that are written in them."""
    content = operation.get("requestBody", {}).get("content", {})
    for kind in [kind for kind in content if kind.startswith("application/vnd.")]:
        del content[kind]
    for response in operation["responses"].values():
        for kind in ("application/yaml", "text/event-stream"):
            response.get("content", {}).get(kind, {}).pop("schema", None)


async def test_every_answer_to_any_request_is_in_the_contract(
    filled: Tenant, url: str, tmp_path: Path
) -> None:
    program = has_been_installed(FUZZ) / "bin" / "schemathesis"
    (tmp_path / "contract.json").write_text(json.dumps(lenient()))
    options = ["--checks", CHECKS, "--phases", PHASES, "--max-examples", str(EXAMPLES), "--no-color"]
    lasting = ["--continue-on-failure", "--max-time", str(MOST_SECONDS), "--warnings", "off", "--no-shrink"]
    key = f"Authorization: {filled.client.headers['authorization']}"
    command = [str(program), "run", "contract.json", "--url", url, "--header", key, *options, *lasting]
    with (tmp_path / "said").open("w+") as said:
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=said, stderr=said)
        async with asyncio.timeout(MOST_SECONDS + PATIENCE):
            code = await process.wait()
        said.seek(0)
        assert code == 0, said.read()[-30_000:]
