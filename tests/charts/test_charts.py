"""Charts over HTTP: made of what the metric tells this reader, in their language, drawn where asked."""

import re
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI

from app.charts import drawing, service
from app.charts.negotiation import ALIASES, PNG, SPECIFICATION, SVG
from app.core.negotiation import preferred
from tests.charts.specifications import faults, small_letters, texts_of, untold
from tests.clock import today
from tests.conftest import Tenant, new_tenant
from tests.contract import ContractClient, operations
from tests.metrics.test_managers import manager
from tests.metrics.test_release import answer, finish, read, released, staff, start

Json = dict[str, Any]
SIZES = {"sales": 6, "nl": 12, "be": 12, "it": 12, "few": 2, "tiny": 4}
PARENTS = {"nl": "sales", "be": "sales"}
[CHART] = [one for one in operations() if one.id == "get_chart"]
NAMES: list[str] = next(one for one in CHART.parameters if one["name"] == "name")["schema"]["enum"]
OF_GROUPS = ["quadrants", "gap", "heatmap", "participation"]
OF_DAYS = ["recognition", "recognition-network", "calendar"]
OF_RELEASE = [name for name in NAMES if name not in OF_DAYS]
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
async def acme(app: FastAPI) -> Tenant:
    """Two waves, with sales above nl and be, it beside them, and a team of whom nothing may be told."""
    tenant = await new_tenant(app, "Acme")
    await staff(tenant.client, SIZES, PARENTS)
    everybody = [f"{team}-{number}" for team, size in SIZES.items() for number in range(size)]
    await released(tenant, everybody, pay=3, series="yearly")
    survey_id = await start(tenant.client, series="yearly")
    await answer(tenant.client, survey_id, everybody[:24], pay=5)
    await answer(tenant.client, survey_id, everybody[24:], pay=2)
    await finish(tenant, survey_id)
    return tenant


async def chart(api: ContractClient, name: str, language: str = "en", **params: Any) -> Json:
    got = await api.get(f"/v1/charts/{name}", params=params, headers={"Accept-Language": language})
    assert got.status_code == 200, got.text
    assert got.headers["content-type"] == SPECIFICATION
    found: Json = got.json()
    return found


def names_in(specification: Json) -> set[str]:
    return {row["name"] for row in specification["datasets"]["groups"]}


async def test_the_list_has_every_chart_in_both_languages(acme: Tenant) -> None:
    found = {}
    for language in ("en", "nl"):
        got = await acme.client.get("/v1/charts", headers={"Accept-Language": language})
        found[language] = got.json()["items"]
        again = await acme.client.get(
            "/v1/charts", headers={"Accept-Language": language, "If-None-Match": got.headers["etag"]}
        )
        assert again.status_code == 304
        assert got.json()["formats"] == ["vega-lite", "svg", "png"]
    assert [one["name"] for one in found["en"]] == [one["name"] for one in found["nl"]] == NAMES
    for english, dutch in zip(found["en"], found["nl"], strict=True):
        assert english["title"] != dutch["title"]
        assert english["shows"] != dutch["shows"]
        known = {one["name"] for one in CHART.parameters if one["in"] == "query"}
        assert set(english["parameters"]) == set(dutch["parameters"]) <= known


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_chart_is_a_valid_specification_with_words(name: str, language: str, acme: Tenant) -> None:
    every: list[Json] = [{}, {"width": 320, "theme": "dark"}, {"team": "sales"}]
    if name in OF_RELEASE:
        every.append({"by": ["organization", "team"]})
    for params in every:
        found = await chart(acme.client, name, language, **params)
        assert faults(found) is None
        assert list(small_letters(found)) == []
        assert found["title"]["text"]
        assert found["description"]
        assert all("http" not in text for text in texts_of({**found, "$schema": ""}))


@pytest.mark.parametrize("name", NAMES)
async def test_both_languages_say_the_same_in_other_words(name: str, acme: Tenant) -> None:
    english, dutch = [await chart(acme.client, name, language) for language in ("en", "nl")]
    assert english["title"] != dutch["title"]
    assert english["description"] != dutch["description"]


@pytest.mark.parametrize("name", OF_GROUPS)
async def test_a_chart_shows_a_level_by_default_and_else_what_is_asked(name: str, acme: Tenant) -> None:
    whole = "Whole organisation"
    beside = set() if name == "heatmap" else {whole}
    assert names_in(await chart(acme.client, name)) == {*beside, "Sales", "It"}
    assert names_in(await chart(acme.client, name, team="sales")) == {"Sales", "Nl", "Be"}
    assert names_in(await chart(acme.client, name, by=["team"])) == {"Sales", "Nl", "Be", "It"}
    assert names_in(await chart(acme.client, name, by=["organization"])) == beside


