"""Questions that are not on a scale: what is taken of their answers through each door, and what is kept."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.surveys.responses.rules import DONT_KNOW, NOT_ANSWERED, Slot, Slots, decode, encode, given, texts
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.inviting import MODES, at_the_door, tokens
from tests.surveys.test_surveys import hire, opened
from tests.world import rows_of

WHERE = [{"key": key, "text": {"en": f"At {key}", "nl": f"Bij {key}"}} for key in ("home", "site", "road")]
KINDS: dict[str, Any] = {
    "title": {"en": "Kinds"},
    "facets": [{"key": key, "title": {"en": key}} for key in ("pay", "bond")],
    "questions": [
        {
            "key": key,
            "text": {"en": key},
            "dimension": dimension,
            "facet": key,
            "scale": {"low": 1, "high": 5},
        }
        for key, dimension in (("pay", "satisfaction"), ("bond", "engagement"))
    ]
    + [
        {"key": "where", "text": {"en": "Where?"}, "kind": "choice", "options": WHERE},
        {"key": "which", "text": {"en": "Which?"}, "kind": "choices", "options": WHERE},
        {"key": "why", "text": {"en": "Why?"}, "kind": "text"},
    ],
}
ALL = {"pay": 4, "bond": None, "where": "site", "which": ["road", "home"], "why": " Because. "}
NAMES = [f"E-{number}" for number in range(6)]
Doors = tuple[str, ...]
DOORS = ("responses", "batch", "respond", "import")


def with_required(*keys: str) -> dict[str, Any]:
    questions = [question | {"required": question["key"] in keys} for question in KINDS["questions"]]
    return KINDS | {"questions": questions}


async def asked(tenant: Tenant, mode: str = "confidential", body: Any = KINDS, **members: Any) -> str:
    await hire(tenant.client, *NAMES, team="sales")
    put = await tenant.client.put("/v1/questionnaires/kinds", json=body)
    assert put.is_success, put.text
    return await opened(tenant.client, questionnaire="kinds", **{**MODES[mode], **members})


async def send(tenant: Tenant, survey_id: str, door: str, answers: Any, name: str = "E-0") -> Any:
    """What became of one response: its problem, or None where it was taken."""
    api, body = tenant.client, {"respondent": name, "answers": answers}
    if door == "respond":
        (token,) = await tokens(api, survey_id, name)
        answer = await at_the_door(tenant, token).post("/v1/respond", json={"answers": answers})
    elif door == "responses":
        answer = await api.post(f"/v1/surveys/{survey_id}/responses", json=body)
    elif door == "batch":
        answer = await api.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": [body]})
        return answer.json()["results"][0].get("problem")
    else:
        return await imported(tenant, survey_id, json.dumps(body).encode(), "application/x-ndjson")
    return None if answer.is_success else answer.json()


async def imported(tenant: Tenant, survey_id: str, content: bytes, media_type: str) -> Any:
    query = f"/v1/imports?kind=responses&survey_id={survey_id}"
    started = await tenant.client.post(query, content=content, headers={"Content-Type": media_type})
    assert started.status_code == 202, started.text
    await tenant.work()
    report = await tenant.client.get(f"/v1/imports/{started.json()['id']}/report")
    lines = [json.loads(line) for line in report.text.splitlines()]
    return next((line for line in lines if line.get("code")), None)


@pytest.mark.parametrize("door", DOORS)
async def test_every_door_keeps_every_kind(door: str, acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id = await asked(acme)
    assert await send(acme, survey_id, door, ALL) is None
    (row,) = await owner.fetch("SELECT answers FROM responses WHERE survey_id = $1", UUID(survey_id))
    assert row["answers"] == [4, DONT_KNOW, 1, 0b101, NOT_ANSWERED]
    said = await owner.fetch("SELECT question, text FROM comments WHERE survey_id = $1", UUID(survey_id))
    assert [tuple(one) for one in said] == [("why", "Because.")]


REFUSED: list[tuple[Any, str, str]] = [
    ({"where": "office"}, "unknown_option", "where"),
    ({"where": 1}, "unknown_option", "where"),
    ({"where": ["home"]}, "unknown_option", "where"),
    ({"which": ["home", "office"]}, "unknown_option", "which"),
    ({"which": ["home", "home"]}, "unknown_option", "which"),
    ({"which": "office"}, "unknown_option", "which"),
    ({"why": 4}, "invalid_value", "why"),
    ({"why": ["home"]}, "invalid_value", "why"),
    ({"why": "x" * 4001}, "invalid_value", "why"),
    ({"pay": "home"}, "off_scale", "pay"),
    ({"pay": ["home"]}, "off_scale", "pay"),
    ({"pay": 4, "other": "home"}, "unknown_question", "other"),
    ({"why": "  ", "which": []}, "no_answers", ""),
]


@pytest.mark.parametrize("door", DOORS)
async def test_what_a_question_does_not_take_is_refused(
    door: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await asked(acme)
    for answers, code, place in REFUSED:
        problem = await send(acme, survey_id, door, answers)
        assert problem["code"] == code, (answers, problem)
        if door != "import":
            assert problem["errors"][0]["pointer"] == f"#/answers/{place}".rstrip("/")
    stored = await rows_of(owner, str(acme.id))
    assert stored["responses"] == stored["comments"] == []


@pytest.mark.nightly
@pytest.mark.parametrize("door", DOORS)
async def test_a_required_question_has_to_be_answered(door: str, acme: Tenant) -> None:
    survey_id = await asked(acme, body=with_required("pay", "where", "why"))
    for answers, place in (
        ({"pay": 4, "why": "Because."}, "where"),
        ({"where": "home", "why": "Because."}, "pay"),
        ({"pay": 4, "where": "home"}, "why"),
        ({"pay": 4, "where": "home", "why": " "}, "why"),
    ):
        problem = await send(acme, survey_id, door, answers)
        assert problem["code"] == "answer_required", answers
        if door != "import":
            assert problem["errors"][0]["pointer"] == f"#/answers/{place}"
    assert await send(acme, survey_id, door, {"pay": None, "where": None, "why": None}) is None


async def test_all_that_is_missing_is_told_at_once(acme: Tenant) -> None:
    survey_id = await asked(acme, body=with_required("pay", "why"))
    problem = await send(acme, survey_id, "responses", {"where": "home"})
    assert [fault["pointer"] for fault in problem["errors"]] == ["#/answers/pay", "#/answers/why"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", ["confidential", "attributed"])
@pytest.mark.parametrize("allow_changes", [True, False])
async def test_what_is_required_does_not_tell_who_has_answered(
    door: str, mode: str, allow_changes: bool, acme: Tenant
) -> None:
    """Whoever leaves it out is told the same of everybody."""
    survey_id = await asked(acme, mode, with_required("pay"), allow_changes=allow_changes)
    assert await send(acme, survey_id, "responses", {"pay": 4}, "E-0") is None
    told = [await send(acme, survey_id, door, {"where": "home"}, name) for name in ("E-0", "E-1")]
    assert [problem and problem["code"] for problem in told] == [
        None if allow_changes else "answer_required"
    ] * 2


async def test_where_answers_may_change_a_second_visit_need_not_answer_all(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await asked(acme, "attributed", with_required("pay", "why"), allow_changes=True)
    assert await send(acme, survey_id, "respond", {"pay": 4, "why": "Because.", "where": "home"}) is None
    assert await send(acme, survey_id, "respond", {"which": ["home"], "why": "Since."}) is None
    listed = (await acme.client.get(f"/v1/surveys/{survey_id}/responses")).json()["items"]
    assert listed[0]["answers"] == {"pay": 4, "where": "home", "which": ["home"]}
    written = "SELECT question, text FROM comments WHERE survey_id = $1"
    assert [tuple(row) for row in await owner.fetch(written, UUID(survey_id))] == [("why", "Since.")]
    assert (await acme.client.post("/v1/people/E-0/erasure")).is_success
    await acme.work()
    assert await owner.fetch(written, UUID(survey_id)) == []


async def test_a_csv_is_read_as_its_questions_ask(acme: Tenant, owner: asyncpg.Connection) -> None:
    """A text that begins with a number stays a text; several options stand in one cell."""
    survey_id = await asked(acme)
    rows = ["respondent,answers.pay,answers.where,answers.which,answers.why"]
    rows += ["E-0,4 - Agree,road,home; site,2. More people", "E-1,5,,,12"]
    assert await imported(acme, survey_id, "\n".join(rows).encode(), "text/csv") is None
    stored = await owner.fetch("SELECT answers FROM responses WHERE survey_id = $1", UUID(survey_id))
    assert sorted(row["answers"] for row in stored) == [[4, -2, 2, 3, -2], [5, -2, -2, -2, -2]]
    said = await owner.fetch("SELECT text FROM comments WHERE survey_id = $1", UUID(survey_id))
    assert sorted(row["text"] for row in said) == ["12", "2. More people"]


async def test_attributed_answers_come_back_as_they_were_given(acme: Tenant) -> None:
    survey_id = await asked(acme, "attributed")
    await send(acme, survey_id, "responses", ALL)
    listed = (await acme.client.get(f"/v1/surveys/{survey_id}/responses")).json()["items"]
    assert listed[0]["answers"] == {"pay": 4, "bond": None, "where": "site", "which": ["home", "road"]}


async def test_a_person_reads_what_they_chose_in_words(acme: Tenant) -> None:
    survey_id = await asked(acme, "attributed")
    await acme.client.patch("/v1/people/E-0", json={"locale": "nl"})
    await send(acme, survey_id, "responses", ALL)
    (response,) = (await acme.client.get("/v1/people/E-0/export")).json()["responses"]
    answers = {one["question"]: one["answer"] for one in response["answers"]}
    assert answers == {"pay": 4, "bond": None, "where": "Bij site", "which": ["Bij home", "Bij road"]}


async def test_erasing_a_person_takes_their_choices_with_them(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await asked(acme, "attributed")
    await send(acme, survey_id, "responses", ALL)
    erased = await acme.client.post("/v1/people/E-0/erasure")
    assert erased.is_success
    await acme.work()
    assert await owner.fetchval("SELECT count(*) FROM responses WHERE survey_id = $1", UUID(survey_id)) == 0
    assert await owner.fetchval("SELECT count(*) FROM comments WHERE survey_id = $1", UUID(survey_id)) == 1


async def test_a_retry_of_an_anonymous_response_knows_its_texts(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await asked(acme, "anonymous", access="open")
    path, key = f"/v1/surveys/{survey_id}/responses", {"Idempotency-Key": "once"}
    for answers, status in (
        (ALL, 201),
        (ALL, 201),
        (ALL | {"why": "Another."}, 422),
        ({name: value for name, value in ALL.items() if name != "why"}, 422),
    ):
        answer = await acme.client.post(path, json={"answers": answers, "comment": "Well."}, headers=key)
        assert answer.status_code == status, answer.text
    assert await owner.fetchval("SELECT count(*) FROM responses WHERE survey_id = $1", UUID(survey_id)) == 1
    written = "SELECT question, text FROM comments WHERE survey_id = $1 ORDER BY text"
    said = await owner.fetch(written, UUID(survey_id))
    assert [tuple(one) for one in said] == [("why", "Because."), (None, "Well.")]


async def test_closing_shuffles_texts_with_their_questions(acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id = await asked(acme)
    for name in NAMES:
        await send(acme, survey_id, "responses", ALL, name)
    query = "SELECT id, question FROM comments WHERE survey_id = $1"
    before = {row["id"] for row in await owner.fetch(query, UUID(survey_id))}
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    after = await owner.fetch(query, UUID(survey_id))
    assert before.isdisjoint(row["id"] for row in after)
    assert [row["question"] for row in after] == ["why"] * 6


async def test_the_scale_of_recommendation_has_words_where_nobody_gave_any(api: ContractClient) -> None:
    said: dict[str, Any] = {"low": 0, "high": 10, "labels": {"en": {"0": "No", "10": "Yes"}}}
    same = {"text": {"en": "Recommend?"}, "dimension": "outcome", "facet": "enps"}
    questions = [
        {**same, "key": "bare", "scale": {"low": 0, "high": 10}},
        {**same, "key": "own", "scale": said},
    ]
    body = {"title": {"en": "Acme"}, "facets": [], "questions": questions}
    assert (await api.put("/v1/questionnaires/acme", json=body)).status_code == 201
    headers = {"Accept-Language": "nl"}
    told = (await api.get("/v1/questionnaires/acme/preview", headers=headers)).json()["questions"]
    assert [one["labels"] for one in told] == [
        {"0": "Helemaal niet waarschijnlijk", "10": "Heel waarschijnlijk"},
        {"0": "No", "10": "Yes"},
    ]


@pytest.mark.parametrize(
    ("text", "scale", "language", "labels"),
    [
        ("My pay is fair.", (1, 5), "en", {"1": "Strongly disagree", "3": "Neither agree nor disagree"}),
        ("Mijn loon is eerlijk.", (1, 5), "nl", {"1": "Helemaal mee oneens", "4": "Mee eens"}),
        ("My pay is fair.", (0, 4), "en", {"0": "Strongly disagree", "4": "Strongly agree"}),
        ("My pay is fair.", (1, 7), "en", {"1": "Strongly disagree", "7": "Strongly agree"}),
        ("How happy are you?", (1, 5), "en", {"1": "Not at all", "5": "Completely"}),
        ("Ben je tevreden?", (1, 10), "nl", {"1": "Helemaal niet", "10": "Helemaal wel"}),
    ],
)
async def test_a_scale_has_words_where_nobody_gave_any(
    text: str, scale: tuple[int, int], language: str, labels: dict[str, str], api: ContractClient
) -> None:
    question = {"key": "pay_fair", "text": {language: text}, "facet": "pay", "dimension": "satisfaction"}
    question["scale"] = dict(zip(("low", "high"), scale, strict=True))
    facet = {"key": "pay", "title": {"en": "Pay", "nl": "Loon"}}
    content = {"title": {"en": "Acme"}, "facets": [facet], "questions": [question]}
    assert (await api.put("/v1/questionnaires/acme", json=content)).status_code == 201
    shown = await api.get("/v1/questionnaires/acme/preview", headers={"Accept-Language": language})
    found = shown.json()["questions"][0]["labels"]
    assert labels.items() <= found.items()
    assert set(found) == {str(one) for one in range(scale[0], scale[1] + 1)} or len(found) == 2
    kept = (await api.get("/v1/questionnaires/acme")).json()
    assert kept["questions"][0]["scale"]["labels"] == {}, "what the questionnaire says itself"


async def test_the_form_shows_every_kind(acme: Tenant) -> None:
    survey_id = await asked(acme, body=with_required("why"))
    (token, *_) = await tokens(acme.client, survey_id)
    told = (await at_the_door(acme, token).get("/v1/respond", headers={"Accept-Language": "nl"})).json()
    _, _, where, which, why = told["questions"]
    options = [{"key": key, "text": f"Bij {key}"} for key in ("home", "site", "road")]
    assert (where["kind"], where["options"], where["scale"], where["labels"]) == ("choice", options, None, {})
    assert (which["kind"], which["facet"], which["required"]) == ("choices", None, False)
    assert (why["kind"], why["options"], why["required"]) == ("text", [], True)
    assert [facet["key"] for facet in told["facets"]] == ["pay", "bond"]


async def test_an_sql_view_says_of_what_kind_a_value_is(api: ContractClient, acme: Tenant) -> None:
    survey_id = await asked(acme)
    await send(acme, survey_id, "responses", ALL)
    async with acme.database.tenant_session(acme.id) as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql("SELECT question, kind, value FROM answer_values")
        found = {question: (kind, value) for question, kind, value in rows}
    assert found["where"] == ("choice", 1)
    assert found["which"] == ("choices", 5)
    assert found["pay"] == ("scale", 4)


# ------------------------------------------------------------------ rules

SLOTS = Slots(
    [
        Slot("s", 1, 5),
        Slot("c", kind="choice", options=["a", "b", "c"]),
        Slot("m", kind="choices", options=[str(number) for number in range(15)]),
        Slot("t", kind="text"),
    ]
)


def test_an_answer_is_kept_in_one_place_a_question_and_read_back() -> None:
    for answers in (
        {"s": 1, "c": "a", "m": ["0"]},
        {"s": 5, "c": "c", "m": [str(number) for number in range(15)]},
        {"s": None, "c": None, "m": None},
        {"m": ["14"]},
        {},
    ):
        kept = encode(SLOTS, answers)
        assert len(kept) == len(SLOTS)
        assert all(-2 <= value < 2**15 for value in kept)
        assert decode(SLOTS, kept) == answers


def test_words_are_kept_apart() -> None:
    answers = {"t": "Because.", "c": "a"}
    assert texts(SLOTS, answers) == {"t": "Because."}
    assert encode(SLOTS, answers)[3] == encode(SLOTS, {"t": None})[3] == NOT_ANSWERED
    assert texts(SLOTS, {"t": None}) == {}


def test_blanks_are_no_answers() -> None:
    assert given({"t": "  ", "m": [], "s": None, "c": " a "}) == {"s": None, "c": "a"}


@pytest.mark.parametrize("mode", ["confidential", "attributed"])
@pytest.mark.parametrize("door", DOORS)
async def test_words_can_be_taken_back_while_answers_may_change(
    door: str, mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    """What is left out stays; null is the newest answer. Of others nothing goes."""
    survey_id = await asked(acme, mode, allow_changes=True)
    written = "SELECT question, text FROM comments WHERE survey_id = $1 ORDER BY 1"
    url = f"/v1/surveys/{survey_id}/responses"

    async def kept() -> list[tuple[str | None, str]]:
        return [tuple(row) for row in await owner.fetch(written, UUID(survey_id))]

    for name in ("E-0", "E-1"):
        said = {"respondent": name, "answers": {"pay": 4, "why": name}, "comment": f"of {name}"}
        assert (await acme.client.post(url, json=said)).status_code == 201
    everything = await kept()
    assert len(everything) == 4
    for answers in ({"pay": 3}, {"pay": 3, "why": " "}):
        assert await send(acme, survey_id, door, answers) is None
        assert await kept() == everything
    assert await send(acme, survey_id, door, {"pay": 3, "why": None}) is None
    assert sorted(text for _, text in await kept()) == ["E-1", "of E-0", "of E-1"]
    token = (await tokens(acme.client, survey_id, "E-0"))[0]
    for comment, left in (("", 3), (None, 2)):
        said = {"answers": {"pay": 2}, "comment": comment}
        assert (await at_the_door(acme, token).post("/v1/respond", json=said)).status_code == 201
        assert len(await kept()) == left


@pytest.mark.parametrize("mode", ["confidential", "attributed"])
@pytest.mark.parametrize("door", DOORS)
async def test_words_alone_can_be_taken_back_and_whose_there_were_is_not_told(
    door: str, mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    """Who wrote nothing before has not answered by it either."""
    survey_id = await asked(acme, mode, allow_changes=True)
    url = f"/v1/surveys/{survey_id}/responses"
    said = {"respondent": "E-0", "answers": {"pay": 4, "why": "Because."}, "comment": "Well."}
    assert (await acme.client.post(url, json=said)).status_code == 201
    before = await rows_of(owner, str(acme.id))
    for name in ("E-1", "E-0"):
        assert len((await rows_of(owner, str(acme.id)))["comments"]) == 2
        assert await send(acme, survey_id, door, {"why": None}, name) is None
    assert (await rows_of(owner, str(acme.id)))["responses"] == before["responses"]
    written = await owner.fetch("SELECT text FROM comments WHERE survey_id = $1", UUID(survey_id))
    assert [row["text"] for row in written] == ["Well."]


async def test_a_comment_alone_can_be_taken_back(acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id = await asked(acme, allow_changes=True)
    url = f"/v1/surveys/{survey_id}/responses"
    said = {"respondent": "E-0", "answers": {"pay": 4}, "comment": "Well."}
    assert (await acme.client.post(url, json=said)).status_code == 201
    before = await rows_of(owner, str(acme.id))
    told = []
    for name in ("E-1", "E-0"):
        (token,) = await tokens(acme.client, survey_id, name)
        door = at_the_door(acme, token)
        for blank in (
            {"answers": {}},
            {"answers": {}, "comment": ""},
            {"answers": {"why": " "}},
            {"answers": {"why": None}, "comment": "New."},
        ):
            assert (await door.post("/v1/respond", json=blank)).json()["code"] == "no_answers", blank
        answer = await door.post("/v1/respond", json={"answers": {}, "comment": None})
        told.append((answer.status_code, answer.json()["status"], set(answer.json())))
    assert told[0] == told[1] == (201, "accepted", {"id", "status"})
    kept = await rows_of(owner, str(acme.id))
    assert (kept["responses"], kept["comments"]) == (before["responses"], [])


UNSEEN = ["\u200b", "\u2060", "\ufeff", "\u00ad", "\u3164", " \u200d\n\u200b"]


WRITES_NOTHING = [
    (False, {"why": None}),
    *((may, {"why": words}) for may in (True, False) for words in UNSEEN),
]


@pytest.mark.parametrize(("allow_changes", "answers"), WRITES_NOTHING)
async def test_who_writes_nothing_uses_up_no_invitation(
    answers: Any, allow_changes: bool, acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await asked(acme, allow_changes=allow_changes)
    (token,) = await tokens(acme.client, survey_id, "E-0")
    blank = await at_the_door(acme, token).post("/v1/respond", json={"answers": answers, "comment": "\u200b"})
    assert (blank.status_code, blank.json()["code"]) == (422, "no_answers")
    for door in ("responses", "batch", "import"):
        assert (await send(acme, survey_id, door, answers))["code"] == "no_answers"
    beside = {"answers": {"pay": 4, **answers}, "comment": "\u200b"}
    assert (await at_the_door(acme, token).post("/v1/respond", json=beside)).status_code == 201
    stored = await rows_of(owner, str(acme.id))
    assert (len(stored["responses"]), stored["comments"]) == (1, [])


@pytest.mark.parametrize(
    "words", ["\U0001f469\u200d\U0001f527", "\u2764\ufe0f", "0", "\u0645\u200c\u0627", "."]
)
def test_what_can_be_seen_is_an_answer(words: str) -> None:
    assert given({"why": words}) == {"why": words}
