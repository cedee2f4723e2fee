import base64
import json
import time
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.recognition.chat.signatures import slack_signature, teams_signature
from tests.calendar.staff import people_on_file
from tests.conftest import Tenant, stranger
from tests.contract import ContractClient

SECRET = "a signing secret of Slack"
TOKEN = base64.b64encode(b"a security token of Teams").decode()
CONNECTIONS, IDENTITIES, EVENTS = "/v1/chat-connections", "/v1/chat-identities", "/v1/recognitions"


async def connected(tenant: Tenant, product: str = "slack", secret: str = SECRET) -> str:
    """The path to give to the product."""
    body = {"product": product, "name": "Workspace", "secret": secret}
    made = await tenant.client.post(CONNECTIONS, json=body)
    assert made.status_code == 201
    path: str = made.json()["path"]
    return path


async def identify(tenant: Tenant, product: str, **emails: str) -> None:
    for chat_id, email in emails.items():
        answer = await tenant.client.put(f"{IDENTITIES}/{product}/{chat_id}", json={"email": email})
        assert answer.status_code == 201


async def slack(
    client: ContractClient, path: str, text: str, *, secret: str = SECRET, **more: Any
) -> httpx.Response:
    form = {"command": "/thanks", "text": text, "user_id": "UANN", "trigger_id": str(uuid4())} | more
    body, timestamp = urlencode(form).encode(), str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": slack_signature(secret, timestamp, body),
    }
    return await client.post(path, content=body, headers=headers)


async def teams(
    client: ContractClient, path: str, message: dict[str, Any], *, secret: str = TOKEN
) -> httpx.Response:
    body = json.dumps(message).encode()
    headers = {"Content-Type": "application/json", "Authorization": teams_signature(secret, body)}
    return await client.post(path, content=body, headers=headers)


@pytest.fixture
async def staff(acme: Tenant) -> None:
    for name in ("ann", "bob", "cy"):
        await people_on_file(acme, name, email=f"{name}@example.com")
    await identify(acme, "slack", UANN="ann@example.com", UBOB="Bob@Example.com")


pytestmark = pytest.mark.usefixtures("staff")


async def test_a_slash_command_becomes_an_event(acme: Tenant, anonymous: ContractClient) -> None:
    await acme.client.patch("/v1/organization", json={"recognition_values": ["craft"]})
    path = await connected(acme)
    text = "<@UBOB|bob> and cy@example.com you kept <customers> calm & informed #craft"
    answer = await slack(
        anonymous, path, text.replace("&", "&amp;").replace("<cu", "&lt;cu").replace("s>", "s&gt;")
    )
    assert answer.json() == {
        "response_type": "in_channel",
        "text": "Ann thanks Bob and Cy for craft: you kept &lt;customers&gt; calm &amp; informed",
    }
    [event] = (await acme.client.get(EVENTS)).json()["items"]
    assert (event["giver"], event["receivers"]) == ("ann", ["bob", "cy"])
    assert event["message"] == "you kept <customers> calm & informed"
    assert (event["value"], event["source"], event["visibility"]) == ("craft", "slack", "organization")


