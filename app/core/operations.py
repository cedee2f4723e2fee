"""What operators and developers read: health, Prometheus, the contract and its page."""

import asyncio
import base64
import hashlib
from importlib.resources import files
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from app.core import contract, migrations, telemetry, watching
from app.core.errors import Unavailable
from app.core.requests import Route
from app.core.schema import Schema

ASSETS = "/docs-assets"
READY_SECONDS = 20
SHOW = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset]
});"""
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Betrokken API</title>
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css">
<link rel="icon" href="{ASSETS}/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script>
<script>{SHOW}</script>
</body>
</html>
"""
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    f"script-src 'self' 'sha256-{base64.b64encode(hashlib.sha256(SHOW.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page of a document that anybody may have touched runs what is ours and nothing else."""
router = APIRouter(route_class=Route, tags=["operations"])
watched = APIRouter(route_class=Route, tags=["operations"])
"""What is asked of any process of ours, one that only works too."""


class Health(Schema):
    status: Literal["ok"]


class YamlResponse(Response):
    media_type = "application/yaml"


class NotMigrated(Unavailable):
    code = "not_migrated"
    detail = "The database does not have this version's tables: run `betrokken migrate`."


class ShuttingDown(Unavailable):
    code = "shutting_down"
    detail = "This process is about to end: send requests to another."


class WorkerSilent(Unavailable):
    code = "worker_silent"
    detail = "The database has not spoken to the job worker of this process for minutes: see the log."


@watched.get("/health/live", operation_id="get_liveness", response_model=Health)
async def get_liveness() -> Health:
    """The process answers; says nothing of the database."""
    return Health(status="ok")


@watched.get("/health/ready", operation_id="get_readiness", response_model=Health)
async def get_readiness(request: Request) -> Health:
    """The database answers, has this version's schema, and speaks to the worker, if there is one here."""
    if request.app.state.is_leaving:
        raise ShuttingDown
    database, worker = request.app.state.database, getattr(request.app.state, "worker", None)
    async with asyncio.timeout(READY_SECONDS), database.system_session(reason="readiness") as session:
        if await migrations.is_behind(session):
            raise NotMigrated
    if worker is not None and not worker.is_heard():
        raise WorkerSilent
    return Health(status="ok")


@watched.get("/metrics", operation_id="get_prometheus_metrics", response_class=PlainTextResponse)
async def get_prometheus_metrics(request: Request) -> Response:
    state = request.app.state
    await watching.measure(state.database, state.jobs, state.release_job)
    return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/openapi.json", operation_id="get_openapi_json", response_model=dict[str, Any])
async def get_openapi_json() -> Response:
    return Response(contract.contract_json(), media_type="application/json")


@router.get(
    "/openapi.yaml",
    operation_id="get_openapi_yaml",
    response_class=YamlResponse,
    responses={200: {"content": {"application/yaml": {"schema": {"type": "string"}}}}},
)
async def get_openapi_yaml() -> YamlResponse:
    return YamlResponse(contract.contract_yaml())


@router.get("/docs", operation_id="get_docs", response_class=HTMLResponse)
async def get_docs() -> HTMLResponse:
    """The contract as a page whose every part comes from this service."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


def mount_assets(app: FastAPI) -> None:
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs_assets")
