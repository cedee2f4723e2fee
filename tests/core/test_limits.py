"""How many requests a key may make."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from starlette.types import Message

from app.auth.limits import Allowance
from app.core.contract import opened_by, token_in
from app.core.secrets import new_api_key
from app.core.settings import Settings
from app.core.short_codes import new_code
from app.main import create_app
from tests.conftest import SECRET, Tenant, client_for
from tests.contract import ContractClient, operations
from tests.scim.client import scim_for
from tests.surveys.inviting import ask, tokens
from tests.surveys.test_surveys import BYSTANDERS, hire, opened
from tests.waiting import until

POLICY = '"key";q=3;w=60'


def limited(acme: Tenant, database_url: str, limit: str) -> FastAPI:
    settings = Settings(pseudonym_secret=SecretStr(SECRET), worker_enabled=False, rate_limit=limit)
    app = create_app(settings, database_url)
    app.state.database = acme.database
    return app


def remaining(answer: httpx.Response) -> int:
    told = re.fullmatch(r'"key";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert told, answer.headers["ratelimit"]
    assert 1 <= int(told[2]) <= 60
    return int(told[1])


async def test_a_key_is_told_what_is_left_and_then_to_wait(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "3/minute")
    api = client_for(app, await acme.key())
    answers = [await api.get("/v1/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [remaining(answer) for answer in answers] == [2, 1, 0, 0]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {POLICY}
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert "retry-after" not in answers[0].headers


async def test_each_key_has_its_own(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "1/minute")
    one, two = [client_for(app, await acme.key()) for _ in range(2)]
    assert [(await one.get("/v1/me")).status_code for _ in range(2)] == [200, 429]
    assert (await two.get("/v1/me")).status_code == 200


async def test_refusals_count_and_made_up_keys_and_the_public_do_not(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "2/minute")
    made_up = client_for(app, "made-up")
    for _ in range(4):
        assert (await made_up.get("/v1/me")).status_code == 401
        assert "ratelimit" not in (await made_up.get("/health/live")).headers
    api = client_for(app, await acme.key("people:read"))
    assert (await api.get("/v1/people/nobody")).status_code == 404
    assert (await api.put("/v1/people/E-1", json={"name": "x"})).status_code == 403
    assert (await api.get("/v1/me")).status_code == 429


async def test_requests_at_once_are_as_many_as_one_by_one(acme: Tenant, database_url: str) -> None:
    app = limited(acme, database_url, "3/minute")
    api = client_for(app, await acme.key())
    answers = await asyncio.gather(*(api.get("/v1/me") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 5
    assert (await api.get("/v1/me")).status_code == 429


async def test_what_was_held_back_for_requests_that_do_not_count_is_given_back(
    acme: Tenant, database_url: str
) -> None:
    app = limited(acme, database_url, "3/minute")
    api = client_for(app, await acme.key())
    for _ in range(3):
        answers = await asyncio.gather(*(api.get("/health/live") for _ in range(3)))
        assert {answer.status_code for answer in answers} == {200}
    assert [(await api.get("/v1/me")).status_code for _ in range(4)] == [200, 200, 200, 429]


async def test_scim_is_refused_in_its_own_form(acme: Tenant, database_url: str) -> None:
    scim = scim_for(limited(acme, database_url, "1/minute"), await acme.key())
    assert (await scim.get("/Users")).headers["ratelimit-policy"] == '"key";q=1;w=60'
    refused = await scim.get("/Users")
    assert (refused.status_code, refused.json()["status"]) == (429, "429")
    assert refused.headers["retry-after"]


async def test_by_default_the_limit_is_beyond_any_sync(api: ContractClient) -> None:
    answer = await api.get("/v1/me")
    assert answer.headers["ratelimit-policy"] == '"key";q=120000;w=60'


async def test_it_can_be_switched_off(acme: Tenant, database_url: str) -> None:
    api = client_for(limited(acme, database_url, "none"), await acme.key())
    assert "ratelimit" not in (await api.get("/v1/me")).headers


def from_address(app: FastAPI, address: str, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 4711))
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


def guarded(acme: Tenant, database_url: str, limit: str | None = "2/minute") -> FastAPI:
    settings = Settings(pseudonym_secret=SecretStr(SECRET), worker_enabled=False, unknown_key_limit=limit)
    app = create_app(settings, database_url)
    app.state.database = acme.database
    return app


async def statuses(app: FastAPI, address: str, *keys: str, path: str = "/v1/me") -> list[int]:
    return [(await from_address(app, address, key).get(path)).status_code for key in keys]


async def test_who_guesses_keys_is_soon_not_listened_to(
    acme: Tenant, database_url: str, queries: list[str]
) -> None:
    app = guarded(acme, database_url)
    guesses = [new_api_key("live") for _ in range(5)]
    assert await statuses(app, "192.0.2.1", *guesses) == [401, 401, 429, 429, 429]
    queries.clear()
    refused = await from_address(app, "192.0.2.1", guesses[0]).put("/v1/people/E-1", json={"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert queries == []
    assert await statuses(app, "192.0.2.1", guesses[0], path="/scim/v2/Users") == [429]
    assert await statuses(app, "192.0.2.2", guesses[0]) == [401]


async def test_guesses_at_once_are_as_many_as_one_by_one(acme: Tenant, database_url: str) -> None:
    app = guarded(acme, database_url)
    guesses = [from_address(app, "192.0.2.1", new_api_key("live")) for _ in range(6)]
    answers = await asyncio.gather(*(guess.get("/v1/me") for guess in guesses))
    assert sorted(answer.status_code for answer in answers) == [401, 401, 429, 429, 429, 429]


async def test_a_real_key_is_one_guess_however_often_it_comes_at_first(
    acme: Tenant, database_url: str
) -> None:
    api = from_address(guarded(acme, database_url), "192.0.2.1", await acme.key())
    answers = await asyncio.gather(*(api.get("/v1/me") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_key_that_is_gone_is_known_no_longer(acme: Tenant, database_url: str) -> None:
    app = guarded(acme, database_url, "none")
    keys, key, gone = app.state.known_keys, await acme.key(), await acme.key("people:read")
    assert await statuses(app, "192.0.2.1", key, gone) == [200, 200]
    assert {proof.organization_id for proof in keys.proofs.values()} == {acme.id}
    assert len(keys.proofs) == 2
    me = (await from_address(app, "192.0.2.2", gone).get("/v1/me")).json()["subject"]
    assert (await from_address(app, "192.0.2.2", key).delete(f"/v1/api-keys/{me}")).status_code == 204
    assert await statuses(app, "192.0.2.1", gone) == [401]
    assert len(keys.proofs) == 1


async def test_nor_from_all_the_addresses_of_a_network(acme: Tenant, database_url: str) -> None:
    app = guarded(acme, database_url)
    for last in ("1", "2"):
        assert await statuses(app, f"2001:db8::{last}", "made-up") == [401]
    assert await statuses(app, "2001:db8::ffff:3", "made-up") == [429]
    assert await statuses(app, "2001:db8:0:1::1", "made-up") == [401]


async def test_who_shares_the_address_goes_on_with_a_key_known_here(acme: Tenant, database_url: str) -> None:
    app, key, gone = guarded(acme, database_url), await acme.key(), await acme.key("people:read")
    assert await statuses(app, "192.0.2.1", key, gone, "a", "b", "c", key) == [200, 200, 401, 401, 429, 200]
    me = (await from_address(app, "192.0.2.2", gone).get("/v1/me")).json()["subject"]
    assert (await from_address(app, "192.0.2.2", key).delete(f"/v1/api-keys/{me}")).status_code == 204
    assert await statuses(app, "192.0.2.1", gone, gone) == [401, 429]
    assert (await from_address(app, "192.0.2.1", "x").get("/health/live")).status_code == 200


async def test_a_program_whose_key_is_gone_shuts_out_no_neighbour(acme: Tenant, database_url: str) -> None:
    """It goes on asking all day; whoever comes with another key, which is new here, is let in."""
    app, key = guarded(acme, database_url, "3/minute"), await acme.key()
    gone, also_gone = new_api_key("live"), new_api_key("live")
    assert await statuses(app, "192.0.2.1", *[gone] * 6) == [401] * 3 + [429] * 3
    assert await statuses(app, "192.0.2.1", also_gone, key, key) == [401, 200, 200]
    at_once = [from_address(app, "192.0.2.1", gone).get("/v1/me") for _ in range(20)]
    fresh = from_address(app, "192.0.2.1", await acme.key("people:read")).get("/v1/me")
    assert [one.status_code for one in await asyncio.gather(*at_once, fresh)] == [429] * 20 + [200]
    assert await statuses(app, "192.0.2.1", *(new_api_key("live") for _ in range(2))) == [401, 429]


async def test_guessing_may_be_let_be(acme: Tenant, database_url: str) -> None:
    assert set(await statuses(guarded(acme, database_url, "none"), "192.0.2.1", *"abcdef")) == {401}


@pytest.mark.parametrize("limit", ["many", "0", "10", "ten/minute", "10/fortnight"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    with pytest.raises(ValidationError, match="600/minute"):
        Settings(rate_limit=limit)


# ------------------------------------------------------------------ what is no key


def of_codes(acme: Tenant, database_url: str, address: str, everybody: str) -> FastAPI:
    settings = Settings(
        pseudonym_secret=SecretStr(SECRET),
        worker_enabled=False,
        unknown_key_limit="2/minute",
        unknown_code_limit=address,
        unknown_codes_in_all=everybody,
    )
    app = create_app(settings, database_url)
    app.state.database = acme.database
    return app


async def two_codes(acme: Tenant) -> list[str]:
    await hire(acme.client, *BYSTANDERS)
    made = await ask(acme.client, await opened(acme.client), form="codes", people=BYSTANDERS[:2])
    return [one["token"] for one in made.json()["invitations"]]


def mistyped() -> str:
    code = new_code()
    return code[:-1] + ("B" if code[-1] != "B" else "C")


DOOR = "/v1/respond"


async def test_who_tries_codes_is_soon_not_listened_to(
    acme: Tenant, database_url: str, queries: list[str]
) -> None:
    app = of_codes(acme, database_url, "3/minute", "none")
    known, fresh = await two_codes(acme)
    assert await statuses(app, "192.0.2.1", known, path=DOOR) == [200]
    tried = [new_code() for _ in range(5)]
    assert await statuses(app, "192.0.2.1", *tried, path=DOOR) == [401, 401, 401, 429, 429]
    queries.clear()
    refused = await from_address(app, "192.0.2.1", fresh).get(DOOR)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert "codes" in refused.json()["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert queries == []
    assert await statuses(app, "192.0.2.1", known, known.lower(), path=DOOR) == [200, 200], "known here"
    assert await statuses(app, "192.0.2.2", fresh, path=DOOR) == [200]


async def test_who_mistypes_a_code_shuts_out_nobody(acme: Tenant, database_url: str) -> None:
    app = of_codes(acme, database_url, "1/minute", "1/minute")
    code, _ = await two_codes(acme)
    assert set(await statuses(app, "192.0.2.1", *(mistyped() for _ in range(30)), path=DOOR)) == {401}
    assert await statuses(app, "192.0.2.1", code, path=DOOR) == [200]


async def test_all_addresses_together_try_no_more_than_so_many(acme: Tenant, database_url: str) -> None:
    app = of_codes(acme, database_url, "none", "3/minute")
    known, fresh = await two_codes(acme)
    assert await statuses(app, "192.0.2.9", known, path=DOOR) == [200]
    tried = [(await statuses(app, f"192.0.2.{last}", new_code(), path=DOOR))[0] for last in range(1, 6)]
    assert tried == [401, 401, 401, 429, 429]
    assert await statuses(app, "192.0.2.7", fresh, path=DOOR) == [429]
    assert await statuses(app, "192.0.2.8", known, path=DOOR) == [200]


async def test_codes_tried_at_once_are_as_many_as_one_by_one(acme: Tenant, database_url: str) -> None:
    app = of_codes(acme, database_url, "3/minute", "none")
    guesses = [from_address(app, "192.0.2.1", new_code()) for _ in range(8)]
    answers = await asyncio.gather(*(guess.get(DOOR) for guess in guesses))
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 5


async def codes_of(acme: Tenant, number: int) -> list[str]:
    names = [f"canteen-{one}" for one in range(number)]
    await hire(acme.client, *names)
    made = await ask(acme.client, await opened(acme.client), form="codes", people=names)
    return [one["token"] for one in made.json()["invitations"]]


@pytest.mark.nightly
@pytest.mark.parametrize(("address", "everybody"), [("10/minute", "none"), ("none", "10/minute")])
async def test_genuine_codes_that_come_at_once_wait_for_each_other(
    acme: Tenant, database_url: str, address: str, everybody: str
) -> None:
    """As from the canteen, where one address is everybody's: what is judged genuine counts for nothing."""
    app = of_codes(acme, database_url, address, everybody)
    codes = await codes_of(acme, 40)
    sent = [from_address(app, "192.0.2.1", code).get(DOOR) for code in codes]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    assert all(not one.held and not one.freed for one in app.state.strangers.of_codes if one)