@pytest.mark.parametrize("name", OF_GROUPS)
async def test_who_is_not_shown_is_there_by_name_with_the_reason_alone(name: str, acme: Tenant) -> None:
    found = await chart(acme.client, name)
    hidden = found["datasets"]["hidden"]
    reason = "Too few people. This keeps everyone's answers private"
    assert hidden == [{"name": name, "reason": reason} for name in ("Few", "Tiny")]
    assert any("Few and Tiny" in row["text"] for row in found["datasets"]["notes"])


METRICS = {
    "quadrants": ["satisfaction-engagement"],
    "gap": ["satisfaction-engagement"],
    "trend": ["trends"],
    "levers": ["levers", "drivers"],
    "heatmap": ["heatmap"],
    "facets": ["facets"],
    "questions": ["facets"],
    "participation": ["participation"],
}


@pytest.mark.parametrize("name", sorted(METRICS))
async def test_a_chart_holds_no_number_that_its_metric_does_not_tell(name: str, acme: Tenant) -> None:
    by = ["organization", "team"]
    told = [await read(acme.client, metric, by=by) for metric in METRICS[name]]
    found = await chart(acme.client, name, by=by)
    assert untold(found, *told) == set()
    assert name == "levers" or untold(found) != set(), "the control: there are numbers in it"


async def test_a_manager_s_chart_has_their_teams_alone(acme: Tenant) -> None:
    client = await manager(acme, teams=["sales"])
    assert names_in(await chart(client, "quadrants")) == {"Sales", "Nl", "Be"}
    told = await read(client, "satisfaction-engagement", by=["organization", "team"])
    assert untold(await chart(client, "quadrants", width=500, theme="dark"), told) == set()
    assert (await chart(client, "gap", order="tree"))["title"]
    for name in OF_RELEASE:
        refused = await client.get(f"/v1/charts/{name}", params={"team": "it"})
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_team")
    for name in OF_DAYS:
        refused = await client.get(f"/v1/charts/{name}")
        assert (refused.status_code, refused.json()["code"]) == (403, "teams_only")
    wider = await client.get("/v1/charts/quadrants", params={"filter": "location:Utrecht"})
    assert (wider.status_code, wider.json()["code"]) == (403, "teams_only")


async def test_gap_has_an_order(acme: Tenant) -> None:
    by_gap = await chart(acme.client, "gap", by=["team"])
    by_tree = await chart(acme.client, "gap", by=["team"], order="tree")
    gaps = [row["gap"] for row in by_gap["datasets"]["groups"]]
    assert gaps == sorted(gaps, reverse=True)
    assert [row["name"] for row in by_tree["datasets"]["groups"]] == ["It", "Sales", "Be", "Nl"]


async def test_a_parameter_of_another_chart_is_refused(acme: Tenant) -> None:
    for path in ("quadrants?order=tree", "trend?filter=location:Utrecht", "levers?order=gap"):
        refused = await acme.client.get(f"/v1/charts/{path}")
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_parameter")
        assert "it takes" in refused.json()["detail"]
    misspelt = await acme.client.get("/v1/charts/kwadrants")
    assert misspelt.status_code == 422


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("quadrants?series=none", 404, "no_released_survey"),
        ("quadrants?by=segment:shoe", 422, "unknown_segment"),
        ("quadrants?by=segment:shoe&team=sales", 422, "not_within_team"),
        ("quadrants?team=nowhere", 422, "unknown_team"),
        ("quadrants?filter=nonsense", 422, "bad_filter"),
        ("quadrants?width=1", 422, "invalid_value"),
        ("recognition?from=2999-01-01&to=2999-02-01", 422, "bad_range"),
        ("recognition?team=nowhere", 422, "unknown_team"),
        ("recognition?by=month", 422, "invalid_value"),
        ("calendar?from=2026-02-01&to=2026-01-01", 422, "bad_range"),
        ("calendar?team=nowhere", 422, "unknown_team"),
        ("calendar?series=yearly", 422, "unknown_parameter"),
    ],
)
async def test_what_the_metric_refuses_the_chart_does(
    path: str, status: int, code: str, acme: Tenant
) -> None:
    refused = await acme.client.get(f"/v1/charts/{path}")
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_a_survey_without_a_release_has_no_chart(app: FastAPI) -> None:
    tenant = await new_tenant(app, "Early")
    await staff(tenant.client, {"sales": 6})
    survey_id = await start(tenant.client)
    early = await tenant.client.get("/v1/charts/trend", params={"survey_id": survey_id})
    assert (early.status_code, early.json()["code"]) == (409, "survey_not_released")
    await tenant.client.post(f"/v1/surveys/{survey_id}/close")
    pending = await tenant.client.get("/v1/charts/trend", params={"survey_id": survey_id})
    assert (pending.status_code, pending.json()["code"]) == (409, "release_pending")


