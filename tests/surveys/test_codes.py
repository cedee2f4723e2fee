"""Codes on paper for people without e-mail, and the public address of a survey that is open to anybody."""

import asyncio
import re
from collections import Counter
from threading import Event
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.core.secrets import Keyring
from app.core.settings import Settings
from app.core.short_codes import in_groups, is_well_spelt, new_code, typed
from app.organizations.queries import organization
from app.surveys.invitations import sheets
from app.surveys.invitations import tokens as tokens_module
from app.surveys.invitations.schemas import Invitation, InvitationsIssued
from app.surveys.service import found as found_survey
from tests.clock import next_year
from tests.conftest import Tenant, stranger
from tests.contract import ContractClient
from tests.surveys.inviting import MODES, answer, ask, at_the_door
from tests.surveys.test_surveys import ANSWERS, BYSTANDERS, hire, opened
from tests.waiting import PATIENCE, until

SHEET = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
async def people(acme: Tenant) -> None:
    await hire(acme.client, *BYSTANDERS, team="shed")


async def codes(api: ContractClient, survey_id: str, **members: Any) -> list[dict[str, Any]]:
    made = await ask(api, survey_id, form="codes", **members)
    assert made.status_code == 201, made.text
    found: list[dict[str, Any]] = made.json()["invitations"]
    return found


