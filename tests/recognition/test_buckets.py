"""The buckets say what the events say, whatever was done to these and in whatever order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.calendar.service import find_person
from app.core.conditional import Preconditions
from app.recognition import service
from app.recognition.schemas import RecognitionPatch, RecognitionWrite
from tests.calendar.staff import people_on_file, team_on_file
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.examples import examples
from tests.recognition.test_recognition import EVENTS, thanks

PEOPLE = ("ann", "bob", "cy", "dee")
MESSAGES = ("Thanks.", "You fixed it on Tuesday, so that we could go on.", "Because you called.")
EVENTS_AS_THEY_ARE = """
SELECT r.occurred_on, r.specificity, g.number AS giver, p.number AS receiver
FROM recognitions r
JOIN recognition_receivers rr ON rr.recognition_id = r.id
JOIN recognition_numbers g ON g.person_id = r.giver_id
JOIN recognition_numbers p ON p.person_id = rr.person_id
WHERE r.organization_id = $1 AND r.source <> 'automatic'
"""
BUCKETS = {
    "pairs": "SELECT month, giver, receiver, events FROM recognition_month_pairs WHERE organization_id = $1",
    "people": "SELECT month, person, received, given, scored, specificity, last_received_on"
    " FROM recognition_month_people WHERE organization_id = $1",
}


async def buckets_of(owner: asyncpg.Connection, acme: Tenant) -> dict[str, set[tuple[Any, ...]]]:
    return {name: {tuple(row) for row in await owner.fetch(sql, acme.id)} for name, sql in BUCKETS.items()}


async def recomputed(owner: asyncpg.Connection, acme: Tenant) -> dict[str, set[tuple[Any, ...]]]:
    """The same from the events alone, one by one and in Python."""
    pairs: dict[Any, int] = {}
    people: dict[Any, list[Any]] = {}
    for day, specificity, giver, receiver in await owner.fetch(EVENTS_AS_THEY_ARE, acme.id):
        month = day.replace(day=1)
        pairs[month, giver, receiver] = pairs.get((month, giver, receiver), 0) + 1
        got = people.setdefault((month, receiver), [0, 0, 0, 0, None])
        got[0] += 1
        got[2] += 1
        got[3] += specificity
        got[4] = max(got[4] or day, day)
        people.setdefault((month, giver), [0, 0, 0, 0, None])[1] += 1
    return {
        "pairs": {(*key, count) for key, count in pairs.items()},
        "people": {(*key, *counts) for key, counts in people.items()},
    }


event = st.fixed_dictionaries(
    {
        "giver": st.integers(0, 3),
        "others": st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
        "day": st.integers(0, 60),
        "message": st.sampled_from(MESSAGES),
        "source": st.sampled_from(("api", "api", "api", "automatic")),
    }
)
step = st.one_of(
    st.tuples(st.just("record"), st.lists(event, min_size=1, max_size=6)),
    st.tuples(st.just("edit"), st.integers(0, 99), st.sampled_from(MESSAGES)),
    st.tuples(st.just("delete"), st.integers(0, 99)),
    st.tuples(st.just("move"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("erase"), st.integers(0, 3)),
)


def as_written(drawn: dict[str, Any]) -> RecognitionWrite:
    giver = drawn["giver"]
    return RecognitionWrite(
        giver=PEOPLE[giver],
        receivers=[PEOPLE[(giver + other) % 4] for other in drawn["others"]],
        message=drawn["message"],
        occurred_at=datetime(2026, 1, 15, 23, 30, tzinfo=UTC) + timedelta(drawn["day"]),
        source=drawn["source"],
    )


class Story:
    """Does steps, each in a transaction of its own, and knows the events that are left."""

    def __init__(self, acme: Tenant) -> None:
        self.acme = acme
        self.events: list[UUID] = []

    async def do(self, name: str, *arguments: Any) -> None:
        async with self.acme.database.tenant_session(self.acme.id) as session:
            await getattr(self, name)(session, *arguments)

    async def record(self, session: Any, drawn: Sequence[dict[str, Any]]) -> None:
        wanted = [as_written(one) for one in drawn]
        outcomes = await service.record(session, wanted, datetime.now(UTC))
        self.events += [outcome.id for outcome in outcomes]  # type: ignore[union-attr, misc]

    async def edit(self, session: Any, chosen: int, message: str) -> None:
        if self.events:
            target, patch = self.events[chosen % len(self.events)], RecognitionPatch(message=message)
            now = datetime.now(UTC)
            await service.edit_event(session, target, patch, Preconditions(), now)

    async def delete(self, session: Any, chosen: int) -> None:
        if self.events:
            target = self.events.pop(chosen % len(self.events))
            await service.delete_event(session, target, Preconditions())

    async def move(self, session: Any, person: int, is_in_team: bool) -> None:
        body = {"team": "team" if is_in_team else None}
        answer = await self.acme.client.patch(f"/v1/people/{PEOPLE[person]}", json=body)
        assert answer.status_code == 200

    async def erase(self, session: Any, person: int) -> None:
        person_id = await find_person(session, PEOPLE[person])
        await service.erase_person(session, person_id)
        left = await service.find_events(session, NOTHING, None, 1000)
        self.events = [row.id for row in left]


NOTHING = service.Filters(None, None, None, None, None, None, None)


@given(steps=st.lists(step, min_size=1, max_size=12))
@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_buckets_equal_a_recomputation_after_every_story(
    steps: list[tuple[Any, ...]], acme: Tenant, owner: asyncpg.Connection
) -> None:
    story = Story(acme)
    if not await owner.fetchval("SELECT count(*) FROM people WHERE organization_id = $1", acme.id):
        await people_on_file(acme, *PEOPLE)
        await team_on_file(acme, "team")
    await owner.execute("DELETE FROM recognitions WHERE organization_id = $1", acme.id)
    for table in ("recognition_month_pairs", "recognition_month_people"):
        await owner.execute(f"DELETE FROM {table} WHERE organization_id = $1", acme.id)
    for one in steps:
        await story.do(*one)
    assert await buckets_of(owner, acme) == await recomputed(owner, acme)


async def test_a_month_is_that_of_the_organizations_day(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    await people_on_file(acme, "ann", "bob")
    await api.post(EVENTS, json=thanks(occurred_at="2026-01-31T23:30:00Z"))
    await api.patch("/v1/organization", json={"time_zone": "UTC"})
    [found] = await owner.fetch(BUCKETS["pairs"], acme.id)
    assert found["month"] == date(2026, 2, 1)
    [event] = (await api.get(EVENTS)).json()["items"]
    assert (await api.delete(f"{EVENTS}/{event['id']}")).status_code == 204
    assert await buckets_of(owner, acme) == {"pairs": set(), "people": set()}


async def test_what_nobody_reads_is_not_written(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    """All who thank somebody in one month would wait for one row."""
    await people_on_file(acme, "ann", "bob")
    await api.post(EVENTS, json=thanks())
    assert (
        await owner.fetchval("SELECT count(*) FROM recognition_months WHERE organization_id = $1", acme.id)
        == 0
    )


async def test_an_erased_person_leaves_what_others_received(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", "bob", "cy")
    for sent in (thanks("ann", "bob"), thanks("bob", "ann"), thanks("cy", "ann", "bob"), thanks("cy", "bob")):
        await api.post(EVENTS, json=sent)
    async with acme.database.tenant_session(acme.id) as session:
        await service.erase_person(session, await find_person(session, "bob"))
    left = [(event["giver"], event["receivers"]) for event in (await api.get(EVENTS)).json()["items"]]
    assert left == [("cy", ["ann"])]
    assert (await api.delete("/v1/people/bob")).status_code == 204
