"""The respondent's page, as somebody meets it who has an invitation, a browser and no help."""

import json
import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.surveys.invitations.tokens import new_nonce, token_of
from tests.clock import next_year
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.pages.conftest import LANGUAGES, Visits
from tests.pages.visiting import Visit
from tests.surveys.inviting import answer, ask, employ, tokens
from tests.surveys.test_surveys import draft, opened
from tests.waiting import until

DOOR = "**/v1/respond"
AGAIN = "#send:enabled:text-matches('Probeer nu opnieuw|Try again now')"
SAID = {
    "none": ("Vul je code in", "Enter your code"),
    "unknown": ("Deze link of code kennen we niet", "We do not know this link or code"),
    "used": ("Deze uitnodiging is al gebruikt", "This invitation has been used"),
    "replaced": ("Er is een nieuwere uitnodiging", "There is a newer invitation"),
    "answered": ("Je had al geantwoord", "You had answered already"),
    "early": ("Deze enquête is nog niet open", "This survey is not open yet"),
    "closed": ("Deze enquête is gesloten", "This survey has closed"),
    "withdrawn": ("Deze enquête is ingetrokken", "This survey was withdrawn"),
    "closed_late": ("De enquête is net gesloten", "The survey has just closed"),
    "network": ("Geen verbinding", "No connection"),
    "busy": ("Het is even te druk", "It is too busy right now"),
    "other": ("Dit ging mis, en het ligt niet aan jou", "Something went wrong, and it is not your doing"),
}
"""Each state in a sentence of its own, in both languages."""


async def asked(tenant: Tenant, **members: Any) -> tuple[str, str]:
    """A survey, and the token of the one who is asked."""
    await employ(tenant.client, "E-1", email="e-1@example.com")
    survey_id = await opened(tenant.client, **members)
    [token] = await tokens(tenant.client, survey_id, "E-1")
    return survey_id, token


async def stored(api: ContractClient, survey_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get(f"/v1/surveys/{survey_id}/responses")).json()["items"]
    return found


async def questions(tenant: Tenant) -> list[dict[str, Any]]:
    content = (await tenant.client.get("/v1/questionnaires/betrokken-33")).json()
    found: list[dict[str, Any]] = content["questions"]
    return found


def refused(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "json": {"code": code, "status": status, "request_id": "r-1"}}


async def choose(visit: Visit, **answers: int | None) -> None:
    for key, value in answers.items():
        written = "" if value is None else value
        await visit.page.locator(f'input[name="{key}"][value="{written}"]').check(force=True)


async def look_over(visit: Visit) -> None:
    """Over the screens that are left, without an answer."""
    while await visit.page.get_attribute("body", "data-view") != "review":
        await visit.page.click("#next")


async def send(visit: Visit) -> None:
    await look_over(visit)
    await visit.page.click("#send")


# ------------------------------------------------------------------ the whole way


@LANGUAGES
async def test_a_phone_and_its_keys_are_enough_also_without_a_connection(
    language: str, visit: Visits, acme: Tenant
) -> None:
    survey_id, token = await asked(acme, mode="attributed")
    async with visit(language) as tab:
        await tab.open(token)
        await tab.tab_to("begin")
        await tab.press("Enter")
        given = await answered_by_keys(tab, offline_at=10)
        assert "33" in await tab.text("#skipped-title") or len(given) == 32
        await tab.tab_to("send")
        await tab.press("Enter")
        await tab.page.wait_for_selector(AGAIN)
        assert ("Geen verbinding" if language == "nl" else "No connection") in await tab.text("#status")
        assert await stored(acme.client, survey_id) == []
        await tab.page.context.set_offline(False)
        await tab.arrive("thanks")
        assert await tab.text("#offline") == ""
    [response] = await stored(acme.client, survey_id)
    assert response["answers"] == given
    assert {None, 1, 2, 3, 4, 5} <= set(given.values())


async def answered_by_keys(tab: Visit, offline_at: int) -> dict[str, int | None]:
    """All questions but the third, each with another answer than the one before it."""
    given: dict[str, int | None] = {}
    seen = set()
    while await tab.page.get_attribute("body", "data-view") == "questions":
        await tab.press("Tab")
        now = await tab.focused()
        if now["id"] == "next":
            await tab.press("Enter")
        elif now["type"] == "radio" and now["name"] not in seen:
            seen.add(now["name"])
            if len(seen) == 3:
                continue
            steps = len(seen) % 6
            await tab.press(
                "Space", *["ArrowLeft" if steps == 5 else "ArrowRight"] * (1 if steps == 5 else steps)
            )
            value = (await tab.focused())["value"]
            given[now["name"]] = int(value) if value else None
        if len(seen) == offline_at:
            await tab.page.context.set_offline(True)
    return given


