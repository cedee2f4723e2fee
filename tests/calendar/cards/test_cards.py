"""Cards and their templates over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.calendar.cards import queries, service
from app.calendar.cards.templates import shipped
from tests.calendar.cards.office import celebrating, plan, plan_and_send, send
from tests.calendar.staff import people_on_file
from tests.conftest import Tenant
from tests.contract import ContractClient, operations
from tests.sink import Sink, listening

EIGHT = datetime(2027, 5, 4, 6, tzinfo=UTC)
TEMPLATES = "/v1/card-templates"
TEMPLATE: dict[str, Any] = next(one.body for one in operations() if one.id == "put_card_template")


async def planned(acme: Tenant, api: ContractClient) -> dict[str, Any]:
    """Ann's card, a day ahead."""
    await celebrating(acme, "ann", 5, 4, locale="nl")
    await people_on_file(acme, "bob", name="Bob <b>")
    await plan(acme, EIGHT - timedelta(days=1))
    [card] = (await api.get("/v1/cards")).json()["items"]
    found: dict[str, Any] = card
    return found


async def test_a_planned_card_is_listed_before_it_goes_out(acme: Tenant, api: ContractClient) -> None:
    card = await planned(acme, api)
    assert card == {
        "id": card["id"],
        "person": {"external_id": "ann", "name": "Ann"},
        "kind": "birthday",
        "key": "birthday",
        "label": None,
        "relation": None,
        "date": "2027-05-04",
        "years": None,
        "status": "planned",
        "send_at": "2027-05-04T06:00:00Z",
        "sent_at": None,
        "failure": None,
        "wishes": [],
    }
    read = await api.get(f"/v1/cards/{card['id']}")
    assert read.json() == card
    current = {"If-None-Match": read.headers["etag"]}
    assert (await api.get(f"/v1/cards/{card['id']}", headers=current)).status_code == 304


async def test_cards_are_there_fourteen_days_ahead(acme: Tenant, api: ContractClient) -> None:
    await celebrating(acme, "ann", 5, 4)
    await plan(acme, EIGHT - timedelta(days=14, minutes=1))
    assert (await api.get("/v1/cards")).json()["items"] == []
    await plan(acme, EIGHT - timedelta(days=14))
    assert len((await api.get("/v1/cards")).json()["items"]) == 1


async def test_private_days_have_a_card_that_nobody_else_sees(acme: Tenant, api: ContractClient) -> None:
    await people_on_file(acme, "ann", email="ann@example.com")
    private = {"kind": "custom", "month": 5, "day": 4, "consent": True, "visibility": "private"}
    await api.put("/v1/people/ann/occasions/sober", json=private)
    await api.patch("/v1/organization", json={"cards": {"approval": True}})
    async with listening(Sink()) as sink:
        await plan_and_send(acme, EIGHT, sink)
    assert sink.recipients == ["ann@example.com"]
    assert (await api.get("/v1/cards")).json()["items"] == []


