"""The service's own pages: files that are clients of the contract like any other.

They have no address of their own that reads or writes data, and are not in the contract.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response

from app.core.conditional import Tags, etag_of, matches
from app.core.errors import NotFound
from app.core.settings import DASHBOARD, MANAGE, RESPOND, SETUP

STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
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


@router.get(SETUP)
async def get_setup_page(if_none_match: Tags = None) -> Response:
    return answer("setup.html", if_none_match)


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