async def test_genuine_codes_among_guesses_are_let_in_as_far_as_guesses_are(
    acme: Tenant, database_url: str
) -> None:
    app = of_codes(acme, database_url, "10/minute", "none")
    codes = await codes_of(acme, 12)
    sent = [
        from_address(app, "192.0.2.1", one).get(DOOR) for one in [*codes, *(new_code() for _ in range(12))]
    ]
    answers = [answer.status_code for answer in await asyncio.gather(*sent)]
    assert answers[:10] == [200] * 10
    assert answers.count(401) == 10
    assert set(answers[10:12]) <= {200, 429}


async def test_a_guess_that_is_not_judged_is_not_waited_for_without_end(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.limits.PATIENCE_SECONDS", 0.01)
    allowance = Allowance("1/minute")
    with allowance.hold("here", "one"):
        assert await allowance.turn("here", "one")
        assert not await allowance.turn("here", "another")
    assert await allowance.turn("here", "another")


WAITED_FOR = {
    "/v1/setup": lambda number: f"bts_{number}" + "q" * 42,
    DOOR: lambda _: new_code(),
}


@pytest.mark.parametrize("path", WAITED_FOR)
async def test_guesses_whose_bodies_never_come_keep_nobody_waiting(
    acme: Tenant, database_url: str, path: str
) -> None:
    """Their secrets are not looked up until then."""
    app = of_codes(acme, database_url, "2/minute", "2/minute")
    code, _ = await two_codes(acme)
    waited_for = 0

    async def never() -> Message:
        nonlocal waited_for
        waited_for += 1
        await asyncio.Event().wait()
        raise AssertionError

    async def unheard(_: Message) -> None:
        pass

    def half(number: int) -> Coroutine[Any, Any, None]:
        head = {"authorization": f"Bearer {WAITED_FOR[path](number)}", "content-length": "50"}
        request = httpx.Request("POST", f"http://test{path}", headers=head)
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("192.0.2.1", 4711),
            "server": ("test", 80),
        }
        return app(scope, never, unheard)

    async def are_waited_for() -> bool:
        return waited_for >= 2

    held = [asyncio.create_task(half(number)) for number in range(5)]
    await until(are_waited_for)
    key = await acme.key() if path != DOOR else code
    assert await statuses(app, "192.0.2.1", key, path="/v1/me" if path != DOOR else DOOR) == [200]
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert all(
        not one.held for one in [*app.state.strangers.of_codes, *app.state.strangers.of_address] if one
    )