async def losing_the_first(tab: Visit) -> list[int]:
    """The answer to the first sending does not arrive; which status each had."""
    tries: list[int] = []

    async def lose(route: Any) -> None:
        if route.request.method != "POST":
            return await route.continue_()
        told = await route.fetch()
        tries.append(told.status)
        return await (route.abort() if len(tries) == 1 else route.fulfill(response=told))

    await tab.page.route(DOOR, lose)
    return tries


@pytest.mark.nightly
async def test_a_lost_answer_is_two_tries_and_one_response(visit: Visits, acme: Tenant) -> None:
    survey_id, token = await asked(acme, mode="attributed")
    async with visit() as tab:
        tries = await losing_the_first(tab)
        await tab.open(token)
        await tab.page.click("#begin")
        await choose(tab, S01=4)
        await send(tab)
        await tab.page.wait_for_selector(AGAIN)
        await tab.page.click("#send")
        await tab.arrive("thanks")
    assert tries == [201, 409]
    assert [one["answers"] for one in await stored(acme.client, survey_id)] == [{"S01": 4}]


async def lost(tab: Visit, token: str) -> None:
    """An answer that did not arrive, and is to be sent again."""
    losing = True

    async def lose(route: Any) -> None:
        nonlocal losing
        if route.request.method != "POST" or not losing:
            return await route.continue_()
        losing = False
        return await route.abort()

    await tab.page.route(DOOR, lose)
    await tab.open(token)
    await tab.page.click("#begin")
    await choose(tab, S01=4)
    await send(tab)
    await tab.page.wait_for_selector(AGAIN)


@pytest.mark.nightly
async def test_a_lost_try_with_an_invitation_that_was_replaced_is_kept_for_the_newer(
    visit: Visits, acme: Tenant
) -> None:
    """It was never stored, so it is not thanked for, and goes along to the newer link."""
    survey_id, older = await asked(acme, mode="attributed")
    async with visit() as tab:
        await lost(tab, older)
        [newer] = await tokens(acme.client, survey_id, "E-1")
        await tab.page.click("#send")
        await tab.arrive("problem")
        assert not await tab.violations()
        await tab.page.reload()
        await tab.arrive("problem")
        for language in ("en", "nl"):
            await tab.page.click(f'[data-language="{language}"]')
            assert await tab.text("#problem-title") == SAID["replaced"][language == "en"]
        assert "staat nog in dit tabblad" in await tab.text("#problem-text")
        assert await stored(acme.client, survey_id) == []
        await tab.page.fill("#code", "BCDFG-HJKMN")
        await tab.press("Enter")
        await until(lambda: tab.shows("Deze code kennen we niet"))
        await tab.page.fill("#code", f"https://answer.example.com/respond#{newer}")
        await tab.press("Enter")
        await tab.arrive("welcome")
        await tab.page.click("#begin")
        await send(tab)
        await tab.arrive("thanks")
    assert [one["answers"] for one in await stored(acme.client, survey_id)] == [{"S01": 4}]


async def test_who_stops_at_a_shared_computer_wipes_what_they_filled_in(visit: Visits, acme: Tenant) -> None:
    _, token = await asked(acme, mode="confidential")
    async with visit() as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await tab.arrive("questions")
        await tab.page.locator("#questions input[type=radio]").first.check()
        wipe = tab.page.locator("#questions [data-wipe]")
        assert await wipe.inner_text() == "Stop, en wis wat ik invulde"
        await wipe.click()
        assert await tab.page.evaluate("document.body.dataset.view") == "questions"
        await wipe.click()
        await tab.arrive("problem")
        assert await tab.page.is_visible("#code")
        kept = await tab.page.evaluate("JSON.stringify(sessionStorage)")
        assert token not in kept
        assert "S01" not in kept
        await tab.page.go_back()
        assert token not in await tab.page.evaluate("JSON.stringify(sessionStorage)")


@pytest.mark.nightly
@pytest.mark.parametrize("way", ["another survey", "another person"])
async def test_what_is_kept_for_a_newer_link_goes_nowhere_else(way: str, visit: Visits, acme: Tenant) -> None:
    survey_id, older = await asked(acme, mode="attributed")
    other = await opened(acme.client, mode="confidential", name="De andere")
    [elsewhere] = await tokens(acme.client, other, "E-1")
    async with visit() as tab:
        await lost(tab, older)
        [newer] = await tokens(acme.client, survey_id, "E-1")
        await tab.page.click("#send")
        await tab.arrive("problem")
        if way == "another person":
            await tab.page.click("#another")
            assert "S01" not in await tab.page.evaluate("JSON.stringify(sessionStorage)")
        await tab.page.fill("#code", newer if way == "another person" else elsewhere)
        await tab.press("Enter")
        await tab.arrive("welcome")
        assert await tab.text("#begin") == "Beginnen"
        assert await tab.page.evaluate("JSON.parse(sessionStorage.respond).answers") == {}