async def test_a_command_sent_again_stores_nothing_more(acme: Tenant, anonymous: ContractClient) -> None:
    path = await connected(acme)
    for _ in range(2):
        answer = await slack(anonymous, path, "<@UBOB> you stayed", trigger_id="398738663015.4744.803a")
        assert answer.json()["response_type"] == "in_channel"
    assert len((await acme.client.get(EVENTS)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("text", "more", "sentence"),
    [
        ("", {}, "Name one or more colleagues"),
        ("you stayed late", {}, "Name one or more colleagues"),
        ("<@UBOB>", {}, "Name one or more colleagues"),
        ("", {"ssl_check": "1"}, "Betrokken can be reached at this address."),
        ("", {"ssl_check": "1", "user_id": ""}, "Betrokken can be reached at this address."),
        ("<@UBOB> you stayed", {"user_id": "UZOE"}, "Ask your administrator to link UZOE"),
        ("<@UZOE|zoe> <@UBOB> zed@example.com you stayed", {}, "Not linked to a colleague yet: UZOE, zed@"),
        ("<@UANN> I stayed", {}, "You cannot thank yourself"),
        ("<@UBOB> " + "x" * 4001, {}, "at most 4,000 characters"),
    ],
)
async def test_what_cannot_be_is_told_to_the_sender_alone(
    acme: Tenant, anonymous: ContractClient, text: str, more: dict[str, str], sentence: str
) -> None:
    answer = await slack(anonymous, await connected(acme), text, **more)
    assert (answer.status_code, answer.json()["response_type"]) == (200, "ephemeral")
    assert sentence in answer.json()["text"]
    assert (await acme.client.get(EVENTS)).json()["items"] == []


async def test_slack_looks_whether_it_reaches_us(acme: Tenant, anonymous: ContractClient) -> None:
    """Without a signature, as it may; who then says more than that is refused as ever."""
    path, form = await connected(acme), {"Content-Type": "application/x-www-form-urlencoded"}
    looked = await anonymous.post(path, content="ssl_check=1&token=deprecated", headers=form)
    assert (looked.status_code, looked.json()["response_type"]) == (200, "ephemeral")
    for command in ("ssl_check=0&text=x", "text=%3C%40UBOB%3E+you+stayed&user_id=UANN", "ssl_check="):
        assert (await anonymous.post(path, content=command, headers=form)).status_code == 401
    thanks = "ssl_check=1&text=%3C%40UBOB%3E+you+stayed&user_id=UANN"
    assert (await anonymous.post(path, content=thanks, headers=form)).status_code == 200
    assert (await acme.client.get(EVENTS)).json()["items"] == []


async def test_the_daily_limit_holds_in_the_chat(acme: Tenant, anonymous: ContractClient) -> None:
    await acme.client.patch("/v1/organization", json={"recognition_daily_limit": 1})
    path = await connected(acme)
    assert (await slack(anonymous, path, "<@UBOB> one")).json()["response_type"] == "in_channel"
    second = (await slack(anonymous, path, "<@UBOB> two")).json()
    assert second["response_type"] == "ephemeral"
    assert "as your organisation allows" in second["text"]
    assert len((await acme.client.get(EVENTS)).json()["items"]) == 1


async def test_the_answer_is_in_the_language_of_the_giver(acme: Tenant, anonymous: ContractClient) -> None:
    await people_on_file(acme, "dirk", email="dirk@example.com", locale="nl-BE")
    await identify(acme, "slack", UDIRK="dirk@example.com")
    answer = await slack(anonymous, await connected(acme), "<@UBOB> je bleef", user_id="UDIRK")
    assert answer.json()["text"] == "Dirk geeft een compliment aan Bob: je bleef"


async def test_an_address_of_two_people_is_nobodys(acme: Tenant, anonymous: ContractClient) -> None:
    await people_on_file(acme, "bob-too", email="BOB@example.com")
    answer = await slack(anonymous, await connected(acme), "<@UBOB> you stayed")
    assert "Not linked to a colleague yet: UBOB" in answer.json()["text"]


async def test_a_message_of_teams_becomes_an_event(acme: Tenant, anonymous: ContractClient) -> None:
    await identify(acme, "teams", **{"29:bob": "bob@example.com", "guid-of-ann": "ann@example.com"})
    path = await connected(acme, "teams", TOKEN)
    message = {
        "type": "message",
        "id": "1485983408511",
        "from": {"id": "29:ann", "name": "Ann", "aadObjectId": "guid-of-ann"},
        "text": "<at>Thanks</at>&nbsp;<at>Bob</at> you stayed &lt;late&gt;",
        "entities": [
            {"type": "mention", "mentioned": {"id": "28:bot", "name": "Thanks"}, "text": "<at>Thanks</at>"},
            {"type": "mention", "mentioned": {"id": "29:bob", "name": "Bob"}, "text": "<at>Bob</at>"},
            {"type": "clientInfo", "locale": "en-GB"},
        ],
    }
    for _ in range(2):
        answer = await teams(anonymous, path, message)
        assert answer.json() == {"type": "message", "text": "Ann thanks Bob: you stayed &lt;late&gt;"}
    [event] = (await acme.client.get(EVENTS)).json()["items"]
    assert (event["giver"], event["receivers"], event["source"]) == ("ann", ["bob"], "teams")
    assert event["message"] == "you stayed <late>"


def of_teams(sender: dict[str, str], mentioned: dict[str, str]) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "from": sender,
        "text": "<at>Thanks</at> <at>Bob</at> you stayed",
        "entities": [{"type": "mention", "mentioned": mentioned, "text": "<at>Bob</at>"}],
    }


