"""The page on which the first organisation is made, as whoever was given the link meets it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from app.organizations.setup.service import new_link
from tests.conftest import client_for
from tests.organizations.test_setup import empty, empty_url, organizations_in  # noqa: F401 fixtures
from tests.pages.conftest import LANGUAGES, Visits, listening
from tests.pages.visiting import FORGETFUL, Visit

DOOR = "**/v1/setup"
SAID = {
    "none": ("Hier hoort een link bij", "This page needs a link"),
    "unknown": ("Deze link kennen we niet", "We do not know this link"),
    "used": ("Er is al een organisatie", "There is an organisation already"),
    "lost": (
        "De organisatie is gemaakt, maar de sleutel kwam niet aan",
        "The organisation is made, but the key did not arrive",
    ),
    "expired": ("Deze link is verlopen", "This link has expired"),
    "other": ("Dit ging mis, en het ligt niet aan jou", "Something went wrong, and it is not your doing"),
}
WAITS = {"network": ("Geen verbinding", "No connection"), "busy": ("te druk", "too busy")}
BY_CODE = {"setup_link_expired": "expired", "unauthenticated": "unknown", "internal_error": "other"}


@pytest.fixture
async def place(empty: FastAPI) -> AsyncIterator[str]:  # noqa: F811
    async with listening(empty) as address:
        yield address


@asynccontextmanager
async def opened(
    visit: Visits, place: str, token: str, view: str = "form", language: str = "nl", **options: Any
) -> AsyncIterator[Visit]:
    async with visit(language=language, at=place, **options) as visited:
        await visited.page.goto(f"{place}/setup" + (f"#{token}" if token else ""))
        await visited.arrive(view)
        yield visited


async def token_of(app: FastAPI) -> str:
    link = await new_link(app.state.database)
    assert link is not None
    return link.token


async def make(visit: Visit, name: str = "Bakkerij De Wit") -> None:
    await visit.page.fill("#name", name)
    await visit.page.click("#make")


def refused(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "json": {"code": code, "status": status, "request_id": "r-1"}}


def answering(answer: dict[str, Any]) -> Callable[[Any], Awaitable[None]]:
    async def fulfil(route: Any) -> None:
        await route.fulfill(**answer)

    return fulfil


async def told(visit: Visit, said: tuple[str, str], language: str) -> None:
    await visit.arrive("problem")
    assert await visit.text("#problem-title") == said[language == "en"]
    assert await visit.violations() == []


@LANGUAGES
async def test_from_the_link_to_a_key_that_opens_everything(
    language: str,
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    """By the keyboard alone."""
    token = await token_of(empty)
    async with opened(visit, place, token, language=language) as at:
        assert await at.violations() == []
        await at.tab_to("name")
        await at.page.keyboard.type("Bakkerij De Wit")
        await at.press("Enter")
        await at.arrive("done")
        assert "Bakkerij De Wit" in await at.text("h1#made")
        assert await at.violations() == []
        key = await at.page.input_value("#key")
        api = client_for(empty, key)
        assert (await api.get("/v1/me")).json()["organization"]["name"] == "Bakkerij De Wit"
        assert (await api.get("/v1/organization")).json()["locale"] == language


@pytest.mark.nightly
async def test_the_token_is_nowhere_but_in_the_tab_until_it_is_used(
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    token = await token_of(empty)
    async with opened(visit, place, token) as at:
        sent: list[str] = []
        at.page.on("request", lambda request: sent.append(f"{request.url} {request.headers.get('referer')}"))
        assert at.page.url == f"{place}/setup"
        await at.page.reload()
        await at.arrive("form")
        assert at.page.url == f"{place}/setup"
        assert token not in str(sent)
        await make(at)
        await at.arrive("done")
        key = await at.page.input_value("#key")
        kept = await at.page.evaluate("JSON.stringify([sessionStorage, localStorage, document.cookie])")
        assert token not in kept
        assert key not in kept
        at.page.on("dialog", lambda dialog: dialog.accept())
        await at.page.goto(f"{place}/pages/palette.css")
        await at.page.go_back()
        await at.arrive("problem")
        assert await at.page.input_value("#key") == "", "nobody finds it by going back"


@pytest.mark.nightly
async def test_a_key_that_was_not_copied_is_not_lost_by_a_slip(
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with opened(visit, place, await token_of(empty), permissions=permissions) as at:
        asked: list[str] = []
        at.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept())[1])
        await make(at)
        await at.arrive("done")
        await at.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
        await at.page.click("#copy")
        await at.says("#copied", "Ctrl+C")
        await at.page.reload()
        await at.arrive("problem")
        assert asked == ["beforeunload"]


@pytest.mark.nightly
async def test_who_cannot_go_on_yet_keeps_the_key(visit: Visits, place: str, empty: FastAPI) -> None:  # noqa: F811
    async with opened(visit, place, await token_of(empty)) as at:
        await make(at)
        await at.arrive("done")
        await at.page.route("**/v1/me", lambda route: route.abort(), times=1)
        await at.page.click("#on")
        await at.says("#copied", "Aanmelden lukt nu niet")
        assert (await at.page.input_value("#key")).startswith("btk_")
        at.page.on("dialog", lambda dialog: dialog.accept())
        await at.page.click("#on")
        await at.page.wait_for_url(f"{place}/manage**")


@pytest.mark.nightly
async def test_it_works_where_the_browser_keeps_nothing(visit: Visits, place: str, empty: FastAPI) -> None:  # noqa: F811
    async with visit(at=place) as at:
        await at.page.add_init_script(FORGETFUL)
        await at.page.goto(f"{place}/setup#{await token_of(empty)}")
        await make(at)
        await at.arrive("done")


@pytest.mark.nightly
async def test_one_goes_on_signed_in_with_the_key(
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    async with opened(visit, place, await token_of(empty)) as at:
        at.page.on("dialog", lambda dialog: dialog.accept())
        await make(at)
        await at.arrive("done")
        await at.page.click("#on")
        await at.page.wait_for_url(f"{place}/manage**")
        await at.says("#sections", "Mensen")
        await at.says("#organization", "Bakkerij De Wit")


@pytest.mark.nightly
async def test_the_key_is_copied(visit: Visits, place: str, empty: FastAPI) -> None:  # noqa: F811
    permissions = ["clipboard-read", "clipboard-write"]
    async with opened(visit, place, await token_of(empty), permissions=permissions) as at:
        await make(at)
        await at.arrive("done")
        await at.page.click("#copy")
        await at.says("#copied", "Gekopieerd")
        assert await at.page.evaluate("navigator.clipboard.readText()") == await at.page.input_value("#key")
        await at.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
        await at.page.click("#copy")
        await at.says("#copied", "Ctrl+C")
        chosen = "document.activeElement.value.slice(document.activeElement.selectionStart)"
        assert await at.page.evaluate(chosen) == await at.page.input_value("#key")


@pytest.mark.nightly
@LANGUAGES
async def test_without_a_link(language: str, visit: Visits, place: str) -> None:
    async with opened(visit, place, "", "problem", language) as at:
        await told(at, SAID["none"], language)
    for odd in ("%zz", "a b", "é"):
        async with opened(visit, place, odd, language=language) as at:
            await make(at)
            await told(at, SAID["unknown"], language)


@pytest.mark.nightly
@LANGUAGES
@pytest.mark.parametrize("code", BY_CODE)
async def test_each_refusal_has_a_sentence_of_its_own(
    code: str, language: str, visit: Visits, place: str
) -> None:
    async with opened(visit, place, "bts_x", language=language) as at:
        await at.page.route(DOOR, answering(refused(418, code)))
        await make(at)
        await told(at, SAID[BY_CODE[code]], language)
        other = "nl" if language == "en" else "en"
        await at.page.click(f'[data-language="{other}"]')
        await told(at, SAID[BY_CODE[code]], other)


@pytest.mark.nightly
@LANGUAGES
async def test_a_link_that_was_used(language: str, visit: Visits, place: str, empty: FastAPI) -> None:  # noqa: F811
    token = await token_of(empty)
    assert (await client_for(empty, token).post("/v1/setup", json={"name": "Acme"})).status_code == 201
    async with opened(visit, place, token, language=language) as at:
        await make(at)
        await told(at, SAID["used"], language)


@pytest.mark.nightly
@LANGUAGES
async def test_an_answer_that_is_lost_makes_no_second_organization(
    language: str,
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    async with opened(visit, place, await token_of(empty), language=language) as at:

        async def lose(route: Any) -> None:
            await route.fetch()
            await route.abort()

        await at.page.route(DOOR, lose, times=1)
        await make(at)
        await at.says("#said", WAITS["network"][language == "en"])
        await at.page.reload()
        await at.arrive("form")
        await make(at)
        await told(at, SAID["lost"], language)
    assert await organizations_in(empty) == 1


@pytest.mark.nightly
@LANGUAGES
async def test_what_passes_is_waited_for(
    language: str,
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    async with opened(visit, place, await token_of(empty), language=language) as at:
        for answer in (refused(429, "rate_limited"), refused(503, "unavailable")):
            await at.page.route(DOOR, answering(answer), times=1)
            await make(at)
            await at.says("#said", WAITS["busy"][language == "en"])
        assert await at.violations() == []
        await at.page.click("#make")
        await at.arrive("done")


@pytest.mark.nightly
async def test_two_presses_send_once_and_blanks_send_nothing(
    visit: Visits,
    place: str,
    empty: FastAPI,  # noqa: F811
) -> None:
    async with opened(visit, place, await token_of(empty)) as at:
        sent: list[str] = []
        at.page.on("request", lambda request: sent.append(request.post_data or ""))
        await make(at, "   ")
        await at.says("#said", "Vul een naam in")
        await at.page.fill("#name", "Acme")
        await at.page.evaluate("for (let n = 0; n < 3; n++) document.getElementById('form').requestSubmit()")
        await at.arrive("done")
    assert [json.loads(body) for body in sent if body] == [{"name": "Acme", "locale": "nl"}]


@pytest.mark.nightly
async def test_another_link_in_the_same_tab_is_taken(visit: Visits, place: str, empty: FastAPI) -> None:  # noqa: F811
    async with opened(visit, place, "bts_old") as at:
        await make(at)
        await at.arrive("problem")
        await at.page.goto(f"{place}/setup#{await token_of(empty)}")
        await at.arrive("form")
        await make(at)
        await at.arrive("done")


@pytest.mark.nightly
@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_a_long_name_fits(width: int, visit: Visits, place: str, empty: FastAPI) -> None:  # noqa: F811
    async with opened(visit, place, await token_of(empty), width=width) as at:
        await make(at, "Onderlinge-Waarborgmaatschappij" * 6)
        await at.arrive("done")
        assert await at.violations() == []