@pytest.mark.nightly
async def test_who_answered_in_another_way_is_not_thanked_for_what_is_not_stored(
    visit: Visits, acme: Tenant
) -> None:
    survey_id, token = await asked(acme, mode="attributed")
    async with visit() as tab:
        await lost(tab, token)
        own = {"respondent": "E-1", "answers": {"S01": 2}}
        assert (await acme.client.post(f"/v1/surveys/{survey_id}/responses", json=own)).status_code == 201
        await tab.page.click("#send")
        await tab.arrive("problem")
        assert await tab.text("#problem-title") == SAID["answered"][0]
    assert [one["answers"] for one in await stored(acme.client, survey_id)] == [{"S01": 2}]


@pytest.mark.nightly
async def test_a_lost_answer_at_a_public_address_is_stored_once_too(
    visit: Visits, acme: Tenant, owner: asyncpg.Connection
) -> None:
    await employ(acme.client, "E-1")
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    token = (await acme.client.post(f"/v1/surveys/{survey_id}/address")).json()["token"]
    async with visit() as tab:
        tries = await losing_the_first(tab)
        for _ in range(2):
            await tab.open(token)
            await tab.page.click("#begin")
            await choose(tab, S01=4)
            await send(tab)
            if len(tries) == 1:
                await tab.page.wait_for_selector(AGAIN)
                await tab.page.click("#send")
            await tab.arrive("thanks")
    count = "SELECT count(*) FROM responses WHERE survey_id = $1"
    assert (tries, await owner.fetchval(count, UUID(survey_id))) == ([201, 201, 201], 2)


@pytest.mark.nightly
async def test_a_code_from_a_poster_opens_the_questions(visit: Visits, acme: Tenant) -> None:
    survey_id, _ = await asked(acme, mode="attributed")
    made = await ask(acme.client, survey_id, form="codes", people=["bystander-0"])
    code = made.json()["invitations"][0]["token"]
    async with visit() as tab:
        await tab.open(view="problem")
        for between in ("\u2013", "\u2011", "\u00ad", "\u2212", "\u00a0\u200b", "\uff0d", " - "):
            await tab.page.fill("#code", f" {code[:5]}{between}{code[5:]}".lower())
            await tab.press("Enter")
            await tab.arrive("welcome")
            await tab.page.evaluate("sessionStorage.clear()")
            await tab.page.goto("about:blank")
            await tab.open(f"{code[:5]}{between}{code[5:]}")
            await tab.page.evaluate("sessionStorage.clear()")
            await tab.open(view="problem")
        await tab.page.fill("#code", f" {code[:5]} - {code[5:]}".lower())
        await tab.press("Enter")
        await tab.arrive("welcome")
        await tab.page.click("#begin")
        await choose(tab, S01=4)
        await send(tab)
        await tab.arrive("thanks")
        await tab.page.reload()
        await tab.arrive("thanks")
        await tab.page.click("#next-code")
        await tab.arrive("problem")
        assert SAID["none"][0] in await tab.text()
    assert [one["respondent"] for one in await stored(acme.client, survey_id)] == ["bystander-0"]


@pytest.mark.nightly
async def test_thanks_and_until_when_are_told_after_a_reload_too(visit: Visits, acme: Tenant) -> None:
    """And a survey's own words keep their lines, and the closing time says whose clock it is of."""
    long = "Arbeidsongeschiktheidsverzekeringsmaatschappijen" * 2
    own = EVERY_KIND | {
        "introduction": both("Eén.\n\nTwee."),
        "thanks": both("Dank je wel!"),
        "questions": [
            EVERY_KIND["questions"][0],
            {
                "key": "one",
                "text": both(f"Waar {long}?"),
                "kind": "choice",
                "options": [{"key": "a", "text": both(long)}, option("b")],
            },
        ],
        "facets": EVERY_KIND["facets"][:1],
    }
    assert (await acme.client.put("/v1/questionnaires/own", json=own)).status_code == 201
    members = {"questionnaire": "own", "allow_changes": True, "closes_at": f"{next_year()}-06-30T15:00:00Z"}
    _, token = await asked(acme, mode="attributed", **members)
    async with visit(timezone_id="Europe/Amsterdam") as tab:
        await tab.open(token)
        assert "Eén.\n\nTwee." in await tab.text()
        assert "17:00 (Europe/Amsterdam)" in await tab.text("#facts")
        await tab.page.click("#begin")
        assert not await tab.violations()
        await look_over(tab)
        await tab.page.click("#given section:nth-of-type(2) button")
        await tab.page.locator('[name="one"][value="a"]').check(force=True)
        assert not await tab.violations()
        await tab.page.click("#next")
        assert not await tab.violations()
        await tab.page.click("#send")
        for _ in range(2):
            await tab.arrive("thanks")
            assert "Dank je wel!" in await tab.text()
            assert re.search(r"wijzigen tot \w+ 30 juni om 17:00", await tab.text())
            assert "Acme" in await tab.text("#asker")
            await tab.page.reload()