async def test_a_link_whose_signature_is_right_is_no_guess(acme: Tenant, database_url: str) -> None:
    """Whoever sends made-up keys, with or without an address, shuts out nobody who was mailed a link."""
    app = guarded(acme, database_url)
    await hire(acme.client, *BYSTANDERS)
    link, other = await tokens(acme.client, await opened(acme.client), *BYSTANDERS[:2])
    for client in (("unknown", 0), None, ("192.0.2.1", 0)):
        tried = [
            (await from_nowhere(app, client, f"btk_{one}").get("/v1/me")).status_code for one in range(4)
        ]
        assert tried[-1] == 429
        assert (await from_nowhere(app, client, link).get(DOOR)).status_code == 200
        assert (await from_nowhere(app, client, f"{other[:-1]}_").get(DOOR)).status_code == 429


async def test_tokens_of_invitations_are_guesses_too(acme: Tenant, database_url: str) -> None:
    app = guarded(acme, database_url)
    await hire(acme.client, *BYSTANDERS)
    [link] = await tokens(acme.client, await opened(acme.client), BYSTANDERS[0])
    assert await statuses(app, "192.0.2.1", link, path=DOOR) == [200]
    wrong = [link[:-6] + six for six in ("AAAAAA", "BBBBBB", "CCCCCC")]
    assert await statuses(app, "192.0.2.1", *wrong, path=DOOR) == [401, 401, 429]
    assert await statuses(app, "192.0.2.1", link, path=DOOR) == [200], "known here"


