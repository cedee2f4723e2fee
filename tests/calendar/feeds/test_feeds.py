import asyncio
import logging
import re
from calendar import isleap
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from icalendar import Calendar
from sqlalchemy import text

from app.calendar.feeds.service import read_feed
from app.calendar.queries import person_id
from app.serving import open_door, url_of
from tests.calendar.feeds import readers
from tests.calendar.staff import people_on_file, team_on_file
from tests.calendar.test_calendar import all_celebrated, put
from tests.clock import today
from tests.conftest import Tenant, client_for
from tests.contract import ContractClient

FEEDS = "/v1/calendar/feeds"
YEARS = 5


async def new_feed(api: ContractClient, **more: Any) -> str:
    """Its address, as a path."""
    made = await api.post(FEEDS, json=more)
    assert made.status_code == 201, made.text
    return httpx.URL(made.json()["url"]).path


async def summaries(anonymous: ContractClient, path: str) -> set[str]:
    answer = await anonymous.get(path)
    assert answer.status_code == 200
    return {str(event["SUMMARY"]) for event in Calendar.from_ical(answer.content).walk("VEVENT")}


@pytest.fixture
async def staff(acme: Tenant, api: ContractClient) -> None:
    """Days that calendar programs are known to read differently."""
    year = today().year
    await people_on_file(acme, "leap", starts_on=date(2016, 2, 29), name='Leap; Day, \\n "Years"')
    await people_on_file(acme, "late", starts_on=date(2000, 2, 29), name="Noor\r\nBEGIN:VEVENT")
    await api.put("/v1/people/late/celebrations", json={"leap_day_rule": "mar_1"})
    await people_on_file(acme, "half", starts_on=date(year - 12, 8, 31), name="👨‍👩‍👧‍👦" * 20)
    await people_on_file(acme, "leaver", ends_on=date(year + 2, 6, 15))
    await people_on_file(acme, "gone", ends_on=date(year - 1, 6, 15))
    await people_on_file(acme, "joiner", starts_on=date(year + 1, 3, 1))
    await people_on_file(acme, "inactive", is_active=False)
    everybody: dict[str, Any] = {"visibility": "organization"}
    for person in ("leap", "leaver", "gone", "joiner", "inactive"):
        await put(api, person, "birthday", 6, 15, kind="birthday", **everybody)
    await put(api, "leap", "early", 2, 29, leap_day_rule="feb_28", **everybody)
    await put(api, "leap", "on-the-first", 2, 29, leap_day_rule="mar_1", **everybody)
    await put(api, "leap", "new-year", 1, 1, **everybody)
    await put(api, "leap", "eve", 12, 31, **everybody)
    await put(api, "leap", "wedding", 5, 20, kind="wedding", year=year + 1, **everybody)
    await put(api, "leap", "move", 2, 28, year=year + 2, recurrence="once", **everybody)
    await put(api, "leap", "past", 2, 28, year=year - 2, recurrence="once", **everybody)
    await put(api, "leap", "for-the-team", 7, 7)
    await put(api, "leap", "refused", 7, 8, consent=False, **everybody)


def years() -> range:
    """From last year on: its days stay."""
    return range(today().year - 1, today().year + YEARS)


def first_and_last() -> tuple[date, date]:
    return date(years()[0], 1, 1), date(years()[-1], 12, 31)


async def expected(acme: Tenant, api: ContractClient) -> readers.Found:
    """What /v1/calendar has, as the feed names it."""
    items = []
    for year in years():
        items += await all_celebrated(api, f"{year}-01-01", f"{year}-12-31")
    async with acme.database.tenant_session(acme.id) as session:
        ids = {
            one: await person_id(session, one) for one in {item["person"]["external_id"] for item in items}
        }
    return {(uid_of(item, ids[item["person"]["external_id"]]), item["date"]) for item in items
            if item["visibility"] == "organization"}  # fmt: skip