async def test_a_wide_screen_shows_all_parts_and_no_word_in_two(visit: Visits, acme: Tenant) -> None:
    await acme.client.patch("/v1/organization", json={"survey_contact": "Hanna"})
    _, token = await asked(acme)
    async with visit("en", width=1280) as tab:
        await tab.page.set_viewport_size({"width": 1280, "height": 800})
        await tab.open(token)
        lines = """[...document.querySelectorAll("dt")].map((dt) => {
            const range = document.createRange();
            range.selectNodeContents(dt);
            return range.getClientRects().length;
        })"""
        assert set(await tab.page.evaluate(lines)) == {1}
        await tab.page.click("#begin")
        rail = await tab.page.query_selector(".rail")
        assert await rail.evaluate("(rail) => rail.scrollHeight - rail.clientHeight") <= 0


@pytest.mark.nightly
async def test_a_tab_that_died_before_it_heard_says_thanks_when_it_is_opened_again(
    visit: Visits, acme: Tenant
) -> None:
    survey_id, token = await asked(acme, mode="attributed")

    async def lose(route: Any) -> None:
        if route.request.method == "POST":
            await route.fetch()
            return await route.abort()
        return await route.continue_()

    async with visit() as tab:
        await tab.page.route(DOOR, lose)
        await tab.open(token)
        await tab.page.click("#begin")
        await choose(tab, S01=4)
        await send(tab)
        await tab.page.wait_for_selector(AGAIN)
        await tab.page.reload()
        await tab.arrive("thanks")
    assert len(await stored(acme.client, survey_id)) == 1


@pytest.mark.nightly
async def test_a_busy_service_is_asked_again(visit: Visits, acme: Tenant) -> None:
    survey_id, token = await asked(acme, mode="attributed")
    async with visit() as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await choose(tab, S01=None, S02=5)
        await look_over(tab)
        await tab.page.route(DOOR, lambda route: route.fulfill(**refused(503, "unavailable")), times=1)
        await tab.page.click("#send")
        await tab.page.wait_for_selector(AGAIN)
        assert "druk" in await tab.text("#status")
        assert (await tab.focused())["id"] == "send"
        await tab.page.click("#send")
        await tab.arrive("thanks")
    assert [one["answers"] for one in await stored(acme.client, survey_id)] == [{"S01": None, "S02": 5}]


@pytest.mark.nightly
async def test_who_comes_again_changes_what_they_answer_anew_and_nothing_else(
    visit: Visits, acme: Tenant
) -> None:
    survey_id, token = await asked(acme, mode="attributed", allow_changes=True)
    async with visit(width=1280) as tab:
        for answers in ({"S01": 2, "S02": 3}, {"S01": 5, "E01": None}):
            await tab.open(token)
            assert "Heb je al eerder geantwoord?" in await tab.text()
            await tab.page.click("#begin")
            await choose(tab, **answers)
            await send(tab)
            await tab.arrive("thanks")
            assert "kun je ze nog wijzigen" in await tab.text()
    [response] = await stored(acme.client, survey_id)
    assert response["answers"] == {"S01": 5, "S02": 3, "E01": None}


def both(text: str) -> dict[str, str]:
    return {"nl": text, "en": text}


def option(key: str) -> dict[str, Any]:
    return {"key": key, "text": both(f"Optie {key}")}


EVERY_KIND: dict[str, Any] = {
    "title": both("Alles"),
    "facets": [{"key": "pay", "title": both("Loon")}, {"key": "bond", "title": both("Band")}],
    "questions": [
        {
            "key": "s",
            "text": both("Schaal"),
            "dimension": "satisfaction",
            "facet": "pay",
            "scale": {"low": 0, "high": 100},
        },
        {
            "key": "e",
            "text": both("Schaal"),
            "dimension": "engagement",
            "facet": "bond",
            "scale": {"low": 1, "high": 7},
        },
        {
            "key": "one",
            "text": both("Waar?"),
            "kind": "choice",
            "required": True,
            "options": [option("a"), option("b")],
        },
        {"key": "more", "text": both("Wat?"), "kind": "choices", "options": [option(key) for key in "cde"]},
        {"key": "words", "text": both("Hoe?"), "kind": "text", "required": True},
        {"key": "left", "text": both("Nog iets?"), "kind": "text"},
    ],
}


