"""What operators and developers read: health, Prometheus, the contract and its page."""

from importlib.resources import files
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from app.core import contract, migrations, telemetry
from app.core.errors import Unavailable
from app.core.requests import Route
from app.core.schema import Schema

ASSETS = "/docs-assets"
router = APIRouter(route_class=Route, tags=["operations"])


class Health(Schema):
    status: Literal["ok"]


class YamlResponse(Response):
    media_type = "application/yaml"


class NotMigrated(Unavailable):
    code = "not_migrated"
    detail = "The database does not have this version's tables: run `betrokken migrate`."


@router.get("/health/live", operation_id="get_liveness", response_model=Health)
async def get_liveness() -> Health:
    """The process answers; says nothing of the database."""
    return Health(status="ok")


@router.get("/health/ready", operation_id="get_readiness", response_model=Health)
async def get_readiness(request: Request) -> Health:
    """The database answers and has this version's schema."""
    database = request.app.state.database
    async with database.system_session(reason="readiness") as session:
        if await migrations.is_behind(session):
            raise NotMigrated
    return Health(status="ok")


@router.get("/metrics", operation_id="get_prometheus_metrics", response_class=PlainTextResponse)
async def get_prometheus_metrics() -> Response:
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
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Betrokken API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},
    )


def mount_assets(app: FastAPI) -> None:
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs_assets")
