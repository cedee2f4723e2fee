import asyncio
import base64
from random import Random
from typing import Any

import asyncpg

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_surveys import ANSWERS, hire, opened, respond

NAMES = [f"E-{number}" for number in range(60)]


async def test_overlapping_batches_in_any_order_and_a_close_store_each_response_once(acme: Tenant) -> None:
    await hire(acme.client, *NAMES)
    survey_id = await opened(acme.client)
    random = Random(1)

    async def send_batch() -> Any:
        names = random.sample(NAMES, 40)
        items = [{"respondent": name, "answers": ANSWERS} for name in names]
        return await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})

    closing = acme.client.post(f"/v1/surveys/{survey_id}/close")
    answers = await asyncio.gather(
        *(send_batch() for _ in range(6)), closing, *(send_batch() for _ in range(6))
    )
    batches = [answer for answer in answers if "summary" in answer.json()]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.json()["code"] for answer in refused} <= {"survey_not_open"}
    participation = await acme.client.get(f"/v1/surveys/{survey_id}/participation")
    stored = sum(batch.json()["summary"]["created"] for batch in batches)
    assert (participation.json()["responded"] or 0) == stored


async def test_a_cursor_of_responses_holds_no_internal_person_id(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await hire(api, *NAMES[:3])
    survey_id = await opened(api, mode="attributed")
    for name in NAMES[:3]:
        await respond(api, survey_id, respondent=name)
    url, seen, cursor = f"/v1/surveys/{survey_id}/responses", [], None
    people = await owner.fetch("SELECT id FROM people")
    while cursor or not seen:
        page = (await api.get(url, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["respondent"] for item in page["items"]]
        cursor = page["next_cursor"]
        inside = base64.urlsafe_b64decode(f"{cursor or ''}===")
        assert not any(str(person["id"]).encode() in inside for person in people)
    assert sorted(seen) == NAMES[:3]