async def test_a_month_that_is_not_over_has_no_chart(acme: Tenant) -> None:
    day = today().isoformat()
    early = await acme.client.get("/v1/charts/recognition", params={"from": day, "to": day})
    assert (early.status_code, early.json()["code"]) == (409, "month_not_over")


async def test_the_chart_of_the_calendar_needs_its_scope_too_and_is_kept_nowhere(acme: Tenant) -> None:
    await acme.client.put("/v1/people/sales-0", json={"name": "Noor Bakker", "starts_on": "2020-06-15"})
    params = {"from": "2027-06-01", "to": "2027-06-30"}
    found = await acme.client.get("/v1/charts/calendar", params=params, headers={"Accept-Language": "nl"})
    assert found.headers["cache-control"] == "no-store"
    [day] = found.json()["datasets"]["days"]
    assert (day["said"], day["day"]) == ("Noor Bakker: in dienst sinds 2020", "15 juni")
    before = len(service.kept)
    drawn = await acme.client.get("/v1/charts/calendar", params=params | {"format": "svg"})
    assert "Noor Bakker" in drawn.text
    assert len(service.kept) == before
    reader = await acme.client_with("metrics:read")
    refused = await reader.get("/v1/charts/calendar", params=params)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert 'scope="calendar:read metrics:read"' in refused.headers["www-authenticate"]


# ------------------------------------------------------------------ drawn


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_chart_is_drawn(name: str, theme: str, acme: Tenant) -> None:
    params: dict[str, Any] = {"theme": theme, "width": 480}
    svg = await acme.client.get(f"/v1/charts/{name}", params=params, headers={"Accept": SVG})
    assert (svg.status_code, svg.headers["content-type"].partition(";")[0]) == (200, SVG)
    png = await acme.client.get(f"/v1/charts/{name}", params=params | {"format": "png"})
    assert (png.status_code, png.headers["content-type"]) == (200, PNG)
    assert png.content.startswith(PNG_HEAD)
    wide = int.from_bytes(png.content[16:20], "big")
    assert abs(wide / 2 - params["width"]) <= 2
    assert abs(int(float(ElementTree.fromstring(svg.text).attrib["width"])) - wide / 2) <= 1


async def test_a_drawing_says_what_it_is_and_may_stand_in_a_page(acme: Tenant) -> None:
    found = await chart(acme.client, "quadrants")
    drawn = {}
    for theme in ("light", "dark"):
        got = await acme.client.get("/v1/charts/quadrants", params={"format": "svg", "theme": theme})
        drawn[theme] = got.text
        root = ElementTree.fromstring(got.text)
        space = "{http://www.w3.org/2000/svg}"
        assert root.attrib["role"] == "img"
        assert root.findtext(f"{space}title") == " ".join(found["title"]["text"])
        assert root.findtext(f"{space}desc") == found["description"]
        elements = list(root.iter())
        assert not {"style", "script", "a", "image", "foreignObject"} & {
            one.tag.rpartition("}")[2] for one in elements
        }
        assert not any("style" in one.attrib or "href" in " ".join(one.attrib) for one in elements)
        assert not any(name.startswith("aria") for one in elements[1:] for name in one.attrib)
        ids = {one.attrib["id"] for one in elements if "id" in one.attrib}
        assert set(re.findall(r"url\(#([^)]+)\)", got.text)) <= ids
    marks = [set(re.findall(r'id="([^"]+)"', text)) for text in drawn.values()]
    assert marks[0]
    assert not marks[0] & marks[1], "two in one page do not share an id"


