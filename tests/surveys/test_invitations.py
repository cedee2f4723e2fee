"""Who is issued a token, who sees it, and what is kept of it."""

import asyncio
import json
from collections import Counter
from itertools import pairwise
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.secrets import token_hash
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.tokens import (
    Invited,
    new_nonce,
    padded_person,
    read_token,
    recipient_key,
    token_of,
)
from tests.conftest import SECRET, Tenant, stranger
from tests.surveys.inviting import MODES, answer, ask, employ, invited, tokens
from tests.surveys.test_privacy import TENANT_TABLES, linked, people_ids
from tests.surveys.test_surveys import BYSTANDERS, draft, hire, opened
from tests.world import rows_of

NAMES = [f"E-{number}" for number in range(12)]
KEYRING = stranger(SECRET)
MANY_PEOPLE = (
    "INSERT INTO people (organization_id, id, external_id, name, is_active, segments)"
    " SELECT $1, gen_random_uuid(), 'E-' || n, 'E', true, '{}' FROM generate_series(1, $2) n"
)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


# ------------------------------------------------------------------ tokens


@given(st.uuids(), st.uuids(), st.binary(min_size=16, max_size=16))
def test_a_token_says_whose_it_is(organization: UUID, survey: UUID, nonce: bytes) -> None:
    token = token_of(KEYRING, organization, survey, nonce)
    found = read_token(KEYRING, token)
    assert found is not None
    assert found == Invited(organization, survey, token_hash(token))
    assert len(token) == 90


@given(st.integers(0, 89), st.sampled_from(ALPHABET), st.integers(0, 2**32))
def test_a_token_changed_anywhere_is_not_genuine(place: int, letter: str, number: int) -> None:
    token = token_of(KEYRING, UUID(int=number), UUID(int=2), b"n" * 16)
    changed = token[:place] + letter + token[place + 1 :]
    assert (read_token(KEYRING, changed) is None) == (changed != token)


@pytest.mark.parametrize("bad", ["", "bti_", "btk_live_x", "é" * 90, "bti_" + "A" * 86, "x" * 100_000])
def test_what_is_no_token_is_not_genuine(bad: str) -> None:
    assert read_token(KEYRING, bad) is None


def test_a_token_has_one_spelling_and_one_secret() -> None:
    token = token_of(KEYRING, uuid4(), uuid4(), new_nonce())
    for other in (
        token + "==",
        token + "A",
        token[:-1],
        token[4:],
        "bti_" + token,
        token + " ",
        token.upper(),
    ):
        assert read_token(KEYRING, other) is None, other
    assert read_token(stranger(), token) is None


def test_the_parts_of_two_tokens_do_not_make_a_third() -> None:
    organization, survey, nonce = uuid4(), uuid4(), new_nonce()
    token = token_of(KEYRING, organization, survey, nonce)
    for other in (
        token_of(KEYRING, uuid4(), survey, nonce),
        token_of(KEYRING, organization, uuid4(), nonce),
        token_of(KEYRING, organization, survey, new_nonce()),
    ):
        assert read_token(KEYRING, token[:68] + other[68:]) is None


@given(st.uuids(), st.uuids(), st.binary(min_size=16, max_size=16))
def test_a_person_padded_twice_is_the_person(organization: UUID, person: UUID, nonce: bytes) -> None:
    hidden = padded_person(KEYRING, organization, nonce, person)
    assert hidden != person
    assert padded_person(KEYRING, organization, nonce, hidden) == person


# ------------------------------------------------------------------ issuing


@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_a_token_is_shown_with_its_person(mode: str, acme: Tenant) -> None:
    await hire(acme.client, *NAMES[:5])
    survey_id = await opened(acme.client, **MODES[mode])
    issued = await ask(acme.client, survey_id, people=["E-0"], send=False)
    ((only),) = issued.json()["invitations"]
    assert (only["respondent"], only["team"], only["segments"]) == ("E-0", None, None)
    rest = (await ask(acme.client, survey_id)).json()
    assert {one["respondent"] for one in rest["invitations"]} == set(NAMES[1:5])
    assert (rest["issued"], rest["mailed"], rest["not_issued"]) == (4, 0, [])
    assert (await ask(acme.client, survey_id, people=None)).json()["issued"] == 0


async def test_a_new_token_takes_the_place_of_the_old_one(acme: Tenant) -> None:
    await hire(acme.client, "E-1", "E-2")
    survey_id = await opened(acme.client)
    old, other = await tokens(acme.client, survey_id, "E-1", "E-2")
    (new,) = await tokens(acme.client, survey_id, "E-1")
    refused = await answer(acme, old)
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_replaced")
    for token in (new, other):
        assert (await answer(acme, token)).status_code == 201