@pytest.mark.nightly
async def test_questions_of_every_kind_are_asked_in_their_own_way_on_a_wide_screen(
    visit: Visits, acme: Tenant
) -> None:
    assert (await acme.client.put("/v1/questionnaires/all", json=EVERY_KIND)).status_code == 201
    survey_id, token = await asked(acme, mode="attributed", questionnaire="all")
    found: list[str] = []
    async with visit(width=1280) as tab:
        await tab.open(token)
        found += await tab.violations()
        await tab.page.click("#begin")
        await tab.page.select_option('[name="s"]', "40")
        await choose(tab, e=None)
        for key in ("c", "d", "e"):
            await tab.page.locator(f'[name="more"][value="{key}"]').check(force=True)
        await tab.page.locator('[name="more"][value="d"]').uncheck(force=True)
        found += await tab.violations()
        await tab.page.click("#next")
        found += await tab.violations()
        assert "2 verplichte vragen" in await tab.text("#skipped-title")
        assert await tab.page.is_disabled("#send")
        await tab.page.click("#skipped-list button")
        await tab.page.locator('[name="one"][value="b"]').check(force=True)
        await tab.page.fill('textarea[name="words"]', "Zo.")
        await tab.page.locator('[name="words"][value=""]').check(force=True)
        assert await tab.page.input_value('textarea[name="words"]') == ""
        await tab.page.fill('textarea[name="/comment"]', "  Mooi zo.  ")
        await tab.page.click("#next")
        assert "Optie c, Optie e" in await tab.text("#given")
        async with tab.page.expect_request(DOOR) as request:
            await tab.page.click("#send")
        await tab.arrive("thanks")
    sent = (await request.value).post_data_json
    assert sent["answers"] == {"s": 40, "e": None, "one": "b", "more": ["c", "e"], "words": None}
    assert (sent["comment"], sent["locale"]) == ("Mooi zo.", "nl")
    assert len(await stored(acme.client, survey_id)) == 1
    assert not found, "\n".join(found)


@pytest.mark.nightly
@LANGUAGES
async def test_what_was_written_before_is_taken_back(language: str, visit: Visits, acme: Tenant) -> None:
    """A text, and what else somebody said; nothing else has to be answered for it."""
    assert (await acme.client.put("/v1/questionnaires/odd", json=called("why", "how"))).status_code == 201
    survey_id, token = await asked(acme, mode="attributed", questionnaire="odd", allow_changes=True)
    said = {"answers": {"s": 40, "why": "Zo.", "how": "Daarom."}, "comment": "Slot."}
    assert (await answer(acme, token, **said)).status_code == 201
    word = {"nl": "wordt weggehaald", "en": "will be taken back"}[language]
    async with visit(language, width=1280) as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        for key in ("why", "/comment"):
            await tab.page.fill(f'textarea[name="{key}"]', "Anders.")
            await tab.page.locator(f'input[name="{key}"]').check(force=True)
            assert await tab.page.input_value(f'textarea[name="{key}"]') == ""
        assert not await tab.violations()
        await tab.page.reload()
        await tab.arrive("questions")
        assert await tab.page.is_checked('input[name="/comment"]')
        await tab.page.click("#next")
        assert (await tab.text("#given")).count(word) == 2
        assert not await tab.violations()
        async with tab.page.expect_request(DOOR) as request:
            await tab.page.click("#send")
        await tab.arrive("thanks")
    sent = (await request.value).post_data_json
    assert (sent["answers"], sent["comment"]) == ({"why": None}, None)
    assert [one["answers"] for one in await stored(acme.client, survey_id)] == [{"s": 40}]
    async with visit(language, width=1280) as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await tab.page.locator('input[name="/comment"]').check(force=True)
        await tab.page.fill('textarea[name="/comment"]', "Toch.")
        assert not await tab.page.is_checked('input[name="/comment"]')
        await tab.page.click("#next")
        assert await tab.page.is_disabled("#send")


ODD_KEYS = ["comment", "dataset", "hidden", "constructor", "__proto__", "id"]


def called(*keys: str) -> dict[str, Any]:
    """Questions in words under these keys, beside those that every questionnaire has."""
    asked = [{"key": key, "text": both(f"Vraag {key}"), "kind": "text"} for key in keys]
    return EVERY_KIND | {"questions": [*EVERY_KIND["questions"][:2], *asked]}


