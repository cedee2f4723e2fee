"""The dashboard, as HR, a manager and a works council meet it: what it shows is what the API answers."""

import csv
import io
import re
from copy import deepcopy
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import unquote

import pytest

from app.core.settings import DASHBOARD
from tests.conftest import Tenant
from tests.contract import ContractClient, operations
from tests.metrics.test_release import Json, finish, names_of, staff, start
from tests.pages.conftest import LANGUAGES, Visits
from tests.pages.visiting import Visit

SIZES = {"sales": 6, "nl": 12, "be": 12, "care": 24, "lab": 3}
PARENTS = {"nl": "sales", "be": "sales"}
WIDTHS = pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.nightly)])
ASKED = {
    "nl": [
        "Waar staan we?",
        "Is het anders dan vorige keer?",
        "Wat eerst?",
        "Wie staat er niet in, en waarom?",
    ]
}
ASKED["en"] = [
    "Where do we stand?",
    "Is it different from last time?",
    "What first?",
    "Who is not shown, and why?",
]
WORD_FOR_HIDDEN = {"nl": "niet getoond", "en": "not shown"}


async def wave(tenant: Tenant, lowest: int, **members: Any) -> str:
    """Answered by all but two of care."""
    survey_id = await start(tenant.client, series="pulse", report_by=["location"], **members)
    people = [
        (name, team, place)
        for team, size in SIZES.items()
        for place, name in enumerate(names_of(team, size - 2 if team == "care" else size))
    ]
    items = [
        {
            "respondent": name,
            "answers": {"pay": lowest + place % 3, "bond": 5 - place * (1 + (team == "nl")) % 4},
        }
        for name, team, place in people
    ]
    stored = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert stored.json()["summary"]["created"] == len(items)
    return await finish(tenant, survey_id)


@pytest.fixture
async def asked(acme: Tenant) -> Tenant:
    """Two rounds, with a team too small to show and one that is hidden for its sake."""
    await staff(acme.client, SIZES, PARENTS)
    await wave(acme, 1)
    await wave(acme, 3)
    return acme