@pytest.mark.parametrize("mode", MODES)
async def test_a_code_is_typed_as_one_likes_and_used_once(
    acme: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    survey_id = await opened(acme.client, **MODES[mode])
    found = await codes(acme.client, survey_id)
    assert len(found) == len(BYSTANDERS)
    assert all(is_well_spelt(one["token"]) for one in found)
    whose = {(one["respondent"], one["team"]) for one in found}
    expected = {(None, "shed")} if mode == "anonymous" else {(name, None) for name in BYSTANDERS}
    assert whose == expected
    code = found[0]["token"]
    for spelling in (code, code.lower(), in_groups(code), f"{code[:4]} {code[4:7].lower()} - {code[7:]}"):
        form = await at_the_door(acme, spelling).get("/v1/respond")
        assert (form.status_code, form.json()["mode"]) == (200, mode)
    assert (await answer(acme, in_groups(code).lower())).status_code == 201
    for again in (await answer(acme, code), await at_the_door(acme, code).get("/v1/respond")):
        assert (again.status_code, again.json()["code"]) == (409, "already_responded")
    assert await owner.fetchval("SELECT count(*) FROM responses WHERE survey_id = $1", UUID(survey_id)) == 1
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    for one in found:
        assert (await answer(acme, one["token"])).json()["code"] == "survey_closed"


async def test_a_code_that_is_none_opens_nothing(acme: Tenant) -> None:
    [one, *_] = await codes(acme.client, await opened(acme.client))
    swapped = next(
        one["token"][:place] + one["token"][place + 1] + one["token"][place] + one["token"][place + 2 :]
        for place in range(9)
        if one["token"][place] != one["token"][place + 1]
    )
    for wrong in (swapped, new_code(), "OOOOOOOOOO", "1234567890"):
        said = await at_the_door(acme, wrong).get("/v1/respond")
        assert (said.status_code, said.json()["code"]) == (401, "unauthenticated")


async def test_in_anonymous_mode_a_code_is_of_a_cell_and_never_of_fewer_than_the_minimum(
    acme: Tenant,
) -> None:
    api = acme.client
    await hire(api, *(f"desk-{number}" for number in range(6)), team="desk")
    survey_id = await opened(api, **MODES["anonymous"])
    few = await ask(api, survey_id, form="codes", people=BYSTANDERS[:2])
    assert (few.status_code, few.json()["code"]) == (422, "too_few_at_once")
    assert "make codes for a larger team" in few.json()["detail"], "no code is mailed"
    found = await codes(api, survey_id, team="shed")
    assert Counter((one["respondent"], one["team"]) for one in found) == {(None, "shed"): 5}
    rest = await codes(api, survey_id)
    assert Counter(one["team"] for one in rest) == {"desk": 6}
    assert [one["token"] for one in rest] != sorted(one["token"] for one in rest)


async def test_a_team_gets_codes_for_at_least_the_minimum_and_one_person_by_name(acme: Tenant) -> None:
    api = acme.client
    await api.put("/v1/teams/night", json={"name": "Night", "parent": "shed"})
    await hire(api, "owl", team="night")
    await hire(api, "other", team="desk")
    await api.patch("/v1/teams/night", json={"parent": "shed"})
    survey_id = await opened(api)
    few = await ask(api, survey_id, form="codes", team="night")
    assert (few.status_code, few.json()["code"]) == (422, "too_few_at_once")
    assert "make codes for a larger team" in few.json()["detail"], "no code is mailed"
    unknown = await ask(api, survey_id, form="codes", team="nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_team")
    assert {one["respondent"] for one in await codes(api, survey_id, team="shed")} == {*BYSTANDERS, "owl"}
    [lost] = await codes(api, survey_id, people=["owl"])
    assert (await answer(acme, lost["token"])).status_code == 201
    links = await ask(api, survey_id, team="desk", send=False)
    assert [one["respondent"] for one in links.json()["invitations"]] == ["other"]


async def test_codes_are_not_mailed(api: ContractClient) -> None:
    survey_id = await opened(api)
    for member in ({"send": True}, {"subject": {"en": "Come"}}, {"with_codes": True}):
        refused = await ask(api, survey_id, form="codes", **member)
        assert (refused.status_code, refused.json()["code"]) == (422, "not_mailed")


async def slips_of(api: ContractClient, survey_id: str) -> httpx.Response:
    return await api.post(f"/v1/surveys/{survey_id}/invitations", json={"form": "codes"}, headers=SHEET)


@pytest.mark.parametrize("mode", MODES)
async def test_a_sheet_has_a_slip_for_each(acme: Tenant, mode: str) -> None:
    api = acme.client
    survey_id = await opened(api, **MODES[mode], name='<script>"Autumn"')
    url = f"/v1/surveys/{survey_id}/invitations"
    made = await api.post(url, json={"form": "codes"}, headers=SHEET | {"Accept-Language": "nl"})
    assert (made.status_code, made.headers["content-type"]) == (201, "text/html; charset=utf-8")
    assert made.headers["cache-control"] == "no-store"
    assert made.headers["content-security-policy"].startswith("default-src 'none'")
    page = made.text
    assert "<script>" not in page
    assert "Scan de QR-code" in page
    assert page.count("<svg") == page.count("<section") == len(BYSTANDERS)
    printed = re.findall(r"<code>([A-Z-]+)</code>", page)
    assert [(await answer(acme, code)).status_code for code in printed] == [201] * len(BYSTANDERS)
    named = re.findall(r"<p>Voor: ([^<]*)</p>", page)
    assert sorted(named) == (
        ["shed"] * 5 if mode == "anonymous" else sorted(f"{one} · shed" for one in BYSTANDERS)
    )
    assert not re.search(r"(src|href)=", page)


async def test_slips_that_lead_every_phone_to_itself_say_so(acme: Tenant, mailer: Tenant) -> None:
    for tenant, is_warned in ((acme, True), (mailer, False)):
        page = (await slips_of(tenant.client, await opened(tenant.client))).text
        assert "<section" in page
        assert ("<aside" in page) == ("BETROKKEN_PUBLIC_URL" in page) == is_warned


@pytest.mark.parametrize(
    ("page", "is_here"),
    [
        ("http://127.0.0.1:8000/respond", True),
        ("http://localhost/respond", True),
        ("http://[::1]:8000/respond", True),
        ("https://127.0.0.1.example.com/respond", False),
        ("https://answer.example.com/localhost", False),
    ],
)
def test_an_address_of_the_service_s_own_computer(page: str, is_here: bool) -> None:
    assert sheets.opens_here_alone(page) == is_here


@pytest.mark.parametrize("page", ["https://a.nl/respond", f"https://{'surveys.' * 12}example.com/respond"])
def test_a_picture_is_shrunk_to_the_paper_and_not_cut_off(page: str) -> None:
    """The style gives it a size; without a viewBox only the corner of that size would be printed."""
    found = sheets.picture(f"{page}#{'A' * 90}")
    assert found is not None
    tag = found[: found.index(">")]
    [width, height] = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', tag)[0])
    background, squares = re.findall(r'd="M(\d+) (\d+)h(\d+)v(\d+)h-\d+z"', found), width - 8
    assert width == height
    assert not re.search(r"(width|height)=", tag)
    assert background == [("0", "0", str(width), str(height))]
    assert (squares - 17) % 4 == 0, "a quiet zone of four squares on each side"


@pytest.mark.parametrize("mode", MODES)
async def test_slips_and_posters_say_names_until_when_and_whom_to_ask(acme: Tenant, mode: str) -> None:
    """Names of people to who may read them; a key for surveys alone reads their identifiers."""
    api = acme.client
    await api.patch("/v1/organization", json={"survey_contact": "Hanna, room 3"})
    await api.patch("/v1/teams/shed", json={"name": "The Shed"})
    await api.patch(f"/v1/people/{BYSTANDERS[0]}", json={"name": "Olga Buis"})
    survey_id = await opened(api, **MODES[mode], closes_at=f"{next_year()}-06-30T15:00:00Z")
    url = f"/v1/surveys/{survey_id}/invitations"
    page = (await api.post(url, json={"form": "codes"}, headers=SHEET)).text
    closing = f"You can take part until 30 June {next_year()} at 17:00 (Europe/Amsterdam)."
    assert page.count(closing) == len(BYSTANDERS), "nobody knows in which zone a slip is read"
    assert page.count("Questions? Hanna, room 3") == len(BYSTANDERS)
    named = re.findall(r"<p>For: ([^<]*)</p>", page)
    assert sorted(named) == (
        ["The Shed"] * 5
        if mode == "anonymous"
        else sorted(f"{one} · The Shed" for one in ["Olga Buis", *BYSTANDERS[1:]])
    )
    if mode != "anonymous":
        clerk = await acme.client_with("surveys:write")
        again = await clerk.post(url, json={"form": "codes", "people": BYSTANDERS[:1]}, headers=SHEET)
        assert re.findall(r"<p>For: ([^<]*)</p>", again.text) == [BYSTANDERS[0]]


async def test_slips_have_a_page_a_team_by_surname_and_are_in_the_language_of_who_gets_it(
    acme: Tenant,
) -> None:
    api = acme.client
    survey_id = await opened(api)
    await api.put("/v1/teams/attic", json={"name": "Attic"})
    people = [("Zoë Aalders", "attic", "en"), ("bram Buis", "attic", "nl-BE"), ("Cas", "shed", None)]
    for external_id, (name, team, locale) in zip(BYSTANDERS, people, strict=False):
        await api.patch(f"/v1/people/{external_id}", json={"name": name, "team": team, "locale": locale})
    url, wanted = f"/v1/surveys/{survey_id}/invitations", {"form": "codes", "people": list(BYSTANDERS[:3])}
    page = (await api.post(url, json=wanted, headers=SHEET | {"Accept-Language": "en"})).text
    named = re.findall(r"<p>(For|Voor): ([^<]*)</p>", page)
    assert named == [
        ("For", "Zoë Aalders · Attic"),
        ("Voor", "bram Buis · Attic"),
        ("For", "Cas · shed"),
    ]
    assert re.findall("<h1>([^<]*)</h1>", page) == ["Attic", "shed"]
    assert page.count("<main>") == page.count("</main>") == 2
    assert page.count('<section lang="nl">') == 1


@pytest.mark.parametrize("is_poster", [False, True])
async def test_a_sheet_is_drawn_beside_the_work_of_others(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, is_poster: bool
) -> None:
    """Its survey is held by nothing meanwhile, and the event loop goes on."""
    api, drawn, may_go_on = acme.client, Event(), Event()
    draw = sheets.picture

    def slowly(link: str | None) -> str | None:
        drawn.set()
        assert may_go_on.wait(PATIENCE), "all others wait for the picture"
        return draw(link)

    monkeypatch.setattr(sheets, "picture", slowly)
    survey_id = await opened(api, mode="anonymous", access="open") if is_poster else await opened(api)
    printed = address(api, survey_id, **SHEET) if is_poster else slips_of(api, survey_id)
    sheet = asyncio.create_task(printed)
    await until(drawn.is_set)
    assert (await api.patch(f"/v1/surveys/{survey_id}", json={"name": "Autumn"})).status_code == 200
    assert (await api.post(f"/v1/surveys/{survey_id}/close")).status_code == 200
    may_go_on.set()
    made = await sheet
    assert (made.status_code, made.text.count("<svg")) == (201, 1 if is_poster else len(BYSTANDERS))


async def test_a_sheet_is_drawn_in_parts_as_they_are_taken(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "AT_ONCE", 20)
    drawn = []
    monkeypatch.setattr(sheets, "picture", drawn.append)
    async with acme.database.tenant_session(acme.id) as session:
        survey = await found_survey(session, UUID(await opened(acme.client)))
        about = sheets.About(survey, await organization(session), "en", Settings())
    many = [Invitation(token=new_code(), respondent=f"E-{n}", team=None, segments=None) for n in range(50)]
    issued = InvitationsIssued(issued=50, mailed=0, invitations=many, not_issued=[])
    parts = sheets.in_parts(sheets.slips(about, issued))
    await anext(parts)
    assert len(drawn) < 10
    left = [part async for part in parts]
    assert len(drawn) == 50
    assert left[-1].endswith("</html>")


async def test_links_are_told_as_json_whatever_is_accepted(api: ContractClient) -> None:
    survey_id = await opened(api)
    url = f"/v1/surveys/{survey_id}/invitations"
    for headers in (SHEET, {"Accept": "application/json, text/html"}):
        made = await api.post(url, json={"send": False}, headers=headers)
        assert (made.status_code, made.headers["content-type"]) == (201, "application/json")


@pytest.mark.parametrize("mode", MODES)
async def test_a_sheet_that_was_lost_on_its_way_is_given_again_to_the_same_key(
    acme: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    api, body = acme.client, {"form": "codes"}
    survey_id = await opened(api, **MODES[mode])
    url, key = f"/v1/surveys/{survey_id}/invitations", {"Idempotency-Key": "a sheet"}
    first = await api.post(url, json=body, headers=SHEET | key)
    assert "idempotent-replayed" not in first.headers
    again = await api.post(url, json=body, headers=SHEET | key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (again.text, again.headers["cache-control"]) == (first.text, "no-store")
    told = await api.post(url, json=body, headers=key)
    assert (told.status_code, told.headers["idempotent-replayed"]) == (201, "true")
    found = [one["token"] for one in told.json()["invitations"]]
    printed = re.findall(r"[A-Z]{5}-[A-Z]{5}", first.text)
    assert sorted(in_groups(one) for one in found) == sorted(printed)
    assert (await answer(acme, found[0])).status_code == 201
    other = await api.post(url, json=body | {"team": "shed"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    rest = await api.post(url, json=body, headers={"Idempotency-Key": "another"})
    assert rest.json()["issued"] == 0, "another key gets nothing of it"
    kept = await owner.fetch("SELECT * FROM idempotency_records WHERE organization_id = $1", acme.id)
    assert not any(code.encode() in (row["answer"] or b"") for row in kept for code in found)


async def test_links_of_an_anonymous_survey_are_told_again_to_the_same_key(acme: Tenant) -> None:
    survey_id = await opened(acme.client, **MODES["anonymous"])
    first, again = [await ask(acme.client, survey_id, "k", send=False) for _ in range(2)]
    assert again.json() == first.json()
    assert (len(again.json()["invitations"]), again.headers["idempotent-replayed"]) == (5, "true")


async def test_a_newer_code_takes_the_place_of_the_older_and_erasure_of_both(acme: Tenant) -> None:
    survey_id = await opened(acme.client)
    [older] = await codes(acme.client, survey_id, people=[BYSTANDERS[0]])
    [newer] = await codes(acme.client, survey_id, people=[BYSTANDERS[0]])
    assert (await answer(acme, older["token"])).json()["code"] == "invitation_replaced"
    await acme.client.post(f"/v1/people/{BYSTANDERS[0]}/erasure")
    gone = (await answer(acme, newer["token"])).json()
    assert gone["code"] == "already_responded"
    assert "If answers were sent with it, they are stored." in gone["detail"], "none were"


async def test_the_database_alone_tells_no_code(acme: Tenant, owner: asyncpg.Connection) -> None:
    """Of so few there are, a plain hash could be found by trying all."""
    survey_id = await opened(acme.client)
    for one in await codes(acme.client, survey_id):
        code = one["token"]
        kept = {
            row["token_hash"]
            for table in ("invitations", "credentials")
            for row in await owner.fetch(f"SELECT token_hash FROM {table}")
        }
        assert tokens_module.token_hash(code) not in kept
        assert tokens_module.code_hash(acme.database.keyring, acme.id, code) in kept


async def test_a_code_that_is_there_already_is_made_anew(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await opened(acme.client), await opened(acme.client)
    [taken] = await codes(acme.client, first, people=[BYSTANDERS[0]])
    fresh = new_code()
    coming = iter([taken["token"], fresh])
    monkeypatch.setattr("app.surveys.invitations.service.new_code", lambda: next(coming))
    [made] = await codes(acme.client, second, people=[BYSTANDERS[0]])
    assert made["token"] == fresh


async def test_two_with_one_code_are_one_answer(acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id = await opened(acme.client)
    [one] = await codes(acme.client, survey_id, people=[BYSTANDERS[0]])
    said = await asyncio.gather(*(answer(acme, one["token"]) for _ in range(6)))
    assert sorted(one.status_code for one in said) == [201] + [409] * 5
    assert await owner.fetchval("SELECT count(*) FROM responses WHERE survey_id = $1", UUID(survey_id)) == 1


# ------------------------------------------------------------------ open to anybody


async def address(api: ContractClient, survey_id: str, **headers: str) -> httpx.Response:
    return await api.post(f"/v1/surveys/{survey_id}/address", headers=headers)


async def renewed(api: ContractClient, survey_id: str) -> httpx.Response:
    return await api.post(f"/v1/surveys/{survey_id}/address", params={"renew": True})


async def test_an_address_that_is_asked_for_again_is_the_one_that_hangs(acme: Tenant) -> None:
    """As a poster, in another language and as JSON; only who asks for a new one gets one."""
    api = acme.client
    survey_id = await opened(api, mode="anonymous", access="open")
    poster = await address(api, survey_id, **SHEET)
    told = (await address(api, survey_id)).json()
    assert (await address(api, survey_id, **{"Accept-Language": "nl"})).json()["token"] == told["token"]
    assert sheets.picture(told["url"]) in poster.text
    for _ in range(2):
        assert (await answer(acme, told["token"])).status_code == 201
    newer = (await renewed(api, survey_id)).json()["token"]
    assert (await answer(acme, told["token"])).status_code == 401
    assert (await address(api, survey_id)).json()["token"] == newer
    assert (await answer(acme, newer)).status_code == 201
    refused = await api.post(f"/v1/surveys/{survey_id}/address", params={"renew": "perhaps"})
    assert refused.status_code == 422


async def test_a_public_address_has_a_secret_and_says_that_repeats_cannot_be_told(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    made = (await address(acme.client, survey_id)).json()
    assert made["url"].endswith(f"/respond#{made['token']}")
    assert made["repeats_can_be_told"] is False
    assert "cannot be told" in made["notice"]
    form = (await at_the_door(acme, made["token"]).get("/v1/respond")).json()
    assert made["notice"] in form["what_is_stored"]
    assert "link expires" not in " ".join(form["what_is_stored"])
    for _ in range(2):
        accepted = await answer(acme, made["token"], comment="Too loud")
        assert (accepted.status_code, accepted.json()) == (201, {"id": None, "status": "accepted"})
    assert await owner.fetchval("SELECT count(*) FROM responses WHERE survey_id = $1", UUID(survey_id)) == 2
    blank = await at_the_door(acme, made["token"]).post("/v1/respond", json={"answers": {}})
    assert (blank.status_code, blank.json()["code"]) == (422, "no_answers")
    known = await at_the_door(acme, made["token"]).post(
        "/v1/respond", json={"answers": ANSWERS, "locale": "nl"}
    )
    assert (known.status_code, known.json()["code"]) == (422, "not_in_this_mode")
    newer = (await renewed(acme.client, survey_id)).json()["token"]
    assert (await answer(acme, made["token"])).status_code == 401
    assert (await answer(acme, newer)).status_code == 201
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    assert (await answer(acme, newer)).json()["code"] == "survey_closed"


async def test_who_answers_at_a_public_address_reads_nothing_of_teams_and_invitations(acme: Tenant) -> None:
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    token = (await address(acme.client, survey_id)).json()["token"]
    door = at_the_door(acme, token)
    read = {
        language: " ".join(
            (await door.get("/v1/respond", headers={"Accept-Language": language})).json()["what_is_stored"]
        )
        for language in ("en", "nl")
    }
    for wrong in ("your team only", "invented people", "were asked", "invited"):
        assert wrong not in read["en"]
    for wrong in ("alleen met je team", "verzonnen mensen", "zijn gevraagd", "uitgenodigd"):
        assert wrong not in read["nl"]
    assert (
        "as an answer, is kept apart from your other answers, without the time and without your team"
        in (read["en"])
    )
    assert "whoever has the address can answer several times" in read["en"]
    assert "wie het adres heeft, kan vaker antwoorden" in read["nl"]


async def test_what_is_sent_again_to_a_public_address_is_stored_once(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    token = (await address(acme.client, survey_id)).json()["token"]
    attempt = "sixteen letters or more"
    sent = [await answer(acme, token, attempt=attempt, comment="Once") for _ in range(2)]
    assert [(one.status_code, one.json()["id"]) for one in sent] == [(201, None)] * 2
    other = await answer(acme, token, attempt=attempt, comment="Twice")
    assert (other.status_code, other.json()["code"]) == (409, "already_responded")
    assert (await answer(acme, token, attempt=f"another of {attempt}")).status_code == 201
    assert (await answer(acme, token)).status_code == 201
    count = "SELECT count(*) FROM responses WHERE survey_id = $1"
    assert await owner.fetchval(count, UUID(survey_id)) == 3


async def test_a_poster_is_printed(acme: Tenant) -> None:
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    made = await address(acme.client, survey_id, **SHEET)
    assert (made.status_code, made.headers["content-type"]) == (201, "text/html; charset=utf-8")
    assert made.text.count("<svg") == 1
    assert "You can take part until Acme closes the survey." in made.text
    assert "cannot be told" in made.text


async def test_only_a_survey_open_to_anybody_has_an_address(acme: Tenant) -> None:
    api = acme.client
    invited = await opened(api)
    refused = await address(api, invited)
    assert (refused.status_code, refused.json()["code"]) == (409, "by_invitation_only")
    body = {"name": "Later", "questionnaire": "betrokken-33", "mode": "anonymous", "access": "open"}
    waiting = (await api.post("/v1/surveys", json=body)).json()["id"]
    assert (await address(api, waiting)).json()["code"] == "survey_not_open"
    await api.post(f"/v1/surveys/{waiting}/cancel")
    assert (await address(api, waiting)).json()["code"] == "survey_cancelled"
    survey_id = await opened(api, mode="anonymous", access="open")
    key = {"Idempotency-Key": "one poster"}
    assert (await address(api, survey_id, **key)).status_code == 201
    shown = await address(api, survey_id, **key)
    assert (shown.status_code, shown.json()["code"]) == (409, "secret_already_shown")
    other = await opened(api, mode="anonymous", access="open")
    assert (await address(api, other, **key)).json()["code"] == "idempotency_key_reused"


def test_what_is_not_of_its_length_is_no_code() -> None:
    assert typed("bti_" + "A" * 86) is None


def test_a_code_made_before_a_rotation_is_found_while_the_earlier_secret_is_given() -> None:
    code, earlier, later = (
        new_code(),
        "an earlier secret of forty characters...",
        "a later secret of forty characters.....",
    )
    [made] = tokens_module.credentials_of(stranger(earlier), code)
    both = Keyring([later, earlier], {})
    assert tokens_module.credentials_of(both, code)[1] == made
    assert made not in tokens_module.credentials_of(stranger(later), code)