async def test_one_identity_is_enough_and_the_other_is_learnt_from_own_messages(
    acme: Tenant, anonymous: ContractClient
) -> None:
    """As a sender somebody is known by the directory's id, as somebody mentioned by the chat's."""
    await identify(acme, "teams", **{"guid-of-ann": "ann@example.com", "29:bob": "bob@example.com"})
    path = await connected(acme, "teams", TOKEN)
    ann, bob = ({"id": f"29:{one}", "aadObjectId": f"guid-of-{one}"} for one in ("ann", "bob"))
    answers = [
        await teams(anonymous, path, of_teams(ann, {"id": "29:bob"})),
        await teams(anonymous, path, of_teams(bob, {"id": "29:ann"})),
        await teams(anonymous, path, of_teams(ann, bob)),
        await teams(anonymous, path, of_teams({"id": "29:ann"}, {"id": "guid-of-bob"})),
    ]
    assert [answer.json()["text"].split(":")[0] for answer in answers] == [
        "Ann thanks Bob", "Bob thanks Ann", "Ann thanks Bob", "Ann thanks Bob"
    ]  # fmt: skip
    await acme.client.put(f"{IDENTITIES}/teams/guid-of-bob", json={"email": "cy@example.com"})
    await teams(anonymous, path, of_teams(bob, {"id": "29:ann"}))
    known = (await acme.client.get(IDENTITIES, params={"product": "teams"})).json()["items"]
    assert {one["email"] for one in known if "bob" in one["chat_id"]} == {"cy@example.com"}


async def test_a_stranger_is_learnt_nothing_of(acme: Tenant, anonymous: ContractClient) -> None:
    path = await connected(acme, "teams", TOKEN)
    answer = await teams(anonymous, path, of_teams({"id": "29:x", "aadObjectId": "guid"}, {"id": "29:y"}))
    assert "not linked to a colleague" in answer.json()["text"]
    assert (await acme.client.get(IDENTITIES, params={"product": "teams"})).json()["items"] == []


# ----------------------------------------------------------------------------------------- signatures