async def key_of(tenant: Tenant, *scopes: str, **narrowed: Any) -> str:
    body = {"name": "reader", "scopes": list(scopes) or ["metrics:read"], **narrowed}
    made = await tenant.client.post("/v1/api-keys", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


async def told(api: ContractClient, metric: str, **params: Any) -> Json:
    found: Json = (await api.get(f"/v1/metrics/{metric}", params=params)).json()
    return found


def rounded(value: float, digits: int = 0) -> str:
    """As the page writes a number in English."""
    return str(Decimal(repr(value)).quantize(Decimal(10) ** -digits, ROUND_HALF_UP)).replace("-", "−")


def scored(part: Json) -> str:
    return f"{rounded(part['score'])} ({rounded(part['ci_low'])}–{rounded(part['ci_high'])})"


async def downloaded(visit: Visit, name: str) -> list[dict[str, str]]:
    address = await visit.page.get_attribute(f'a[download="{name}.csv"]', "href")
    _, _, content = address.partition(",")
    parted = "," if await seen_in(visit) == "en" else ";"
    text = io.StringIO(unquote(content).removeprefix("\ufeff"), newline="")
    return list(csv.DictReader(text, delimiter=parted))


async def seen_in(visit: Visit) -> str:
    return str(await visit.page.get_attribute("html", "lang"))


# ------------------------------------------------------------------ signing in


@pytest.mark.nightly
async def test_a_key_in_the_link_signs_in_and_leaves_the_address_at_once(
    asked: Tenant, visit: Visits
) -> None:
    key = await key_of(asked)
    async with visit(width=1280) as seen:
        await seen.look(key)
        assert seen.page.url == f"{seen.address}{DASHBOARD}"
        assert key not in await seen.page.content()
        await seen.page.reload()
        await seen.arrive("results")
        assert "Acme" in await seen.text("#about")
        stored = await seen.page.evaluate("[localStorage.length, document.cookie]")
        assert stored == [0, ""]


@pytest.mark.nightly
async def test_a_key_is_pasted_in_and_ends_with_the_tab(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    async with visit() as seen:
        await seen.look(view="signin")
        assert (await seen.focused())["id"] == "key"
        await seen.page.fill("#key", "btk_of_nobody")
        await seen.press("Enter")
        await seen.page.wait_for_selector("#refused:not(:empty)")
        assert "kennen we niet" in await seen.text("#refused")
        await seen.page.fill("#key", key)
        await seen.press("Enter")
        await seen.arrive("results")
        other = await seen.page.context.new_page()
        await other.goto(f"{seen.address}{DASHBOARD}")
        await other.wait_for_selector('body[data-view="signin"]')
        await other.close()
        await seen.page.click("#leave")
        await seen.arrive("signin")
        assert "Acme" not in await seen.text("body")


@pytest.mark.nightly
async def test_a_key_that_is_revoked_meanwhile_is_asked_for_again(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    async with visit(width=1280) as seen:
        await seen.look(key)
        kept = (await asked.client.get("/v1/api-keys")).json()["items"]
        for one in kept:
            if one["name"] == "reader":
                await asked.client.delete(f"/v1/api-keys/{one['id']}")
        await seen.page.select_option("#team", "care")
        await seen.arrive("signin")
        assert "afgemeld" in await seen.text("#refused")
        assert not await seen.shows("Care")


@pytest.mark.nightly
async def test_who_may_not_read_results_is_told_so(acme: Tenant, visit: Visits) -> None:
    async with visit() as seen:
        await seen.look(await key_of(acme, "people:read"), view="problem")
        assert await seen.shows("metrics:read")
    async with visit(language="en") as seen:
        await seen.look(await key_of(acme), view="problem")
        assert await seen.shows("There are no results yet")


# ------------------------------------------------------------------ the four answers


@LANGUAGES
async def test_one_screen_has_the_four_answers(language: str, asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    async with visit(language=language, width=1280) as seen:
        await seen.look(key)
        assert await seen.page.locator(".answer h2").all_inner_texts() == ASKED[language]
        for heading in await seen.page.locator(".answer h2").all():
            box = await heading.bounding_box()
            assert box["y"] + box["height"] <= 900
        overview = await told(asked.client, "overview", by=["organization", "team"])
        labels = (await told(asked.client, "context"))["labels"]
        hidden = [group for group in overview["groups"] if group["status"] != "ok"]
        assert hidden
        for group in hidden:
            shown = await seen.text(f'.answer.hidden [data-reason="{group["reason"]}"]')
            assert group["group"]["name"] in shown
            assert labels["reasons"][group["reason"]][language] in shown


@pytest.mark.nightly
async def test_the_numbers_are_those_of_the_api(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    overview = await told(asked.client, "overview", by=["organization", "team"])
    async with visit(language="en", width=1280) as seen:
        await seen.look(key)
        whole = overview["groups"][0]
        for measure in ("satisfaction", "engagement"):
            assert scored(whole[measure]) in await seen.text(f'[data-measure="{measure}"]')
        for change in whole["changes"]:
            if change["status"] == "ok" and change["measure"] in ("satisfaction", "engagement"):
                assert rounded(change["difference"], 1) in await seen.text(".verdicts")
        for group in overview["groups"]:
            row = f'.groups tr[data-id="{group["group"]["id"] or ""}"]'
            shown = await seen.page.locator(row).text_content()
            assert group["group"]["name"] in shown
            if group["status"] == "ok":
                assert scored(group["satisfaction"]) in shown
                assert scored(group["engagement"]) in shown
            else:
                assert not re.search(r"\d", shown.removeprefix(group["group"]["name"]))


@pytest.mark.nightly
async def test_a_table_is_taken_along_in_words_and_as_it_is_rounded(asked: Tenant, visit: Visits) -> None:
    """Beside the codes that programs know things by."""
    key = await key_of(asked)
    overview = await told(asked.client, "overview", by=["organization", "team"])
    facets = (await told(asked.client, "facets"))["groups"][0]
    labels = (await told(asked.client, "context"))["labels"]
    async with visit(language="en", width=1280) as seen:
        await seen.look(key)
        lines = await downloaded(seen, "teams")
        for line, group in zip(lines, overview["groups"], strict=True):
            assert line["Code"] == (group["group"]["id"] or "")
            assert line["Shown"] == labels["statuses"][group["status"]]["en"]
            if group["status"] == "ok":
                assert line["Satisfaction"] == plain(group["satisfaction"]["score"])
                assert line["Gap, upper end"] == plain(group["gap"]["ci_high"])
                assert int(line["People with both scores"]) == group["n"]
            else:
                assert line["Why not"] == labels["reasons"][group["reason"]]["en"]
                assert not re.search(r"\d", "".join(line.values()))
        topics = {line["Code"]: line for line in await downloaded(seen, "topics") if line["Kind"] == "Topic"}
        for facet in facets["facets"]:
            if facet["status"] == "ok":
                assert topics[facet["key"]]["Score"] == plain(facet["score"])
                assert topics[facet["key"]]["Favourable"] == f"{plain(100 * facet['favourable'])}%"
        [*rounds] = await downloaded(seen, "waves")
        assert [line["Round"] for line in rounds] == [
            one["label"] for one in (await told(asked.client, "context"))["waves"]
        ]
        names = await seen.page.eval_on_selector_all("a[download]", "links => links.map(one => one.download)")
        tables = await seen.page.locator("table").count()
        assert len(names) == len(set(names)) >= tables


def plain(value: float | None) -> str:
    """As a spreadsheet reads it; what is not told is empty."""
    if value is None:
        return ""
    return rounded(value).replace("−", "-").removeprefix("-" if rounded(value) == "−0" else "")


@pytest.mark.nightly
async def test_what_came_after_and_what_others_may_see_are_there_to_take_along(
    asked: Tenant, visit: Visits
) -> None:
    key = await key_of(asked)
    outcomes = deepcopy(EXAMPLES["get_outcomes"])
    benchmark = deepcopy(EXAMPLES["get_benchmark"])
    assert outcomes["kpis"]
    assert benchmark["scores"]["status"] == "ok"
    async with visit(width=1280) as seen:
        await answers(seen, "metrics/outcomes", outcomes)
        await answers(seen, "metrics/benchmark", benchmark)
        await seen.look(key)
        for line, one in zip(await downloaded(seen, "kpis"), outcomes["kpis"], strict=True):
            assert (line["Code"], line["KPI"]) == (one["kpi"]["key"], one["kpi"]["title"]["nl"])
        lines = await downloaded(seen, "benchmark")
        assert [line["Code"] for line in lines] == ["satisfaction", "engagement"]
        assert [line["Vergelijkingscijfer"] for line in lines] == [
            rounded(benchmark["scores"][line["Code"]], 1).replace(".", ",") for line in lines
        ]
        for note in outcomes["notes"][:2]:
            assert note["text"] in await seen.text("#part-outcomes")


@pytest.mark.nightly
async def test_a_formula_in_a_name_is_none_in_the_csv(asked: Tenant, visit: Visits) -> None:
    await asked.client.patch("/v1/teams/care", json={"name": '=HYPERLINK("x")'})
    await wave(asked, 3)
    key = await key_of(asked)
    async with visit(width=1280) as seen:
        await seen.look(key)
        assert '\'=HYPERLINK("x")' in {line["Naam"] for line in await downloaded(seen, "teams")}
        assert await seen.shows('=HYPERLINK("x")')


CSV = "async (lines) => (await import('/pages/dashboard/tables.js')).csv(lines)"
FORMULAS = (
    "=1+2",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1+2",
    '"=1+2"',
    "\t=1",
    "\uff1d1+2",
    "\uff0b1",
    "\uff0d1",
    "\uff20A",
)
BEFORE = ("", "Sales;", "Sales\t", "Sales,", "Sales\n", "Sales\r\n", ";;", 'Sales";', "; \t")
FORMULA = re.compile('[\\s"]*[=+@\uff1d\uff0b\uff0d\uff20-]')


async def test_no_part_of_a_text_is_a_formula_whatever_parts_it(visit: Visits) -> None:
    """A Dutch Excel parts a line at semicolons, other programs at tabs."""
    texts = [f"{before}{formula};x" for before in BEFORE for formula in FORMULAS]
    async with visit() as seen:
        await seen.page.goto(f"{seen.address}/setup")
        written = (await seen.page.evaluate(CSV, [["a", text] for text in texts])).removeprefix("\ufeff")
        harmless = await seen.page.evaluate(CSV, [["a", "Sales; Care", "A=B; 3-1", -1.5, None]])
    assert harmless == '\ufeffa,"Sales; Care","A=B; 3-1",-1.5,\r\n'
    assert [part for part in re.split("[;\t\r\n]", written) if FORMULA.match(part)] == []
    cells = [text for _, text in csv.reader(io.StringIO(written, newline=""))]
    assert [text for text in cells if FORMULA.match(text)] == []
    assert [text.replace("'", "") for text in cells] == texts


@pytest.mark.nightly
@LANGUAGES
async def test_every_number_has_its_meaning_one_click_away(
    language: str, asked: Tenant, visit: Visits
) -> None:
    key = await key_of(asked)
    answered = await asked.client.get("/v1/metrics/definitions", headers={"Accept-Language": language})
    known = {one["title"]: one for one in answered.json()["metrics"]}
    async with visit(language=language, width=1280) as seen:
        await seen.look(key)
        terms = await seen.page.locator("button.term:visible").all()
        assert len(terms) > 15
        for term in terms:
            await term.click()
            title = await seen.text("#definition-title")
            assert known[title]["meaning"] in await seen.text("#definition-text")
            assert known[title]["formula"] in " ".join((await seen.text("#definition-text")).split())
            await seen.press("Escape")
            await seen.page.wait_for_selector("#definition", state="hidden")


# ------------------------------------------------------------------ nothing that is not so


EXAMPLES = {
    one.id: one.answers["200"]["application/json"]["example"]
    for one in operations()
    if one.path.startswith("/v1/metrics/") or one.id == "list_occurrences"
}


async def answers(seen: Visit, path: str, body: Json) -> None:
    """Whatever the service itself would say there."""
    await seen.page.route(
        re.compile(f"/v1/{path}([?]|$)"), lambda route: route.fulfill(status=200, json=body)
    )


@pytest.mark.nightly
async def test_recognition_is_told_with_its_period_and_none_is_none(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    body = deepcopy(EXAMPLES["get_recognition_metrics"])
    body |= {"from": "2026-05-01", "to": "2026-11-30", "until": "2026-10-31"}
    for events, said in ((907, "Van 1 mei 2026 tot en met 31 oktober 2026"), (0, "nog geen complimenten")):
        body["groups"][0]["events"] = events
        async with visit(width=1280) as seen:
            await answers(seen, "metrics/recognition", body)
            await seen.look(key)
            shown = await seen.text("#part-recognition")
            assert said in shown
            assert events or "%" not in shown


@pytest.mark.nightly
async def test_a_birthday_in_the_family_says_whose_it_is(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked, "metrics:read", "calendar:read")
    body = deepcopy(EXAMPLES["list_occurrences"])
    day = body["items"][0] | {"kind": "family_birthday", "years": None}
    body["items"] = [
        day | {"label": "Cor", "relation": "vader"},
        day | {"label": None, "relation": "moeder"},
        day | {"label": None, "relation": None},
    ]
    async with visit(width=1280) as seen:
        await answers(seen, "calendar", body)
        await seen.look(key)
        told_of = await seen.page.locator("#part-calendar dd .soft").all_inner_texts()
        assert told_of == ["verjaardag van Cor (vader)", "verjaardag van moeder", "verjaardag in de familie"]


@pytest.mark.nightly
async def test_what_comes_first_is_told_with_its_chance(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    body = deepcopy(EXAMPLES["get_levers"])
    [group, *_] = body["groups"]
    one = next(one for one in group["levers"] if one["status"] == "ok")
    first = one | {"lever": "purpose", "rank_probability": 0.535, "priority": 0.02}
    other = one | {"lever": "clarity", "rank_probability": 0.3, "priority": 0.03}
    group |= {"top": "purpose", "tie_set": [], "levers": [other, first]}
    group["text"] = "Look at this. The chance that it comes first is 54%."
    async with visit(language="en", width=1280) as seen:
        await answers(seen, "metrics/levers", body)
        await seen.look(key)
        labels = (await told(asked.client, "context"))["labels"]["levers"]
        shown = await seen.text(".answer.first")
        assert shown.count("comes first is 54%") == 1, "the page says what it is told, and nothing beside it"
        assert f"“{labels['clarity']['en']}” is higher, but" in shown
        lines = {line["Code"]: line for line in await downloaded(seen, "levers")}
        assert lines["purpose"]["Chance to come first"] == "54%"


@pytest.mark.nightly
async def test_a_round_in_which_a_group_was_hidden_is_not_called_none(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    overview = await told(asked.client, "overview", by=["organization", "team"])
    trends = await told(asked.client, "trends")
    overview["groups"][0]["changes"] = []
    points = trends["groups"][0]["points"]
    kept = {name: points[-2][name] for name in ("survey", "released_at")}
    points[-2] = kept | {"status": "suppressed", "reason": "complementary"}
    async with visit(language="en", width=1280) as seen:
        await answers(seen, "metrics/overview", overview)
        await answers(seen, "metrics/trends", trends)
        await seen.look(key)
        shown = await seen.text(".verdicts")
        assert "hidden to protect another small group" in shown
        assert "no earlier round" not in shown
    async with visit(language="en", width=1280) as seen:
        await seen.look(key, choice="?team=lab")
        assert "no earlier round" not in await seen.text(".verdicts")


# ------------------------------------------------------------------ charts


DRAWN = ".chart:visible img"


@pytest.mark.nightly
async def test_charts_stand_beside_their_tables_with_words_for_who_does_not_see_them(
    asked: Tenant, visit: Visits
) -> None:
    pytest.importorskip("vl_convert")
    key = await key_of(asked)
    async with visit(language="en", width=1280) as seen:
        await seen.look(key)
        await seen.page.wait_for_selector(f'[data-chart="quadrants"]{DRAWN.removeprefix(".chart")}')
        for image in await seen.page.locator(DRAWN).all():
            assert len(await image.get_attribute("alt")) > 20
            assert await image.evaluate("node => node.complete && node.naturalWidth > 200")
        folded = seen.page.locator('[data-chart="trend"] + details')
        assert await folded.get_attribute("open") is None
        await folded.locator("summary").click()
        assert await folded.locator("table").is_visible()


@pytest.mark.nightly
@pytest.mark.parametrize(("asked_for", "status"), [("charts", 404), ("charts/*", 406), ("charts/*", 500)])
async def test_where_there_is_no_chart_the_table_is_there(
    asked_for: str, status: int, asked: Tenant, visit: Visits
) -> None:
    key = await key_of(asked)
    async with visit(language="en", width=1280) as seen:
        problem = {"status": status, "json": {"code": "not_here", "status": status}}
        await seen.page.route(f"**/v1/{asked_for}*", lambda route: route.fulfill(**problem))
        await seen.look(key)
        assert await seen.page.locator(DRAWN).count() == 0
        for table in await seen.page.locator("#parts table").all():
            is_beside_one = await table.evaluate("one => !one.closest('.folded')")
            assert await table.is_visible() == is_beside_one, "what stands for no chart is opened by hand"


# ------------------------------------------------------------------ choosing


@pytest.mark.nightly
async def test_waves_teams_and_segments_are_chosen_and_kept_in_the_address(
    asked: Tenant, visit: Visits
) -> None:
    key = await key_of(asked)
    context = await told(asked.client, "context")
    async with visit(width=1280) as seen:
        await seen.look(key)
        await seen.page.select_option("#team", "sales")
        await seen.page.wait_for_selector("text=Sales: ")
        assert "team=sales" in seen.page.url
        rows = await seen.page.eval_on_selector_all(
            ".groups tbody tr", "rows => rows.map(one => one.dataset.id)"
        )
        assert rows == ["sales", "be", "nl"]
        await seen.page.reload()
        await seen.arrive("results")
        assert await seen.page.input_value("#team") == "sales"
        await seen.page.select_option("#team", "")
        await seen.page.select_option("#by", "segment:location")
        await seen.page.wait_for_selector("#part-segments")
        rows = await seen.page.eval_on_selector_all(
            ".groups tbody tr", "rows => rows.map(one => one.dataset.id)"
        )
        assert rows == ["", "unknown"]
        assert "Lab" in await seen.text(".answer.hidden"), "teams that are hidden are named there too"
        oldest = context["waves"][-1]["survey"]["id"]
        await seen.page.select_option("#wave", oldest)
        await seen.page.wait_for_url(f"**/?*survey={oldest}*")
        await seen.page.wait_for_selector("#working:empty", state="attached")
        first = await told(asked.client, "overview", survey_id=oldest)
        assert scored(first["groups"][0]["satisfaction"]).split()[0] in await seen.text(".scores")


@pytest.mark.nightly
async def test_the_language_is_switched_and_stays(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    async with visit(language="nl", width=1280) as seen:
        await seen.look(key)
        await seen.page.click('[data-language="en"]')
        await seen.page.wait_for_selector("text=Where do we stand?")
        assert await seen.page.get_attribute("html", "lang") == "en"
        assert not await seen.shows("Waar staan we?")
        await seen.page.reload()
        await seen.arrive("results")
        assert await seen.shows("Where do we stand?")


@pytest.mark.nightly
async def test_the_tree_opens_level_by_level_by_the_keyboard(asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked)
    async with visit(width=1280) as seen:
        await seen.look(key)
        inner = seen.page.locator('.groups tr[data-id="nl"]')
        assert not await inner.is_visible()
        await seen.page.focus('[data-fold][aria-label*="Sales"]')
        await seen.press("Enter")
        assert await inner.is_visible()
        await seen.press("Space")
        assert not await inner.is_visible()


@pytest.mark.nightly
async def test_a_manager_sees_the_teams_they_lead_and_asks_for_nothing_else(
    asked: Tenant, visit: Visits
) -> None:
    key = await key_of(asked, "metrics:read", "calendar:read", teams=["sales"])
    async with visit(width=1280) as seen:
        refusals: list[str] = []
        seen.page.on("response", lambda one: refusals.append(one.url) if one.status == 403 else None)
        await seen.look(key)
        options = await seen.page.eval_on_selector_all("#team option", "all => all.map(one => one.value)")
        assert options == ["sales", "be", "nl"]
        assert (await seen.text("#finding")).startswith("Sales: ")
        for hidden in ("Care", "Lab"):
            assert not await seen.shows(hidden)
        assert await seen.page.locator("#part-recognition, #part-calendar, #by:visible").count() == 0
        assert refusals == []


# ------------------------------------------------------------------ for everybody, and on paper


@pytest.mark.nightly
@WIDTHS
async def test_nothing_is_in_the_way_of_anybody(width: int, asked: Tenant, visit: Visits) -> None:
    key = await key_of(asked, "metrics:read", "calendar:read")
    async with visit(width=width) as seen:
        await seen.look(view="signin")
        assert await seen.violations() == []
        await seen.look(key)
        assert await seen.violations() == []
        await seen.page.locator("button.term:visible").first.click()
        assert await seen.violations() == []


PARTED = """() => [...document.querySelectorAll("#parts .chart:not([hidden])")].flatMap((figure) => {
  const before = figure.previousElementSibling;
  const isKept = !before.matches("h2, h3, p") || getComputedStyle(before).breakAfter === "avoid";
  return isKept && getComputedStyle(figure).breakInside === "avoid" ? [] : [figure.dataset.chart];
})"""


@pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.nightly)])
async def test_its_paper_has_the_four_answers_on_the_first_page(
    width: int, asked: Tenant, visit: Visits
) -> None:
    """And all that is folded on the screen, with charts for the width of paper from a window of any."""
    key = await key_of(asked)
    async with visit(language="en", width=width) as seen:
        await seen.look(key)
        asked_for: list[str] = []
        seen.page.on("request", lambda one: asked_for.append(one.url))
        printed = await seen.page.pdf(prefer_css_page_size=True, print_background=True)
        assert [url for url in asked_for if not url.startswith("data:")] == []
        assert printed.startswith(b"%PDF-")
        await seen.page.emulate_media(media="print")
        await seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        await seen.page.set_viewport_size({"width": 696, "height": 1000})
        last = await seen.page.locator(".answer.hidden").bounding_box()
        assert last["y"] + last["height"] <= 1024, "A4 less its margins"
        charts = await seen.page.locator("#parts .chart img:visible").all()
        assert len(charts) == await seen.page.locator("#parts .chart:visible").count()
        assert {abs((await one.bounding_box())["width"] - 695) < 2 for one in charts} == {True}
        assert await seen.page.evaluate(PARTED) == []
        assert await seen.page.locator('.groups tr[data-id="nl"]').is_visible()
        assert not await seen.page.locator("#pickers, nav, .unfold").first.is_visible()
        assert await seen.page.locator(".glossary section").first.is_visible()
        assert not await seen.page.locator(".glossary .facts").first.is_visible()
        definitions = await seen.page.locator(".glossary").bounding_box()
        assert definitions["height"] < 2 * 1024, "the numbers are what is printed"
