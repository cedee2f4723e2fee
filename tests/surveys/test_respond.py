"""The respondent's door: what they are told, and what is stored of their answer."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.surveys.invitations.tokens import new_nonce, token_of
from app.surveys.questionnaires.built_in import built_in
from app.surveys.respond.words import minutes_to_answer
from tests.clock import next_year
from tests.conftest import Tenant, client_for, stranger
from tests.surveys.inviting import MODES, answer, ask, at_the_door, tokens
from tests.surveys.test_privacy import TENANT_TABLES, linked, people_ids, pseudonym
from tests.surveys.test_surveys import ANSWERS, draft, hire, opened, respond
from tests.world import rows_of

PREVIEW = "/v1/questionnaires/betrokken-33/preview"
NAMES = [f"E-{number}" for number in range(6)]


async def form(tenant: Tenant, token: str, language: str = "en") -> Any:
    return await at_the_door(tenant, token).get("/v1/respond", headers={"Accept-Language": language})


async def staffed(acme: Tenant, mode: str, **members: Any) -> tuple[str, list[str]]:
    """An open survey of six people, and their tokens."""
    await hire(acme.client, *NAMES, team="sales")
    survey_id = await opened(acme.client, **{**MODES[mode], **members})
    return survey_id, await tokens(acme.client, survey_id)


async def responses(owner: asyncpg.Connection, survey_id: str) -> list[asyncpg.Record]:
    query = "SELECT *, xmin::text FROM responses WHERE survey_id = $1"
    found: list[asyncpg.Record] = await owner.fetch(query, UUID(survey_id))
    return found


# ------------------------------------------------------------------ what they are told


async def test_the_form_is_in_the_readers_language(acme: Tenant) -> None:
    day = f"{next_year()}-02-01"
    _, (token, *_) = await staffed(acme, "confidential", closes_at=f"{day}T18:00:00+01:00")
    english, dutch = [await form(acme, token, language) for language in ("fr, en;q=0.5", "nl-BE")]
    assert english.headers["cache-control"] == "no-store"
    assert [answer.headers["content-language"] for answer in (english, dutch)] == ["en", "nl"]
    told = english.json()
    assert (told["organization"], told["name"], told["mode"]) == ("Acme", "Autumn", "confidential")
    assert (told["closes_at"], told["takes_locale"], told["language"]) == (f"{day}T17:00:00Z", True, "en")
    first, first_in_dutch = told["questions"][0], dutch.json()["questions"][0]
    assert (first["key"], first["kind"], first["scale"]) == ("S01", "scale", {"low": 1, "high": 5})
    assert first["text"] == "I am paid fairly for the work I do."
    assert first_in_dutch["text"] == "Ik krijg een eerlijk loon voor het werk dat ik doe."
    assert first["labels"]["5"] == "Strongly agree"
    assert first_in_dutch["labels"]["1"] == "Helemaal mee oneens"
    assert told["introduction"].startswith("This questionnaire is about how satisfied you are")
    assert dutch.json()["thanks"].startswith("Dank je wel.")
    assert len(told["questions"]) == len(dutch.json()["questions"]) == 33
    assert not {"lever", "dimension", "role", "reversed"} & set(json.dumps(told["questions"]).split('"'))


async def test_the_form_has_what_a_page_needs(acme: Tenant) -> None:
    _, (token, *_) = await staffed(acme, "confidential")
    told, dutch = [(await form(acme, token, language)).json() for language in ("en", "nl")]
    assert told["languages"] == dutch["languages"] == ["en", "nl"]
    assert (told["takes_comment"], told["allow_changes"]) == (True, False)
    titles = {facet["key"]: facet["title"] for facet in told["facets"]}
    assert len(titles) == 18
    assert list(titles)[-3:] == ["enps", "overall_satisfaction", "intent_to_stay"]
    assert (titles["pay"], titles["enps"]) == ("Pay", "Recommending us")
    assert dutch["facets"][0] == {"key": "pay", "title": "Loon"}
    assert list(titles) == list(dict.fromkeys(question["facet"] for question in told["questions"]))


async def test_a_text_that_is_missing_in_one_language_is_told(acme: Tenant) -> None:
    question = {"key": "q", "dimension": "satisfaction", "facet": "pay", "scale": {"low": 1, "high": 5}}
    for number, (title, text, languages) in enumerate(
        (
            ({"en": "Pay", "nl": "Loon"}, {"en": "E"}, ["en"]),
            ({"nl": "Loon"}, {"en": "E", "nl": "N"}, ["nl"]),
            ({"fr": "Salaire"}, {"fr": "F"}, ["en"]),
        )
    ):
        body = {
            "title": {"en": "Own"},
            "facets": [{"key": "pay", "title": title}],
            "questions": [question | {"text": text}],
        }
        await acme.client.put(f"/v1/questionnaires/own-{number}", json=body)
        _, (token, *_) = await staffed(acme, "attributed", questionnaire=f"own-{number}")
        assert (await form(acme, token)).json()["languages"] == languages


@pytest.mark.parametrize("mode", MODES)
async def test_three_sentences_say_what_becomes_of_the_answers(mode: str, acme: Tenant) -> None:
    _, (token, *_) = await staffed(acme, mode, minimum_group_size=6)
    english, dutch = [(await form(acme, token, language)).json()["in_short"] for language in ("en", "nl")]
    assert len(set(english)) == len(set(dutch)) == 3
    words = " ".join(english)
    assert ("groups of at least 6 people" in words) == (mode != "attributed")
    assert ("not even you" in words) == (mode == "anonymous")
    assert ("can read them" in words) == (mode == "attributed")
    assert ("deletion of your answers" in words) == (mode != "anonymous")
    assert not {"{", "}"} & set(words + " ".join(dutch))


async def test_people_read_how_long_it_takes(acme: Tenant) -> None:
    _, (token, *_) = await staffed(acme, "confidential")
    assert (await form(acme, token)).json()["minutes"] == 8
    assert [minutes_to_answer(questions) for questions in (0, 1, 6, 10, 30, 33)] == [1, 1, 2, 2, 8, 8]


async def test_people_read_whom_to_ask(acme: Tenant) -> None:
    _, (token, *_) = await staffed(acme, "confidential")
    before = (await form(acme, token)).json()
    assert (before["contact"], before["kept_months"]) == (None, None)
    assert before["what_is_stored"][-2:] == [
        "Your organisation has set no time after which your answers are deleted.",
        "Questions about this survey? Ask HR or your manager.",
    ]
    contact = "Mara {of HR}, hr@example.com"
    changed = await acme.client.patch("/v1/organization", json={"survey_contact": contact})
    assert changed.json()["survey_contact"] == contact
    after = (await form(acme, token, "nl")).json()
    assert after["contact"] == contact
    assert after["what_is_stored"][-1] == f"Vragen over deze enquête: {contact}"


async def test_without_a_language_that_is_there_the_organisations_is_used(acme: Tenant) -> None:
    await acme.client.patch("/v1/organization", json={"locale": "nl"})
    question = {"key": "q", "dimension": "satisfaction", "facet": "pay", "scale": {"low": 1, "high": 5}}
    for number, texts in enumerate(({"fr": "F", "de": "D"}, {"en": "E", "fr": "F"}, {"nl": "N", "en": "E"})):
        body = {
            "title": {"en": "Own"},
            "facets": [{"key": "pay", "title": {"en": "Pay"}}],
            "questions": [question | {"text": texts}],
        }
        await acme.client.put(f"/v1/questionnaires/own-{number}", json=body)
    asked = []
    for number in range(3):
        _, (token, *_) = await staffed(acme, "attributed", questionnaire=f"own-{number}")
        told = (await form(acme, token, "fr")).json()
        assert told["language"] == "nl"
        asked += [question["text"] for question in told["questions"]]
    assert asked[0] in ("F", "D")
    assert asked[1:] == ["E", "N"]


@pytest.mark.parametrize("mode", MODES)
async def test_people_read_what_is_stored_before_they_answer(mode: str, acme: Tenant) -> None:
    own = {} if mode == "anonymous" else {"release_policy": "rolling"}
    _, (token, *_) = await staffed(
        acme, mode, report_by=["site", "tenure", "cost_centre"], minimum_group_size=6, **own
    )
    told = {language: (await form(acme, token, language)).json() for language in ("en", "nl")}
    words = {language: " ".join(one["what_is_stored"]) for language, one in told.items()}
    assert "your team, your site, how long you have worked here and cost centre" in words["en"]
    assert "je team, je vestiging, hoe lang je hier werkt en cost centre" in words["nl"]
    assert "at least 6 people" in words["en"]
    assert "minstens 6 mensen" in words["nl"]
    assert "groups of 10 people or more" in words["en"]
    assert ("without your name" in words["en"]) == (mode == "anonymous")
    assert ("a code instead of your name" in words["en"]) == (mode == "confidential")
    assert ("read your answers with your name" in words["en"]) == (mode == "attributed")
    assert ("during the survey" in words["en"]) == ("not be counted" in words["en"]) == (mode != "anonymous")
    assert "months after the survey closes" not in words["en"]
    assert "no time after which your answers are deleted" in words["en"]
    assert ("with 5 invented people" in words["en"]) == (mode != "attributed")
    assert ("met 5 verzonnen mensen" in words["nl"]) == (mode != "attributed")
    assert told["en"]["takes_locale"] == (mode != "anonymous")
    assert not {"{", "}"} & set(words["en"] + words["nl"])


@pytest.mark.parametrize(("months", "written"), [(1, "1 month"), (36, "36 months")])
async def test_people_read_how_long_their_answers_are_kept(months: int, written: str, acme: Tenant) -> None:
    await acme.client.patch("/v1/organization", json={"retention": {"answers_months": months}})
    _, (token, *_) = await staffed(acme, "confidential")
    shown = (await form(acme, token, "en")).json()["what_is_stored"]
    assert shown[-2] == f"We delete your answers {written} after the survey closes."


async def test_languages_without_end_are_refused(acme: Tenant) -> None:
    _, (token, *_) = await staffed(acme, "confidential")
    refused = await form(acme, token, "nl," * 400)
    assert (refused.status_code, refused.json()["errors"][0]["header"]) == (422, "accept-language")


async def test_reading_uses_nothing_up_and_writes_nothing(acme: Tenant, owner: asyncpg.Connection) -> None:
    _, (token, *_) = await staffed(acme, "anonymous")
    before = await rows_of(owner, str(acme.id))
    for _ in range(3):
        assert (await form(acme, token)).status_code == 200
    assert await rows_of(owner, str(acme.id)) == before


@pytest.mark.parametrize("mode", MODES)
async def test_a_preview_is_what_respondents_will_read(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    _, (token, *_) = await staffed(acme, mode)
    before = await rows_of(owner, str(acme.id))
    for language in ("en", "nl"):
        asked = (await form(acme, token, language)).json()
        shown = await acme.client.get(
            PREVIEW, params={"mode": mode}, headers={"Accept-Language": f"fr, {language}"}
        )
        assert (shown.status_code, shown.headers["content-language"]) == (200, language)
        assert shown.json() == asked | {"name": "Betrokken"}
    assert await rows_of(owner, str(acme.id)) == before


async def test_a_preview_shows_the_version_asked_for(acme: Tenant) -> None:
    for text in ("Before", "After"):
        body = own_questionnaire(text)
        await acme.client.put("/v1/questionnaires/own", json=body)
    path = "/v1/questionnaires/own/preview"
    for version, text in ((None, "After"), (1, "Before"), (2, "After")):
        params = {} if version is None else {"version": version}
        shown = await acme.client.get(path, params=params)
        assert shown.json()["questions"][0]["text"] == text
        assert shown.json()["mode"] == "confidential"
    for missing in (f"{path}?version=3", "/v1/questionnaires/others/preview"):
        assert (await acme.client.get(missing)).status_code == 404
    assert (await acme.client.get(f"{path}?mode=secret")).json()["code"] == "invalid_value"


def own_questionnaire(text: str) -> dict[str, Any]:
    question = {"key": "q", "dimension": "satisfaction", "facet": "pay", "scale": {"low": 1, "high": 5}}
    return {
        "title": {"en": "Own"},
        "facets": [{"key": "pay", "title": {"en": "Pay"}}],
        "questions": [question | {"text": {"en": text}}],
    }


# ------------------------------------------------------------------ what is stored


@pytest.mark.parametrize("mode", MODES)
async def test_each_mode_stores_what_it_may(mode: str, acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id, given = await staffed(acme, mode)
    for token in given:
        own = {} if mode == "anonymous" else {"locale": "nl"}
        accepted = await answer(acme, token, comment=" Well. ", **own)
        assert accepted.status_code == 201
        assert accepted.headers["cache-control"] == "no-store"
        assert (accepted.json()["id"] is None) == (mode == "anonymous")
    rows = await responses(owner, survey_id)
    persons = (await people_ids(owner, acme)).values()
    keys = {row["respondent_key"] for row in rows}
    assert len(rows) == len(keys) == 6
    assert (keys == set(persons)) == (mode == "attributed")
    assert (keys == {pseudonym(acme, person) for person in persons}) == (mode == "confidential")
    for column in ("submitted_at", "locale"):
        assert {row[column] is None for row in rows} == {mode == "anonymous"}
    (answers,) = {tuple(row["answers"]) for row in rows}
    assert (answers[0], answers[1]) == (4, -1)
    cell = "SELECT g.external_id FROM survey_cells c JOIN survey_groups g ON g.survey_id = c.survey_id"
    cell += " AND g.ordinal = c.group_ordinal WHERE c.survey_id = $1 AND c.ordinal = $2"
    assert {await owner.fetchval(cell, UUID(survey_id), row["cell_ordinal"]) for row in rows} == {"sales"}
    said = await owner.fetch("SELECT text FROM comments WHERE survey_id = $1", UUID(survey_id))
    assert [row["text"] for row in said] == ["Well."] * 6


async def test_nothing_links_an_anonymous_response_to_a_person(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id, given = await staffed(acme, "anonymous")
    before = await rows_of(owner, str(acme.id))
    for token in given[:4]:
        await answer(acme, token, comment="Well.")
    rows = await responses(owner, survey_id)
    assert await linked(owner, rows, "xmin") <= {"comments"}
    assert await linked(owner, rows, "xmax") <= {"surveys"}
    after = await rows_of(owner, str(acme.id))
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"responses", "comments", "invitations"}
    assert set(after["invitations"]) < set(before["invitations"])
    told = json.dumps([after["responses"], after["comments"], after["invitations"]])
    for name, person in (await people_ids(owner, acme)).items():
        assert name not in told
        assert str(person) not in told
        assert str(pseudonym(acme, person)) not in told
    assert not any(token[60:] in json.dumps(after) for token in given)


async def test_no_row_naming_a_person_shares_a_confidential_responses_transaction(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id, given = await staffed(acme, "confidential")
    for token in given:
        await answer(acme, token)
    rows = await responses(owner, survey_id)
    assert await linked(owner, rows, "xmin") == set()
    assert await linked(owner, rows, "xmax") <= {"surveys"}
    assert "survey_members" in TENANT_TABLES


async def test_the_responses_are_in_the_release(acme: Tenant) -> None:
    survey_id, given = await staffed(acme, "anonymous")
    everything = dict.fromkeys([question["key"] for question in built_in().content["questions"][:30]], 3)
    for token in given:
        assert (await answer(acme, token, answers=everything)).status_code == 201
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    await acme.work()
    metrics = await acme.client.get("/v1/metrics/participation", params={"survey_id": survey_id})
    (group,) = metrics.json()["groups"]
    assert (group["responded"], group["invited"]) == (6, 6)


# ------------------------------------------------------------------ once


@pytest.mark.parametrize("mode", MODES)
async def test_an_invitation_works_once(mode: str, acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id, (token, *_) = await staffed(acme, mode)
    assert (await answer(acme, token)).status_code == 201
    for again in (
        await answer(acme, token),
        await answer(acme, token, answers={"S01": 1}),
        await form(acme, token),
    ):
        assert (again.status_code, again.json()["code"]) == (409, "already_responded")
        assert "stored" in again.json()["detail"]
    (row,) = await responses(owner, survey_id)
    assert row["answers"][0] == 4


@pytest.mark.parametrize("allow_changes", [True, False])
@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_a_replaced_invitation_says_so_and_nothing_of_what_came_after(
    mode: str, allow_changes: bool, acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id, _ = await staffed(acme, mode, allow_changes=allow_changes)
    older, newer = [(await tokens(acme.client, survey_id, "E-0"))[0] for _ in range(2)]

    async def told(token: str) -> set[tuple[int, str, str]]:
        said = [await form(acme, token), await answer(acme, token)]
        return {(one.status_code, one.json()["code"], one.json()["detail"]) for one in said}

    (before,) = await told(older)
    assert before[:2] == (409, "invitation_replaced")
    assert len(await responses(owner, survey_id)) == 0
    assert (await answer(acme, newer)).status_code == 201
    assert await told(older) == {before}
    await tokens(acme.client, survey_id, "E-0")
    assert await told(older) == {before}
    used = "invitation_replaced" if allow_changes else "already_responded"
    assert {code for _, code, _ in await told(newer)} == {used}
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    assert {code for _, code, _ in await told(older)} == {"survey_closed"}
    assert (await rows_of(owner, str(acme.id)))["replaced_invitations"] == []


@pytest.mark.parametrize("mode", MODES)
async def test_of_racing_posts_with_one_token_one_is_stored(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id, (token, *_) = await staffed(acme, mode)
    answers = await asyncio.gather(*(answer(acme, token) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [201] + [409] * 7
    assert len(await responses(owner, survey_id)) == 1


async def test_all_at_once_and_a_close_store_each_or_refuse(acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id, given = await staffed(acme, "anonymous")
    closing = acme.client.post(f"/v1/surveys/{survey_id}/close")
    *answers, closed = await asyncio.gather(*(answer(acme, token) for token in given), closing)
    assert closed.status_code == 200
    accepted = [one for one in answers if one.status_code == 201]
    assert {one.json()["code"] for one in answers if one not in accepted} <= {"survey_closed"}
    assert len(await responses(owner, survey_id)) == len(accepted)


async def test_a_person_has_one_response_whichever_way_it_came(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id, _ = await staffed(acme, "confidential")
    (first,), (second,) = [await tokens(acme.client, survey_id, name) for name in ("E-0", "E-1")]
    assert (await respond(acme.client, survey_id, respondent="E-0")).status_code == 201
    refused = await answer(acme, first)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_responded")
    assert (await answer(acme, second)).status_code == 201
    assert (await respond(acme.client, survey_id, respondent="E-1")).json()["code"] == "already_responded"
    (third,) = await tokens(acme.client, survey_id, "E-1")
    assert (await answer(acme, third)).json()["code"] == "already_responded"
    assert len(await responses(owner, survey_id)) == 2


async def test_what_is_refused_uses_nothing_up(acme: Tenant, owner: asyncpg.Connection) -> None:
    """The invitation goes with the response, or neither does: also where it was taken already."""
    survey_id, (token, *_) = await staffed(acme, "confidential")
    before = (await rows_of(owner, str(acme.id)))["invitations"]
    for members, code, place in (
        ({"answers": {"X1": 3}}, "unknown_question", "#/answers/X1"),
        ({"answers": {"S01": 6}}, "off_scale", "#/answers/S01"),
        ({"answers": {"S01": "4"}}, "off_scale", "#/answers/S01"),
        ({"comment": "x" * 4001}, "invalid_value", "#/comment"),
        ({"locale": "Dutch!"}, "invalid_value", "#/locale"),
        ({"respondent": "E-1"}, "unknown_field", "#/respondent"),
        ({"team": "sales"}, "unknown_field", "#/team"),
    ):
        refused = await answer(acme, token, **members)
        assert (refused.status_code, refused.json()["code"]) == (422, code), members
        assert refused.json()["errors"][0]["pointer"] == place
    assert (await rows_of(owner, str(acme.id)))["invitations"] == before
    for name in NAMES:
        await respond(acme.client, survey_id, respondent=name)
    assert (await answer(acme, token)).json()["code"] == "already_responded"
    assert (await rows_of(owner, str(acme.id)))["invitations"] == before


async def test_an_anonymous_answer_has_no_locale(acme: Tenant) -> None:
    _, (token, *_) = await staffed(acme, "anonymous")
    refused = await answer(acme, token, locale="nl")
    assert (refused.status_code, refused.json()["code"]) == (422, "not_in_this_mode")
    assert (await answer(acme, token, locale=None, comment="  ")).status_code == 201


@pytest.mark.parametrize("mode", MODES)
async def test_nothing_is_taken_once_the_survey_has_closed(mode: str, acme: Tenant) -> None:
    survey_id, (used, token, *_) = await staffed(acme, mode)
    await answer(acme, used)
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    for one in (used, token):
        for refused in (await answer(acme, one), await form(acme, one)):
            assert (refused.status_code, refused.json()["code"]) == (409, "survey_closed")


async def test_who_comes_before_it_opens_is_told_so(acme: Tenant) -> None:
    await hire(acme.client, *NAMES)
    survey_id = await draft(acme.client, **MODES["confidential"])
    token = token_of(acme.database.keyring, acme.id, UUID(survey_id), new_nonce())
    for refused in (await answer(acme, token), await form(acme, token)):
        assert (refused.status_code, refused.json()["code"]) == (409, "survey_not_yet_open")


@pytest.mark.parametrize("contact", ["Noor, room 3", None])
@pytest.mark.parametrize("state", ["survey_not_yet_open", "survey_closed", "survey_cancelled"])
async def test_who_comes_at_another_time_is_told_whom_to_ask(
    state: str, contact: str | None, acme: Tenant
) -> None:
    await acme.client.patch("/v1/organization", json={"survey_contact": contact})
    if state == "survey_not_yet_open":
        survey_id = await draft(acme.client, **MODES["confidential"])
    else:
        survey_id, (used, token, *_) = await staffed(acme, "confidential")
        await answer(acme, used)
        verb = "close" if state == "survey_closed" else "cancel"
        await acme.client.post(f"/v1/surveys/{survey_id}/{verb}")
    never = token_of(acme.database.keyring, acme.id, UUID(survey_id), new_nonce())
    told = [
        refused.json() | {"request_id": None}
        for one in ([never] if state == "survey_not_yet_open" else [never, used, token])
        for refused in (await answer(acme, one), await form(acme, one))
    ]
    assert {(one["code"], one["organization"], one["contact"]) for one in told} == {(state, "Acme", contact)}
    assert all(one == told[0] for one in told), "the same to who answered, who did not and who was not asked"


async def test_nothing_is_taken_after_closes_at(acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id, (token, *_) = await staffed(acme, "confidential")
    await owner.execute("UPDATE surveys SET closes_at = now() WHERE id = $1", UUID(survey_id))
    for refused in (await answer(acme, token), await form(acme, token)):
        assert refused.json()["code"] == "survey_closed"
    assert (await ask(acme.client, survey_id)).json()["code"] == "survey_not_open"


# ------------------------------------------------------------------ whose


async def test_a_token_decides_the_organisation(
    acme: Tenant, other: Tenant, owner: asyncpg.Connection
) -> None:
    _, (token, *_) = await staffed(acme, "confidential")
    await staffed(other, "confidential")
    assert (await answer(other, token)).status_code == 201
    assert (await rows_of(owner, str(other.id)))["responses"] == []
    assert len((await rows_of(owner, str(acme.id)))["responses"]) == 1


async def test_what_is_not_genuine_is_401(acme: Tenant, other: Tenant) -> None:
    survey_id, (token, *_) = await staffed(acme, "confidential")
    foreign = UUID((await staffed(other, "confidential"))[0])
    key, nonce = acme.database.keyring, new_nonce()
    for bad in (
        None,
        token[:-1],
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token + "A",
        token.removeprefix("bti_"),
        token_of(stranger(), acme.id, UUID(survey_id), nonce),
        token_of(key, acme.id, foreign, nonce),
        token_of(key, other.id, UUID(survey_id), nonce),
        token_of(stranger(), uuid4(), uuid4(), nonce),
    ):
        client = client_for(acme.app, bad)
        for refused in (
            await client.get("/v1/respond"),
            await client.post("/v1/respond", json={"answers": ANSWERS}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated"), bad
            assert refused.headers["www-authenticate"].startswith("Bearer")
    assert (await answer(acme, token)).status_code == 201


async def test_a_genuine_token_that_was_never_kept_is_known_as_used(acme: Tenant) -> None:
    survey_id, _ = await staffed(acme, "anonymous")
    token = token_of(acme.database.keyring, acme.id, UUID(survey_id), new_nonce())
    assert (await answer(acme, token)).json()["code"] == "already_responded"


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("application/json", b"{", (400, "malformed_json")),
        ("text/plain", b"{}", (415, "unsupported_media_type")),
        ("application/json", b" " * 11_000_000, (413, "body_too_large")),
    ],
    ids=["no JSON", "another type", "too large"],
)
async def test_what_is_no_answer_at_all_uses_nothing_up(
    kind: str, content: bytes, said: tuple[int, str], acme: Tenant
) -> None:
    _, (token, *_) = await staffed(acme, "confidential")
    door = at_the_door(acme, token)
    refused = await door.post("/v1/respond", content=content, headers={"Content-Type": kind})
    assert (refused.status_code, refused.json()["code"]) == said
    assert (await answer(acme, token)).status_code == 201