async def test_what_is_not_signed_is_refused_and_stores_nothing(
    acme: Tenant, other: Tenant, anonymous: ContractClient
) -> None:
    path, of_teams = await connected(acme), await connected(acme, "teams", TOKEN)
    theirs = await connected(other, secret="the secret of Globex")
    text = "<@UBOB> you stayed"
    answers = [
        await slack(anonymous, path, text, secret="another secret"),
        await slack(anonymous, theirs, text),
        await slack(anonymous, f"/v1/recognitions/slack?connection={uuid4()}", text),
        await slack(anonymous, of_teams.replace("teams", "slack"), text, secret=TOKEN),
        await anonymous.post(path, content=b"text=hello"),
        await acme.client.post(path, content=b"text=hello"),
        await teams(anonymous, of_teams, {"id": "1", "from": {"id": "29:ann"}}, secret="AAAAAAAAAAAA"),
        await anonymous.post(of_teams, json={"id": "1"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
        assert answer.headers["www-authenticate"] == "HMAC"
    assert (await acme.client.get(EVENTS)).json()["items"] == []


async def test_an_old_command_is_refused(acme: Tenant, anonymous: ContractClient) -> None:
    path, body = await connected(acme), b"user_id=UANN&text=hello"
    timestamp = str(int(time.time()) - 400)
    headers = {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": slack_signature(SECRET, timestamp, body),
    }
    assert (await anonymous.post(path, content=body, headers=headers)).status_code == 401


async def test_a_message_that_is_no_message(acme: Tenant, anonymous: ContractClient) -> None:
    path = await connected(acme, "teams", TOKEN)
    assert (await teams(anonymous, path, {"text": "hello"})).json()["code"] == "missing_field"
    assert (await anonymous.post("/v1/recognitions/slack?connection=x")).status_code == 422
    assert (await anonymous.post("/v1/recognitions/slack")).status_code == 422


async def test_bodies_that_are_refused_before_they_are_read(acme: Tenant, anonymous: ContractClient) -> None:
    to_slack, to_teams = await connected(acme), await connected(acme, "teams", TOKEN)
    json_type = {"Content-Type": "application/json"}
    for path, body, headers, status in (
        (to_slack, b"x" * 11 * 2**20, {}, 413),
        (to_teams, b"x" * 11 * 2**20, json_type, 413),
        (to_teams, b'{"id": "half', json_type, 400),
        (to_teams, b"{}", {"Content-Type": "text/plain"}, 415),
    ):
        assert (await anonymous.post(path, content=body, headers=headers)).status_code == status


async def test_a_key_is_no_connection(acme: Tenant, anonymous: ContractClient) -> None:
    """And the id of a connection is no key."""
    path = await connected(acme)
    connection = path.partition("=")[2]
    answer = await anonymous.get("/v1/me", headers={"Authorization": f"Bearer {connection}"})
    assert answer.status_code == 401


# ---------------------------------------------------------------------------------------- connections


async def test_a_secret_is_used_and_never_shown(
    acme: Tenant, api: ContractClient, anonymous: ContractClient, owner: asyncpg.Connection
) -> None:
    body = {"product": "slack", "name": "Workspace", "secret": SECRET}
    made = await api.post(CONNECTIONS, json=body, headers={"Idempotency-Key": "one"})
    again = await api.post(CONNECTIONS, json=body, headers={"Idempotency-Key": "one"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (made.json(), "true")
    [listed] = (await api.get(CONNECTIONS)).json()["items"]
    assert listed == made.json()
    assert SECRET not in made.text
    stored = await owner.fetchval(
        "SELECT sealed_secret FROM chat_connections WHERE organization_id = $1", acme.id
    )
    assert SECRET.encode() not in stored
    assert (await slack(anonymous, listed["path"], "")).status_code == 200
    assert (await api.delete(f"{CONNECTIONS}/{listed['id']}")).status_code == 204
    assert (await api.delete(f"{CONNECTIONS}/{listed['id']}")).status_code == 404
    assert (await slack(anonymous, listed["path"], "")).status_code == 401


async def test_connections_that_cannot_be(api: ContractClient) -> None:
    for wrong in (
        {"product": "slack", "name": "x", "secret": "short"},
        {"product": "irc", "name": "x", "secret": SECRET},
        {"product": "teams", "name": "x", "secret": "not base64!"},
    ):
        assert (await api.post(CONNECTIONS, json=wrong)).status_code == 422


async def test_connections_are_paged_newest_first(acme: Tenant, api: ContractClient) -> None:
    paths = [await connected(acme) for _ in range(3)]
    first = (await api.get(CONNECTIONS, params={"limit": 2})).json()
    rest = (await api.get(CONNECTIONS, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["path"] for item in first["items"] + rest["items"]] == paths[::-1]


async def test_a_sealed_secret_opens_for_its_organization_and_untouched(acme: Tenant, other: Tenant) -> None:
    keyring, long = stranger(), bytes(range(256))
    for plain in (b"", b"x", long[:32], long):
        sealed = keyring.seal(acme.id, "test", plain)
        assert keyring.unseal(acme.id, "test", sealed) == plain
        assert keyring.seal(acme.id, "test", plain) != sealed
        assert keyring.unseal(other.id, "test", sealed) is None
        assert keyring.unseal(acme.id, "other", sealed) is None
        for place in (0, len(sealed) // 2, len(sealed) - 1):
            changed = bytearray(sealed)
            changed[place] ^= 1
            assert keyring.unseal(acme.id, "test", bytes(changed)) is None


# ----------------------------------------------------------------------------------------- identities


async def test_identities_are_put_listed_and_forgotten(api: ContractClient, other: Tenant) -> None:
    place = f"{IDENTITIES}/slack/UCY"
    made = await api.put(place, json={"email": "cy@example.com"})
    assert (made.status_code, made.json()["email"]) == (201, "cy@example.com")
    again = await api.put(place, json=made.json())
    assert (again.status_code, again.json()) == (200, made.json())
    changed = await api.put(place, json={"email": "cy@example.org"})
    assert (changed.status_code, changed.json()["email"]) == (200, "cy@example.org")
    first = (await api.get(IDENTITIES, params={"product": "slack", "limit": 2})).json()
    rest = (
        await api.get(IDENTITIES, params={"product": "slack", "cursor": first["next_cursor"], "limit": 2})
    ).json()
    assert [item["chat_id"] for item in first["items"] + rest["items"]] == ["UANN", "UBOB", "UCY"]
    assert (await api.get(IDENTITIES, params={"product": "teams"})).json()["items"] == []
    assert (await other.client.get(IDENTITIES, params={"product": "slack"})).json()["items"] == []
    assert (await api.delete(place)).status_code == 204
    assert (await api.delete(place)).status_code == 404
    for wrong in ("no address", "a@b..example", "noor@example.com, sam@example.com"):
        refused = await api.put(place, json={"email": wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_email")


async def test_commands_leave_nothing_with_another_organization(
    acme: Tenant, other: Tenant, anonymous: ContractClient
) -> None:
    await people_on_file(other, "ann", email="ann@example.com")
    await identify(other, "slack", UANN="ann@example.com")
    answer = await slack(anonymous, await connected(other), "bob@example.com you stayed")
    assert "Not linked to a colleague yet: bob@example.com" in answer.json()["text"]
    assert (await acme.client.get(EVENTS)).json()["items"] == []