@pytest.mark.nightly
async def test_a_question_may_be_called_whatever_it_likes(visit: Visits, acme: Tenant) -> None:
    assert (await acme.client.put("/v1/questionnaires/odd", json=called(*ODD_KEYS))).status_code == 201
    _, token = await asked(acme, mode="attributed", questionnaire="odd")
    async with visit(width=1280) as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        assert "0 van 8" in await tab.text("#answered")
        for key in ODD_KEYS:
            await tab.page.fill(f'textarea[name="{key}"]', f"Van {key}.")
        await tab.page.locator("#steps textarea").last.fill("Slot.")
        await tab.page.reload()
        await tab.arrive("questions")
        await tab.page.click("#next")
        async with tab.page.expect_request(DOOR) as request:
            await tab.page.click("#send")
        await tab.arrive("thanks")
    sent = json.loads((await request.value).post_data)
    assert sent["answers"] == {key: f"Van {key}." for key in ODD_KEYS}
    assert sent["comment"] == "Slot."


@pytest.mark.nightly
async def test_how_long_it_takes_is_what_the_mails_say_and_one_is_one(visit: Visits, acme: Tenant) -> None:
    keys = [f"why-{one}" for one in range(8)]
    assert (await acme.client.put("/v1/questionnaires/odd", json=called(*keys))).status_code == 201
    survey_id, token = await asked(acme, mode="attributed", questionnaire="odd")
    mails = (await acme.client.post(f"/v1/surveys/{survey_id}/invitations/preview", json={})).json()
    for language, word, one in (("nl", "minuten", "nog 1 teken"), ("en", "minutes", "1 character left")):
        async with visit(language, width=1280) as tab:
            await tab.open(token)
            [minutes] = re.findall(rf"\d+ {word}", await tab.text("#facts"))
            assert minutes in json.dumps(mails)
            await tab.page.click("#begin")
            await tab.page.fill('textarea[name="why-0"]', "x" * 3999)
            assert one in (await tab.text("#steps")).splitlines()


UNSEEN = ["\u200b", "\u2060\n", "\u3164", "\u00ad", "\ufeff ", "\u2800", "\u2065", "\U000e0041"]


@pytest.mark.nightly
async def test_a_text_in_which_nothing_can_be_seen_is_no_answer(visit: Visits, acme: Tenant) -> None:
    """Here as at the service: else it would refuse what the page lets be sent."""
    assert (await acme.client.put("/v1/questionnaires/odd", json=called("why"))).status_code == 201
    _, token = await asked(acme, mode="attributed", questionnaire="odd")
    for words in UNSEEN:
        assert (await answer(acme, token, answers={"why": words})).json()["code"] == "no_answers"
    async with visit(width=1280) as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        for words in UNSEEN:
            await tab.page.fill('textarea[name="why"]', words)
            assert "0 van 3" in await tab.text("#answered")
        await tab.page.locator("#steps textarea").last.fill(UNSEEN[0])
        await tab.page.click("#next")
        assert await tab.page.is_disabled("#send")
        await tab.page.click("#rethink")
        await tab.page.fill('textarea[name="why"]', f"{UNSEEN[0]}Zo.")
        await tab.page.click("#next")
        async with tab.page.expect_request(DOOR) as request:
            await tab.page.click("#send")
        await tab.arrive("thanks")
    assert "comment" not in (await request.value).post_data_json


# ------------------------------------------------------------------ what is read before, and what is kept


@pytest.mark.nightly
async def test_who_comes_again_need_not_answer_again_what_is_required(visit: Visits, acme: Tenant) -> None:
    assert (await acme.client.put("/v1/questionnaires/all", json=EVERY_KIND)).status_code == 201
    survey_id, token = await asked(acme, mode="attributed", questionnaire="all", allow_changes=True)
    first = {"s": 40, "one": "a", "words": None}
    assert (await answer(acme, token, answers=first)).status_code == 201
    async with visit() as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await look_over(tab)
        assert await tab.page.is_disabled("#send")
        assert "nog niets beantwoord" in await tab.text("#skipped")
        await tab.page.click("#given section:nth-of-type(2) button")
        await choose(tab, e=6)
        await tab.page.click("#next")
        assert "2 verplichte vragen" in await tab.text("#skipped")
        assert "Dan blijft dat antwoord staan" in await tab.text("#skipped")
        assert "nu niet beantwoord" in await tab.text("#given")
        assert "overgeslagen" not in await tab.text()
        async with tab.page.expect_request(DOOR) as request:
            await tab.page.click("#send")
        await tab.arrive("thanks")
    assert "comment" not in (await request.value).post_data_json
    [response] = await stored(acme.client, survey_id)
    assert response["answers"]["e"] == 6
    assert response["answers"]["one"] == "a"