async def test_anonymous_tokens_come_without_persons_and_say_where_to_hand_them_out(acme: Tenant) -> None:
    for team in ("sales", "works"):
        await acme.client.put(f"/v1/teams/{team}", json={"name": team})
        names = [f"{team}-{number}" for number in range(20)]
        for site, part in (("Delft", names[:8]), ("Gouda", names[8:])):
            await employ(acme.client, *part, team=team, segments={"site": site})
    survey_id = await opened(acme.client, **MODES["anonymous"], report_by=["site"])
    found = await invited(acme.client, survey_id)
    assert {one["respondent"] for one in found} == {None}
    places = [(one["team"], one["segments"]["site"]) for one in found]
    assert Counter(places) == {
        ("sales", "Delft"): 8,
        ("sales", "Gouda"): 12,
        ("works", "Delft"): 8,
        ("works", "Gouda"): 12,
    }
    changes = sum(one != other for one, other in pairwise(places))
    assert changes > 10  # in the order of cells it would be 3; by chance about 29


async def test_few_anonymous_tokens_are_not_shown(acme: Tenant) -> None:
    """Asked for one person, the one token would be theirs."""
    for team, names in (("sales", NAMES[:6]), ("works", NAMES[6:])):
        await hire(acme.client, *names, team=team)
    survey_id = await opened(acme.client, **MODES["anonymous"])
    for people in (NAMES[:1], NAMES[:4], [*NAMES[:4], *NAMES[6:10]]):
        refused = await ask(acme.client, survey_id, people=people)
        assert (refused.status_code, refused.json()["code"]) == (422, "too_few_at_once")
    issued = (await ask(acme.client, survey_id, people=[*NAMES[:5], NAMES[6]])).json()
    assert (issued["issued"], {one["team"] for one in issued["invitations"]}) == (5, {"sales"})
    assert issued["not_issued"] == [{"respondent": NAMES[6], "reason": "too_few_at_once"}]
    again = (await ask(acme.client, survey_id, people=NAMES[:5] + NAMES[6:11])).json()
    assert again["issued"] == 5
    assert {one["reason"] for one in again["not_issued"]} == {"already_issued"}
    assert [one["respondent"] for one in again["not_issued"]] == NAMES[:5]
    left = await ask(acme.client, survey_id)
    assert left.json()["code"] == "too_few_at_once"


async def test_what_cannot_be_asked_for(acme: Tenant) -> None:
    api = acme.client
    await hire(api, "E-1")
    survey_id = await opened(api)
    await hire(api, "E-2")
    for place, members, code in (
        ("#/send", {"send": True}, "mail_not_set_up"),
        ("#/subject", {"send": False, "subject": {"en": "Come"}}, "not_mailed"),
        ("#/text", {"text": {"en": "{link}"}}, "not_mailed"),
        ("#/send_at", {"send_at": "2099-01-01T00:00:00Z"}, "not_mailed"),
        ("#/people", {"people": []}, "invalid_value"),
        ("#/people/1", {"people": ["E-1", 7]}, "invalid_value"),
        ("#/send", {"send": "yes"}, "invalid_value"),
    ):
        refused = await ask(api, survey_id, **members)
        assert (refused.status_code, refused.json()["code"]) == (422, code), members
        assert refused.json()["errors"][0]["pointer"] == place
    unasked = await ask(api, survey_id, subject={"en": "Come"})
    assert "cannot mail them" in unasked.json()["detail"], "send was left out, so it is not called false"
    everybody = {one["respondent"] for one in await invited(api, survey_id)}
    assert everybody == {"E-1", *BYSTANDERS}, "nothing was issued by the way"


async def test_one_bad_name_holds_up_nobody_else(acme: Tenant) -> None:
    await hire(acme.client, "E-1", "E-2")
    survey_id = await opened(acme.client)
    await hire(acme.client, "late")
    names = ["E-1", "nobody", "late", "a b", "E-2", "E-1", "nobody", "x" * 1000, "/"]
    answered = await ask(acme.client, survey_id, people=names, send=False)
    assert answered.status_code == 201
    issued = answered.json()
    assert [one["respondent"] for one in issued["invitations"]] == ["E-1", "E-2"]
    assert [(one["respondent"], one["reason"]) for one in issued["not_issued"]] == [
        ("nobody", "not_invited"),
        ("late", "not_invited"),
        ("a b", "not_invited"),
        ("E-1", "duplicate_in_batch"),
        ("nobody", "duplicate_in_batch"),
        ("x" * 1000, "not_invited"),
        ("/", "not_invited"),
    ]
    nobody = await ask(acme.client, survey_id, people=["nobody"])
    assert (nobody.status_code, nobody.json()["issued"]) == (201, 0)


