"""No number stands on the dashboard, its paper, pictures or tables that the API does not tell its reader."""

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI

from app.pages.api import STATIC
from tests.conftest import Tenant
from tests.metrics.leak import random_organisation
from tests.metrics.test_http_leak import FRAMED, founded, some_answers, wave
from tests.metrics.test_leak import minimum
from tests.pages.conftest import Visits
from tests.pages.test_dashboard import key_of
from tests.pages.visiting import Visit
from tests.telling import numbers_in, raw_numbers, told_by, untold

Json = dict[str, Any]
SEEDS = [4, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (3, *range(5, 16)))]
"""Of even ones there is one round."""
OWN = numbers_in((STATIC / "dashboard" / "words.js").read_text(encoding="utf-8"))
"""In the page's own sentences, such as a margin of 95%."""
READ = """() => {
  const parts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (!node.parentElement.closest(".ends, script, noscript")) parts.push(node.textContent);
  for (const name of ["title", "aria-label", "alt"])
    for (const one of document.querySelectorAll(`[${name}]`)) parts.push(one.getAttribute(name));
  return parts.join(" ");
}"""
"""All there is in the document, folded or not; the ends of a scale are round numbers about what is told."""
DRAWN = """() => [...document.querySelectorAll(".chart img")].map(({ src }) => {
  const text = decodeURIComponent(src.slice(src.indexOf(",") + 1));
  const root = new DOMParser().parseFromString(text, "image/svg+xml");
  const read = [...root.querySelectorAll("text")].filter((one) => !one.closest(".role-axis-label"));
  return read.map((one) => one.textContent).join(" ");
})"""
ROWS = "all => all.map(one => [one.dataset.id, one.textContent])"
"""Of the table of groups."""


@asynccontextmanager
async def looking(visit: Visits, tenant: Tenant) -> AsyncIterator[tuple[Visit, list[Json]]]:
    """At what the page says, and all that it was told."""
    answers: list[Json] = []

    async def remember(response: Any) -> None:
        if re.search("/v1/(metrics/|me$)", response.url) and response.status == 200:
            answers.append(await response.json())

    async with visit(language="en", width=1280) as seen:
        seen.page.on("response", remember)
        await seen.look(await key_of(tenant))
        yield seen, answers


async def tables_of(seen: Visit) -> dict[str, list[list[str]]]:
    links = await seen.page.eval_on_selector_all(
        "a[download]", "all => all.map(one => [one.download, one.href])"
    )
    return {
        name: list(csv.reader(io.StringIO(unquote(address.partition(",")[2]).removeprefix("\ufeff"))))
        for name, address in links
    }


async def leaks_of(seen: Visit, answers: list[Json]) -> dict[str, set[Decimal]]:
    """Where which number stands that nobody was told."""
    told = told_by(answers) | OWN
    counted = {Decimal(number) for number in range(len(answers_of(answers, "groups")) + 20)}
    tables = await tables_of(seen)
    found = {
        "document": numbers_in(await seen.page.evaluate(READ)) - told,
        "pictures": numbers_in(" ".join(await seen.page.evaluate(DRAWN))) - told - counted,
        **{name: numbers_in(" ".join(map(" ".join, lines[1:]))) - told for name, lines in tables.items()},
    }
    await seen.page.emulate_media(media="print")
    await seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    found["paper"] = numbers_in(await seen.page.evaluate(READ)) - told
    await seen.page.emulate_media(media="screen")
    return {place: numbers for place, numbers in found.items() if numbers}


def answers_of(answers: list[Json], member: str) -> list[Json]:
    return max((one[member] for one in answers if member in one), key=len, default=[])


async def hidden_told(seen: Visit, hidden: set[str]) -> list[str]:
    """Numbers in the rows and lines of groups that are not shown."""
    rows = await seen.page.eval_on_selector_all(".groups tr[data-id]", ROWS)
    lines = [line for table in (await tables_of(seen)).values() for line in table if line]
    told = [(key, text) for key, text in rows if key in hidden]
    told += [(line[0], " ".join(line[2:])) for line in lines if line[0] in hidden]
    names = re.compile(r"[Tt]eam[- ]\d+")
    return [text for _, text in told if re.search(r"\d", names.sub("", text))]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_page_tells_no_number_that_its_reader_is_not_told(
    seed: int, app: FastAPI, visit: Visits
) -> None:
    organisation, k = random_organisation(seed), minimum(seed)
    tenant = await founded(app, organisation, k)
    for number in range(-(seed % 2), 1):
        await wave(tenant, organisation, FRAMED, Random(seed + number))
    answers = Random(seed)
    given = [
        some_answers(organisation, person, answers)
        for person, came in enumerate(organisation.responded)
        if came
    ]
    scores = [(25.0 * (one["pay"] - 1), 25.0 * (one.get("bond", 1) - 1)) for one in given]
    async with looking(visit, tenant) as (seen, said):
        assert await leaks_of(seen, said) == {}
        hidden = {one["group"]["id"] for one in answers_of(said, "groups") if one["status"] != "ok"}
        assert await hidden_told(seen, hidden) == []
        raw = untold(raw_numbers(scores), told_by(said) | OWN)
        await planted(seen, raw, said)
        if hidden:
            row = f'.groups tr[data-id="{sorted(hidden)[0]}"] td'
            await seen.page.locator(row).evaluate("(one, raw) => one.append(raw)", str(scores[0][0]))
            assert await hidden_told(seen, hidden)


PLANT = """raw => {
  document.querySelector(".answers").append(raw);
  document.querySelector("a[download]").href += encodeURIComponent(`\\r\\nx,${raw}`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg"><text>${raw}</text></svg>`;
  const drawn = Object.assign(new Image(), { src: `data:image/svg+xml,${encodeURIComponent(svg)}` });
  const figure = document.createElement("figure");
  figure.className = "chart";
  figure.append(drawn);
  document.body.append(figure);
}"""


async def planted(seen: Visit, raw: Decimal, said: list[Json]) -> None:
    """A respondent's number that no group tells by chance is found wherever it is put."""
    await seen.page.evaluate(PLANT, f"{raw:f}")
    found = await leaks_of(seen, said)
    assert {"document", "paper", "pictures"} < found.keys()
    assert len(found) == 4, "and one table"
    assert all(numbers == {raw} for numbers in found.values())