@pytest.mark.parametrize("mode", ["anonymous", "confidential", "attributed"])
async def test_what_is_stored_is_read_before_the_first_question(
    mode: str, visit: Visits, acme: Tenant
) -> None:
    people = [f"E-{number}" for number in range(6)]
    await employ(acme.client, *people)
    survey_id = await opened(acme.client, mode=mode, access="invited", name="Najaar 2026")
    token, *_ = await tokens(acme.client, survey_id, *people)
    form = (
        await acme.client.get(
            "/v1/respond", headers={"Authorization": f"Bearer {token}", "Accept-Language": "nl"}
        )
    ).json()
    async with visit() as tab:
        await tab.open(token)
        read = await tab.text()
        for told in ("Najaar 2026", "Acme", "33 vragen", *form["in_short"]):
            assert told in read
        await tab.page.click("#exactly summary")
        read = await tab.text()
        assert all(sentence in read for sentence in form["what_is_stored"])


@pytest.mark.nightly
async def test_the_token_is_in_no_history_and_nothing_is_left_behind(visit: Visits, acme: Tenant) -> None:
    _, token = await asked(acme, mode="confidential")
    async with visit() as tab:
        await tab.open(token)
        assert tab.page.url == f"{tab.address}/respond"
        await tab.page.click("#begin")
        await choose(tab, S01=2)
        await tab.page.reload()
        await tab.arrive("questions")
        assert await tab.page.is_checked('input[name="S01"][value="2"]')
        await send(tab)
        await tab.arrive("thanks")
        left = await tab.page.evaluate("JSON.stringify([sessionStorage, localStorage, document.cookie])")
        assert token not in left
        assert "S01" not in left
        assert json.loads(left)[1:] == [{}, ""]
        assert await tab.page.context.cookies() == []
        await tab.page.reload()
        await tab.arrive("thanks")
        assert not await tab.page.is_visible("#next-code")


@pytest.mark.nightly
async def test_another_link_in_the_same_tab_begins_anew(visit: Visits, acme: Tenant) -> None:
    _, first = await asked(acme, mode="confidential")
    second_survey = await opened(acme.client, mode="confidential", name="De andere")
    [second] = await tokens(acme.client, second_survey, "E-1")
    async with visit() as tab:
        await tab.open(first)
        await tab.page.click("#begin")
        await choose(tab, S01=2)
        await tab.open(second)
        await until(lambda: tab.shows("De andere"))
        await tab.page.click("#begin")
        assert not await tab.page.is_checked('input[name="S01"][value="2"]')


@pytest.mark.nightly
async def test_another_language_keeps_the_answers_and_the_place(visit: Visits, acme: Tenant) -> None:
    survey_id, token = await asked(acme, mode="attributed")
    async with visit("nl") as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await tab.page.click("#next")
        await choose(tab, S03=5)
        before = await tab.text("#steps .current h2")
        await tab.page.click('[data-language="en"]')
        await tab.page.wait_for_selector('html[lang="en"]')
        await until(lambda: tab.shows("Part 2 of"))
        assert await tab.text("#steps .current h2") != before
        assert await tab.page.is_checked('input[name="S03"][value="5"]')
        await send(tab)
        await tab.arrive("thanks")
        assert "Your answers have arrived" in await tab.text()
    [response] = await stored(acme.client, survey_id)
    assert (response["locale"], response["answers"]) == ("en", {"S03": 5})


@pytest.mark.nightly
async def test_back_goes_a_screen_back_and_clearing_leaves_nothing(visit: Visits, acme: Tenant) -> None:
    _, token = await asked(acme)
    async with visit() as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await choose(tab, S01=2)
        await tab.page.click("#next")
        await tab.page.go_back()
        await until(lambda: tab.shows("Onderdeel 1 van"))
        await tab.page.click("#q-S01 .clear")
        assert "0 van 33" in await tab.text("#answered")
        await look_over(tab)
        assert await tab.page.is_disabled("#send")
        assert "nog niets" in await tab.text("#skipped-title")


# ------------------------------------------------------------------ where it ends before it begins


