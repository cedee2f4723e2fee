"""The respondent's page as a screen reader has it, and how long it takes who never saw such a page."""

from typing import Any

import pytest

from tests.conftest import Tenant
from tests.pages.conftest import LANGUAGES, Visits
from tests.pages.visiting import Visit
from tests.surveys.inviting import tokens
from tests.surveys.test_surveys import opened

pytestmark = pytest.mark.nightly  # a whole visit of 33 questions
CONTROLS = {"button", "radio", "link", "textbox", "checkbox", "combobox", "DisclosureTriangle"}
WORDS_A_MINUTE = 200
"""Slower than most adults read to themselves."""
A_GLANCE = 0.5
"""Seconds at each line of the look-over, which says what somebody has just read and chosen."""
TO_CHOOSE, TO_TAP, TO_SCROLL = 1.5, 0.7, 1.0
"""Seconds: for each answer, each tap, and each screen that is higher than the phone."""
SIX_MINUTES = 360
UNKNOWN = {"nl": "Weet ik niet of niet van toepassing", "en": "Don’t know or does not apply"}
ENDS = {"nl": "Helemaal mee eens", "en": "Strongly agree"}


async def tree(seen: Visit) -> list[dict[str, Any]]:
    """What Chromium tells whoever listens: role, name and properties of all that is not ignored."""
    session = await seen.page.context.new_cdp_session(seen.page)
    nodes = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    await session.detach()
    return [
        {
            "role": node["role"]["value"],
            "name": node.get("name", {}).get("value", ""),
            **{one["name"]: one["value"].get("value") for one in node.get("properties", [])},
        }
        for node in nodes
        if not node["ignored"]
    ]


def of(nodes: list[dict[str, Any]], role: str) -> list[dict[str, Any]]:
    return [node for node in nodes if node["role"] == role]


async def heard(seen: Visit) -> list[dict[str, Any]]:
    """Every control has a name; the page is in one language; what is focused after a turn is a heading."""
    nodes = await tree(seen)
    unnamed = [node for node in nodes if node["role"] in CONTROLS and not node["name"].strip()]
    assert unnamed == []
    return nodes


async def focused_role(seen: Visit) -> str:
    """The page itself is focused too."""
    return [node["role"] for node in await tree(seen) if node.get("focused")][-1]


class Reader:
    """How long somebody takes: reading, choosing and tapping, each as long as is assumed above.

    All of the first screens is read, and of the next ones what is new: titles and questions, not the words
    below the boxes again.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    async def read(self, seen: Visit, parts: str = "main") -> None:
        texts = await seen.page.locator(parts).locator("visible=true").all_inner_texts()
        self.seconds += sum(len(one.split()) for one in texts) / WORDS_A_MINUTE * 60
        if await seen.page.evaluate("document.documentElement.scrollHeight > innerHeight"):
            self.seconds += TO_SCROLL

    def tap(self) -> None:
        self.seconds += TO_TAP

    async def look_over(self, seen: Visit) -> None:
        await self.read(seen, '[data-of="review"] :is(h1, .lead)')
        lines = await seen.page.locator("#given li, #skipped-list li").count()
        assert lines > 33, "each question, and the comment"
        self.seconds += A_GLANCE * lines

    def choose(self) -> None:
        self.seconds += TO_CHOOSE + TO_TAP


@LANGUAGES
async def test_who_listens_and_who_never_saw_one_come_to_the_end(
    acme: Tenant, visit: Visits, language: str
) -> None:
    survey_id = await opened(acme.client, mode="confidential")
    (token, *_) = await tokens(acme.client, survey_id)
    person = Reader()
    async with visit(language=language) as seen:
        await seen.open(token)
        nodes = await heard(seen)
        assert of(nodes, "heading")[0]["name"] != ""
        assert {"main", "banner"} <= {node["role"] for node in nodes}
        assert of(nodes, "status"), "where a lost connection is said"
        await person.read(seen)
        await seen.page.click("#begin")
        person.tap()
        await seen.arrive("questions")
        answered, steps = 0, 0
        while await seen.page.get_attribute("body", "data-view") == "questions":
            steps += 1
            assert await focused_role(seen) == "heading", "a new screen begins with what it is about"
            nodes = await heard(seen)
            (bar,) = of(nodes, "progressbar")
            assert f"{answered} " in bar["name"], "how far somebody is"
            groups = [node for node in nodes if node["role"] in ("radiogroup", "group") and node["name"]]
            names = await seen.page.evaluate(NAMES)
            assert len(groups) >= len(names), "each question is the name of its answers"
            if names:
                radios = of(nodes, "radio")
                assert UNKNOWN[language] in {node["name"] for node in radios}, "an equal choice"
                assert {node["checked"] for node in radios} == {"false"}
            await person.read(seen, "main" if steps == 1 or not names else ".step.current :is(h2, legend)")
            for name in names:
                await seen.page.locator(f'input[name="{name}"]').nth(1).check(force=True)
                person.choose()
                answered += 1
            if names:
                checked = [node for node in of(await heard(seen), "radio") if node["checked"] == "true"]
                assert len(checked) == len(names), "what is chosen is told"
            if steps == 1:
                assert any(ENDS[language] in node["name"] for node in radios), "what a number means"
            await seen.page.click("#next")
            person.tap()
        assert answered == 33
        await seen.arrive("review")
        assert await focused_role(seen) == "heading"
        await heard(seen)
        await person.look_over(seen)
        await seen.page.click("#send")
        person.tap()
        await seen.arrive("thanks")
        assert await focused_role(seen) == "heading"
        await heard(seen)
    assert person.seconds < SIX_MINUTES, f"{person.seconds / 60:.1f} minutes"


NAMES = """[...new Set([...document.querySelectorAll(".step input[type=radio]")]
  .filter((one) => one.closest(".step").offsetParent).map((one) => one.name))]"""