@pytest.mark.nightly
async def test_hostile_names_are_drawn_as_names(app: FastAPI) -> None:
    tenant = await new_tenant(app, "Hostile")
    await staff(tenant.client, {"a": 6, "b": 6})
    hostile = {"a": "<script>\x0b\u202e</svg>", "b": "' || datum.x || '\r\n\x07\\ {{ 1 }}"}
    for team, name in hostile.items():
        assert (await tenant.client.put(f"/v1/teams/{team}", json={"name": name})).status_code == 200
    await released(tenant, [f"{team}-{number}" for team in "ab" for number in range(6)])
    for name in OF_RELEASE:
        drawn = await tenant.client.get(f"/v1/charts/{name}", params={"format": "svg"})
        assert drawn.status_code == 200, drawn.text
        assert {one.tag.rpartition("}")[2] for one in ElementTree.fromstring(drawn.text).iter()}.isdisjoint(
            {"script", "a"}
        )
        png = await tenant.client.get(f"/v1/charts/{name}", params={"format": "png"})
        assert png.content.startswith(PNG_HEAD)


LIKE_MARKUP = [
    'A role="boss" B',
    "A\u00a0B",
    'B aria-label="x" C',
    'url(#clip0) id="clip1" role="img"',
    "> <g role=\"x\"> url(#clip1) id='clip2'",
]


def test_names_like_markup_are_drawn_as_they_are() -> None:
    specification = {
        "title": {"text": LIKE_MARKUP},
        "description": "Names.",
        "data": {"values": [{"name": name} for name in LIKE_MARKUP]},
        "mark": {"type": "text", "clip": True},
        "encoding": {"y": {"field": "name", "axis": None}, "text": {"field": "name"}},
    }
    root = ElementTree.fromstring(drawing.drawn(specification, "svg", "mine"))
    drawn = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(text for text in drawn if text) == sorted(LIKE_MARKUP)
    titles = [one.text for one in root.iter("{http://www.w3.org/2000/svg}tspan")]
    assert titles == LIKE_MARKUP
    assert not any(
        name.startswith("aria") or name == "role" for one in [*root.iter()][1:] for name in one.attrib
    )
    ids = {one.attrib["id"] for one in root.iter() if "id" in one.attrib}
    used = {one.attrib["clip-path"] for one in root.iter() if "clip-path" in one.attrib}
    assert used
    assert used <= {f"url(#{name})" for name in ids if name.startswith("mine-clip")}


async def test_who_has_the_chart_of_this_release_is_told_so(acme: Tenant) -> None:
    tags = set()
    for headers in ({}, {"Accept": SVG}, {"Accept": PNG}, {"Accept-Language": "nl"}):
        got = await acme.client.get("/v1/charts/trend", headers=headers)
        tags.add(got.headers["etag"])
        assert "Accept" in [one.strip() for one in got.headers["vary"].split(",")]
        again = await acme.client.get(
            "/v1/charts/trend", headers={**headers, "If-None-Match": got.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    assert len(tags) == 4


async def test_what_was_drawn_is_kept(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await acme.client.get("/v1/charts/gap?format=svg&width=700")

    async def refuse(order: bytes, whose: UUID) -> bytes:
        raise AssertionError("drawn again")

    monkeypatch.setattr(service.PRESS, "make", refuse)
    assert (await acme.client.get("/v1/charts/gap?format=svg&width=700")).content == first.content


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "kept", service.Kept())
    monkeypatch.setattr(service, "MOST_KEPT", 10)
    for name in "abc":
        service.keep((name, "svg"), b"12345")
    assert [name for name, _ in service.kept] == ["b", "c"]


async def test_without_the_extra_the_specification_is_there_alone(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "find_spec", lambda name: None)
    for params, headers in (({"format": "svg"}, {}), ({}, {"Accept": PNG})):
        refused = await acme.client.get("/v1/charts/gap", params=params, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (406, "charts_not_installed")
        assert "betrokken[charts]" in refused.json()["detail"]
    assert (await acme.client.get("/v1/charts")).json()["formats"] == ["vega-lite"]
    assert await chart(acme.client, "gap")


async def test_a_form_that_there_is_not_is_refused(acme: Tenant) -> None:
    refused = await acme.client.get("/v1/charts/gap", headers={"Accept": "text/html"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, SPECIFICATION),
        ("*/*", SPECIFICATION),
        ("application/json", SPECIFICATION),
        ("image/*", SVG),
        ("image/png, image/svg+xml;q=0.5", PNG),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", SVG),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", SPECIFICATION),
        ("image/png;q=0, image/*", SVG),
        ("IMAGE/PNG", PNG),
        ("image/png;q=never", None),
        ("text/html", None),
        ("*/*;q=0", None),
    ],
)
def test_the_form_that_is_wanted_most(accept: str | None, kind: str | None) -> None:
    assert preferred(accept, [SPECIFICATION, SVG, PNG], ALIASES) == kind