@pytest.mark.parametrize(
    "state",
    [
        "used",
        "closed",
        "network",
        *(
            pytest.param(state, marks=pytest.mark.nightly)
            for state in ("unknown", "replaced", "early", "withdrawn", "busy", "other")
        ),
    ],
)
async def test_a_link_that_does_not_open_says_why(state: str, visit: Visits, acme: Tenant) -> None:
    survey_id, token = await asked(acme, mode="confidential")
    told = {
        "early": (409, "survey_not_yet_open"),
        "busy": (429, "rate_limited"),
        "other": (500, "internal_error"),
    }
    async with visit() as tab:
        if state == "used":
            assert (await answer(acme, token)).status_code == 201
        elif state == "replaced":
            await tokens(acme.client, survey_id, "E-1")
        elif state == "closed":
            await acme.client.post(f"/v1/surveys/{survey_id}/close")
        elif state == "withdrawn":
            await acme.client.post(f"/v1/surveys/{survey_id}/cancel")
        elif state == "network":
            await tab.page.route(DOOR, lambda route: route.abort())
        elif state in told:
            await tab.page.route(DOOR, lambda route: route.fulfill(**refused(*told[state])))
        await tab.open(token[:-2] + "xx" if state == "unknown" else token, "problem")
        for language, title in zip(("nl", "en"), SAID[state], strict=True):
            await tab.page.click(f'[data-language="{language}"]')
            assert await tab.text("#problem-title") == title
            assert await tab.text("#problem-text")
        may_pass = state in ("early", "network", "busy", "other")
        assert await tab.page.is_visible("#retry") is may_pass
        assert await tab.page.is_visible("#code") is (state in ("unknown", "replaced"))
        if may_pass:
            await tab.page.unroute(DOOR)
            await tab.page.click("#retry")
            await tab.arrive("welcome")


async def test_without_a_link_a_code_can_be_typed(visit: Visits, acme: Tenant) -> None:
    _, token = await asked(acme)
    async with visit() as tab:
        await tab.open(view="problem")
        assert await tab.text("#problem-title") == SAID["none"][0]
        for wrong in ("é", "nothing"):
            await tab.page.fill("#code", wrong)
            await tab.press("Enter")
            await until(lambda: tab.shows("Deze code kennen we niet"))
            assert "e‑mail" not in await tab.text("#problem-text")
        await tab.page.fill("#code", f" {token[:20]} {token[20:]} ")
        await tab.press("Enter")
        await tab.arrive("welcome")


@pytest.mark.nightly
@pytest.mark.parametrize("verb", ["close", "cancel"])
async def test_who_comes_too_late_reads_who_asked_and_whom_to_ask(
    verb: str, visit: Visits, acme: Tenant
) -> None:
    await acme.client.patch("/v1/organization", json={"survey_contact": "Hanna, kamer 3"})
    survey_id, token = await asked(acme, mode="confidential")
    await acme.client.post(f"/v1/surveys/{survey_id}/{verb}")
    async with visit() as tab:
        await tab.open(token, "problem")
        for language, asking in (("nl", "Vragen?"), ("en", "Questions?")):
            await tab.page.click(f'[data-language="{language}"]')
            assert await tab.text("#asker") == "Acme"
            assert await tab.text("#problem-contact") == f"{asking} Hanna, kamer 3"
        assert await tab.violations() == []


async def test_who_comes_too_early_reads_who_asks_and_whom_to_ask(visit: Visits, acme: Tenant) -> None:
    await acme.client.patch("/v1/organization", json={"survey_contact": "Hanna, kamer 3"})
    survey_id = await draft(acme.client, mode="confidential")
    token = token_of(acme.database.keyring, acme.id, UUID(survey_id), new_nonce())
    async with visit() as tab:
        await tab.open(token, "problem")
        assert await tab.text("#problem-title") == SAID["early"][0]
        assert await tab.text("#asker") == "Acme"
        assert await tab.text("#problem-contact") == "Vragen? Hanna, kamer 3"


@pytest.mark.nightly
async def test_a_survey_that_closes_meanwhile_says_so_and_forgets(visit: Visits, acme: Tenant) -> None:
    await acme.client.patch("/v1/organization", json={"survey_contact": "Hanna, kamer 3"})
    survey_id, token = await asked(acme, mode="confidential")
    async with visit() as tab:
        await tab.open(token)
        await tab.page.click("#begin")
        await choose(tab, S01=2)
        await look_over(tab)
        await acme.client.post(f"/v1/surveys/{survey_id}/close")
        await tab.page.click("#send")
        await tab.arrive("problem")
        assert await tab.text("#problem-title") == SAID["closed_late"][0]
        assert await tab.text("#problem-contact") == "Vragen? Hanna, kamer 3"
        assert "S01" not in await tab.page.evaluate("JSON.stringify(sessionStorage)")


# ------------------------------------------------------------------ for everybody


@pytest.mark.nightly
async def test_every_screen_is_for_everybody(visit: Visits, acme: Tenant) -> None:
    _, token = await asked(acme)
    found: list[str] = []
    async with visit("en") as tab:
        await tab.open(view="problem")
        found += await tab.violations()
        await tab.open(token)
        found += await tab.violations()
        await tab.page.click("#begin")
        await choose(tab, S01=2)
        found += await tab.violations()
        await look_over(tab)
        found += await tab.violations()
        await tab.page.click("#send")
        await tab.arrive("thanks")
        found += await tab.violations()
        await tab.open(token, "problem")
        found += await tab.violations()
    assert not found, "\n".join(found)
