"""What the service says of a value is said in Dutch too, with all that it names."""

import re
from collections.abc import Iterator

import pytest

from app.core.errors import WORDS
from app.core.schema import IDENTIFIER_HELP
from app.core.shapes import KEY
from app.pages.api import STATIC
from app.surveys.invitations.errors import BraceAlone, NoLinkToRemindWith, UnknownPlaceholder

PROBLEMS = (STATIC / "manage" / "problems.js").read_text(encoding="utf-8")
PAIR = re.compile(r'^  \[/(.+)/s?, "(.+)"\],$', re.MULTILINE)
TO_PROGRAMS = (
    "missing",
    "extra_forbidden",
    "list_type",
    "dict_type",
    "model_type",
    "model_attributes_type",
    "none_required",
    "union_tag_not_found",
    "string_pattern_mismatch",
)
"""What has a sentence by its code, or is of a body that no page sends."""


def in_dutch(said: str) -> str:
    for pattern, words in PAIR.findall(PROBLEMS):
        if re.search(pattern, said, re.DOTALL):
            return str(words)
    return ""


def sentences() -> Iterator[tuple[str, list[str]]]:
    """Each, and what it names."""
    for kind, template in WORDS.items():
        if kind not in TO_PROGRAMS:
            names = re.findall(r"{(\w+)}", template)
            yield template.format_map(dict.fromkeys(names, "7")), ["$"] if names else []
    yield f"There is no {{nmae}}. {UnknownPlaceholder.detail}", ["$1", "{closes_on}"]
    yield BraceAlone.detail, ["{closes_on}"]
    yield NoLinkToRemindWith.detail, ["{link}"]
    yield f"An identifier is {IDENTIFIER_HELP}.", ["128"]
    yield KEY.words, ["$1"]


@pytest.mark.parametrize(("said", "named"), list(sentences()), ids=lambda one: str(one)[:40])
def test_a_sentence_has_its_dutch(said: str, named: list[str]) -> None:
    assert in_dutch(said), f"problems.js has no Dutch for: {said}"
    assert all(one in in_dutch(said) for one in named)
