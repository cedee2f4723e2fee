"""The service's own pages: files that are clients of the contract like any other.

They have no address of their own that reads or writes data, and are not in the contract.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.auth.dependencies import settings_of
from app.auth.oidc import Issuer, IssuerUnreachable, origin_of
from app.core.conditional import Tags, etag_of, matches
from app.core.errors import NotFound
from app.core.settings import CALENDAR, DASHBOARD, MANAGE, RESPOND, SETUP, SIGN_IN

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
POLICY, TO_US = "Content-Security-Policy", "connect-src 'self'"
HEADERS = {
    POLICY: (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; {TO_US};"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""Nothing of elsewhere runs or is asked, nobody learns of an address, and a newer version shows at once."""
router = APIRouter(tags=["pages"], include_in_schema=False)


@dataclass(frozen=True)
class File:
    content: bytes
    kind: str
    tag: str


@router.get(DASHBOARD)
async def get_dashboard_page(if_none_match: Tags = None) -> Response:
    return answer("dashboard.html", if_none_match)


@router.get(RESPOND)
async def get_respond_page(if_none_match: Tags = None) -> Response:
    return answer("respond.html", if_none_match)


@router.get(MANAGE)
async def get_manage_page(if_none_match: Tags = None) -> Response:
    return answer("manage.html", if_none_match)


@router.get(CALENDAR)
async def get_calendar_page(if_none_match: Tags = None) -> Response:
    """The same document, which draws what its address says."""
    return answer("manage.html", if_none_match)


@router.get(SETUP)
async def get_setup_page(if_none_match: Tags = None) -> Response:
    return answer("setup.html", if_none_match)


@router.get(SIGN_IN)
async def get_sign_in_page(request: Request, if_none_match: Tags = None) -> Response:
    """The one page that asks another origin: where the identity provider gives tokens."""
    found = answer("signin.html", if_none_match)
    origin = await token_origin(request.app.state.issuer) if settings_of(request).oidc_client_id else None
    if origin is not None:
        found.headers[POLICY] = HEADERS[POLICY].replace(TO_US, f"{TO_US} {origin}")
    return found


async def token_origin(issuer: Issuer) -> str | None:
    try:
        found = await issuer.endpoints()
    except IssuerUnreachable:
        return None
    return None if found is None else origin_of(found.token_endpoint)


@router.get("/pages/{name:path}")
async def get_page_file(name: str, if_none_match: Tags = None) -> Response:
    return answer(name, if_none_match)


def answer(name: str, if_none_match: str | None) -> Response:
    file = files().get(name)
    if file is None:
        raise NotFound
    headers = HEADERS | {"ETag": file.tag}
    if if_none_match and matches(if_none_match, file.tag):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.kind)


@cache
def files() -> dict[str, File]:
    """What may be had, by its name below the folder."""
    found = (path for path in STATIC.rglob("*") if path.suffix in KINDS)
    return {path.relative_to(STATIC).as_posix(): file_of(path) for path in found}


def file_of(path: Path) -> File:
    content = path.read_bytes()
    return File(content, KINDS[path.suffix], etag_of(content))