async def test_only_an_open_survey_of_invited_people_issues(acme: Tenant) -> None:
    api = acme.client
    waiting, anybody = await draft(api), await opened(api, mode="anonymous", access="open")
    assert (await ask(api, waiting)).json()["code"] == "survey_not_open"
    assert (await ask(api, anybody)).json()["code"] == "not_by_invitation"
    closed = await opened(api)
    await api.post(f"/v1/surveys/{closed}/close")
    assert (await ask(api, closed)).json()["code"] == "survey_not_open"
    again = await opened(api)
    everybody = await ask(api, again)
    nobody = await ask(api, again)
    assert [(one.status_code, one.json()["issued"]) for one in (everybody, nobody)] == [(201, 5), (201, 0)]


async def test_tokens_are_shown_once(acme: Tenant) -> None:
    await hire(acme.client, "E-1")
    survey_id = await opened(acme.client)
    first = await ask(acme.client, survey_id, "k")
    assert first.headers["cache-control"] == "no-store"
    again = await ask(acme.client, survey_id, "k")
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    assert (await answer(acme, first.json()["invitations"][0]["token"])).status_code == 201
    other = await ask(acme.client, survey_id, "k", send=False)
    assert other.json()["code"] == "idempotency_key_reused"


async def test_a_key_in_use_waits(acme: Tenant) -> None:
    await hire(acme.client, *NAMES)
    survey_id = await opened(acme.client)
    answers = await asyncio.gather(*(ask(acme.client, survey_id, "k") for _ in range(4)))
    codes = sorted(answer.json().get("code", "issued") for answer in answers)
    assert codes.count("issued") == 1
    assert set(codes) <= {"issued", "idempotency_in_progress", "secret_already_shown"}


async def test_racing_requests_issue_each_person_one_token_that_works(acme: Tenant) -> None:
    await hire(acme.client, *NAMES[:6])
    survey_id = await opened(acme.client, **MODES["anonymous"])
    answers = await asyncio.gather(*(ask(acme.client, survey_id) for _ in range(4)))
    assert sorted(answer.json()["issued"] for answer in answers) == [0, 0, 0, 6]


# ------------------------------------------------------------------ what is kept


@pytest.mark.parametrize("mode", MODES)
async def test_neither_tokens_nor_persons_are_kept(
    mode: str, acme: Tenant, owner: asyncpg.Connection
) -> None:
    await hire(acme.client, *NAMES)
    survey_id = await opened(acme.client, **MODES[mode])
    shown = await tokens(acme.client, survey_id)
    stored = await rows_of(owner, str(acme.id))
    told = json.dumps(stored)
    assert not [token for token in shown if token in told or token[70:] in told]
    persons = await people_ids(owner, acme)
    kept = json.dumps([stored["invitations"], stored["invitation_deliveries"]])
    assert len(stored["invitations"]) == len(stored["invitation_deliveries"]) == len(NAMES)
    assert any(str(person) in kept for person in persons.values()) == (mode == "attributed")
    assert not any(name in kept for name in NAMES)
    rows = await owner.fetch("SELECT * FROM invitations WHERE survey_id = $1", UUID(survey_id))
    assert {row["token_hash"] for row in rows} == {token_hash(token) for token in shown}
    assert all((row["respondent_key"] is None) == (mode == "anonymous") for row in rows)
    recipients = await owner.fetch(
        "SELECT * FROM invitation_deliveries WHERE survey_id = $1", UUID(survey_id)
    )
    assert {row["recipient_key"] for row in recipients} == {
        recipient_key(acme.database.keyring, acme.id, UUID(survey_id), person) for person in persons.values()
    }
    assert {(row["nonce"], row["person_seal"], row["sealed_person"]) for row in recipients} == {
        (None, None, None)
    }


