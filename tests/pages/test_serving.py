"""Pages are files of this service: what they say to a browser, and to whom that has them already."""

import re

import pytest
from fastapi import FastAPI

from app.core.contract import contract
from app.core.settings import Settings
from app.main import create_app
from app.pages.api import HEADERS, KINDS, STATIC, files, router
from tests.conftest import client_for
from tests.contract import BESIDE, ContractClient

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ADDRESSES = [
    "/",
    "/calendar",
    "/manage",
    "/respond",
    "/setup",
    "/sign-in",
    *(f"/pages/{name}" for name in files()),
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_page_lets_nothing_in_and_nobody_know(address: str, anonymous: ContractClient) -> None:
    answer = await anonymous.get(address)
    assert answer.status_code == 200
    told = {name: answer.headers[name] for name in (*HEADERS, "X-Content-Type-Options")}
    assert told == {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-type"] in {f"{kind}; charset=utf-8" for kind in KINDS.values()}


async def test_who_has_a_file_is_not_sent_it_again(anonymous: ContractClient) -> None:
    tags = {}
    for address in ADDRESSES:
        tags[address] = (await anonymous.get(address)).headers["etag"]
        again = await anonymous.get(address, headers={"If-None-Match": tags[address]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[address])
    assert (
        await anonymous.get(ADDRESSES[0], headers={"If-None-Match": tags[ADDRESSES[1]]})
    ).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["", "nothing.js", "respond", "../api.py", "..%2Fapi.py", "%2e%2e/api.py", "/etc/passwd", "respond/"],
)
async def test_only_files_of_pages_are_had(name: str, anonymous: ContractClient) -> None:
    assert (await anonymous.get(f"/pages/{name}")).status_code in (400, 404)


@pytest.mark.parametrize("address", ["/respond", "/pages/palette.css", "/docs-assets/favicon.png"])
async def test_a_file_is_read_and_nothing_else(address: str, anonymous: ContractClient) -> None:
    refused = await anonymous.post(address)
    assert (refused.status_code, refused.headers["allow"]) == (405, "HEAD, GET")
    assert (await anonymous.head("/respond")).status_code == 200


async def test_pages_can_be_switched_off(settings: Settings, database_url: str) -> None:
    off = create_app(settings.model_copy(update={"pages": False}), database_url)
    for address in ADDRESSES:
        assert (await client_for(off, None).get(address)).status_code == 404


def test_pages_are_beside_the_contract_and_nothing_else_is(app: FastAPI) -> None:
    addresses = {route.path.replace("{name:path}", "a.js") for route in router.routes}
    assert all(map(BESIDE.fullmatch, addresses))
    assert not [path for path in contract()["paths"] if BESIDE.fullmatch(path)]


@pytest.mark.parametrize("name", files())
def test_a_file_names_nothing_of_elsewhere(name: str) -> None:
    """Behind a proxy the service may have a path of its own: addresses are relative too."""
    content = (STATIC / name).read_text(encoding="utf-8")
    assert "//" not in re.sub(r"^\s*(/\*\*?|\*|//).*$", "", content, flags=re.MULTILINE).replace("/** ", "")
    assert not re.search(r"""(href|src|action|from|fetch\()[=\s(]*["'`]/""", content)
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on[a-z]+=", content)


def test_each_reason_to_refuse_a_reader_has_a_sentence_of_its_own() -> None:
    """What the contract may answer to who opens the page."""
    codes = contract()["paths"]["/v1/respond"]["get"]["x-problem-codes"]
    script = (STATIC / "respond" / "service.js").read_text(encoding="utf-8")
    problems = dict(re.findall(r"^  (\w+): \"(\w+)\",$", script, re.MULTILINE))
    assert not set(codes) - set(problems)
    assert len({problems[code] for code in codes}) == len(codes)


def test_no_text_is_smaller_than_fourteen_pixels() -> None:
    for name in ("palette.css", "respond/respond.css", "dashboard/dashboard.css", "manage/manage.css"):
        sizes = re.findall(
            r"(?:font-size|--small|--body|--question|--part): ?([\d.]+)rem", (STATIC / name).read_text()
        )
        assert sizes
        assert min(map(float, sizes)) >= 0.875
