"""Comments: kept apart from responses, each once, and what still leads from one to the other."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_cells import OPEN, staff
from tests.surveys.test_privacy import MODES, agreement
from tests.surveys.test_surveys import ANSWERS, hire, opened, respond

Json = dict[str, Any]
COMMENTS = (
    "SELECT c.*, c.xmin::text AS xmin, g.external_id AS team FROM comments c JOIN survey_groups g"
    " ON g.survey_id = c.survey_id AND g.ordinal = c.group_ordinal WHERE c.survey_id = $1 ORDER BY c.ctid"
)


async def comments(owner: asyncpg.Connection, survey_id: str) -> list[asyncpg.Record]:
    """In the order they lie in on disk."""
    found: list[asyncpg.Record] = await owner.fetch(COMMENTS, UUID(survey_id))
    return found


async def texts(owner: asyncpg.Connection, survey_id: str) -> list[str]:
    return sorted(row["text"] for row in await comments(owner, survey_id))


async def send(api: ContractClient, survey_id: str, *items: Json, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"items": [{"answers": ANSWERS, **item} for item in items]}
    return await api.post(f"/v1/surveys/{survey_id}/responses/batch", json=body, headers=headers)


async def test_a_comment_has_its_team_and_nothing_else(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    names = await staff(api, (5, "sales", {"site": "Utrecht"}), (5, None, {}))
    survey_id = await opened(api, report_by=["site"])
    await respond(api, survey_id, respondent=names[0], comment="Tea.", locale="nl")
    (row,) = await comments(owner, survey_id)
    assert (row["team"], row["text"], row["id"].version) == ("sales", "Tea.", 4)
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'comments'"
    columns = {column for (column,) in await owner.fetch(query)}
    assert columns == {"organization_id", "survey_id", "id", "group_ordinal", "text", "question"}


async def test_an_anonymous_comment_stays_with_the_team_of_its_cell(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await staff(api, (5, "sales", {}), (2, "sales/nl", {}))
    survey_id = await opened(api, **OPEN)
    await respond(api, survey_id, team="sales-nl", comment="We are two.")
    assert [row["team"] for row in await comments(owner, survey_id)] == ["sales"]


async def test_comments_are_trimmed_and_an_empty_one_is_none(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await hire(api, *(names := [f"E-{number}" for number in range(5)]))
    survey_id = await opened(api)
    said = ["  Tea.\n", " \t\n", "", None, "x" * 4000]
    for name, comment in zip(names, said, strict=True):
        assert (await respond(api, survey_id, respondent=name, comment=comment)).status_code == 201
    assert await texts(owner, survey_id) == ["Tea.", "x" * 4000]


@pytest.mark.parametrize("comment", ["x" * 4001, 4, ["Tea."], {}])
async def test_a_bad_comment_stores_nothing(
    comment: Any, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await hire(api, "E-1")
    survey_id = await opened(api)
    refused = await respond(api, survey_id, respondent="E-1", comment=comment)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/comment")
    (result,) = (await send(api, survey_id, {"respondent": "E-1", "comment": comment})).json()["results"]
    assert result["problem"]["errors"][0]["pointer"] == "#/comment"
    assert (await respond(api, survey_id, respondent="E-1")).status_code == 201
    assert await texts(owner, survey_id) == []


async def test_only_good_items_of_a_batch_leave_their_comment(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await hire(api, "E-1", "E-2", "E-3")
    survey_id = await opened(api)
    await respond(api, survey_id, respondent="E-3", comment="First.")
    sent = await send(
        api,
        survey_id,
        {"respondent": "E-1", "comment": "Good."},
        {"respondent": "E-2", "comment": "Off scale.", "answers": {"S01": 9}},
        {"respondent": "E-3", "comment": "Again."},
        {"respondent": "E-9", "comment": "Not invited."},
        {"respondent": "E-1", "comment": "Twice."},
    )
    assert [result["status"] for result in sent.json()["results"]] == [201, 422, 409, 422, 422]
    assert await texts(owner, survey_id) == ["First.", "Good."]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("key", [None, "retry"])
async def test_a_retry_stores_no_comment_twice(
    key: str | None, mode: str, api: ContractClient, owner: asyncpg.Connection
) -> None:
    """An anonymous response without a key cannot be told from another: there both stay."""
    await hire(api, "E-1", "E-2")
    survey_id = await opened(api, **MODES[mode])
    who: list[Json] = [{}, {}] if mode == "anonymous" else [{"respondent": "E-1"}, {"respondent": "E-2"}]
    for _ in range(2):
        one = {"answers": ANSWERS, "comment": "One.", **who[0]}
        headers = {"Idempotency-Key": key} if key else {}
        await api.post(f"/v1/surveys/{survey_id}/responses", json=one, headers=headers)
        await send(api, survey_id, who[1] | {"comment": "Many."}, key=key)
    times = 2 if mode == "anonymous" and key is None else 1
    assert await texts(owner, survey_id) == ["Many."] * times + ["One."] * times


@pytest.mark.parametrize("other", ["Coffee.", None])
async def test_an_anonymous_retry_with_another_comment_is_no_retry(
    other: str | None, api: ContractClient, owner: asyncpg.Connection
) -> None:
    survey_id = await opened(api, **OPEN)
    first = await send(api, survey_id, {"comment": "Tea."}, {}, key="retry")
    changed = await send(api, survey_id, {"comment": other}, {}, key="retry")
    again = await send(api, survey_id, {"comment": "Tea."}, {}, key="retry")
    assert [result["status"] for result in changed.json()["results"]] == [422, 201]
    assert changed.json()["results"][0]["problem"]["code"] == "idempotency_key_reused"
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert await texts(owner, survey_id) == ["Tea."]


@pytest.mark.parametrize("mode", MODES)
async def test_closing_cuts_what_leads_from_a_comment_to_a_response(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    """Until then, in every mode, a comment has the transaction of its response."""
    names = [f"E-{number}" for number in range(60)]
    await hire(acme.client, *names)
    survey_id = await opened(acme.client, **MODES[mode])
    for number, name in enumerate(names):
        who = {} if mode == "anonymous" else {"respondent": name}
        await respond(acme.client, survey_id, comment=str(number), **who)
    before = await comments(owner, survey_id)
    assert {row["xmin"] for row in before} == await transactions(owner, survey_id)
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    after = await comments(owner, survey_id)
    assert len({row["xmin"] for row in after}) == 1
    assert {row["id"] for row in before}.isdisjoint(row["id"] for row in after)
    if mode != "anonymous":
        assert {row["xmin"] for row in after}.isdisjoint(await transactions(owner, survey_id))
    order = [int(row["text"]) for row in after]
    assert sorted(order) == list(range(len(names)))
    assert abs(agreement(list(range(len(names))), order)) < 0.62  # by chance once in a million, with 60
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM survey_members WHERE xmin::text = ANY($1)", [row["xmin"] for row in before]
        )
        == 0
    )


async def transactions(owner: asyncpg.Connection, survey_id: str) -> set[str]:
    query = "SELECT DISTINCT xmin::text FROM responses WHERE survey_id = $1"
    return {row[0] for row in await owner.fetch(query, UUID(survey_id))}


async def test_a_batchs_comments_lie_in_the_order_of_their_keys(
    api: ContractClient, owner: asyncpg.Connection
) -> None:
    await owner.execute("VACUUM FULL comments")
    survey_id = await opened(api, **OPEN)
    await send(api, survey_id, *({"comment": str(number)} for number in range(50)))
    keys = [row["id"] for row in await comments(owner, survey_id)]
    assert keys == sorted(keys)
