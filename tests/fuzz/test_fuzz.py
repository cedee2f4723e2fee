"""Schemathesis makes requests of the contract, good and bad, to an organisation that has everything.

No answer is a failure of ours, and none is one that the contract does not tell of. In an environment of its
own, which `make nightly` makes; it ends within a quarter of an hour, or `FUZZ_SECONDS=3600` for longer:
`python -m pytest tests/fuzz -m nightly`.
"""

import asyncio
import copy
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from app.core.contract import METHODS, contract
from app.serving import OPTIONS
from tests.conftest import Tenant
from tests.contract import SHARED_STATUSES
from tests.installed import has_been_installed
from tests.waiting import PATIENCE, until
from tests.world import furnish

pytestmark = pytest.mark.nightly
FUZZ = Path(sys.prefix) / "fuzz"
EXAMPLES = 25
MOST_SECONDS = int(os.environ.get("FUZZ_SECONDS", "720"))
"""Of which a third is for what follows from answers before, else nothing would be left for it."""
OF_EVERY_OPERATION = SHARED_STATUSES - {500, 503}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
UNMADE = ("application/vnd.", "application/x-ndjson")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
PHASES = {"examples,coverage,fuzzing": MOST_SECONDS * 2 // 3, "stateful": MOST_SECONDS // 3}
PEOPLE, TEAMS = ["E-1042", "E-0007"], ["sales", "sales-nl"]
ENDING = re.compile(r"delete_|.*(erase|cancel|close)")
"""Operations after which there is less for the others: these look for what they end themselves."""


@pytest.fixture
async def filled(acme: Tenant) -> dict[str, list[str]]:
    """What there is, by the name of the parameter that asks for it."""
    named = await furnish(acme)
    there = {name: [value] for name, value in named.items() if name.endswith("_id")}
    surveys = [named["survey_id"], named["released_survey_id"]]
    asked = dict.fromkeys(("person", "giver", "receiver"), PEOPLE)
    return there | asked | {"survey_id": surveys, "team": TEAMS, "external_id": [*PEOPLE, *TEAMS]}


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", **OPTIONS))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


def lenient(filled: dict[str, list[str]]) -> dict[str, Any]:
    """The contract, with what it says in its introduction of every operation written at each.

    And with what there is among what may be asked for, else most answers would be that there is none.
    """
    document = copy.deepcopy(contract())
    problem = {"description": "", "content": {"application/problem+json": {"schema": PROBLEM}}}
    for item in document["paths"].values():
        for method in item.keys() & METHODS:
            responses = item[method]["responses"]
            item[method]["responses"] = dict.fromkeys(map(str, OF_EVERY_OPERATION), problem) | responses
            keep_what_it_reads(item[method])
            own = [*item.get("parameters", []), *item[method].get("parameters", [])]
            there_is = {} if ENDING.match(item[method]["operationId"]) else filled
            found = [name_what_there_is(resolved(one, document), there_is) for one in own]
            item[method]["parameters"] = found
        item.pop("parameters", None)
    return document


def resolved(parameter: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in parameter:
        return parameter
    found: dict[str, Any] = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    return found


def name_what_there_is(parameter: dict[str, Any], filled: dict[str, list[str]]) -> dict[str, Any]:
    values = filled.get(parameter["name"])
    if values is None or parameter["in"] == "header":
        return parameter
    schema = parameter["schema"]
    if schema.get("type") == "array":
        return parameter | {"schema": schema | {"items": {"anyOf": [{"enum": values}, schema["items"]]}}}
    return parameter | {"schema": {"anyOf": [{"enum": values}, schema]}}


def keep_what_it_reads(operation: dict[str, Any]) -> None:
    """It can make no spreadsheet and no lines of JSON, and takes YAML and events for the objects in them."""
    content = operation.get("requestBody", {}).get("content", {})
    for kind in [kind for kind in content if kind.startswith(UNMADE)]:
        del content[kind]
    for response in operation["responses"].values():
        for kind in ("application/yaml", "text/event-stream"):
            response.get("content", {}).get(kind, {}).pop("schema", None)


@pytest.mark.parametrize("phases", PHASES)
async def test_every_answer_to_any_request_is_in_the_contract(
    phases: str, acme: Tenant, filled: dict[str, list[str]], url: str, tmp_path: Path
) -> None:
    program = has_been_installed(FUZZ) / "bin" / "schemathesis"
    (tmp_path / "contract.json").write_text(json.dumps(lenient(filled)))
    options = ["--checks", CHECKS, "--phases", phases, "--max-examples", str(EXAMPLES), "--no-color"]
    lasting = ["--continue-on-failure", "--max-time", str(PHASES[phases]), "--warnings", "off", "--no-shrink"]
    key = f"Authorization: {acme.client.headers['authorization']}"
    command = [str(program), "run", "contract.json", "--url", url, "--header", key, *options, *lasting]
    with (tmp_path / "said").open("w+") as said:
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=said, stderr=said)
        async with asyncio.timeout(MOST_SECONDS + PATIENCE):
            code = await process.wait()
        said.seek(0)
        print(said.read()[-30_000:])
    assert code == 0