NO_ADDRESSES = [("unknown", 0), ("testserver", 0), ("", 0), ("192.0.2.1:4711", 0), ("_hidden", 0), None]


def from_nowhere(app: FastAPI, client: Any, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=client)
    return httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {key}"}
    )


async def test_what_is_no_address_counts_as_one(acme: Tenant, database_url: str) -> None:
    """As a proxy may send `unknown`, and who comes by a socket of the machine has none."""
    app = guarded(acme, database_url, "3/minute")
    tried = [
        (await from_nowhere(app, client, f"btk_{place}").get("/v1/me")).status_code
        for place, client in enumerate(NO_ADDRESSES)
    ]
    assert tried == [401, 401, 401, 429, 429, 429]
    assert await statuses(app, "192.0.2.1", "btk_other") == [401]


async def test_codes_from_no_address_count_with_those_of_all(acme: Tenant, database_url: str) -> None:
    app = of_codes(acme, database_url, "none", "2/minute")
    tried = [(await from_nowhere(app, client, new_code()).get(DOOR)).status_code for client in NO_ADDRESSES]
    assert tried == [401, 401, 429, 429, 429, 429]
    assert await statuses(app, "192.0.2.1", new_code(), path=DOOR) == [429]


TOKEN = "A" * 43
IN_ADDRESSES = sorted({one.path for one in operations() if "{token}" in one.path})


