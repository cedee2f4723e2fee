"""What people read holds together: links, contents, sections that the code cites, and plain words."""

import re
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import yaml

from app.cli.commands import COMMANDS
from app.core import telemetry
from app.core.contract import contract
from app.core.settings import Settings

ROOT = Path(__file__).parents[1]
GUIDES = ROOT / "openapi" / "guides"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *GUIDES.glob("*.md")])
A_SCREEN = 60
"""Lines; a page with more has a list of contents."""

FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CITED = re.compile(r"\b(metrics|disclosure)\.md ((?:R?\d+(?:\.\d+)?[ab]?(?:, )?)+)")
ONE_SEX = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.IGNORECASE)

a_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
a_guide = pytest.mark.parametrize("guide", sorted(GUIDES.glob("*.md")), ids=lambda guide: guide.stem)


def prose(document: Path) -> str:
    return FENCED.sub("", document.read_text(encoding="utf-8"))


def headings(document: Path) -> list[tuple[int, str]]:
    return [(len(level), title) for level, title in HEADING.findall(prose(document))]


def anchor(title: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """File and anchor of each link that stays within the repository."""
    for link in LINK.findall(prose(document)):
        if "://" not in link and not link.startswith("mailto:"):
            file, _, place = link.partition("#")
            yield (document.parent / file).resolve() if file else document, place


@a_document
def test_no_link_is_dead(document: Path) -> None:
    dead = [
        f"{file.relative_to(ROOT)}#{place}"
        for file, place in links(document)
        if not file.exists() or (place and place not in {anchor(title) for _, title in headings(file)})
    ]
    assert not dead, f"{document.name} links to what is not there"


@a_document
def test_headings_of_a_page_can_be_told_apart(document: Path) -> None:
    if document.name == "CHANGELOG.md":
        return  # the same kinds of change in every version
    anchors = sorted(anchor(title) for _, title in headings(document))
    assert [own for own, group in groupby(anchors) if len(list(group)) > 1] == []


@a_document
def test_a_long_page_lists_its_contents(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    found = re.search(r"^## Contents\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    if document.name in {"README.md", "CHANGELOG.md"} or (
        found is None and len(text.splitlines()) <= A_SCREEN
    ):
        return
    assert found, f"{document.name} is longer than a screen: give it a list of contents"
    listed = re.findall(r"^( *)- \[([^\]]+)\]\(#([^)]+)\)$", found[1], re.MULTILINE)
    deepest = max(len(indent) // 2 for indent, _, _ in listed)
    titles = [
        (level - 2, title)
        for level, title in headings(document)
        if 2 <= level <= deepest + 2 and title != "Contents"
    ]
    assert [(len(indent) // 2, title) for indent, title, _ in listed] == titles
    assert [place for _, _, place in listed] == [anchor(title) for _, title in titles]


@a_document
def test_a_person_is_they(document: Path) -> None:
    found = [line for line in prose(document).splitlines() if ONE_SEX.search(line)]
    assert not found


@a_document
def test_a_file_named_in_a_text_is_there(document: Path) -> None:
    named = re.findall(r"`((?:app|tests|openapi|alembic|helm|\.ci)/[\w./-]*)`", prose(document))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_sections_that_code_cites_are_there() -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "app", "tests"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    sources = [(ROOT / file) for file in files if file.endswith((".py", ".yaml"))]
    cited = {
        (page, section)
        for source in sources
        if source.exists()
        for page, sections in CITED.findall(source.read_text(encoding="utf-8"))
        for section in re.findall(r"R?\d+(?:\.\d+)?[ab]?", sections)
    }
    assert len(cited) > 10
    assert {own for own in cited if not _has_section(*own)} == set()


def _has_section(page: str, section: str) -> bool:
    """A heading begins with it, or a bold paragraph, as those of R5a."""
    text = (GUIDES / f"{page}.md").read_text(encoding="utf-8")
    return bool(re.search(rf"^(#+ |\*\*){re.escape(section)}\.? ", text, re.MULTILINE))


def test_the_built_in_questionnaire_is_as_the_guide_has_it() -> None:
    text = (ROOT / "app" / "surveys" / "questionnaires" / "betrokken-33.yaml").read_text(encoding="utf-8")
    questions = yaml.safe_load(text)["questions"]
    built = {
        f"{question['key']}{' R' if question.get('reversed') else ''}": (
            question["dimension"],
            question["facet"],
            question["role"],
            question.get("lever"),
        )
        for question in questions
    }
    row = re.compile(
        r"^\| (satisfaction|engagement|outcome) \| `(\w+)` \| (\w+) \| (?:-|`(\w+)`) \| (.*) \|$", re.M
    )
    told = {
        key: (dimension, facet, role, lever or None)
        for dimension, facet, role, lever, keys in row.findall(prose(GUIDES / "metrics.md"))
        for key in re.sub(r" \(.*\)", "", keys).split(", ")
    }
    assert told == built


def test_the_front_door_is_short_and_leads_to_every_guide() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 900, "README.md is for the first ten minutes: the rest belongs into a guide"
    assert {file for file, _ in links(ROOT / "README.md")} >= set(DOCUMENTS) - {ROOT / "README.md"}
    assert re.search(r"^    make test$", text, re.MULTILINE), "others read the command from here"


def named(pattern: str) -> set[str]:
    """What the texts name, leaving out what they say is not built yet."""
    texts = (re.sub(r"^>.*", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE) for file in DOCUMENTS)
    return {name for text in texts for name in re.findall(pattern, text, re.MULTILINE)}


def test_addresses_that_texts_name_are_of_the_contract() -> None:
    templates = "|".join(re.sub(r"\{\w+\}", "[^/]+", path) for path in contract()["paths"])
    asked = {re.sub(r"\$\w+", "x", path) for path in named(r"[`\"L ](/v1/[\w/{}$.-]*[\w}])")}
    assert len(asked) > 30
    assert {path for path in asked if not re.fullmatch(templates, path)} - {"/v1/metrics"} == set()


def test_commands_that_texts_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert named(r"(?:^ *|`)make ([a-z-]+)") - targets == set()
    assert named(r"(?:^ *|[`(])betrokken ([a-z][a-z-]*)") - COMMANDS.keys() == set()


def test_what_texts_say_to_operators_is_there() -> None:
    variables = {f"BETROKKEN_{name.upper()}" for name in Settings.model_fields} | {"BETROKKEN_API_KEY"}
    assert named(r"\b(BETROKKEN_[A-Z_]+)\b") - variables == set()
    watched = named(r"`(betrokken_\w+)") - {str(field.default) for field in Settings.model_fields.values()}
    text = telemetry.exposition().decode()
    assert watched
    assert {name for name in watched if f"# TYPE {name} " not in text} == set()
