"""Schemathesis makes requests of the contract, good and bad, to an organisation that has everything.

No answer is a failure of ours, and none is one that the contract does not tell of. In an environment of its
own, which `make nightly` makes; `python -m pytest tests/fuzz --hypothesis-profile=searching -m nightly`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from app.serving import OPTIONS
from tests.conftest import Tenant, new_tenant
from tests.installed import has_been_installed
from tests.waiting import PATIENCE, until
from tests.world import furnish

pytestmark = pytest.mark.nightly
FUZZ = Path(sys.prefix) / "fuzz"
EXAMPLES = 25
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


async def test_every_answer_to_any_request_is_in_the_contract(
    filled: Tenant, url: str, tmp_path: Path
) -> None:
    program = has_been_installed(FUZZ) / "bin" / "schemathesis"
    options = ["--checks", CHECKS, "--phases", PHASES, "--max-examples", str(EXAMPLES), "--no-color"]
    lasting = ["--continue-on-failure", "--max-failures", "100", "--warnings", "off", "--seed", "1"]
    key = f"Authorization: {filled.client.headers['authorization']}"
    command = [str(program), "run", f"{url}/openapi.json", "--header", key, *options, *lasting]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(12 * PATIENCE):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-20_000:]