def uid_of(item: dict[str, Any], person: UUID | None) -> str:
    half = f"/{round(item['years'] * 12)}" if item["years"] and item["years"] % 1 else ""
    return f"{person}-{item['key']}{half}@betrokken"


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The service on a real port, for programs that are not ours."""
    with open_door("127.0.0.1", 0) as door:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        server.config.load()
        serving = asyncio.create_task(server.serve(sockets=[door]))
        yield url_of(door)
        server.should_exit = True
        await serving


@pytest.mark.nightly
@pytest.mark.usefixtures("staff")
async def test_icalendar_reads_five_years_as_the_calendar_has_them(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    body = (await anonymous.get(await new_feed(api, alarm_days=1))).content
    wanted = await expected(acme, api)
    assert len({day for _, day in wanted if day[5:] in ("02-28", "02-29", "03-01")}) >= 9
    assert readers.by_icalendar(body, *first_and_last()) == wanted


@pytest.mark.nightly
@pytest.mark.usefixtures("staff")
async def test_khal_through_vdirsyncer_reads_the_same(
    acme: Tenant,
    api: ContractClient,
    anonymous: ContractClient,
    served: str,
    tmp_path: Path,
) -> None:
    path = await new_feed(api, language="nl")
    found = await readers.by_khal(served + path, tmp_path, *first_and_last())
    events = Calendar.from_ical((await anonymous.get(path)).content).walk("VEVENT")
    titles = {str(event["UID"]): str(event["SUMMARY"]) for event in events}
    assert found == {(titles[uid], day) for uid, day in await expected(acme, api)}
    assert any("12,5 jaar in dienst" in title for title, _ in found)


@pytest.mark.nightly
@pytest.mark.usefixtures("staff")
async def test_ical_js_reads_the_same(
    acme: Tenant, api: ContractClient, anonymous: ContractClient, tmp_path: Path
) -> None:
    file = tmp_path / "feed.ics"
    file.write_bytes((await anonymous.get(await new_feed(api, alarm_days=0))).content)
    assert await readers.by_ical_js(file, *first_and_last()) == await expected(acme, api)


@pytest.mark.usefixtures("staff")
async def test_a_feed_is_as_calendar_programs_want_it(api: ContractClient, anonymous: ContractClient) -> None:
    answer = await anonymous.get(await new_feed(api, alarm_days=2, language="nl"))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    raw = answer.content.decode()
    assert all(len(line.encode()) <= 75 for line in raw.split("\r\n"))
    assert "\n" not in raw.replace("\r\n", "")
    calendar = Calendar.from_ical(answer.content)
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=12)
    assert str(calendar["X-PUBLISHED-TTL"]) == "PT12H"
    assert str(calendar["NAME"]) == "Bijzondere dagen Acme"
    for event in calendar.walk("VEVENT"):
        assert event["DTSTART"].dt.year >= years()[0] - 1, (
            "a series that starts in a birth year publishes an age"
        )
        assert event["TRANSP"] == "TRANSPARENT"
        [alarm] = event.walk("VALARM")
        assert alarm["TRIGGER"].dt == timedelta(hours=8) - timedelta(days=2)
        assert str(alarm["DESCRIPTION"]) == str(event["SUMMARY"])
    names = {str(event["SUMMARY"]) for event in calendar.walk("VEVENT")}
    assert 'Leap; Day, \\n "Years" is jarig' in names
    assert "Noor BEGIN:VEVENT: in dienst sinds 2000" in names
    assert "👨‍👩‍👧‍👦" * 20 + ": 12,5 jaar in dienst" in names


async def test_the_same_feed_is_not_sent_twice(
    api: ContractClient, anonymous: ContractClient, acme: Tenant
) -> None:
    await people_on_file(acme, "ann")
    await put(api, "ann", "birthday", 5, 4, kind="birthday", visibility="organization")
    path = await new_feed(api)
    first = await anonymous.get(path)
    held = {"If-None-Match": first.headers["etag"]}
    assert (await anonymous.get(path, headers=held)).status_code == 304
    uids = re.findall("UID:.*", first.text)
    await put(api, "ann", "birthday", 5, 5, kind="birthday", visibility="organization")
    changed = await anonymous.get(path, headers=held)
    assert changed.status_code == 200
    assert re.findall("UID:.*", changed.text) == uids
    await put(api, "ann", "birthday", 5, 5, kind="birthday", visibility="organization", consent=False)
    assert "VEVENT" not in (await anonymous.get(path)).text


async def test_a_token_is_revoked_and_replaced_at_once_and_kept_as_a_hash(
    api: ContractClient, anonymous: ContractClient, acme: Tenant
) -> None:
    made = (await api.post(FEEDS, json={})).json()
    path = httpx.URL(made["url"]).path
    token = path.removeprefix(f"{FEEDS}/").removesuffix(".ics")
    assert len(token) >= 43
    renewed = await api.post(f"{FEEDS}/{made['id']}/token", headers={"Idempotency-Key": "renew"})
    assert (await anonymous.get(path)).status_code == 404
    path = httpx.URL(renewed.json()["url"]).path
    assert (await anonymous.get(path)).status_code == 200
    again = await api.post(f"{FEEDS}/{made['id']}/token", headers={"Idempotency-Key": "renew"})
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    assert "url" not in (await api.get(FEEDS)).json()["items"][0]
    async with acme.database.system_session(reason="test") as session:
        for table in ("calendar_feeds", "credentials", "idempotency_records"):
            for stored in await session.scalars(text(f"SELECT t::text FROM {table} t")):
                assert token not in stored
                assert path.removeprefix(f"{FEEDS}/")[:20] not in stored
    assert (await api.delete(f"{FEEDS}/{made['id']}")).status_code == 204
    assert (await api.delete(f"{FEEDS}/{made['id']}")).status_code == 404
    assert (await anonymous.get(path)).status_code == 404
    assert (await api.post(f"{FEEDS}/{made['id']}/token")).status_code == 404


async def test_a_guessed_token_opens_nothing_and_none_is_logged(
    api: ContractClient, anonymous: ContractClient, acme: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = await new_feed(api)
    token = path.removeprefix(f"{FEEDS}/").removesuffix(".ics")
    key = await acme.key()
    for guess in ("x", token[:-1], token + "x", token.swapcase(), key, "%00", "a" * 43):
        answer = await anonymous.get(f"{FEEDS}/{guess}.ics")
        assert answer.status_code in (404, 422), guess
    assert (await anonymous.get(f"{FEEDS}/{'a' * 101}.ics")).status_code == 422
    assert (await anonymous.get(path)).status_code == 200
    own = [record for record in caplog.records if record.name.startswith("betrokken")]
    assert not [record for record in own if token in str(vars(record))]


async def test_a_feed_s_token_is_no_api_key(api: ContractClient, app: FastAPI) -> None:
    token = (await new_feed(api)).removeprefix(f"{FEEDS}/").removesuffix(".ics")
    assert (await client_for(app, token).get("/v1/me")).status_code == 401


async def test_feeds_of_another_organization_show_their_own(
    acme: Tenant, other: Tenant, anonymous: ContractClient
) -> None:
    last_year = today().year - 1
    await people_on_file(acme, "ann", starts_on=date(last_year, 5, 4))
    path = await new_feed(acme.client)
    assert await summaries(anonymous, path) == {f"Ann: with us since {last_year}", "Ann: first day"}
    assert await summaries(anonymous, await new_feed(other.client)) == set()
    [feed] = (await acme.client.get(FEEDS)).json()["items"]
    assert (await other.client.delete(f"{FEEDS}/{feed['id']}")).status_code == 404
    assert await summaries(anonymous, path) == {f"Ann: with us since {last_year}", "Ann: first day"}


async def test_teams_and_managers_see_what_is_for_the_team(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    sales = await team_on_file(acme, "sales")
    await people_on_file(acme, "ann", team_id=await team_on_file(acme, "sales-nl", sales), manager="bob")
    await people_on_file(acme, "bob", team_id=sales, manager="cy")
    await people_on_file(acme, "cy", manager="ann")
    for person in ("ann", "bob", "cy"):
        await put(api, person, "day", 5, 4, label="for the team")
        await put(api, person, "secret", 5, 5, visibility="private")
    await put(api, "cy", "party", 5, 4, label="for everybody", visibility="organization")
    assert await summaries(anonymous, await new_feed(api)) == {"Cy: for everybody"}
    assert await summaries(anonymous, await new_feed(api, scope="team", team="sales")) == {
        "Ann: for the team",
        "Bob: for the team",
    }
    assert await summaries(anonymous, await new_feed(api, scope="manager", manager="bob")) == {
        "Ann: for the team",
        "Cy: for the team",
        "Cy: for everybody",
    }


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"scope": "team"}, "scope_not_named"),
        ({"scope": "organization", "team": "sales"}, "scope_not_named"),
        ({"scope": "manager", "team": "sales"}, "scope_not_named"),
        ({"scope": "team", "team": "nobody-s"}, "unknown_team"),
        ({"scope": "manager", "manager": "nobody"}, "unknown_manager"),
        ({"alarm_days": -1}, "invalid_value"),
        ({"language": "fr"}, "invalid_value"),
    ],
)
async def test_bad_feeds_are_refused(api: ContractClient, sent: dict[str, Any], code: str) -> None:
    answer = await api.post(FEEDS, json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_feed_s_idempotency_key_makes_one_feed(api: ContractClient) -> None:
    key = {"Idempotency-Key": "one"}
    assert (await api.post(FEEDS, json={}, headers=key)).status_code == 201
    again = await api.post(FEEDS, json={}, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    reused = await api.post(FEEDS, json={"alarm_days": 3}, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await api.get(FEEDS)).json()["items"]) == 1


async def test_feeds_are_listed_newest_first_in_pages(api: ContractClient) -> None:
    for days in (1, 2, 3):
        await new_feed(api, alarm_days=days)
    first = await api.get(FEEDS, params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    assert [feed["alarm_days"] for feed in first.json()["items"] + rest.json()["items"]] == [3, 2, 1]


@pytest.mark.nightly  # fifty thousand people
async def test_fifty_thousand_people_in_one_feed(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(
            text(
                "INSERT INTO people (organization_id, id, external_id, name, is_active, segments, starts_on)"
                " SELECT :id, gen_random_uuid(), 'p' || n, 'Person ' || n, true, '{}',"
                " DATE '2010-01-01' + n % 5000 FROM generate_series(1, 50000) n"
            ),
            {"id": acme.id},
        )
    path = await new_feed(api)
    assert (await anonymous.get(path)).content.count(b"BEGIN:VEVENT") >= 50_000


async def test_an_empty_feed_has_a_component(api: ContractClient, anonymous: ContractClient) -> None:
    """RFC 5545, 3.6: without one a reader may refuse it."""
    found = Calendar.from_ical((await anonymous.get(await new_feed(api))).content)
    assert [part.name for part in found.subcomponents] == ["VTIMEZONE"]


async def test_an_address_is_where_it_was_asked_for_unless_one_is_set(acme: Tenant) -> None:
    for port in (9000, 9001):
        client = client_for(acme.app, await acme.key())
        client.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        made = (await client.post(FEEDS, json={})).json()
        assert made["url"].startswith(f"http://127.0.0.1:{port}/v1/calendar/feeds/")
        renewed = (await client.post(f"{FEEDS}/{made['id']}/token")).json()
        assert renewed["url"].startswith(f"http://127.0.0.1:{port}/v1/calendar/feeds/")
    settings = acme.app.state.settings
    acme.app.state.settings = settings.model_copy(update={"public_url": "https://people.example.com/"})
    try:
        made = (await client.post(FEEDS, json={})).json()
    finally:
        acme.app.state.settings = settings
    assert made["url"].startswith("https://people.example.com/v1/calendar/feeds/")


async def test_what_changes_has_a_higher_sequence(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    await people_on_file(acme, "ann")
    await put(api, "ann", "wedding", 6, 15, visibility="organization")
    path = await new_feed(api)
    [before] = Calendar.from_ical((await anonymous.get(path)).content).walk("VEVENT")
    async with acme.database.tenant_session(acme.id) as session:
        await session.execute(
            text("UPDATE occasions SET day = 16, updated_at = now() + interval '5 seconds'")
        )
    [after] = Calendar.from_ical((await anonymous.get(path)).content).walk("VEVENT")
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after["DTSTAMP"].to_ical() > before["DTSTAMP"].to_ical()


async def test_a_leap_day_on_the_first_of_march_needs_no_day_of_the_year(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    """Outlook's own templates know no BYYEARDAY; leap years are moved from the series of 1 March."""
    first = today().year + 1
    last = next(year for year in range(first + 9, first + 18) if isleap(year))
    await people_on_file(acme, "ann", ends_on=date(last, 2, 29))
    await put(api, "ann", "own", 2, 29, leap_day_rule="mar_1", visibility="organization")
    body = (await anonymous.get(await new_feed(api))).content
    assert b"BYYEARDAY" not in body
    days = {day for _, day in readers.by_icalendar(body, date(first, 1, 1), date(last + 5, 1, 1))}
    years = range(first, last + 1)
    assert days == {f"{year}-02-29" if isleap(year) else f"{year}-03-01" for year in years}


async def test_last_years_days_stay_and_a_new_year_is_a_change(
    acme: Tenant, api: ContractClient, anonymous: ContractClient
) -> None:
    await people_on_file(acme, "ann")
    await put(api, "ann", "day", 12, 30, visibility="organization")
    await put(api, "ann", "once", 12, 31, year=2031, recurrence="once", visibility="organization")
    token = (await new_feed(api)).rpartition("/")[2].removesuffix(".ics")
    changed = {}
    for year in (2031, 2032, 2033):
        now = datetime(year, 1, 2, 9, tzinfo=UTC)
        body, _ = (await read_feed(acme.database, token, now)).write()
        found = {day for _, day in readers.by_icalendar(body, date(2031, 12, 1), date(2032, 1, 1))}
        assert found == ({"2031-12-30", "2031-12-31"} if year < 2033 else set())
        [yearly] = [event for event in Calendar.from_ical(body).walk("VEVENT") if "RRULE" in event]
        changed[year] = yearly["SEQUENCE"], yearly["DTSTAMP"].dt
    assert changed[2031] < changed[2032] < changed[2033]