@pytest.mark.parametrize("path", IN_ADDRESSES)
async def test_tokens_in_addresses_are_guesses_too(
    acme: Tenant, database_url: str, queries: list[str], path: str
) -> None:
    app = guarded(acme, database_url)
    feed = (await acme.client.post("/v1/calendar/feeds", json={"scope": "organization"})).json()["url"]
    own = httpx.URL(feed).path

    async def get(address: str, *paths: str) -> list[int]:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 4711)), base_url="http://test"
        )
        return [(await client.get(one)).status_code for one in paths]

    assert await get("192.0.2.1", own) == [200]
    guesses = [path.replace("{token}", f"{TOKEN}{last}") for last in "abcd"]
    assert await get("192.0.2.1", *guesses[:2]) == [404, 404]
    queries.clear()
    assert await get("192.0.2.1", *guesses[2:]) == [429, 429]
    assert queries == []
    assert await get("192.0.2.1", own) == [200], "known here"
    assert await get("192.0.2.2", guesses[2]) == [404]


def test_every_address_that_a_token_opens_is_among_them() -> None:
    assert len(IN_ADDRESSES) >= 5
    for operation in operations():
        if "{token}" in operation.path:
            path = operation.path.replace("{token}", TOKEN)
            assert opened_by(operation.method, path) == "address"
            assert token_in(path) in (TOKEN, f"{TOKEN}.ics")
