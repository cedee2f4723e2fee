"""Who is signed in and who is not any more: nobody finds what was another's, nor acts in another's name."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.settings import MANAGE
from tests.conftest import Tenant
from tests.pages.conftest import CHROMIUM, FLAGS, LANGUAGES, Visits
from tests.pages.test_dashboard import asked, key_of  # noqa: F401 a fixture
from tests.pages.test_manage import CSV, HR, at_screen, manage, uploaded
from tests.pages.visiting import Visit
from tests.waiting import PATIENCE

SESSION, PLAN = "betrokken.session", "betrokken.plan"
KEPT = "() => Object.keys(sessionStorage).filter((name) => name !== 'betrokken.language')"
RESTORED = "() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
"""Back in a browser that kept the page as it was."""
HIDDEN = "() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
ASKS = {"nl": "Met een andere sleutel verdergaan?", "en": "Go on with another key?"}


async def kept(seen: Visit) -> list[str]:
    found: list[str] = await seen.page.evaluate(KEPT)
    return found


async def brought(seen: Visit, key: str) -> None:
    """A link with a key, in the page that is open."""
    await seen.page.evaluate("(key) => { location.hash = key; }", key)


# ------------------------------------------------------------------ out is out


@pytest.fixture
async def keeping(browser: Any) -> AsyncIterator[Any]:
    """A Chromium that keeps pages as they were, as people's do and a driven one does not."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 where Chromium is, it is too

    async with async_playwright() as driver:
        kept = await driver.chromium.launch(
            executable_path=shutil.which("chromium") or CHROMIUM,
            args=FLAGS,
            chromium_sandbox=os.geteuid() != 0,
            ignore_default_args=["--disable-back-forward-cache"],
            timeout=PATIENCE * 1000,
        )
        yield kept
        await kept.close()


@pytest.mark.nightly
async def test_back_brings_no_results_after_signing_out_on_another_page(
    asked: Tenant,  # noqa: F811
    keeping: Any,
    address: str,
) -> None:
    key = await key_of(asked, *HR)
    context = await keeping.new_context(locale="nl")
    context.set_default_timeout(PATIENCE * 1000)
    seen = Visit(await context.new_page(), address)
    await seen.look(key)
    await seen.page.click("#manage")
    await at_screen(seen, "surveys")
    await seen.page.click("#leave")
    await seen.arrive("signin")
    asked_for: list[str] = []
    seen.page.on("request", lambda one: asked_for.append(one.headers.get("authorization", "")))
    await seen.page.evaluate("history.back()")
    await seen.page.wait_for_url(f"{address}/", wait_until="commit")
    await seen.arrive("signin")
    assert "Acme" not in await seen.page.content()
    assert not any(asked_for)
    assert await kept(seen) == []
    await context.close()


@pytest.mark.nightly
@pytest.mark.parametrize("place", ["/", MANAGE])
async def test_a_page_that_was_kept_shows_nothing_once_its_session_is_over(
    place: str,
    asked: Tenant,  # noqa: F811
    visit: Visits,
) -> None:
    key = await key_of(asked, *HR)
    async with visit(width=1280) as seen:
        await seen.page.goto(f"{seen.address}{place}#{key}")
        await seen.arrive("manage" if place == MANAGE else "results")
        await seen.page.evaluate(HIDDEN)
        assert not await seen.page.is_visible("#main")
        await seen.page.evaluate(RESTORED)
        assert await seen.page.is_visible("#main"), "still signed in: as it was"
        await seen.page.evaluate(f"sessionStorage.removeItem('{SESSION}')")
        async with seen.page.expect_navigation():
            await seen.page.evaluate(RESTORED)
        await seen.arrive("signin")
        assert "Acme" not in await seen.text("body")


@pytest.mark.nightly
@pytest.mark.parametrize("place", ["/", MANAGE])
async def test_signing_out_leaves_nothing_in_the_tab(place: str, acme: Tenant, visit: Visits) -> None:
    async with visit(width=1280) as seen:
        await manage(seen, await key_of(acme, *HR), "surveys/new")
        await seen.page.fill("#name", "Reorganisatie")
        await seen.page.click("#next")
        await seen.page.wait_for_selector('[name="mode"]')
        assert PLAN in await kept(seen)
        await seen.page.goto(f"{seen.address}{place}")
        await seen.page.wait_for_selector("#leave:visible")
        await seen.page.click("#leave")
        await seen.arrive("signin")
        assert await kept(seen) == []
        assert seen.page.url == f"{seen.address}{place}"
        await seen.page.goto(f"{seen.address}{MANAGE}#surveys/new")
        await seen.page.fill("#key", await key_of(acme, *HR))
        await seen.press("Enter")
        await at_screen(seen, "surveys/new")
        assert await seen.page.input_value("#name") == ""


@pytest.mark.nightly
async def test_who_comes_after_a_session_that_ended_finds_nothing_of_it(
    acme: Tenant, other: Tenant, visit: Visits
) -> None:
    async with visit(width=1280) as seen:
        await manage(seen, await key_of(acme, *HR), "surveys/new")
        await seen.page.fill("#name", "Reorganisatie")
        await ended(acme)
        await seen.page.click("#next")
        await seen.arrive("signin")
        await seen.page.fill("#key", await key_of(acme, *HR))
        await seen.press("Enter")
        await at_screen(seen, "surveys/new")
        await ended(acme)
        await seen.page.reload()
        await seen.arrive("signin")
        await seen.page.fill("#key", await key_of(other, *HR))
        await seen.press("Enter")
        await seen.says("#organization", "Globex")
        assert PLAN not in await kept(seen)


