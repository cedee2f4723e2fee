from typing import Any

import pytest

from tests.calendar.staff import people_on_file
from tests.conftest import Tenant
from tests.contract import ContractClient

ANN = "/v1/people/ann/occasions"


def birthday(**more: Any) -> dict[str, Any]:
    return {"kind": "birthday", "month": 2, "day": 29, **more}


@pytest.fixture
async def staff(acme: Tenant) -> None:
    await people_on_file(acme, "ann", "bob")


pytestmark = pytest.mark.usefixtures("staff")


async def test_an_occasion_is_created_then_replaced(api: ContractClient) -> None:
    made = await api.put(f"{ANN}/birthday", json=birthday(consent=True, leap_day_rule="mar_1"))
    assert made.status_code == 201
    assert made.headers["location"] == f"{ANN}/birthday"
    replaced = await api.put(f"{ANN}/birthday", json={"kind": "wedding", "month": 6, "day": 1, "year": 2010})
    assert replaced.status_code == 200
    read = (await api.get(f"{ANN}/birthday")).json()
    assert read == replaced.json()
    times = {name: read[name] for name in ("created_at", "updated_at")}
    assert read == times | {
        "key": "birthday",
        "kind": "wedding",
        "month": 6,
        "day": 1,
        "year": 2010,
        "label": None,
        "relation": None,
        "visibility": "team",
        "consent": False,
        "leap_day_rule": None,
        "recurrence": "yearly",
    }
    assert times["created_at"] == made.json()["created_at"] < times["updated_at"]


async def test_a_put_that_changes_nothing_keeps_etag_and_updated_at(api: ContractClient) -> None:
    made = await api.put(f"{ANN}/birthday", json=birthday(label="Leap day"))
    again = await api.put(f"{ANN}/birthday", json=made.json())
    assert (again.status_code, again.json()) == (200, made.json())
    assert again.headers["etag"] == made.headers["etag"]


async def test_writes_are_conditional(api: ContractClient) -> None:
    only_new = {"If-None-Match": "*"}
    made = await api.put(f"{ANN}/birthday", json=birthday(), headers=only_new)
    assert made.status_code == 201
    assert (await api.put(f"{ANN}/birthday", json=birthday(), headers=only_new)).status_code == 412
    held = {"If-Match": made.headers["etag"]}
    assert (await api.put(f"{ANN}/birthday", json=birthday(day=28), headers=held)).status_code == 200
    assert (await api.put(f"{ANN}/birthday", json=birthday(day=27), headers=held)).status_code == 412
    assert (await api.delete(f"{ANN}/birthday", headers=held)).status_code == 412
    current = (await api.get(f"{ANN}/birthday")).headers["etag"]
    assert (await api.get(f"{ANN}/birthday", headers={"If-None-Match": current})).status_code == 304
    assert (await api.delete(f"{ANN}/birthday", headers={"If-Match": current})).status_code == 204
    assert (await api.get(f"{ANN}/birthday")).status_code == 404


async def test_a_deleted_occasion_is_gone(api: ContractClient) -> None:
    await api.put(f"{ANN}/birthday", json=birthday())
    assert (await api.delete(f"{ANN}/birthday")).status_code == 204
    assert (await api.delete(f"{ANN}/birthday")).status_code == 404
    assert (await api.get(ANN)).json()["items"] == []


@pytest.mark.parametrize(
    ("key", "sent", "code", "place"),
    [
        ("birthday", birthday(year=1980), "birth_year_not_kept", "#/year"),
        ("kid", birthday(kind="family_birthday", year=2015), "birth_year_not_kept", "#/year"),
        ("birthday", birthday(day=30), "no_such_day", "#/day"),
        ("birthday", birthday(month=4, day=31), "no_such_day", "#/day"),
        ("wedding", birthday(kind="wedding", year=2023), "no_such_day", "#/day"),
        ("birthday", birthday(month=13), "invalid_value", "#/month"),
        ("birthday", birthday(day="4"), "invalid_value", "#/day"),
        ("birthday", birthday(day=3.5), "invalid_value", "#/day"),
        ("birthday", birthday(month=True), "invalid_value", "#/month"),
        ("birthday", birthday(consent="yes"), "invalid_value", "#/consent"),
        ("birthday", birthday(kind="work_anniversary"), "invalid_value", "#/kind"),
        ("birthday", birthday(key="other"), "identifier_mismatch", "#/key"),
        ("birthday", birthday(age=40), "unknown_field", "#/age"),
        ("work_anniversary", birthday(kind="custom"), "derived_occasion", "key"),
        ("first_day", birthday(kind="custom"), "derived_occasion", "key"),
        ("party", birthday(kind="custom", recurrence="once"), "once_needs_year", "#/recurrence"),
        ("party", birthday(kind="wedding", year=2028, recurrence="once"), "once_needs_year", "#/recurrence"),
        ("party", birthday(recurrence="monthly"), "invalid_value", "#/recurrence"),
        ("a b", birthday(), "bad_identifier", "key"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    api: ContractClient, key: str, sent: dict[str, Any], code: str, place: str
) -> None:
    answer = await api.put(f"{ANN}/{key}", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    [fault] = answer.json()["errors"]
    assert place in (fault.get("pointer"), fault.get("parameter"))
    assert (await api.get(ANN)).json()["items"] == []


async def test_only_people_on_file_have_occasions(api: ContractClient) -> None:
    nobody = "/v1/people/nobody/occasions"
    assert (await api.put(f"{nobody}/birthday", json=birthday())).status_code == 404
    assert (await api.get(nobody)).status_code == 404
    assert (await api.get(f"{nobody}/birthday")).status_code == 404
    assert (await api.delete(f"{nobody}/birthday")).status_code == 404


async def test_another_organizations_occasions_are_invisible(api: ContractClient, other: Tenant) -> None:
    await people_on_file(other, "ann", "zoe")
    await other.client.put(f"{ANN}/birthday", json=birthday())
    assert (await api.get(f"{ANN}/birthday")).status_code == 404
    assert (await api.get("/v1/people/zoe/occasions")).status_code == 404
    assert (await api.delete(f"{ANN}/birthday")).status_code == 404
    assert (await other.client.get(f"{ANN}/birthday")).status_code == 200


async def test_a_person_s_occasions_are_listed_by_key_in_pages(api: ContractClient) -> None:
    for key in ("c", "B", "a"):
        await api.put(f"{ANN}/{key}", json=birthday())
    await api.put("/v1/people/bob/occasions/d", json=birthday())
    first = await api.get(ANN, params={"limit": 2})
    rest = await api.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    assert [item["key"] for item in first.json()["items"] + rest.json()["items"]] == ["B", "a", "c"]
    assert rest.json()["next_cursor"] is None


@pytest.mark.parametrize("text", ["'; DROP TABLE occasions; --", "<img src=x>", "=1+1", "@SUM(A1)"])
async def test_text_comes_back_as_it_went_in(api: ContractClient, text: str) -> None:
    sent = birthday(kind="family_birthday", label=text, relation=text)
    read = (await api.put(f"{ANN}/kid", json=sent)).json()
    assert (read["label"], read["relation"]) == (text, text)
