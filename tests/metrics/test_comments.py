"""Over HTTP: comments are read where enough were given, shuffled, and by nothing finer than teams."""

from typing import Any

import pytest

from tests.conftest import Tenant
from tests.metrics.test_release import finish, names_of, read, staff, start

Json = dict[str, Any]


async def said_by(tenant: Tenant, given: dict[str, int]) -> dict[str | None, Json]:
    """What may be read of each group where the first so many of each team's twelve wrote something."""
    await staff(tenant.client, dict.fromkeys(given, 12))
    survey_id = await start(tenant.client)
    items = [
        {"respondent": name, "answers": {"pay": 4, "bond": 4}, "comment": f"From {team}." if writes else None}
        for team, count in given.items()
        for writes, name in zip([True] * count + [False] * 12, names_of(team, 12), strict=False)
    ]
    await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    await finish(tenant, survey_id)
    groups = (await read(tenant.client, "comments", by=["organization", "team"]))["groups"]
    return {group["group"]["id"]: group for group in groups}


@pytest.mark.nightly
async def test_ten_comments_are_read_and_nine_are_not(acme: Tenant) -> None:
    groups = await said_by(acme, {"sales": 10, "care": 11})
    assert sorted(groups[None]["comments"]) == ["From care."] * 11 + ["From sales."] * 10
    assert (groups["sales"]["n"], groups["sales"]["comments"]) == (10, ["From sales."] * 10)
    other = await said_by(acme, {"sales": 9})
    assert {group["status"] for group in other.values()} == {"suppressed"}


async def test_what_a_subtraction_would_leave_counts_too(acme: Tenant) -> None:
    groups = await said_by(acme, {"sales": 12, "care": 4})
    assert (groups[None]["status"], groups[None]["n"]) == ("ok", 16)
    assert (groups["sales"]["status"], groups["sales"]["reason"]) == ("suppressed", "complementary")
    assert groups["care"]["reason"] == "below_minimum"


async def test_everybody_reads_the_same_comments_in_the_same_order(acme: Tenant) -> None:
    await said_by(acme, {"sales": 12})
    first = await read(acme.client, "comments")
    assert await read(acme.client, "comments") == first


async def test_comments_are_not_told_by_segment(acme: Tenant) -> None:
    await said_by(acme, {"sales": 12})
    refused = await acme.client.get("/v1/metrics/comments", params={"by": "segment:location"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_segment")
