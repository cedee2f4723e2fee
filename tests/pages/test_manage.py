"""HR's side, as a person without a terminal meets it: what it does is what the API then tells."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.core.contract import contract
from app.core.settings import CALENDAR, MANAGE, SETUP, Settings
from app.pages.api import STATIC
from tests.calendar.cards.office import celebrating, plan
from tests.conftest import Tenant
from tests.metrics.test_release import CONTENT, answer, names_of, staff
from tests.pages.conftest import Visits, listening
from tests.pages.test_dashboard import key_of
from tests.pages.visiting import FORGETFUL, Visit
from tests.sink import Sink
from tests.surveys.inviting import employ, said, with_mail

SIZES = {"sales": 8, "care": 9}
HR = ("surveys:read", "surveys:write", "people:read", "metrics:read")
READERS = pytest.mark.parametrize(
    ("width", "language"), [(360, "nl"), pytest.param(1280, "en", marks=pytest.mark.nightly)]
)


async def manage(seen: Visit, key: str, screen: str = "surveys", view: str = "manage") -> None:
    """Signed in anew on one page, and then at one of the screens."""
    await seen.page.goto(f"{seen.address}{SETUP}")
    await seen.page.evaluate("sessionStorage.clear()")
    await seen.page.goto(f"{seen.address}{MANAGE}#{key}")
    await seen.arrive(view)
    if view == "manage":
        await seen.page.wait_for_selector("[data-screen]")
        await seen.page.goto(f"{seen.address}{MANAGE}#{screen}")
        await at_screen(seen, screen)


async def at_screen(seen: Visit, screen: str) -> None:
    await seen.page.wait_for_selector(f'[data-screen="{screen}"]:not([aria-busy])')


async def surveys(tenant: Tenant) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await tenant.client.get("/v1/surveys")).json()["items"]
    return found


@pytest.fixture
async def staffed(acme: Tenant) -> Tenant:
    await staff(acme.client, SIZES)
    await acme.client.patch("/v1/people/care-0", json={"segments": {"location": "Urk"}})
    await acme.client.put("/v1/questionnaires/two", json=CONTENT)
    return acme


# ------------------------------------------------------------------ whose clock


@pytest.mark.nightly
async def test_times_are_the_organisations_wherever_the_browser_is(staffed: Tenant, visit: Visits) -> None:
    assert (await staffed.client.patch("/v1/organization", json={"time_zone": "Asia/Tokyo"})).is_success
    survey_id = await opened(staffed, closes_at="2038-03-01T22:30:00Z")
    async with visit(timezone_id="America/Los_Angeles") as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{survey_id}")
        assert "2 maart 2038 om 07:30" in await seen.text("#view")
        assert await seen.text("#clock") == "Tijden zijn die van de organisatie (Asia/Tokyo)."
        await seen.page.fill("#closes_at", "2038-03-03T09:15")
        await seen.page.click("text=Verzet het einde")
        await seen.page.wait_for_selector("text=3 maart 2038 om 09:15")
    assert (await surveys(staffed))[0]["closes_at"].startswith("2038-03-03T00:15")
    async with visit(timezone_id="Asia/Tokyo") as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{survey_id}")
        assert await seen.page.is_hidden("#clock")


# ------------------------------------------------------------------ what people read


@pytest.mark.nightly
@READERS
async def test_the_log_is_in_words_and_what_is_not_there_leads_back(
    width: int, language: str, staffed: Tenant, visit: Visits
) -> None:
    survey_id = await opened(staffed)
    await staffed.client.patch("/v1/organization", json={"minimum_group_size": 6})
    key = await key_of(staffed, *HR, "audit:read", "keys:manage")
    async with visit(language=language, width=width) as seen:
        await manage(seen, key, "log")
        told = await seen.text("#entries")
        assert "Autumn" in told
        assert survey_id not in told
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|[a-z]_[a-z]|members", told), told
        limit = {"nl": "minimale groepsgrootte: 5 → 6", "en": "minimum group size: 5 → 6"}[language]
        assert limit in told
        assert await seen.violations() == []
        for missing in ("nope", "00000000-0000-4000-8000-000000000000"):
            await seen.page.goto(f"{seen.address}{MANAGE}#surveys/{missing}")
            await seen.says("h1", {"nl": "Dit is er niet", "en": "This is not here"}[language])
            await seen.page.click("#view a.primary")
            await at_screen(seen, "surveys")


@pytest.mark.nightly
async def test_what_cannot_be_undone_stands_apart(staffed: Tenant, visit: Visits) -> None:
    survey_id = await opened(staffed)
    async with visit(language="en") as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{survey_id}")
        apart = seen.page.locator("section:has(> h2:text('Cannot be undone'))")
        assert await apart.locator("button").count() == 2
        assert await apart.locator("form").count() == 0


# ------------------------------------------------------------------ who may what


@pytest.mark.nightly
async def test_only_what_the_key_may_is_there_and_nothing_is_refused(staffed: Tenant, visit: Visits) -> None:
    await staffed.client.post(
        "/v1/surveys", json={"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"}
    )
    async with visit(width=1280) as seen:
        refusals: list[str] = []
        seen.page.on("response", lambda one: refusals.append(one.url) if one.status == 403 else None)
        await manage(seen, await key_of(staffed, "surveys:read"))
        assert await seen.page.locator("#new-survey").count() == 0
        await seen.page.click("text=Autumn")
        await seen.page.wait_for_selector('h1:has-text("Autumn")')
        assert await seen.page.locator("#open-now, #delete, form:visible").count() == 0
        await manage(seen, await key_of(staffed, "metrics:read"), view="nothing")
        await manage(seen, await key_of(staffed, "metrics:read", teams=["care"]), view="nothing")
        assert refusals == []


async def test_the_key_is_asked_for_where_nobody_is_signed_in(staffed: Tenant, visit: Visits) -> None:
    key = await key_of(staffed, *HR)
    async with visit() as seen:
        await seen.page.goto(f"{seen.address}{MANAGE}")
        await seen.arrive("signin")
        await seen.page.fill("#key", "btk_of_nobody")
        await seen.press("Enter")
        await seen.page.wait_for_selector("#refused:not(:empty)")
        await seen.page.fill("#key", key)
        await seen.press("Enter")
        await at_screen(seen, "surveys")
        assert key not in seen.page.url


@pytest.mark.nightly
@pytest.mark.parametrize("page", ["", "manage", "calendar", "sign-in"])
async def test_a_page_works_where_the_browser_keeps_nothing(
    page: str, staffed: Tenant, visit: Visits
) -> None:
    async with visit(language="en", width=1280) as seen:
        await seen.page.add_init_script(FORGETFUL)
        if page == "sign-in":
            await seen.page.goto(f"{seen.address}/{page}")
            await seen.page.click('[data-language="nl"]')
            await seen.says("h1:visible", "Aanmelden")
            return
        await seen.page.goto(f"{seen.address}/{page}")
        await seen.arrive("signin")
        await seen.page.click('[data-language="nl"]:visible')
        await seen.page.fill("#key", await key_of(staffed, *HR, "calendar:read"))
        await seen.press("Enter")
        await seen.arrive("manage" if page else "problem")
        if page == "manage":
            await seen.page.click("#new-survey")
            await at_screen(seen, "surveys/new")
            await seen.page.fill("#name", "Autumn")
            await seen.page.click("#stop")
            await at_screen(seen, "surveys")


@pytest.mark.nightly
async def test_a_list_that_did_not_come_whole_is_none(staffed: Tenant, visit: Visits) -> None:
    async def lists(route: Any) -> None:
        if "cursor" in route.request.url:
            return await route.abort()
        told = await (await route.fetch()).json()
        return await route.fulfill(json=told | {"next_cursor": "more"})

    async with visit(language="en", width=1280) as seen:
        key = await key_of(staffed, "keys:manage")
        await seen.page.route("**/v1/api-keys**", lists)
        await manage(seen, key, "keys")
        await seen.says("#view", "No answer came. Try again")
        await seen.page.unroute("**/v1/api-keys**")
        await seen.page.click("#view .primary")
        await seen.page.wait_for_selector("#new-key")


REFUSING = """() => {
  navigator.clipboard.writeText = () => Promise.reject();
  document.execCommand = () => false;
}"""


@pytest.mark.nightly
async def test_what_the_clipboard_refuses_is_not_said_to_be_copied(staffed: Tenant, visit: Visits) -> None:
    survey_id = await opened(staffed, mode="anonymous", access="open")
    async with visit(language="en", width=1280) as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{survey_id}")
        await seen.page.click("#show-address")
        await seen.page.evaluate(REFUSING)
        await seen.page.click(".copyable button")
        await seen.says(".copyable [role=status]", "Ctrl+C")


@pytest.mark.nightly
async def test_the_dashboard_leads_there_whoever_has_something_to_do_there(
    staffed: Tenant, visit: Visits
) -> None:
    async with visit(width=1280) as seen:
        await seen.look(await key_of(staffed), view="problem")
        assert not await seen.page.is_visible("#manage")
    async with visit(width=1280) as seen:
        await seen.look(await key_of(staffed, *HR), view="problem")
        await seen.page.click("#begin")
        await at_screen(seen, "surveys/new")


# ------------------------------------------------------------------ a survey, to its results


async def test_a_survey_in_three_steps_from_its_questions_to_its_results(
    staffed: Tenant, visit: Visits
) -> None:
    key = await key_of(staffed, *HR)
    async with visit(language="nl", width=1280) as seen:
        await manage(seen, key)
        await seen.page.click("#new-survey")
        await at_screen(seen, "surveys/new")
        await seen.page.fill("#name", "Najaar 2026")
        await seen.page.check('[name="questionnaire"][value="betrokken-33"]')
        await seen.page.click("#preview")
        await seen.page.wait_for_selector("#as-respondent .question >> nth=32")
        assert await seen.violations() == []
        await seen.press("Escape")
        await seen.page.check('[name="questionnaire"][value="two"]')
        await seen.page.dblclick("#next")
        await seen.page.wait_for_selector('[name="mode"]')
        assert not await seen.page.locator('[name="access"]').first.is_visible()
        await seen.page.check('[name="report_by"][value="location"]')
        await seen.page.check('[name="allow_changes"]')
        assert not await seen.page.locator('[name="rolling"]').is_visible()
        await seen.page.click("#next")
        await seen.page.wait_for_selector("#create-open")
        assert await seen.shows("Vertrouwelijk")
        await seen.page.click("#create-open")
        await seen.page.wait_for_selector("#said:has-text('open')")
        [made] = await surveys(staffed)
        told = {name: made[name] for name in ("name", "status", "mode", "report_by", "allow_changes")}
        assert told == {
            "name": "Najaar 2026",
            "status": "open",
            "mode": "confidential",
            "report_by": ["location"],
            "allow_changes": True,
        }
        assert made["closes_at"] is not None
        assert await seen.shows("Vandaag geopend")

        assert await seen.page.is_disabled('[name="how"][value="mail"]')
        assert await seen.shows("Mailen is hier niet ingesteld")
        assert await seen.page.is_checked('[name="how"][value="codes"]')
        assert not await seen.page.locator("#send_at").is_visible()
        await seen.page.click("#invite")
        await seen.page.wait_for_selector(f"dialog:has-text('{sum(SIZES.values())} codes gemaakt')")
        async with seen.page.expect_download() as awaited:
            await seen.page.click("dialog .primary")
        sheet = (await (await awaited.value).path()).read_text(encoding="utf-8")
        assert len(re.findall(r"(?:[A-Z0-9]{5}[- ]?){2}", sheet)) >= sum(SIZES.values())
        await seen.page.click("#invite")
        await seen.page.wait_for_selector("#said:has-text('Niemand kreeg een nieuwe')")
        await seen.page.fill("#people", "care-1, sales-2")
        await seen.page.click("#invite")
        await seen.page.wait_for_selector("dialog:has-text('de oude werkt dan niet meer')")
        async with seen.page.expect_download() as awaited:
            await seen.page.click("dialog .primary")
        again = (await (await awaited.value).path()).read_text(encoding="utf-8")
        assert again.count("<section") == 2
        await seen.page.fill("#people", "")

        await seen.page.fill("#name", "Herfst 2026")
        await seen.press("Enter")
        await seen.page.wait_for_selector('h1:has-text("Herfst 2026")')
        for team, size in SIZES.items():
            await answer(staffed.client, made["id"], names_of(team, size), pay=4)
        await seen.page.click("#close")
        assert await seen.violations() == []
        await seen.page.click("dialog .primary")
        await seen.page.wait_for_selector("#said:has-text('gesloten')")
        await staffed.work()
        await seen.page.wait_for_selector("#archive")
        assert await seen.shows("17 van 17")
        await seen.page.click("#archive")
        await seen.page.click("dialog .primary")
        await seen.page.wait_for_selector("#said:has-text('gearchiveerd')")
        [now] = await surveys(staffed)
        assert (now["name"], now["status"], now["archived"]) == ("Herfst 2026", "released", True)
        await seen.page.click("nav >> text=Enquêtes")
        await at_screen(seen, "surveys")
        assert not await seen.shows("Herfst 2026")
        await seen.page.check("#show-archived")
        await seen.page.wait_for_selector("text=Herfst 2026")


@pytest.mark.nightly
async def test_what_is_wrong_is_said_at_its_field_and_nothing_filled_in_is_lost(
    staffed: Tenant, visit: Visits
) -> None:
    async with visit(language="nl") as seen:
        await manage(seen, await key_of(staffed, *HR), "surveys/new")
        await seen.page.fill("#name", "Te vroeg dicht")
        await seen.page.click("#next")
        await seen.page.wait_for_selector("#closes_at")
        await seen.page.check('[name="mode"][value="anonymous"]')
        assert await seen.page.locator('[name="access"]').first.is_visible()
        await seen.page.fill("#series", "kwartaal")
        await seen.page.fill("#closes_at", "2020-01-01T12:00")
        await seen.page.click('[data-language="en"]')
        await seen.page.click('[data-language="nl"]')
        await seen.page.reload()
        await at_screen(seen, "surveys/new")
        assert await seen.page.input_value("#series") == "kwartaal"
        assert "5, zoals de organisatie" in await seen.text("#minimum_group_size-hint")
        await seen.page.fill("#minimum_group_size", "3")
        await seen.page.click("#next")
        await seen.page.wait_for_selector("#closes_at-fault:not(:empty)")
        assert "kies dat getal of meer" in await seen.text("#minimum_group_size-fault")
        assert await seen.text("#closes_at-fault") == "Dit moment is al geweest: kies een later moment."
        assert (await seen.focused())["id"] == "closes_at"
        assert await seen.page.get_attribute("#closes_at", "aria-invalid") == "true"
        assert await seen.violations() == []
        assert await seen.page.input_value("#series") == "kwartaal"
        assert await seen.page.is_checked('[name="mode"][value="anonymous"]')
        await seen.page.fill("#closes_at", "2038-01-01T12:00")
        await seen.page.fill("#minimum_group_size", "6")
        await staffed.client.patch("/v1/organization", json={"minimum_group_size": 8})
        await seen.page.click("#next")
        await seen.page.click("#save-draft")
        await seen.page.wait_for_selector("#minimum_group_size-fault:not(:empty)")
        assert await seen.page.input_value("#series") == "kwartaal"
        await seen.page.fill("#minimum_group_size", "")
        await seen.page.click("#next")
        await seen.page.click("#save-draft")
        await seen.page.wait_for_selector('h1:has-text("Te vroeg dicht")')
        [made] = await surveys(staffed)
        assert (made["status"], made["mode"], made["series"]) == ("draft", "anonymous", "kwartaal")


@pytest.mark.nightly
async def test_a_draft_is_changed_as_it_was_made_and_deleted(staffed: Tenant, visit: Visits) -> None:
    body = {
        "name": "Eerst",
        "questionnaire": "betrokken-33",
        "mode": "attributed",
        "audience": {"teams": ["care"]},
    }
    made = (await staffed.client.post("/v1/surveys", json=body)).json()
    async with visit(width=1280) as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{made['id']}")
        await seen.page.click(f'a[href="#surveys/{made["id"]}/edit"]')
        await seen.page.wait_for_selector("#next")
        assert await seen.page.input_value("#name") == "Eerst"
        await seen.page.click("#next")
        await seen.page.wait_for_selector('[name="mode"]')
        assert await seen.page.is_checked('[name="teams"][value="care"]')
        assert not await seen.page.is_checked('[name="teams"][value="sales"]')
        await seen.page.check('[name="teams"][value="sales"]')
        await seen.page.click("#next")
        await seen.page.click("#save-draft")
        await seen.page.wait_for_selector("#said:has-text('Gewijzigd')")
        [now] = await surveys(staffed)
        assert sorted(now["audience"]["teams"]) == ["care", "sales"]
        await seen.page.click("#delete")
        await seen.page.click("dialog .primary")
        await at_screen(seen, "surveys")
        assert await surveys(staffed) == []


@pytest.mark.nightly
async def test_an_address_for_everybody_is_shown_and_a_survey_withdrawn(
    staffed: Tenant, visit: Visits
) -> None:
    body = {"name": "Poster", "questionnaire": "betrokken-33", "mode": "anonymous", "access": "open"}
    made = (await staffed.client.post("/v1/surveys", json=body)).json()
    await staffed.client.post(f"/v1/surveys/{made['id']}/open")
    async with visit(language="en") as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{made['id']}")
        await seen.page.click("#show-address")
        await seen.page.wait_for_selector(".secret")
        assert "bti_" in await seen.page.input_value(".secret")
        await seen.page.click("#cancel")
        await seen.page.click("dialog >> text=No, go back")
        assert (await surveys(staffed))[0]["status"] == "open"
        await seen.page.click("#cancel")
        await seen.page.click("dialog .primary")
        await seen.page.wait_for_selector("#said:has-text('withdrawn')")
        assert (await surveys(staffed))[0]["status"] == "cancelled"


async def lose(route: Any) -> None:
    """It arrives, and its answer does not."""
    await route.fetch()
    await route.abort()


async def opened(tenant: Tenant, **members: Any) -> str:
    body = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"} | members
    made = (await tenant.client.post("/v1/surveys", json=body)).json()
    await tenant.client.post(f"/v1/surveys/{made['id']}/open")
    return str(made["id"])


@pytest.mark.nightly
async def test_own_words_for_invitation_and_reminder_are_seen_first_and_then_mailed(
    settings: Settings, database_url: str, owner: asyncpg.Connection, visit: Visits
) -> None:
    sink = Sink()
    await owner.execute("DELETE FROM pgqueuer")
    async with with_mail(settings, database_url, sink) as mailer, listening(mailer.app) as address:
        await employ(mailer.client, "E-1", email="e-1@example.com")
        await employ(mailer.client, *(f"E-{number}" for number in range(2, 7)))
        closes_at = (datetime.now(UTC) + timedelta(days=9)).isoformat()
        survey_id = await opened(mailer, closes_at=closes_at)
        async with visit(language="en", at=address) as seen:
            await manage(seen, await key_of(mailer, *HR), f"surveys/{survey_id}")
            await seen.page.click("#own-invitation summary")
            await seen.page.fill("#subject-en", "{survey}: {name}?")
            await seen.page.fill("#text-en", "Dear {name},\n\nHow is work?\n\n{link}")
            await seen.page.click("#own-reminder summary")
            await seen.page.fill("#reminder-text-en", "Dear {nmae}")
            await seen.page.click("#own-reminder summary")
            await seen.page.click("#see-mail")
            await seen.says("#reminder-text-en-fault", "There is no {nmae}.")
            await seen.says("#reminder-text-en-fault", "Without {link} nobody could answer")
            assert await seen.violations() == []
            await seen.page.fill("#reminder-text-en", "Dear {name},\n\nThere is time yet.\n\n{link}")
            await seen.page.click("#see-mail")
            for kind, words in (("Invitation, English", "How is work?"), ("Reminder, English", "time yet")):
                await seen.page.click(f"dialog summary:has-text('{kind}')")
                await seen.says(f"dialog details:has-text('{kind}') .letter", words)
            ours = "Nobody at Acme is told who gets this reminder."
            await seen.says("dialog details:has-text('Reminder, English') .letter", ours)
            await seen.page.click("dialog .primary")
            await seen.page.reload()
            await seen.page.wait_for_selector("#invite")
            assert "time yet" in await seen.page.input_value("#reminder-text-en"), "kept in the tab"
            assert await seen.page.input_value("#subject-en") == "{survey}: {name}?"
            await seen.page.click("#invite")
            await seen.says("dialog", "1 person gets a mail with a link of their own, right now.")
            await seen.says("dialog", "5 people have no e-mail address")
            await seen.says("dialog", "Your own text is there in one language.")
            assert await seen.violations() == []
            await mailer.work()
            assert sink.mails == [], "asked first"
            await seen.page.click("dialog >> text=Invite 1 person")
            await seen.says("#said", "1 mail goes out")
            await seen.says("#not-issued", "Has no e-mail address")
            await mailer.work()
            await seen.page.reload()
            await seen.page.wait_for_selector("#invite")
            assert await seen.page.input_value("#subject-en") == "", "they were sent"
            await seen.page.click("#remind")
            await seen.says("dialog", "At most 1 mail goes out")
            await seen.page.click("#own-by_hand summary")
            await seen.page.fill("#remind-text-en", "The last day, {name")
            await seen.page.click("dialog >> text=Remind now >> nth=-1")
            await seen.says("#remind-text-en-fault", "A { has no } after it")
            await seen.page.reload()
            await seen.page.click("#remind")
            assert await seen.page.input_value("#remind-text-en") == "The last day, {name", "kept in the tab"
            await seen.page.fill("#remind-text-en", "The last day, {name}: {link}")
            await seen.page.click("#see-reminder")
            await seen.page.click("dialog summary:has-text('Reminder, English')")
            await seen.says("dialog details[open] .letter", "The last day, Noor de Wit: http")
            assert await seen.violations() == []
            await seen.page.click("dialog .buttons .primary")
            await seen.says("#said", "The reminder goes out")
            await mailer.work()
        (_, invitation), (_, reminder) = sink.mails
        assert invitation["Subject"] == "Autumn: E-1?"
        assert said(invitation).startswith("Dear E-1,\n\nHow is work?")
        assert said(reminder).startswith("The last day, E-1: http")


def sheet_in(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["anonymous", "confidential"])
async def test_codes_that_were_lost_on_their_way_come_when_it_is_tried_again(
    staffed: Tenant, visit: Visits, mode: str
) -> None:
    survey_id = await opened(staffed, mode=mode)
    async with visit(language="en") as seen:
        key = await key_of(staffed, *HR)
        await manage(seen, key, f"surveys/{survey_id}")
        await seen.page.check('[name="how"][value="codes"]')
        await seen.page.click("#invite")
        await seen.page.wait_for_selector("dialog")
        await seen.page.route("**/invitations", lose, times=1)
        await seen.page.click("dialog .primary")
        await seen.says("dialog .fault", "No answer came. Try again")
        await seen.page.reload()
        await seen.page.check('[name="how"][value="codes"]')
        async with seen.page.expect_download() as coming:
            await seen.page.click("#invite")
        sheet = sheet_in(await (await coming.value).path())
        assert sheet.count("<section") == sum(SIZES.values())
        [kept] = await seen.page.evaluate("[sessionStorage.getItem('betrokken.tries')]")
        assert kept is None, "the next sheet is another"


@pytest.mark.nightly
async def test_what_was_done_although_no_answer_came_is_not_done_twice(
    staffed: Tenant, visit: Visits
) -> None:
    survey_id = await opened(staffed, mode="anonymous", access="open")
    async with visit(language="en") as seen:
        await manage(seen, await key_of(staffed, *HR), f"surveys/{survey_id}")
        await seen.page.route("**/close", lose, times=1)
        await seen.page.click("#close")
        await seen.page.click("dialog .primary")
        await seen.says("dialog .fault", "No answer came")
        await seen.page.click("dialog .primary")
        await seen.page.wait_for_selector("#said:not(:empty)")
        await staffed.client.post(
            "/v1/surveys", json={"name": "Next", "questionnaire": "betrokken-33", "mode": "confidential"}
        )
        draft = next(one for one in await surveys(staffed) if one["status"] == "draft")
        await seen.page.goto(f"{seen.address}{MANAGE}#surveys/{draft['id']}")
        await at_screen(seen, f"surveys/{draft['id']}")
        await seen.page.route(f"**/surveys/{draft['id']}", lose, times=1)
        await seen.page.click("#delete")
        await seen.page.click("dialog .primary")
        await seen.says("dialog .fault", "No answer came")
        await seen.page.click("dialog .primary")
        await at_screen(seen, "surveys")


SLOW = """async () => {
  const { ask } = await import("./pages/session.js");
  const heard = globalThis.fetch;
  globalThis.fetch = async (_, { signal }) => new Response(new ReadableStream({ start(control) {
    globalThis.part = (text) => (text ? control.enqueue(new TextEncoder().encode(text)) : control.close());
    signal.addEventListener("abort", () => control.error(signal.reason));
  } }));
  globalThis.told = ask("v1/slow");
  globalThis.fetch = heard;
}"""


@pytest.mark.nightly
async def test_an_answer_may_be_long_in_coming_but_not_silent(staffed: Tenant, visit: Visits) -> None:
    async with visit(language="en") as seen:
        await seen.page.clock.install()
        await manage(seen, await key_of(staffed, *HR))
        await seen.page.evaluate(SLOW)
        for part in ("one ", "two ", "three"):
            await seen.page.clock.run_for(40_000)
            await seen.page.evaluate("(text) => part(text)", part)
            await seen.page.evaluate("new Promise((resolve) => requestIdleCallback(resolve))")
        await seen.page.evaluate("part('')")
        assert (await seen.page.evaluate("told"))["body"] == "one two three"
        await seen.page.evaluate(SLOW)
        await seen.page.clock.run_for(60_000)
        assert (await seen.page.evaluate("told"))["code"] == "network"


@pytest.mark.nightly
@READERS
async def test_nothing_of_surveys_is_in_the_way_of_anybody(
    width: int, language: str, staffed: Tenant, visit: Visits
) -> None:
    body = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential", "series": "pulse"}
    made = (await staffed.client.post("/v1/surveys", json=body)).json()
    async with visit(width=width, language=language) as seen:
        key = await key_of(staffed, *HR)
        await manage(seen, key)
        assert await seen.violations() == []
        await manage(seen, key, f"surveys/{made['id']}")
        assert await seen.violations() == []
        await staffed.client.post(f"/v1/surveys/{made['id']}/open")
        await manage(seen, key, f"surveys/{made['id']}")
        assert await seen.violations() == []
        await manage(seen, key, "surveys/new")
        await seen.page.fill("#name", "Next")
        assert await seen.violations() == []
        await seen.page.click("#next")
        await seen.page.wait_for_selector('[name="mode"]')
        assert await seen.violations() == []
        await seen.page.click("#next")
        await seen.page.wait_for_selector("#create-open")
        assert await seen.violations() == []


# ------------------------------------------------------------------ people, from a file

CSV = """Medewerkernummer;Voornaam;Achternaam;E-mail;Afdeling;Leidinggevende;In dienst;Vestiging
9001;Noor;de Wit;noor@example.com;Nieuw Team;;01-03-2021;Utrecht
9002;Sam;Peeters;geen adres;Nieuw Team;9001;2-4-2024;Urk
9003;;;;;;;
"""


@pytest.fixture
def worked(staffed: Tenant) -> Any:
    """Does what is queued, for as long as somebody waits for it."""

    async def work() -> None:
        while True:
            await staffed.work()
            await asyncio.sleep(0.05)

    return work


async def uploaded(seen: Visit, content: bytes, name: str = "mensen.csv") -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    await seen.page.set_input_files("#file", file)


@pytest.mark.nightly
async def test_people_from_a_file_are_tried_first_and_then_stored(
    staffed: Tenant, visit: Visits, worked: Any
) -> None:
    async with visit(language="nl", width=1280) as seen:
        await manage(seen, await key_of(staffed, "people:write"), "people")
        working = asyncio.create_task(worked())
        await uploaded(seen, CSV.encode("utf-16"))
        await seen.page.wait_for_selector("#try")
        chosen = {
            name: await seen.page.input_value(f"#{name}")
            for name in ("external_id", "name", "surname", "email", "team", "manager", "starts_on", "ends_on")
        }
        assert list(chosen.values()) == [
            "Medewerkernummer",
            "Voornaam",
            "Achternaam",
            "E-mail",
            "Afdeling",
            "Leidinggevende",
            "In dienst",
            "",
        ]
        assert await seen.page.is_checked('[name="segments"][value="Vestiging"]')
        assert await seen.violations() == []
        await seen.page.click("#try")
        await seen.page.wait_for_selector("#trial table")
        lines = await seen.page.locator("#trial tbody tr").all_inner_texts()
        assert [line.split("\t")[:3] for line in lines] == [
            ["Regel 3", "9002", "E-mail"],
            ["Regel 4", "9003", "Voornaam"],
        ]
        assert "Dit is geen e-mailadres" in lines[0]
        assert await seen.violations() == []
        assert (await staffed.client.get("/v1/people/9001")).status_code == 404

        await seen.page.click('[data-language="en"]')
        await seen.page.wait_for_selector("#trial >> text=This would happen")
        assert await seen.page.input_value("#external_id") == "Medewerkernummer"
        await seen.page.click("#carry-out")
        await seen.page.wait_for_selector("#outcome")
        stored = (await staffed.client.get("/v1/people/9001")).json()
        told = {name: stored[name] for name in ("name", "email", "starts_on", "segments")}
        assert told == {
            "name": "Noor de Wit",
            "email": "noor@example.com",
            "starts_on": "2021-03-01",
            "segments": {"vestiging": "Utrecht"},
        }
        assert (await staffed.client.get("/v1/people/9002")).status_code == 404
        assert "1 new" in await seen.text("main")
        working.cancel()


@pytest.mark.nightly
async def test_a_file_that_is_none_says_so_and_what_its_columns_mean_is_changed(
    staffed: Tenant, visit: Visits, worked: Any
) -> None:
    async with visit(language="nl") as seen:
        await manage(seen, await key_of(staffed, "people:write"), "people")
        working = asyncio.create_task(worked())
        await uploaded(seen, b"%PDF-1.7\n1 0 obj\n", "mensen.pdf")
        await seen.page.wait_for_selector("#wrong:not(:empty)")
        assert "bewaar het als CSV" in await seen.text("#wrong")
        await uploaded(seen, b"Kenmerk,Wie\nK-1,Noor\n")
        await seen.page.wait_for_selector("#try")
        assert await seen.page.input_value("#external_id") == ""
        await seen.page.select_option("#external_id", "Kenmerk")
        await seen.page.select_option("#name", "Wie")
        await seen.page.check('[name="missing"][value="report"]')
        await seen.page.click("#try")
        await seen.page.wait_for_selector("#carry-out")
        assert await seen.shows("staat niet in het bestand")
        assert await seen.violations() == []
        await seen.page.click("#carry-out")
        await seen.page.wait_for_selector("#outcome")
        assert (await staffed.client.get("/v1/people/K-1")).json()["name"] == "Noor"
        working.cancel()


@pytest.mark.nightly
async def test_nothing_is_carried_out_that_was_not_tried(staffed: Tenant, visit: Visits, worked: Any) -> None:
    """Whatever is changed takes the trial away; so does another file, from when it is chosen."""
    async with visit(language="nl") as seen:
        stored: list[str] = []
        seen.page.on("request", lambda one: stored.append(one.url) if "dry_run=false" in one.url else None)
        await manage(seen, await key_of(staffed, "people:write"), "people")
        working = asyncio.create_task(worked())
        await uploaded(seen, b"Nummer,Naam,Roepnaam,Plek\nK-1,Noor,N,Urk\n")
        await seen.page.wait_for_selector("#try")

        async def tried() -> None:
            await seen.page.click("#try")
            await seen.page.wait_for_selector("#carry-out")
            await seen.page.wait_for_selector("#trial h2:focus")

        async def gone() -> None:
            await seen.page.wait_for_selector("#trial", state="detached")
            await seen.says("#said", "probeer het eerst opnieuw")

        for missing in ("report", "end"):
            await tried()
            await seen.page.check(f'[name="missing"][value="{missing}"]')
            await gone()
        await seen.page.check('[name="missing"][value="ignore"]')
        await tried()
        await seen.page.select_option("#name", "Roepnaam")
        await gone()
        await tried()
        await seen.page.check('[name="segments"][value="Plek"]')
        await gone()
        await tried()
        await seen.page.uncheck('[name="create_teams"]')
        await gone()
        assert stored == []

        await tried()
        await seen.page.click("#carry-out")
        await seen.page.wait_for_selector("#outcome")
        assert ["missing=ignore" in one for one in stored] == [True]
        assert (await staffed.client.get("/v1/people/K-1")).json()["name"] == "N"

        await uploaded(seen, b"Nummer,Naam\nK-2,Sam\n")
        await seen.page.wait_for_selector('#file-name:has-text("2 kolommen")')
        await tried()
        working.cancel()
        await uploaded(seen, b"Nummer,Naam\nK-3,Kim\n")
        await seen.page.wait_for_selector("#trial", state="detached")
        assert await seen.page.locator("#meaning, #carry-out").count() == 0
        assert len(stored) == 1


@pytest.mark.nightly
async def test_an_empty_file_says_so_and_nothing_of_the_one_before_is_left(
    staffed: Tenant, visit: Visits, worked: Any
) -> None:
    async with visit(language="nl") as seen:
        await manage(seen, await key_of(staffed, "people:write"), "people")
        working = asyncio.create_task(worked())
        await uploaded(seen, b"Nummer,Naam\nK-1,Noor\n")
        await seen.page.wait_for_selector("#try")
        await uploaded(seen, b"", "leeg.csv")
        await seen.says("#wrong", "Het bestand is leeg.")
        assert await seen.page.locator("#meaning, #file-name").count() == 0
        working.cancel()


# ------------------------------------------------------------------ keys, and the log


async def keys_of(tenant: Tenant) -> dict[str, dict[str, Any]]:
    found = (await tenant.client.get("/v1/api-keys", params={"limit": 200})).json()["items"]
    return {key["name"]: key for key in found}


async def test_a_key_is_made_in_words_shown_once_and_revoked(staffed: Tenant, visit: Visits) -> None:
    async with visit(language="nl") as seen:
        key = await key_of(staffed, "keys:manage", "people:read", "metrics:read")
        await manage(seen, key, "keys/new")
        assert await seen.page.locator('[name="scopes"][value="surveys:write"]').count() == 0
        await seen.page.fill("#name", "Mara")
        await seen.press("Enter")
        await seen.page.wait_for_selector("#scopes-fault:not(:empty)")
        assert await seen.page.input_value("#name") == "Mara"
        assert await seen.violations() == []
        await seen.page.check('[name="scopes"][value="people:read"]')
        await seen.page.click("#make-key")
        await seen.page.wait_for_selector("#key-made")
        secret = await seen.page.input_value(".secret")
        assert await seen.violations() == []
        me = await staffed.client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
        assert me.json()["scopes"] == ["people:read"]
        await seen.page.click("#key-made .primary")
        await at_screen(seen, "keys")
        assert secret not in await seen.page.content()
        assert await seen.violations() == []
        await seen.page.click('[aria-label="Trek in: Mara"]')
        await seen.page.click("dialog .primary")
        await seen.page.wait_for_selector("#said:has-text('ingetrokken')")
        assert "Mara" not in await keys_of(staffed)


@pytest.mark.nightly
async def test_a_managers_key_sees_their_teams_alone(staffed: Tenant, visit: Visits) -> None:
    async with visit(language="en", width=1280) as seen:
        key = await key_of(staffed, "keys:manage", "people:read", "metrics:read")
        await manage(seen, key, "keys/new")
        await seen.page.fill("#name", "Lead of care")
        await seen.page.check('[name="reach"][value="teams"]')
        assert not await seen.page.locator('[name="scopes"]').first.is_visible()
        await seen.page.check('[name="teams"][value="care"]')
        await seen.page.click("#make-key")
        await seen.page.wait_for_selector("#key-made")
        made = (await keys_of(staffed))["Lead of care"]
        assert (made["scopes"], made["teams"]) == (["metrics:read"], ["care"])


@pytest.mark.nightly
async def test_the_log_is_read_a_page_at_a_time(staffed: Tenant, visit: Visits) -> None:
    for number in range(60):
        await staffed.client.patch("/v1/organization", json={"name": f"Acme {number}"})
    body = {"name": "Autumn", "questionnaire": "two", "mode": "confidential"}
    await staffed.client.post("/v1/surveys", json=body)
    async with visit(language="nl", width=1280) as seen:
        await manage(seen, await key_of(staffed, "audit:read"), "log")
        rows = seen.page.locator("#entries tbody tr")
        assert await rows.count() == 50
        assert "Sleutel gemaakt" in await rows.nth(0).inner_text()
        assert "Enquête gemaakt" in await rows.nth(1).inner_text()
        assert await seen.violations() == []
        await seen.page.click("#older")
        await seen.page.wait_for_selector("#entries table >> nth=1")
        assert await rows.count() > 60


# ------------------------------------------------------------------ recognition, and who celebrates


@pytest.mark.nightly
async def test_recognition_is_shown_that_everybody_may_read(staffed: Tenant, visit: Visits) -> None:
    for visibility in ("organization", "team", "private"):
        body = {
            "giver": "care-0",
            "receivers": ["care-1"],
            "message": f"Thanks for the {visibility} help",
            "visibility": visibility,
        }
        assert (await staffed.client.post("/v1/recognitions", json=body)).status_code == 201
    async with visit(language="en") as seen:
        await manage(seen, await key_of(staffed, "recognitions:read"), "recognition")
        assert await seen.page.locator("#feed li").count() == 1
        assert "care-0 to care-1" in await seen.text("#feed")
        assert "Thanks for the organization help" in await seen.text("#feed")
        assert await seen.violations() == []


@pytest.mark.nightly
async def test_who_celebrates_is_named_and_their_cards_are_seen_as_they_get_them(
    staffed: Tenant, visit: Visits
) -> None:
    now = datetime.now(UTC)
    soon = now + timedelta(days=5)
    await staffed.client.patch("/v1/organization", json={"cards": {"approval": True}})
    for name in ("Ann", "Bo"):
        await celebrating(staffed, name.lower(), soon.month, soon.day, name=name)
        await staffed.client.patch(f"/v1/people/{name.lower()}", json={"team": "care"})
    await plan(staffed, now)
    async with visit(language="nl") as seen:
        key = await key_of(staffed, "calendar:read", "calendar:write", "people:read")
        await seen.page.goto(f"{seen.address}{MANAGE}#{key}")
        await seen.page.wait_for_url(f"**{CALENDAR}")
        await at_screen(seen, "days")
        await seen.page.goto(f"{seen.address}{CALENDAR}#days/{soon:%Y-%m}")
        await at_screen(seen, f"days/{soon:%Y-%m}")
        assert re.search(r"(?i)Ann\s+Verjaardag\s+care", await seen.text("#view"))
        assert await seen.violations() == []
        await seen.page.click('[rel="next"]')
        await seen.page.wait_for_selector("#view:has-text('niets te vieren')")

        await seen.page.click("nav >> text=Kaarten")
        await at_screen(seen, "cards")
        assert await seen.shows("2 kaarten wachten op goedkeuring")
        await seen.page.click('[aria-label="Bekijk de kaart: Ann"]')
        assert "Ann" in await seen.text("#as-received .mail")
        [picture] = await seen.page.query_selector_all("#as-received img")
        assert await picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 300
        assert await picture.evaluate("one => one.parentElement.closest('[style]') !== null")
        assert await seen.violations() == []
        await seen.page.click('dialog [aria-label="Keur goed: Ann"]')
        await seen.says("#said", "De kaart gaat op zijn tijd.")
        await seen.page.click('[aria-label="Verstuur niet: Bo"]')
        assert "kan niet worden teruggedraaid" in await seen.text("dialog")
        await seen.page.click("dialog .primary")
        await seen.says("#said", "De kaart wordt niet verstuurd.")
        assert await seen.page.locator('[aria-label="Verstuur niet: Bo"]').count() == 0
        assert await seen.violations() == []
        found = (await staffed.client.get("/v1/cards")).json()["items"]
        assert {card["person"]["name"]: card["status"] for card in found} == {
            "Ann": "planned",
            "Bo": "cancelled",
        }

        await seen.page.click("nav >> text=In je agenda")
        await at_screen(seen, "feeds")
        await seen.page.check('[name="scope"][value="team"]')
        await seen.page.select_option("#team", "care")
        await seen.page.click("#make-feed")
        await seen.page.wait_for_selector("#feed-made")
        feed = await seen.page.input_value(".secret")
        assert await seen.shows("Team Care")
        assert await seen.violations() == []
        assert "Ann" in (await staffed.client.get(f"/v1{feed.partition('/v1')[2]}")).text

        await seen.page.click("nav >> text=Wie bericht krijgt")
        await at_screen(seen, "told")
        await seen.page.check('[name="recipient"][value="person"]')
        await seen.page.click("#make-reminder")
        await seen.page.wait_for_selector("#person-fault:not(:empty)")
        await seen.page.check('[name="recipient"][value="manager"]')
        await seen.page.check('[name="kinds"][value="birthday"]')
        await seen.page.click("#make-reminder")
        await seen.says("#said", "Dat is ingesteld.")
        assert await seen.violations() == []
        [made] = (await staffed.client.get("/v1/reminders")).json()["items"]
        assert (made["recipient"], made["days_before"], made["kinds"]) == ("manager", 3, ["birthday"])
        await seen.page.check('[name="kinds"][value="birthday"]')
        await seen.page.click("#make-reminder")
        await seen.says("#wrong", "Dit bericht is er al")
        await staffed.client.delete(f"/v1/reminders/{made['id']}")
        to_one = {"recipient": "person", "person": "ann", "days_before": 3}
        assert (await staffed.client.post("/v1/reminders", json=to_one)).status_code == 201
        await seen.page.reload()
        await seen.says("#view th", "Ann (ann)")
        [named] = (await staffed.client.get("/v1/reminders")).json()["items"]
        await staffed.client.delete(f"/v1/reminders/{named['id']}")
        await staffed.client.post("/v1/reminders", json={"recipient": "manager", "days_before": 3})
        await seen.page.reload()
        await seen.page.click('[aria-label="Stop: De leidinggevende"]')
        await seen.page.click("dialog .primary")
        await seen.says("#said", "Er gaat geen bericht meer.")
        assert (await staffed.client.get("/v1/reminders")).json()["items"] == []


@pytest.mark.nightly
async def test_somebody_s_days_are_filled_in_and_taken_away(staffed: Tenant, visit: Visits) -> None:
    days = "/v1/people/care-0/occasions"
    async with visit(language="nl") as seen:
        await seen.page.goto(f"{seen.address}{MANAGE}#{await key_of(staffed, 'people:dates', 'people:read')}")
        await seen.page.wait_for_url(f"**{CALENDAR}")
        await at_screen(seen, "occasions")
        await seen.page.fill("#person", "care-77")
        await seen.page.click("#see-days")
        await seen.says("[role=alert]", "Er is niemand met nummer care-77")
        await seen.page.fill("#person", "care-0")
        await seen.page.click("#see-days")
        await at_screen(seen, "occasions/care-0")
        assert await seen.violations() == []
        await seen.page.fill("#day", "31")
        await seen.page.select_option("#month", "2")
        await seen.page.click("#add-day")
        await seen.page.wait_for_selector("#day-fault:not(:empty)")
        await seen.page.fill("#day", "29")
        await seen.page.check('[name="consent"]')
        await seen.page.click("#add-day")
        await seen.says("#said", "Dat is opgeslagen.")
        assert "29 februari" in await seen.text("#view table")
        await seen.page.check('[name="kind"][value="family_birthday"]')
        for name, text in (("label", "Cor"), ("relation", "vader"), ("day", "4")):
            await seen.page.fill(f"#{name}", text)
        await seen.page.click("#add-day")
        await seen.says("#view th + td", "Verjaardag van Cor (vader)")
        assert await seen.violations() == []
        stored = {one["key"]: one for one in (await staffed.client.get(days)).json()["items"]}
        assert {name: (one["day"], one["month"], one["consent"]) for name, one in stored.items()} == {
            "birthday": (29, 2, True),
            "family_birthday": (4, 1, False),
        }
        await seen.page.click('[aria-label^="Leg toestemming vast"]')
        await seen.says("#said", "Dat is opgeslagen.")
        await seen.page.click('[aria-label="Verwijder: Verjaardag"]')
        await seen.page.click("dialog .primary")
        await seen.says("#said", "De dag is verwijderd.")
        [left] = (await staffed.client.get(days)).json()["items"]
        assert (left["key"], left["consent"]) == ("family_birthday", True)
        await seen.page.uncheck('[name="celebrated"][value="work_anniversary"]')
        await seen.page.click("#keep-choice")
        await seen.says("#said", "Dat is opgeslagen.")
        chosen = (await staffed.client.get("/v1/people/care-0/celebrations")).json()
        assert (chosen["work_anniversary"], chosen["first_day"]) == (False, True)


CRAMPED = (
    """all => all.filter((one) => one.scrollHeight > one.clientHeight + 1).map((one) => one.textContent)"""
)
"""Words that reach over those of the next choice."""


@pytest.mark.nightly
async def test_teams_to_choose_from_stand_below_the_one_they_are_part_of(
    staffed: Tenant, visit: Visits
) -> None:
    for name, parent in (("alfa", "sales"), ("zulu", "care"), ("beta", "sales")):
        await staffed.client.put(f"/v1/teams/{name}", json={"name": name.title(), "parent": parent})
    async with visit() as seen:
        await manage(seen, await key_of(staffed, *SCOPES), "keys/new")
        shown = await seen.page.locator('[data-field="teams"] .choice-name').all_text_contents()
        assert shown == ["Care", "\u2003Zulu", "Sales", "\u2003Alfa", "\u2003Beta"]
        assert await seen.page.eval_on_selector_all(".choice", CRAMPED) == []


SCREENS = {
    MANAGE: ["surveys", "surveys/new", "people", "recognition", "keys", "keys/new", "log"],
    CALENDAR: ["days", "occasions/care-0", "cards", "feeds", "told"],
}
SCOPES = contract()["components"]["schemas"]["ApiKey"]["properties"]["scopes"]["items"]["enum"]
RIGHTS = [[scope] for scope in SCOPES] + [[one for one in SCOPES if one != scope] for scope in SCOPES]


@pytest.mark.nightly
@pytest.mark.parametrize("rights", RIGHTS, ids=lambda rights: f"{len(rights)}-{rights[0]}")
async def test_nothing_is_shown_that_would_be_refused(
    rights: list[str], staffed: Tenant, visit: Visits
) -> None:
    survey = {"name": "Autumn", "questionnaire": "two", "mode": "confidential"}
    made = [(await staffed.client.post("/v1/surveys", json=survey)).json()["id"] for _ in range(2)]
    await staffed.client.post(f"/v1/surveys/{made[0]}/open")
    await staffed.client.post("/v1/reminders", json={"recipient": "manager", "days_before": 3})
    key = await key_of(staffed, *rights)
    async with visit(width=1280) as seen:
        refusals: list[str] = []
        seen.page.on("response", lambda one: refusals.append(one.url) if one.status in (401, 403) else None)
        await seen.page.goto(f"{seen.address}/#{key}")
        await seen.page.wait_for_load_state("networkidle")
        for page, screens in SCREENS.items():
            for screen in [*screens, *(f"surveys/{one}" for one in made if page == MANAGE)]:
                await seen.page.goto(f"{seen.address}{page}#{screen}")
                await seen.page.wait_for_load_state("networkidle")
        assert refusals == []


def keys_in(name: str, member: str) -> list[str]:
    """The members of an object in a script, in each language."""
    script = (STATIC / "manage" / name).read_text(encoding="utf-8")
    found = re.findall(rf"^ +{member}: {{(.*?)\n? *}},$", script, re.MULTILINE | re.DOTALL)
    return [key for part in found for key in re.findall(r'(?:^|[{,]|\n) *"?([a-z_:]+)"?: ["\[]', part)]


def test_every_right_that_a_key_may_have_has_words_and_what_has_words_is_there() -> None:
    documents = contract()
    scopes = documents["components"]["schemas"]["ApiKey"]["properties"]["scopes"]["items"]["enum"]
    assert sorted(keys_in("words.js", "scopes")) == sorted([*scopes, *scopes])
    operations = {
        operation["operationId"]
        for path in documents["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    told = documents["components"]["schemas"]["AuditEntry"]["properties"]["action"]["description"]
    known = operations | set(re.findall(r"`(\w+)`", told)) | {"create_organization"}
    assert keys_in("words.js", "actions")
    assert not set(keys_in("words.js", "actions")) - known


def test_what_the_page_has_words_for_is_what_the_service_finds_wrong() -> None:
    script = (STATIC / "manage" / "problems.js").read_text(encoding="utf-8")
    codes = set(re.findall(r'^    ([a-z_]+): "', script, re.MULTILINE)) - {"network"}
    sources = [path.read_text(encoding="utf-8") for path in STATIC.parents[1].rglob("*.py")]
    known = set(re.findall(r"[a-z_]+", " ".join([*sources, json.dumps(contract())])))
    assert codes
    assert not codes - known
