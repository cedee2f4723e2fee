import base64
import json

import pytest

from tests.contract import ContractClient

PATH = "/v1/teams"


async def first_cursor(api: ContractClient) -> str:
    for number in range(3):
        await api.put(f"{PATH}/t{number}", json={"name": "Team"})
    cursor: str = (await api.get(PATH, params={"limit": 1})).json()["next_cursor"]
    return cursor


async def test_a_cursor_goes_on_with_another_limit(api: ContractClient) -> None:
    cursor = await first_cursor(api)
    rest = (await api.get(PATH, params={"limit": 200, "cursor": cursor})).json()
    assert [team["external_id"] for team in rest["items"]] == ["t1", "t2"]


async def test_a_cursor_is_bound_to_its_list_and_filters(api: ContractClient) -> None:
    cursor = await first_cursor(api)
    for path in ("/v1/people", f"{PATH}?updated_after=2020-01-01T00:00:00Z", "/v1/recognitions"):
        answer = await api.get(path + ("&" if "?" in path else "?") + f"cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
        assert answer.json()["errors"][0]["parameter"] == "cursor"


async def test_a_cursor_cannot_be_made_by_hand(api: ContractClient) -> None:
    cursor = await first_cursor(api)
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    other_key = base64.urlsafe_b64encode(raw[:12] + json.dumps(["t0\0"]).encode()).decode()
    for forged in (
        cursor[:-1],
        cursor + "A",
        other_key,
        "x",
        "%%%",
        "é",
        "A" * 1000,
        base64.b64encode(b"[]").decode(),
    ):
        answer = await api.get(PATH, params={"cursor": forged})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor"), forged


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "", "99999999999999999999"])
async def test_a_limit_beyond_its_bounds(limit: str, api: ContractClient) -> None:
    assert (await api.get(PATH, params={"limit": limit})).status_code == 422