async def ended(tenant: Tenant) -> None:
    for one in (await tenant.client.get("/v1/api-keys")).json()["items"]:
        if one["name"] == "reader":
            await tenant.client.delete(f"/v1/api-keys/{one['id']}")


# ------------------------------------------------------------------ a link with another key


@pytest.mark.nightly
@LANGUAGES
async def test_another_key_in_the_address_asks_first_and_names_neither(
    language: str, acme: Tenant, other: Tenant, visit: Visits
) -> None:
    mine, theirs = await key_of(acme, "people:write"), await key_of(other, "people:write")
    async with visit(language=language, width=1280) as seen:
        sent: list[str] = []
        seen.page.on("request", lambda one: sent.append(one.headers.get("authorization", "")))
        await manage(seen, mine, "people")
        await uploaded(seen, CSV.encode())
        await brought(seen, theirs)
        await seen.says("#other-key h2", ASKS[language])
        assert seen.page.url == f"{seen.address}{MANAGE}#people"
        said = await seen.text("#other-key")
        assert not any(named in said for named in (mine, theirs, "btk_", "Acme", "Globex"))
        assert (await seen.focused())["id"] == "stay"
        assert await seen.violations() == []
        await seen.press("Enter")
        await seen.page.wait_for_selector("#other-key", state="detached")
        assert "Acme" in await seen.text("#organization")
        assert f"Bearer {theirs}" not in sent


@pytest.mark.nightly
async def test_what_was_in_hand_never_goes_along_to_another_organization(
    acme: Tenant, other: Tenant, visit: Visits
) -> None:
    mine, theirs = await key_of(acme, *HR, "people:write"), await key_of(other, *HR, "people:write")
    async with visit(width=1280) as seen:
        await manage(seen, mine, "surveys/new")
        await seen.page.fill("#name", "Reorganisatie")
        await seen.page.click("#next")
        await seen.page.wait_for_selector('[name="mode"]')
        await brought(seen, theirs)
        await seen.page.click("#change")
        await seen.says("#organization", "Globex")
        assert PLAN not in await kept(seen)
        assert seen.page.url == f"{seen.address}{MANAGE}"
        await seen.page.goto(f"{seen.address}{MANAGE}#surveys/new")
        await at_screen(seen, "surveys/new")
        assert await seen.page.input_value("#name") == ""


@pytest.mark.nightly
@pytest.mark.parametrize("place", ["/", MANAGE])
async def test_it_asks_too_where_the_link_opens_the_page(
    place: str, acme: Tenant, other: Tenant, visit: Visits
) -> None:
    async with visit(width=1280) as seen:
        await manage(seen, await key_of(acme, *HR))
        theirs = await key_of(other, *HR)
        for answer, organization in (("#stay", "Acme"), ("#change", "Globex")):
            await seen.page.goto("about:blank")
            await seen.page.goto(f"{seen.address}{place}#{theirs}")
            await seen.page.click(answer)
            await seen.page.wait_for_selector("#other-key", state="detached")
            await seen.page.wait_for_selector("#leave:visible")
            assert seen.page.url == f"{seen.address}{place}"
            await seen.page.goto(f"{seen.address}{MANAGE}")
            await seen.says("#organization", organization)


@pytest.mark.nightly
async def test_results_of_one_never_stand_under_the_key_of_another(
    asked: Tenant,  # noqa: F811
    other: Tenant,
    visit: Visits,
) -> None:
    """Also a key that may see nothing, or is none."""
    async with visit(width=1280) as seen:
        await seen.look(await key_of(asked))
        await brought(seen, "btk_of_nobody")
        await seen.page.click("#change")
        await seen.says("#other-key .fault", "Die sleutel kennen we niet")
        assert await seen.violations() == []
        await seen.press("Escape")
        await seen.page.select_option("#team", "care")
        await seen.says("#finding", "Care")
        await brought(seen, await key_of(other, "people:read"))
        await seen.page.click("#change")
        await seen.arrive("problem")
        content = await seen.page.content()
        assert not any(named in content for named in ("Care", "Acme"))
        assert "team=" not in seen.page.url


# ------------------------------------------------------------------ addresses as people have them


@pytest.mark.parametrize("place", ["/", pytest.param(MANAGE, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "written",
    [
        "#key={}",
        "#/{}",
        *(pytest.param(one, marks=pytest.mark.nightly) for one in ("#{}&from=mail", "#%20{}")),
    ],
)
async def test_a_key_leaves_the_address_however_it_stands_in_it(
    place: str, written: str, acme: Tenant, visit: Visits
) -> None:
    key = await key_of(acme, *HR)
    async with visit(width=1280) as seen:
        await seen.page.goto(f"{seen.address}{place}{written.format(key)}")
        await seen.page.wait_for_selector("#leave:visible")
        assert seen.page.url == f"{seen.address}{place}"


@pytest.mark.nightly
@pytest.mark.parametrize("written", ["#%", "#surveys/%E0%A4%A", "#%ff/%"])
async def test_an_address_that_is_no_text_is_no_empty_page(written: str, acme: Tenant, visit: Visits) -> None:
    async with visit(width=1280) as seen:
        await manage(seen, await key_of(acme, *HR))
        await seen.page.goto(f"{seen.address}{MANAGE}{written}")
        await seen.page.reload()
        await seen.arrive("manage")
        await seen.page.wait_for_selector("#view h1")
