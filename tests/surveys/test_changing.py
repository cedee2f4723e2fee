"""Where a survey allows it, who has answered answers again until it closes, and the last answer counts."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.imports.files import counts, done, faults, lines, report_of
from tests.surveys.inviting import answer, at_the_door, tokens
from tests.surveys.test_surveys import BYSTANDERS, draft, hire, opened, respond

NAMED = ["confidential", "attributed"]
FIRST, SECOND = {"S01": 4, "S02": None, "E01": 5}, {"S01": 2, "E02": 3}
MERGED = {"S01": 2, "S02": None, "E01": 5, "E02": 3}


@pytest.fixture(autouse=True)
async def people(acme: Tenant) -> None:
    await hire(acme.client, *BYSTANDERS)


async def kept(acme: Tenant, owner: asyncpg.Connection, survey_id: str) -> list[dict[str, int | None]]:
    """The answers of each response, by question."""
    questions = (await acme.client.get("/v1/questionnaires/betrokken-33")).json()["questions"]
    rows = await owner.fetch("SELECT answers FROM responses WHERE survey_id = $1", UUID(survey_id))
    return [
        {
            question["key"]: None if value == -1 else value
            for question, value in zip(questions, row["answers"], strict=True)
            if value != -2
        }
        for row in rows
    ]


async def comments(owner: asyncpg.Connection, survey_id: str) -> list[str]:
    rows = await owner.fetch("SELECT text FROM comments WHERE survey_id = $1 ORDER BY 1", UUID(survey_id))
    return [text for (text,) in rows]


@pytest.mark.parametrize("members", [{"mode": "anonymous"}, {"release_policy": "rolling"}])
async def test_answers_that_nobody_finds_or_that_are_told_already_cannot_be_changed(
    api: ContractClient, members: dict[str, str]
) -> None:
    body = {"name": "Autumn", "questionnaire": "betrokken-33", "mode": "confidential", "allow_changes": True}
    refused = await api.post("/v1/surveys", json=body | members)
    patched = await api.patch(f"/v1/surveys/{await draft(api, allow_changes=True)}", json=members)
    for said in (refused, patched):
        assert (said.status_code, said.json()["code"]) == (422, "changes_not_possible")
        assert said.json()["errors"][0]["pointer"] == "#/allow_changes"


@pytest.mark.parametrize("mode", NAMED)
async def test_a_second_visit_starts_empty_and_replaces_only_what_it_answers(
    acme: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    survey_id = await opened(acme.client, mode=mode, allow_changes=True)
    [token] = await tokens(acme.client, survey_id, BYSTANDERS[0])
    first = await answer(acme, token, answers=FIRST, comment="Too loud", locale="nl")
    form = await at_the_door(acme, token).get("/v1/respond")
    assert (form.status_code, form.json()["allow_changes"]) == (200, True)
    assert "You can change your answers until the survey closes" in " ".join(form.json()["what_is_stored"])
    assert "Too loud" not in form.text
    second = await answer(acme, token, answers=SECOND)
    assert (second.status_code, second.json()) == (201, first.json())
    assert await kept(acme, owner, survey_id) == [MERGED]
    assert await comments(owner, survey_id) == ["Too loud"]
    assert await owner.fetchval("SELECT locale FROM responses WHERE survey_id = $1", UUID(survey_id)) == "nl"
    for comment in ("Much better", "Much better", " "):
        assert (await answer(acme, token, answers=SECOND, comment=comment)).status_code == 201
    assert await comments(owner, survey_id) == ["Much better"]
    assert await kept(acme, owner, survey_id) == [MERGED]
    blank = await answer(acme, token, answers={})
    assert (blank.status_code, blank.json()["code"]) == (422, "no_answers")
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    for closed in (await answer(acme, token), await at_the_door(acme, token).get("/v1/respond")):
        assert (closed.status_code, closed.json()["code"]) == (409, "survey_closed")
    assert await comments(owner, survey_id) == ["Much better"]


async def test_two_that_send_at_once_with_one_token_are_one_response(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(acme.client, allow_changes=True)
    [token] = await tokens(acme.client, survey_id, BYSTANDERS[0])
    said = await asyncio.gather(
        *(answer(acme, token, answers={f"S0{one}": one % 5 + 1}, comment=str(one)) for one in range(1, 9))
    )
    assert {one.status_code for one in said} == {201}
    assert await kept(acme, owner, survey_id) == [{f"S0{one}": one % 5 + 1 for one in range(1, 9)}]
    assert len(await comments(owner, survey_id)) == 1


async def test_a_newer_token_takes_the_place_of_the_older_after_answering_too(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(acme.client, allow_changes=True)
    [older] = await tokens(acme.client, survey_id, BYSTANDERS[0])
    await answer(acme, older, answers=FIRST)
    [newer] = await tokens(acme.client, survey_id, BYSTANDERS[0])
    assert (await answer(acme, older, answers=SECOND)).json()["code"] == "invitation_replaced"
    assert (await answer(acme, newer, answers=SECOND)).status_code == 201
    assert await kept(acme, owner, survey_id) == [MERGED]


async def send_one(acme: Tenant, survey_id: str, item: dict[str, Any]) -> None:
    assert (await respond(acme.client, survey_id, **item)).status_code == 201


async def send_batch(acme: Tenant, survey_id: str, item: dict[str, Any]) -> None:
    url = f"/v1/surveys/{survey_id}/responses/batch"
    said = (await acme.client.post(url, json={"items": [item]})).json()
    assert [one["status"] for one in said["results"]] == [201]


async def send_file(acme: Tenant, survey_id: str, item: dict[str, Any]) -> None:
    found = await done(acme, lines([item]), "responses", survey_id=survey_id)
    assert counts(found) == (1, 0, 0, 0)


@pytest.mark.nightly
@pytest.mark.parametrize("send", [send_one, send_batch, send_file])
async def test_through_every_door_the_last_answer_counts(
    acme: Tenant, owner: asyncpg.Connection, send: Any
) -> None:
    survey_id = await opened(acme.client, mode="attributed", allow_changes=True)
    for answers in (FIRST, SECOND, SECOND):
        await send(acme, survey_id, {"respondent": BYSTANDERS[0], "answers": answers, "comment": "Once"})
    assert await kept(acme, owner, survey_id) == [MERGED]
    assert await comments(owner, survey_id) == ["Once"]
    [read] = (await acme.client.get(f"/v1/surveys/{survey_id}/responses")).json()["items"]
    assert read["answers"] == MERGED


async def test_changes_are_settled_before_a_survey_opens(api: ContractClient) -> None:
    survey_id = await opened(api)
    refused = await api.patch(f"/v1/surveys/{survey_id}", json={"allow_changes": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "survey_locked")
    assert (await api.get(f"/v1/surveys/{survey_id}")).json()["allow_changes"] is False


@pytest.mark.parametrize("mode", NAMED)
async def test_while_a_comment_can_be_found_it_is_erased_with_its_writer(
    acme: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    survey_id = await opened(acme.client, mode=mode, allow_changes=True)
    for name in BYSTANDERS[:2]:
        await respond(acme.client, survey_id, respondent=name, comment=f"of {name}")
    [token] = await tokens(acme.client, survey_id, BYSTANDERS[0])
    assert (await acme.client.post(f"/v1/people/{BYSTANDERS[0]}/erasure")).status_code == 200
    assert await comments(owner, survey_id) == [f"of {BYSTANDERS[1]}"]
    assert len(await kept(acme, owner, survey_id)) == 1
    assert (await answer(acme, token)).json()["code"] == "already_responded"


BLANK = [{"answers": {}}, {"answers": {}, "comment": " \n"}, {"answers": {}, "comment": "Only words"}]


@pytest.mark.nightly
@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("allow_changes", [True, False])
async def test_a_blank_answer_is_none_through_every_door(
    acme: Tenant, owner: asyncpg.Connection, blank: dict[str, Any], allow_changes: bool
) -> None:
    api = acme.client
    survey_id = await opened(api, allow_changes=allow_changes)
    [token] = await tokens(api, survey_id, BYSTANDERS[0])
    item = {"respondent": BYSTANDERS[0], **blank}
    at_the_page = await at_the_door(acme, token).post("/v1/respond", json=blank)
    single = await api.post(f"/v1/surveys/{survey_id}/responses", json=item)
    for said in (at_the_page, single):
        assert (said.status_code, said.json()["code"]) == (422, "no_answers")
    batch = (await api.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": [item]})).json()
    assert [one["problem"]["code"] for one in batch["results"]] == ["no_answers"]
    row = f"respondent,answers.S01,answers.S02\n{BYSTANDERS[0]},,\n".encode()
    for content, form in ((lines([item]), "ndjson"), (row, "csv")):
        found = await done(acme, content, "responses", form=form, survey_id=survey_id)
        assert [code for _, _, code in faults(await report_of(acme, found))] == ["no_answers"]
    assert (await kept(acme, owner, survey_id), await comments(owner, survey_id)) == ([], [])
    assert (await answer(acme, token)).status_code == 201


async def test_a_blank_answer_is_none_where_anybody_may_answer(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(acme.client, mode="anonymous", access="open")
    for blank in BLANK:
        said = await acme.client.post(f"/v1/surveys/{survey_id}/responses", json=blank)
        assert (said.status_code, said.json()["code"]) == (422, "no_answers")
    assert await kept(acme, owner, survey_id) == []