async def test_no_row_that_names_a_person_shares_a_transaction_with_his_pseudonym(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    """Issued alone, a pseudonym beside a person's row would be theirs: in this survey and in every other."""
    await hire(acme.client, *NAMES[:3])
    survey_id = await opened(acme.client)
    await ask(acme.client, survey_id, "k", people=["E-1"])
    rows = await owner.fetch("SELECT *, xmin::text FROM invitations WHERE survey_id = $1", UUID(survey_id))
    assert len(rows) == 1
    assert await linked(owner, rows, "xmin") <= {
        "invitations",
        "invitation_deliveries",
        "idempotency_records",
        "audit_entries",
    }
    named = "SELECT count(*) FROM audit_entries WHERE organization_id = $1 AND person IS NOT NULL"
    assert await owner.fetchval(named, acme.id) == 0
    assert await linked(owner, rows, "xmax") <= {"surveys", "organizations"}


async def test_the_order_of_anonymous_invitations_is_not_kept(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    """In whatever order persons were named, rows lie by chance, all of one transaction; a later issue in
    the cell writes those before it anew."""
    await hire(acme.client, *NAMES, team="sales")
    survey_id = await opened(acme.client, **MODES["anonymous"])
    await tokens(acme.client, survey_id, *NAMES[:6])
    before = await transactions(owner, survey_id)
    await tokens(acme.client, survey_id, *NAMES[6:])
    after = await transactions(owner, survey_id)
    assert len(before) == 6
    assert len(after) == 12
    assert len(set(before.values())) == len(set(after.values())) == 1
    assert before.keys() < after.keys()
    assert set(before.values()).isdisjoint(after.values())


async def transactions(owner: asyncpg.Connection, survey_id: str) -> dict[bytes, str]:
    rows = await owner.fetch(
        "SELECT token_hash, xmin::text AS xmin FROM invitations WHERE survey_id = $1", UUID(survey_id)
    )
    return {row["token_hash"]: row["xmin"] for row in rows}


async def test_rows_lie_in_no_order_that_was_given(acme: Tenant, owner: asyncpg.Connection) -> None:
    survey_id = UUID(await opened(acme.client))
    hashes = [number.to_bytes(2, "big") for number in range(200)]
    async with acme.database.tenant_session(acme.id) as session:
        rows = [(one, 0, None) for one in hashes]
        await invitation_queries.remember(session, survey_id, rows, [])
    lie = await owner.fetch(
        "SELECT token_hash FROM invitations WHERE survey_id = $1 ORDER BY ctid", survey_id
    )
    falls = sum(one["token_hash"] > other["token_hash"] for one, other in pairwise(lie))
    assert 70 < falls < 130  # an order kept has none or all; by chance outside once in a hundred thousand


async def test_closing_forgets_what_was_issued(acme: Tenant, owner: asyncpg.Connection) -> None:
    await hire(acme.client, *NAMES)
    survey_id = await opened(acme.client)
    (used, *_) = await tokens(acme.client, survey_id)
    await answer(acme, used)
    assert {"invitations", "invitation_deliveries"} <= set(TENANT_TABLES)
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    stored = await rows_of(owner, str(acme.id))
    assert stored["invitations"] == stored["invitation_deliveries"] == []


# ------------------------------------------------------------------ many


@pytest.mark.nightly  # a hundred thousand people
@pytest.mark.parametrize("mode", MODES)
async def test_a_hundred_thousand_at_once(mode: str, acme: Tenant, owner: asyncpg.Connection) -> None:
    await owner.execute(MANY_PEOPLE, acme.id, 100_000)
    survey_id = await opened(acme.client, **MODES[mode])
    url = f"/v1/surveys/{survey_id}/invitations"
    headers, transport = acme.client.headers, httpx.ASGITransport(app=acme.app)
    # Past the contract's validator, which would take a minute.
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        issued = (await client.post(url, json={})).json()
        again = await client.post(url, json={"people": [f"E-{n}" for n in range(1, 100_001)]})
    shown = {one["token"] for one in issued["invitations"]}
    assert len(shown) == issued["issued"] == 100_000
    assert again.json()["issued"] == (0 if mode == "anonymous" else 100_000)
    newest = again.json()["invitations"] or issued["invitations"]
    assert (await answer(acme, newest[-1]["token"])).status_code == 201


@pytest.mark.nightly  # a hundred thousand people
async def test_a_survey_opens_right_after_a_first_sync(acme: Tenant, owner: asyncpg.Connection) -> None:
    """Also on a connection that has planned its checks of foreign keys for hardly anybody."""
    await hire(acme.client, *(f"early-{number}" for number in range(12)))
    for _ in range(4):
        await opened(acme.client)
    await owner.execute(MANY_PEOPLE, acme.id, 100_000)
    await opened(acme.client)
