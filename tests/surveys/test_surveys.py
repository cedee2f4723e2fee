"""A survey's life over HTTP: questionnaire, audience, states, responses in each mode."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.surveys import service
from app.surveys.questionnaires.built_in import built_in
from tests.clock import A_NEW_DAY, next_year
from tests.conftest import Tenant
from tests.contract import ContractClient

ANSWERS = {"S01": 4, "S02": None, "E01": 5}


async def hire(api: ContractClient, *names: str, team: str | None = None) -> None:
    if team:
        await api.put(f"/v1/teams/{team}", json={"name": team})
    items = [{"external_id": name, "name": name, "team": team} for name in names]
    answer = await api.post("/v1/people/batch", json={"items": items})
    assert answer.json()["summary"]["failed"] == 0, answer.text


async def draft(api: ContractClient, **members: Any) -> str:
    body = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential", **members}
    answer = await api.post("/v1/surveys", json=body)
    assert answer.status_code == 201, answer.text
    survey_id: str = answer.json()["id"]
    return survey_id


UNTOLD = {"invited": "below_minimum", "responded": "below_minimum"}
UNTOLD_COUNTS = {"invited": None, "responded": None, "as_of": None, "reasons": UNTOLD}


BYSTANDERS = [f"bystander-{number}" for number in range(5)]
"""Who makes an audience large enough to be asked."""


async def opened(api: ContractClient, **members: Any) -> str:
    survey_id = await draft(api, **members)
    await open_to_enough(api, survey_id)
    return survey_id


async def open_to_enough(api: ContractClient, survey_id: str) -> None:
    """With bystanders where those who are there would be too few."""
    answer = await api.post(f"/v1/surveys/{survey_id}/open")
    if answer.json().get("code") == "audience_too_small":
        audience = (await api.get(f"/v1/surveys/{survey_id}")).json()["audience"] or {}
        [team] = (audience.get("teams") or [None])[:1]
        segments = {name: values[0] for name, values in (audience.get("segments") or {}).items()}
        people = [{"external_id": one, "name": one, "team": team, "segments": segments} for one in BYSTANDERS]
        assert (await api.post("/v1/people/batch", json={"items": people})).is_success
        answer = await api.post(f"/v1/surveys/{survey_id}/open")
    assert answer.json()["status"] == "open", answer.text


async def respond(api: ContractClient, survey_id: str, **members: Any) -> Any:
    return await api.post(f"/v1/surveys/{survey_id}/responses", json={"answers": ANSWERS, **members})


async def test_the_built_in_questionnaire_is_there_in_two_languages(api: ContractClient) -> None:
    answer = await api.get("/v1/questionnaires/betrokken-33")
    questions = answer.json()["questions"]
    assert len(questions) == 33
    assert all(set(question["text"]) == {"en", "nl"} for question in questions)
    assert [q["key"] for q in questions if q["reversed"]] == ["S02", "S10", "E06", "E14"]


async def test_the_built_in_questionnaire_can_be_sent_back_but_not_replaced(api: ContractClient) -> None:
    body = (await api.get("/v1/questionnaires/betrokken-33")).json()
    refused = await api.put("/v1/questionnaires/betrokken-33", json=body)
    assert refused.json()["code"] == "built_in_questionnaire"
    copied = await api.put("/v1/questionnaires/mine", json={**body, "key": "mine"})
    assert (copied.status_code, copied.json()["version"]) == (201, 1)


def questionnaire(text: str = "Pay is fair.", **question: Any) -> dict[str, Any]:
    first = {
        "key": "pay_fair",
        "text": {"en": text},
        "dimension": "satisfaction",
        "facet": "pay",
        "scale": {"low": 1, "high": 5},
        **question,
    }
    return {"title": {"en": "Acme"}, "facets": [{"key": "pay", "title": {"en": "Pay"}}], "questions": [first]}


async def test_a_change_makes_a_version_and_the_same_content_none(api: ContractClient) -> None:
    first = await api.put("/v1/questionnaires/acme", json=questionnaire())
    same = await api.put("/v1/questionnaires/acme", json=questionnaire())
    changed = await api.put("/v1/questionnaires/acme", json=questionnaire("Pay is good."))
    assert [(a.status_code, a.json()["version"]) for a in (first, same, changed)] == [
        (201, 1),
        (200, 1),
        (200, 2),
    ]
    assert same.headers["etag"] == first.headers["etag"]
    old = await api.get("/v1/questionnaires/acme", params={"version": 1})
    assert old.json()["questions"][0]["text"] == {"en": "Pay is fair."}
    listed = (await api.get("/v1/questionnaires", params={"limit": 1})).json()
    rest = (await api.get("/v1/questionnaires", params={"limit": 1, "cursor": listed["next_cursor"]})).json()
    assert [(q["key"], q["version"]) for q in listed["items"] + rest["items"]] == [
        ("acme", 2),
        (built_in().key, 2),
    ]


async def test_questionnaires_that_contradict_themselves_are_refused(api: ContractClient) -> None:
    for code, question in {
        "bad_scale": {"scale": {"low": 5, "high": 5}},
        "unknown_facet": {"facet": "benefits"},
        "role_mismatch": {"role": "core"},
        "lever_mismatch": {"dimension": "outcome", "facet": "enps", "lever": "growth"},
    }.items():
        answer = await api.put("/v1/questionnaires/acme", json=questionnaire(**question))
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


async def test_one_writer_at_a_time_numbers_the_versions(api: ContractClient) -> None:
    texts = [f"Wording {number}." for number in range(4)]
    answers = await asyncio.gather(
        *(api.put("/v1/questionnaires/acme", json=questionnaire(text)) for text in texts)
    )
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4]


async def test_a_draft_can_be_changed_and_deleted(api: ContractClient) -> None:
    survey_id = await draft(api)
    patched = await api.patch(f"/v1/surveys/{survey_id}", json={"name": "Winter", "series": "quarterly"})
    assert patched.json()["name"] == "Winter"
    assert (await api.delete(f"/v1/surveys/{survey_id}")).status_code == 204
    assert (await api.get(f"/v1/surveys/{survey_id}")).status_code == 404


async def test_what_was_read_can_be_sent_back(api: ContractClient) -> None:
    survey_id = await draft(api, audience={"segments": {"location": ["Utrecht"]}}, external_id="wave-1")
    read = await api.get(f"/v1/surveys/{survey_id}")
    same = await api.patch(f"/v1/surveys/{survey_id}", json=read.json())
    assert same.headers["etag"] == read.headers["etag"]


async def test_an_audience_is_merged_and_not_left_empty(api: ContractClient) -> None:
    survey_id = await draft(api, audience={"segments": {"location": ["Utrecht"], "tenure": ["0-1"]}})
    url = f"/v1/surveys/{survey_id}"
    merged = await api.patch(url, json={"audience": {"segments": {"tenure": None}}})
    assert merged.json()["audience"] == {"teams": None, "segments": {"location": ["Utrecht"]}}
    emptied = await api.patch(url, json={"audience": {"segments": {"location": None}}})
    assert emptied.json()["errors"][0]["pointer"] == "#/audience/segments"
    removed = await api.patch(url, json={"audience": None})
    assert removed.json()["audience"] is None


async def test_an_open_survey_takes_a_name_and_a_later_end_only(api: ContractClient) -> None:
    year = next_year()
    survey_id = await opened(api, closes_at=f"{year}-02-01T00:00:00Z")
    url = f"/v1/surveys/{survey_id}"
    assert (await api.patch(url, json={"name": "Renamed"})).json()["name"] == "Renamed"
    later = await api.patch(url, json={"closes_at": f"{year + 1}-02-01T01:00:00+01:00"})
    assert later.json()["closes_at"] == f"{year + 1}-02-01T00:00:00Z"
    for patch in (
        {"closes_at": f"{year}-02-01T00:00:00Z"},
        {"closes_at": None},
        {"mode": "attributed"},
        {"series": "x"},
    ):
        assert (await api.patch(url, json=patch)).json()["code"] == "survey_locked", patch
    assert (await api.delete(url)).json()["code"] == "survey_locked"


async def test_states_go_forward_and_repeat_harmlessly(api: ContractClient) -> None:
    await hire(api, *BYSTANDERS)
    survey_id = await draft(api)
    url = f"/v1/surveys/{survey_id}"
    assert (await api.post(f"{url}/close")).json()["code"] == "invalid_transition"
    first = await api.post(f"{url}/open")
    assert (await api.post(f"{url}/open")).json() == first.json()
    closed = await api.post(f"{url}/close")
    assert (await api.post(f"{url}/close")).json() == closed.json()
    assert (await api.post(f"{url}/open")).json()["code"] == "invalid_transition"


async def test_contradictory_drafts_are_refused(api: ContractClient) -> None:
    body = {"name": "x", "questionnaire": "betrokken-33", "mode": "confidential"}
    for code, members in {
        "open_needs_anonymous": {"access": "open"},
        "unknown_questionnaire": {"questionnaire": "nobody-knows"},
        "unknown_team": {"audience": {"teams": ["nowhere"]}},
        "below_organization_minimum": {"minimum_group_size": 4},
        "closes_before_opens": {"opens_at": "2130-01-02T00:00:00Z", "closes_at": "2130-01-01T00:00:00Z"},
        "in_the_past": {"opens_at": "2020-01-02T00:00:00Z"},
    }.items():
        answer = await api.post("/v1/surveys", json=body | members)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    naive = await api.post("/v1/surveys", json=body | {"opens_at": "2130-01-02T00:00:00"})
    assert naive.status_code == 422
    await draft(api, external_id="wave-1")
    again = await api.post("/v1/surveys", json=body | {"external_id": "wave-1"})
    assert (again.status_code, again.json()["code"]) == (409, "external_id_conflict")


async def test_a_repeated_create_with_one_key_makes_one_survey(api: ContractClient) -> None:
    body = {"name": "x", "questionnaire": "betrokken-33", "mode": "confidential"}
    first = await api.post("/v1/surveys", json=body, headers={"Idempotency-Key": "a"})
    again = await api.post("/v1/surveys", json=body, headers={"Idempotency-Key": "a"})
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == f"/v1/surveys/{first.json()['id']}"
    assert len((await api.get("/v1/surveys")).json()["items"]) == 1


async def test_only_those_frozen_at_opening_may_respond_and_once(api: ContractClient) -> None:
    await hire(api, "E-1", "E-2", team="sales")
    survey_id = await opened(api)
    await hire(api, "E-3")
    assert (await respond(api, survey_id, respondent="E-1")).status_code == 201
    assert (await respond(api, survey_id, respondent="E-1")).json()["code"] == "already_responded"
    assert (await respond(api, survey_id, respondent="E-3")).json()["code"] == "not_invited"
    assert (await respond(api, survey_id)).json()["code"] == "respondent_required"
    await api.patch("/v1/people/E-2", json={"active": False})
    assert (await respond(api, survey_id, respondent="E-2")).status_code == 201


async def test_an_audience_narrows_by_team_and_segment(api: ContractClient) -> None:
    await api.post(
        "/v1/teams/batch",
        json={
            "items": [
                {"external_id": "a", "name": "A"},
                {"external_id": "a1", "name": "A1", "parent": "a"},
                {"external_id": "b", "name": "B"},
            ]
        },
    )
    items = [
        {"external_id": "in", "name": "x", "team": "a1", "segments": {"site": "U"}},
        {"external_id": "other-site", "name": "x", "team": "a1", "segments": {"site": "V"}},
        {"external_id": "other-team", "name": "x", "team": "b", "segments": {"site": "U"}},
    ]
    await api.post("/v1/people/batch", json={"items": items})
    survey_id = await opened(api, audience={"teams": ["a"], "segments": {"site": ["U"]}})
    statuses = [(await respond(api, survey_id, respondent=item["external_id"])).status_code for item in items]
    assert statuses == [201, 422, 422]


async def test_answers_off_their_scale_are_named_and_nothing_is_stored(api: ContractClient) -> None:
    await hire(api, "E-1")
    survey_id = await opened(api)
    for value in (0, 6, -1, 10**30):
        answer = await respond(api, survey_id, respondent="E-1", answers={"S01": value})
        assert (answer.status_code, answer.json()["code"]) == (422, "off_scale")
        assert answer.json()["errors"][0]["pointer"] == "#/answers/S01"
    unknown = await respond(api, survey_id, respondent="E-1", answers={"S1/~": 3})
    assert unknown.json()["code"] == "unknown_question"
    assert unknown.json()["errors"][0]["pointer"] == "#/answers/S1~1~0"
    assert (await respond(api, survey_id, respondent="E-1")).status_code == 201


async def test_only_json_integers_count(api: ContractClient) -> None:
    await hire(api, "E-1")
    survey_id = await opened(api)
    for value in (True, 3.5, "4", 4.0, [4], {}):
        answer = await respond(api, survey_id, respondent="E-1", answers={"S01": value})
        assert (answer.status_code, answer.json()["code"]) == (422, "off_scale"), value
        assert answer.json()["errors"][0]["pointer"] == "#/answers/S01"


async def test_a_draft_or_closed_survey_takes_no_response(api: ContractClient) -> None:
    await hire(api, "E-1")
    survey_id = await draft(api)
    assert (await respond(api, survey_id, respondent="E-1")).json()["code"] == "survey_not_open"
    await open_to_enough(api, survey_id)
    await api.post(f"/v1/surveys/{survey_id}/close")
    assert (await respond(api, survey_id, respondent="E-1")).json()["code"] == "survey_not_open"


async def test_attributed_answers_are_read_back_as_given(api: ContractClient) -> None:
    await hire(api, "E-1", "E-2", team="sales")
    await hire(api, "E-3")
    survey_id = await opened(api, mode="attributed")
    for name in ("E-1", "E-2", "E-3"):
        await respond(api, survey_id, respondent=name, locale="nl")
    url = f"/v1/surveys/{survey_id}/responses"
    first = (await api.get(url, params={"limit": 2})).json()
    rest = (await api.get(url, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    items = {item["respondent"]: item for item in first["items"] + rest["items"]}
    assert {name: item["team"] for name, item in items.items()} == {
        "E-1": "sales",
        "E-2": "sales",
        "E-3": None,
    }
    assert items["E-1"]["answers"] == ANSWERS
    assert items["E-1"]["locale"] == "nl"


async def test_confidential_and_anonymous_answers_are_read_by_nobody(api: ContractClient) -> None:
    for members in ({"mode": "confidential"}, {"mode": "anonymous", "access": "open"}):
        survey_id = await opened(api, **members)
        answer = await api.get(f"/v1/surveys/{survey_id}/responses")
        assert (answer.status_code, answer.json()["code"]) == (409, "mode_has_no_readable_responses")


async def test_one_bad_row_of_five_leaves_four(api: ContractClient) -> None:
    names = [f"E-{number}" for number in range(5)]
    await hire(api, *names)
    survey_id = await opened(api)
    items: list[Any] = [{"respondent": name, "answers": {"S01": 3}} for name in names]
    items[2]["answers"] = {"S01": 9}
    url = f"/v1/surveys/{survey_id}/responses/batch"
    first = (await api.post(url, json={"items": items})).json()
    assert first["summary"] == {"created": 4, "updated": 0, "unchanged": 0, "failed": 1}
    assert [result["status"] for result in first["results"]] == [201, 201, 422, 201, 201]
    assert first["results"][2]["problem"]["errors"][0]["pointer"] == "#/answers/S01"
    again = (await api.post(url, json={"items": items})).json()
    assert [result["status"] for result in again["results"]] == [409, 409, 422, 409, 409]


async def test_a_batch_sent_twice_with_one_key_is_answered_the_same(api: ContractClient) -> None:
    await hire(api, "E-1", "E-2")
    survey_id = await opened(api)
    body = {"items": [{"respondent": name, "answers": ANSWERS} for name in ("E-1", "E-2")]}
    url = f"/v1/surveys/{survey_id}/responses/batch"
    first = await api.post(url, json=body, headers={"Idempotency-Key": "k"})
    again = await api.post(url, json=body, headers={"Idempotency-Key": "k"})
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_the_second_response_of_one_person_in_a_batch_fails(api: ContractClient) -> None:
    await hire(api, "E-1")
    survey_id = await opened(api)
    body = {"items": [{"respondent": "E-1", "answers": {"S01": value}} for value in (1, 2)]}
    results = (await api.post(f"/v1/surveys/{survey_id}/responses/batch", json=body)).json()["results"]
    assert results[1]["problem"]["code"] == "duplicate_in_batch"


async def test_two_racing_submissions_store_exactly_one(api: ContractClient) -> None:
    await hire(api, "E-1")
    survey_id = await opened(api)
    answers = await asyncio.gather(*(respond(api, survey_id, respondent="E-1") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


@pytest.mark.nightly
async def test_submissions_racing_the_close_are_in_the_release_or_refused(acme: Tenant) -> None:
    names = [f"E-{number}" for number in range(30)]
    await hire(acme.client, *names)
    survey_id = await opened(acme.client)
    answers = dict.fromkeys([question["key"] for question in built_in().content["questions"][:30]], 3)
    sending = [respond(acme.client, survey_id, respondent=name, answers=answers) for name in names]
    closing = acme.client.post(f"/v1/surveys/{survey_id}/close")
    answered = await asyncio.gather(*sending[:20], closing, *sending[20:])
    assert answered.pop(20).status_code == 200
    statuses = [answer.status_code for answer in answered]
    assert set(statuses) <= {201, 409}
    accepted = statuses.count(201)
    await acme.work()
    metrics = await acme.client.get("/v1/metrics/participation", params={"survey_id": survey_id})
    (group,) = metrics.json()["groups"]
    assert group.get("responded") == (accepted if accepted >= 5 else None)


async def test_anonymous_responses_name_nobody(api: ContractClient) -> None:
    await hire(api, "E-1", team="sales")
    survey_id = await opened(api, mode="anonymous", access="open")
    accepted = await respond(api, survey_id, team="sales")
    assert accepted.json() == {"id": None, "status": "accepted"}
    for code, members in {
        "respondent_not_allowed": {"respondent": "E-1"},
        "not_in_this_mode": {"locale": "nl"},
        "unknown_team": {"team": "nowhere"},
        "unknown_segment": {"segments": {"site": "U"}},
    }.items():
        assert (await respond(api, survey_id, **members)).json()["code"] == code


async def test_an_anonymous_retry_is_known_without_a_record(api: ContractClient) -> None:
    survey_id = await opened(api, mode="anonymous", access="open")
    url = f"/v1/surveys/{survey_id}/responses"
    key = {"Idempotency-Key": "retry-1"}
    first = await api.post(url, json={"answers": ANSWERS}, headers=key)
    again = await api.post(url, json={"answers": ANSWERS}, headers=key)
    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    other = await api.post(url, json={"answers": {"S01": 1}}, headers=key)
    assert other.json()["code"] == "idempotency_key_reused"
    await api.post(f"/v1/surveys/{survey_id}/close")
    participation = (await api.get(f"/v1/surveys/{survey_id}/participation")).json()
    assert participation["reasons"] == {"invited": "no_frame", "responded": "below_minimum"}


async def test_participation_is_counted_on_a_new_day(acme: Tenant) -> None:
    names = [f"E-{number}" for number in range(9)]
    await hire(acme.client, *names)
    survey_id = await opened(acme.client)
    for name in names[:6]:
        await respond(acme.client, survey_id, respondent=name)
    url = f"/v1/surveys/{survey_id}/participation"
    today = (await acme.client.get(url)).json()
    assert (today["invited"], today["responded"], today["reasons"]) == (
        None,
        None,
        {"invited": "not_counted_yet", "responded": "not_counted_yet"},
    )
    async with acme.database.tenant_session(acme.id) as session:
        await service.count_participation(session, datetime.now(UTC) + A_NEW_DAY)
    told = (await acme.client.get(url)).json()
    assert (told["invited"], told["responded"], told["reasons"]) == (9, 6, {})


@pytest.mark.nightly
@pytest.mark.parametrize("audience", range(5, 8))
async def test_a_tiny_survey_tells_the_same_whether_somebody_answered(audience: int, acme: Tenant) -> None:
    """`invited` told if somebody answered and hidden if they did not is the answer."""
    names = [f"E-{number}" for number in range(audience)]
    await hire(acme.client, *names)
    told = []
    for answering in range(min(audience, 4) + 1):
        survey_id = await opened(acme.client)
        for name in names[:answering]:
            await respond(acme.client, survey_id, respondent=name)
        for day in range(2):
            async with acme.database.tenant_session(acme.id) as session:
                await service.count_participation(session, datetime.now(UTC) + (day + 1) * A_NEW_DAY)
            told.append((await acme.client.get(f"/v1/surveys/{survey_id}/participation")).json())
        await acme.client.post(f"/v1/surveys/{survey_id}/close")
        told.append((await acme.client.get(f"/v1/surveys/{survey_id}/participation")).json())
    assert all(one | {"as_of": None} == UNTOLD_COUNTS for one in told), told


SMALL: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    (1, {}, {}),
    (4, {"mode": "anonymous"}, {}),
    (4, {"audience": {"teams": ["sales"]}}, {"team": "sales"}),
    (4, {"audience": {"segments": {"site": ["U"]}}, "mode": "attributed"}, {"segments": {"site": "U"}}),
    (9, {"minimum_group_size": 10, "release_policy": "rolling"}, {}),
]


@pytest.mark.parametrize(("size", "members", "of_person"), SMALL)
async def test_a_survey_for_fewer_than_the_minimum_does_not_open(
    size: int, members: dict[str, Any], of_person: dict[str, Any], acme: Tenant
) -> None:
    """Asked of one person, whatever is told of it would be what they did. With as many as that it opens."""
    await hire(acme.client, *BYSTANDERS if of_person else ())
    await acme.client.put("/v1/teams/sales", json={"name": "Sales"})
    people = [{"external_id": f"E-{number}", "name": "x", **of_person} for number in range(size)]
    await acme.client.post("/v1/people/batch", json={"items": people})
    survey_id = await draft(acme.client, **members)
    for _ in range(2):
        refused = await acme.client.post(f"/v1/surveys/{survey_id}/open")
        assert (refused.status_code, refused.json()["code"]) == (422, "audience_too_small")
    survey = (await acme.client.get(f"/v1/surveys/{survey_id}")).json()
    assert (survey["status"], survey["questionnaire_version"]) == ("draft", None)
    assert (await acme.client.get(f"/v1/surveys/{survey_id}/participation")).status_code == 409
    assert (await acme.client.get("/v1/audit", params={"action": "open_survey"})).json()["items"] == []
    enough = members.get("minimum_group_size", 5)
    more = [{"external_id": f"E-{number}", "name": "x", **of_person} for number in range(size, enough)]
    await acme.client.post("/v1/people/batch", json={"items": more})
    assert (await acme.client.post(f"/v1/surveys/{survey_id}/open")).json()["status"] == "open"


async def test_whoever_may_answer_is_not_counted_where_there_is_no_frame(api: ContractClient) -> None:
    survey_id = await draft(api, mode="anonymous", access="open")
    assert (await api.post(f"/v1/surveys/{survey_id}/open")).json()["status"] == "open"


async def test_a_blank_return_is_none_and_uses_nothing_up(acme: Tenant) -> None:
    await hire(acme.client, "E-1")
    survey_id = await opened(acme.client)
    refused = await respond(acme.client, survey_id, respondent="E-1", answers={}, comment="Nothing to add")
    assert (refused.status_code, refused.json()["code"]) == (422, "no_answers")
    assert refused.json()["errors"][0]["pointer"] == "#/answers"
    blank = {"respondent": "E-1", "answers": {}}
    assert await batch_codes(acme.client, survey_id, blank) == ["no_answers"]
    assert (await respond(acme.client, survey_id, respondent="E-1", answers={"S01": None})).status_code == 201
    again = await respond(acme.client, survey_id, respondent="E-1", answers={})
    assert again.json()["code"] == "no_answers", "whether or not somebody has answered"


async def test_surveys_of_others_are_not_found(api: ContractClient, other: Tenant) -> None:
    survey_id = await opened(other.client)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/open"), ("POST", "/close")):
        body = {"json": {"name": "x"}} if method == "PATCH" else {}
        answer = await api.request(method, f"/v1/surveys/{survey_id}{path}", **body)
        assert answer.status_code == 404, (method, path)
    assert (await respond(api, survey_id, respondent="E-1")).status_code == 404
    assert (await api.get("/v1/surveys")).json()["items"] == []


async def test_a_reader_who_has_it_is_told_so(api: ContractClient) -> None:
    survey_id = await draft(api)
    for path in (f"/v1/surveys/{survey_id}", "/v1/questionnaires/betrokken-33", "/v1/metrics/definitions"):
        first = await api.get(path)
        again = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path


async def test_a_stale_reader_changes_nothing(api: ContractClient) -> None:
    survey_id = await draft(api)
    stale = {"If-Match": '"something else"'}
    url = f"/v1/surveys/{survey_id}"
    assert (await api.patch(url, json={"name": "x"}, headers=stale)).status_code == 412
    assert (await api.delete(url, headers=stale)).status_code == 412
    await api.put("/v1/questionnaires/acme", json=questionnaire())
    for headers in (stale, {"If-None-Match": "*"}):
        refused = await api.put("/v1/questionnaires/acme", json=questionnaire("Other."), headers=headers)
        assert refused.status_code == 412
    assert (await api.get(url)).json()["name"] == "Autumn"


async def test_a_key_is_given_once_in_a_questionnaire(api: ContractClient) -> None:
    body = questionnaire()
    body["questions"] *= 2
    assert (await api.put("/v1/questionnaires/acme", json=body)).json()["code"] == "duplicate_key"


async def test_a_patched_draft_must_hold_together_too(api: ContractClient) -> None:
    await draft(api, external_id="wave-1")
    survey_id = await draft(api, opens_at="2130-01-01T00:00:00Z")
    for code, patch in {
        "open_needs_anonymous": {"access": "open"},
        "unknown_questionnaire": {"questionnaire": "nobody-knows"},
        "unknown_team": {"audience": {"teams": ["nowhere"]}},
        "below_organization_minimum": {"minimum_group_size": 4},
        "closes_before_opens": {"closes_at": "2129-01-01T00:00:00Z"},
        "in_the_past": {"closes_at": "2020-01-01T00:00:00Z"},
        "external_id_conflict": {"external_id": "wave-1"},
    }.items():
        answer = await api.patch(f"/v1/surveys/{survey_id}", json=patch)
        assert answer.json()["code"] == code, answer.text


async def test_a_team_gone_since_the_draft_stops_the_opening(api: ContractClient) -> None:
    await api.put("/v1/teams/sales", json={"name": "Sales"})
    survey_id = await draft(api, audience={"teams": ["sales"]})
    await api.delete("/v1/teams/sales")
    assert (await api.post(f"/v1/surveys/{survey_id}/open")).json()["code"] == "unknown_team"
    assert (await api.get(f"/v1/surveys/{survey_id}")).json()["status"] == "draft"


async def batch_codes(api: ContractClient, survey_id: str, *items: Any) -> list[str]:
    answer = await api.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert answer.status_code == 200, answer.text
    return [result["problem"]["code"] for result in answer.json()["results"]]


async def test_a_batch_refuses_row_by_row_as_the_single_response_does(api: ContractClient) -> None:
    await hire(api, "E-1", "E-2", "E-3")
    named = await opened(api)
    ok = {"respondent": "E-1", "answers": ANSWERS}
    assert await batch_codes(
        api,
        named,
        {**ok, "answers": {"X": 1}},
        {"answers": ANSWERS},
        {"respondent": "E-9", "answers": ANSWERS},
        {**ok, "respondent": "E-2", "team": "sales"},
        "not an object",
    ) == [
        "unknown_question",
        "respondent_required",
        "not_invited",
        "not_in_this_mode",
        "invalid_value",
    ]
    anonymous = await opened(api, mode="anonymous", access="open")
    assert await batch_codes(api, anonymous, ok, {"answers": ANSWERS, "team": "nowhere"}) == [
        "respondent_not_allowed",
        "unknown_team",
    ]


async def test_a_batch_is_refused_whole_when_too_large_or_not_open(api: ContractClient) -> None:
    survey_id = await opened(api)
    url = f"/v1/surveys/{survey_id}/responses/batch"
    body = {"items": [{"respondent": "E-1", "answers": {}}] * 5001}
    assert (await api.post(url, json=body)).json()["code"] == "batch_too_large"
    await api.post(f"/v1/surveys/{survey_id}/close")
    closed = await api.post(url, json={"items": body["items"][:1]})
    assert (closed.status_code, closed.json()["code"]) == (409, "survey_not_open")


async def test_a_draft_has_no_participation(api: ContractClient) -> None:
    survey_id = await draft(api)
    answer = await api.get(f"/v1/surveys/{survey_id}/participation")
    assert (answer.status_code, answer.json()["code"]) == (409, "survey_not_open")


async def test_what_a_post_answers_has_the_tag_of_a_get(api: ContractClient) -> None:
    await hire(api, *BYSTANDERS)
    created = await api.post(
        "/v1/surveys", json={"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential"}
    )
    place = created.headers["Location"]
    assert created.headers["ETag"] == (await api.get(place)).headers["ETag"]
    for action in ("open", "close"):
        acted = await api.post(f"{place}/{action}")
        assert acted.headers["ETag"] == (await api.get(place)).headers["ETag"]


async def test_the_log_tells_whom_a_survey_asks_beside_the_one_before(acme: Tenant) -> None:
    """Straw men, and the same questions with one person less: no rule stops them, the log shows them."""
    await hire(acme.client, *(f"E-{number}" for number in range(7)))
    for ordinal in range(2):
        survey_id = await opened(acme.client, name=f"wave {ordinal}")
        await acme.client.patch("/v1/people/E-0", json={"active": False})
        [entry] = (
            await acme.client.get("/v1/audit", params={"target": survey_id, "action": "open_survey"})
        ).json()["items"]
        told = {
            name: entry["details"][name] for name in ("audience", "first_seen_within_30_days", "differs_by")
        }
        size, differs = (7, None) if ordinal == 0 else (6, 1)
        assert told == {"audience": size, "first_seen_within_30_days": size, "differs_by": differs}