async def test_cards_are_listed_by_time_in_pages_and_by_status(acme: Tenant, api: ContractClient) -> None:
    for day in (6, 4, 5):
        await celebrating(acme, f"p{day}", 5, day)
    await plan_and_send(acme, EIGHT)
    first = await api.get("/v1/cards", params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    found = first.json()["items"] + rest.json()["items"]
    assert [card["person"]["external_id"] for card in found] == ["p4", "p5", "p6"]
    sent = (await api.get("/v1/cards", params={"status": "sent"})).json()["items"]
    assert [card["person"]["external_id"] for card in sent] == ["p4"]
    assert (await api.get("/v1/cards", params={"status": "lost"})).status_code == 422


async def test_colleagues_write_on_a_card_until_it_is_sent(acme: Tenant, api: ContractClient) -> None:
    card = await planned(acme, api)
    wishes = f"/v1/cards/{card['id']}/wishes"
    made = await api.post(wishes, json={"author": "bob", "text": "Proost <script>!"})
    assert made.status_code == 201
    kept = await api.post(wishes, json={"author": "bob", "text": "Nog een"})
    assert (await api.get(f"/v1/cards/{card['id']}")).json()["wishes"] == [made.json(), kept.json()]
    assert (await api.delete(f"{wishes}/{kept.json()['id']}")).status_code == 204
    assert (await api.delete(f"{wishes}/{kept.json()['id']}")).status_code == 404
    async with listening(Sink()) as sink:
        await send(acme, EIGHT, sink)
    [(_, message)] = sink.mails
    html = list(message.walk())[3].get_content()
    assert "Proost &lt;script&gt;!" in html
    assert "Bob &lt;b&gt;" in html
    assert "Nog een" not in html
    late = await api.post(wishes, json={"author": "bob", "text": "Te laat"})
    assert (late.status_code, late.json()["code"]) == (409, "card_closed")
    gone = await api.delete(f"{wishes}/{made.json()['id']}")
    assert (gone.status_code, gone.json()["code"]) == (409, "card_closed")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"author": "nobody", "text": "x"}, "unknown_author"),
        ({"author": "ann", "text": "x"}, "own_card"),
        ({"author": "bob", "text": ""}, "invalid_value"),
        ({"author": "bob", "text": "x" * 501}, "invalid_value"),
        ({"text": "x"}, "missing_field"),
    ],
)
async def test_bad_lines_are_refused(
    acme: Tenant, api: ContractClient, sent: dict[str, str], code: str
) -> None:
    card = await planned(acme, api)
    answer = await api.post(f"/v1/cards/{card['id']}/wishes", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_line_is_written_once(acme: Tenant, api: ContractClient) -> None:
    wishes = f"/v1/cards/{(await planned(acme, api))['id']}/wishes"
    key = {"Idempotency-Key": "k"}
    first = await api.post(wishes, json={"author": "bob", "text": "Proost"}, headers=key)
    again = await api.post(wishes, json={"author": "bob", "text": "Proost"}, headers=key)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    reused = await api.post(wishes, json={"author": "bob", "text": "Anders"}, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_card_is_held_until_it_is_approved(acme: Tenant, api: ContractClient) -> None:
    await api.patch("/v1/organization", json={"cards": {"approval": True}})
    card = await planned(acme, api)
    assert card["status"] == "held"
    async with listening(Sink()) as sink:
        await send(acme, EIGHT, sink)
        assert sink.mails == []
        for _ in range(2):
            approved = await api.patch(f"/v1/cards/{card['id']}", json={"status": "planned"})
            assert (approved.status_code, approved.json()["status"]) == (200, "planned")
        await plan_and_send(acme, EIGHT, sink)
    assert sink.recipients == ["ann@example.com"]
    late = await api.patch(f"/v1/cards/{card['id']}", json={"status": "cancelled"})
    assert (late.status_code, late.json()["code"]) == (409, "card_closed")


async def test_approval_that_is_asked_for_holds_cards_that_are_planned_already(
    acme: Tenant, api: ContractClient
) -> None:
    card = await planned(acme, api)
    for is_asked, status in ((True, "held"), (False, "planned"), (True, "held")):
        await api.patch("/v1/organization", json={"cards": {"approval": is_asked}})
        assert (await api.get(f"/v1/cards/{card['id']}")).json()["status"] == status
    async with listening(Sink()) as sink:
        await plan_and_send(acme, EIGHT, sink)
        assert sink.mails == []
        await api.patch(f"/v1/cards/{card['id']}", json={"status": "planned"})
        await api.patch("/v1/organization", json={"cards": {"time": "08:00"}})
        await plan_and_send(acme, EIGHT, sink)
    assert sink.recipients == ["ann@example.com"]


async def test_approval_holds_no_card_of_a_private_day_nor_one_that_is_cancelled(
    acme: Tenant, api: ContractClient
) -> None:
    card = await planned(acme, api)
    await api.patch(f"/v1/cards/{card['id']}", json={"status": "cancelled"})
    await people_on_file(acme, "cas", email="cas@example.com")
    private = {"kind": "custom", "month": 5, "day": 4, "consent": True, "visibility": "private"}
    await api.put("/v1/people/cas/occasions/sober", json=private)
    await plan(acme, EIGHT - timedelta(days=1))
    await api.patch("/v1/organization", json={"cards": {"approval": True}})
    assert (await api.get(f"/v1/cards/{card['id']}")).json()["status"] == "cancelled"
    async with listening(Sink()) as sink:
        await send(acme, EIGHT, sink)
    assert sink.recipients == ["cas@example.com"]


async def test_a_cancelled_card_stays_cancelled(acme: Tenant, api: ContractClient) -> None:
    card = await planned(acme, api)
    cancelled = await api.patch(f"/v1/cards/{card['id']}", json={"status": "cancelled"})
    assert cancelled.json()["status"] == "cancelled"
    again = await api.patch(f"/v1/cards/{card['id']}", json={"status": "planned"})
    assert (again.status_code, again.json()["code"]) == (409, "card_closed")
    assert "cancelled" in again.json()["detail"]
    async with listening(Sink()) as sink:
        await plan_and_send(acme, EIGHT, sink)
    assert sink.mails == []


async def test_a_card_is_changed_as_it_was_read(acme: Tenant, api: ContractClient) -> None:
    path = f"/v1/cards/{(await planned(acme, api))['id']}"
    read = {"If-Match": (await api.get(path)).headers["etag"]}
    assert (await api.patch(path, json={"status": "cancelled"}, headers=read)).status_code == 200
    assert (await api.patch(path, json={"status": "planned"}, headers=read)).status_code == 412


@pytest.mark.parametrize("body", [{}, {"status": "sent"}, {"status": None}])
async def test_bad_changes_are_refused(acme: Tenant, api: ContractClient, body: dict[str, Any]) -> None:
    card = await planned(acme, api)
    assert (await api.patch(f"/v1/cards/{card['id']}", json=body)).status_code == 422


async def test_a_card_is_looked_at_before_it_goes_out(acme: Tenant, api: ContractClient) -> None:
    card = await planned(acme, api)
    page = await api.get(f"/v1/cards/{card['id']}/preview")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in page.headers["content-security-policy"]
    assert "Van harte gefeliciteerd, Ann!" in page.text
    assert "data:image/png;base64,iVBOR" in page.text
    picture = await api.get(f"/v1/cards/{card['id']}/preview", params={"format": "png"})
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert (await api.get(f"/v1/cards/{card['id']}/preview", params={"format": "gif"})).status_code == 422


async def test_no_transaction_is_open_while_the_press_works(
    acme: Tenant, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes seconds, and all who wait for it would hold a connection each."""
    usual, open_then = service.printed, []

    async def noted(*order: Any) -> Any:
        open_then.append(acme.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return await usual(*order)

    card = await planned(acme, api)
    monkeypatch.setattr(service, "printed", noted)
    assert (await api.get(f"/v1/cards/{card['id']}/preview")).status_code == 200
    assert (await api.get(f"{TEMPLATES}/birthday-nl/preview")).status_code == 200
    await send(acme, EIGHT)
    assert open_then == [0, 0, 0]


async def test_cards_of_another_organization_are_invisible(
    acme: Tenant, api: ContractClient, other: Tenant
) -> None:
    card = await planned(acme, api)
    path = f"/v1/cards/{card['id']}"
    assert (await other.client.get("/v1/cards")).json()["items"] == []
    assert (await other.client.get(path)).status_code == 404
    assert (await other.client.get(f"{path}/preview")).status_code == 404
    assert (await other.client.patch(path, json={"status": "cancelled"})).status_code == 404
    wish = {"author": "bob", "text": "x"}
    assert (await other.client.post(f"{path}/wishes", json=wish)).status_code == 404


# ------------------------------------------------------------------ templates


async def test_the_organization_s_own_template_takes_the_place_of_the_shipped_one(
    acme: Tenant, api: ContractClient
) -> None:
    card = await planned(acme, api)
    made = await api.put(f"{TEMPLATES}/ours", json=TEMPLATE)
    assert (made.status_code, made.headers["location"]) == (201, f"{TEMPLATES}/ours")
    assert "Hoera, Ann!" in (await api.get(f"/v1/cards/{card['id']}/preview")).text
    again = await api.put(f"{TEMPLATES}/ours", json=made.json())
    assert (again.status_code, again.json()) == (200, made.json())
    held = {"If-None-Match": again.headers["etag"]}
    assert (await api.get(f"{TEMPLATES}/ours", headers=held)).status_code == 304
    assert (await api.put(f"{TEMPLATES}/ours", json=TEMPLATE, headers={"If-Match": '"x"'})).status_code == 412
    taken = await api.put(f"{TEMPLATES}/second", json=TEMPLATE)
    assert (taken.status_code, taken.json()["code"]) == (409, "template_taken")
    assert [one["key"] for one in (await api.get(TEMPLATES)).json()["items"]] == ["ours"]
    assert (await api.delete(f"{TEMPLATES}/ours", headers={"If-Match": '"x"'})).status_code == 412
    assert (await api.delete(f"{TEMPLATES}/ours")).status_code == 204
    assert (await api.delete(f"{TEMPLATES}/ours")).status_code == 404
    assert (await api.get(f"{TEMPLATES}/ours")).status_code == 404
    assert "Hoera" not in (await api.get(f"/v1/cards/{card['id']}/preview")).text


@pytest.mark.parametrize(
    "key",
    [pytest.param(key, marks=[pytest.mark.nightly] if place else []) for place, key in enumerate(shipped())],
)
async def test_a_shipped_template_is_read_looked_at_and_put_back(key: str, api: ContractClient) -> None:
    read = (await api.get(f"{TEMPLATES}/{key}")).json()
    assert (read["key"], read["is_built_in"], read["created_at"]) == (key, True, None)
    preview = await api.get(f"{TEMPLATES}/{key}/preview")
    assert "Noor" in preview.text
    assert (await api.get(f"{TEMPLATES}/{key}/preview", params={"format": "png"})).content[1:4] == b"PNG"
    own = await api.put(f"{TEMPLATES}/{key}", json=read)
    assert (own.status_code, own.json()["is_built_in"]) == (201, False)


async def test_a_template_without_a_picture_has_no_preview_of_one(api: ContractClient) -> None:
    await api.put(f"{TEMPLATES}/bare", json={**TEMPLATE, "picture": None})
    answer = await api.get(f"{TEMPLATES}/bare/preview", params={"format": "png"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": "{{ ''.__class__ }}"}, "template_not_allowed"),
        ({"text": "{% for i in range(10 ** 9) %}x{% endfor %}"}, "template_not_allowed"),
        ({"subject": "{{ secret }}"}, "unknown_variable"),
        ({"subject": "{{ name"}, "template_syntax"),
        ({"html": TEMPLATE["html"].replace("cid:card", "https://example.com/x.png")}, "remote_content"),
        (
            {"html": TEMPLATE["html"].replace("<mj-text>", "<mj-text>" + "<p/>" * 20_001)},
            "template_too_costly",
        ),
        ({"kind": "retirement"}, "invalid_value"),
        ({"language": "fr"}, "invalid_value"),
        ({"html": ""}, "invalid_value"),
        ({"html": "x" * 100_001}, "invalid_value"),
        ({"key": "other"}, "identifier_mismatch"),
    ],
)
async def test_bad_templates_are_refused(api: ContractClient, changes: dict[str, Any], code: str) -> None:
    answer = await api.put(f"{TEMPLATES}/ours", json={**TEMPLATE, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await api.get(TEMPLATES)).json()["items"] == []


async def test_where_ones_own_template_fails_the_shipped_one_is_sent(
    acme: Tenant, api: ContractClient
) -> None:
    """A condition can hide from the trial what only shows with real words."""
    card = await planned(acme, api)
    hidden = "{% if first_name == 'Ann' %}<mj-image src='https://x/y.png' />{% endif %}"
    html = TEMPLATE["html"].replace("<mj-text>", hidden + "<mj-text>", 1)
    assert (await api.put(f"{TEMPLATES}/ours", json={**TEMPLATE, "html": html})).status_code == 201
    assert "Van harte gefeliciteerd, Ann!" in (await api.get(f"/v1/cards/{card['id']}/preview")).text


async def test_a_template_of_a_time_that_allowed_more_is_told_of_in_its_preview(
    acme: Tenant, api: ContractClient
) -> None:
    card = await planned(acme, api)
    assert (await api.put(f"{TEMPLATES}/ours", json=TEMPLATE)).status_code == 201
    async with acme.database.tenant_session(acme.id) as session:
        older = TEMPLATE | {"key": "ours", "html": TEMPLATE["html"].replace("cid:card", "https://x/y.png")}
        await queries.put_template(session, older)
    answer = await api.get(f"{TEMPLATES}/ours/preview")
    assert (answer.status_code, answer.json()["code"]) == (409, "template_outdated")
    assert "Van harte gefeliciteerd, Ann!" in (await api.get(f"/v1/cards/{card['id']}/preview")).text


async def test_templates_are_listed_by_key_in_pages(api: ContractClient) -> None:
    for key, kind in (("b", "birthday"), ("a", "custom"), ("c", "wedding")):
        assert (await api.put(f"{TEMPLATES}/{key}", json={**TEMPLATE, "kind": kind})).status_code == 201
    first = await api.get(TEMPLATES, params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    assert [one["key"] for one in first.json()["items"] + rest.json()["items"]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "cards", [{"time": "24:00"}, {"time": "8:00"}, {"time": None}, {"enabled": "yes"}, {"x": 1}]
)
async def test_bad_card_settings_are_refused(api: ContractClient, cards: dict[str, Any]) -> None:
    assert (await api.patch("/v1/organization", json={"cards": cards})).status_code == 422
