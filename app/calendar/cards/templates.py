"""What a template of a card may hold, and the set that ships.

A template is data of an organisation, so it is read before it is run: names, texts, conditions and one loop
over the wishes. No calls, no arithmetic, no attributes but those of a wish; so it always ends, and soon.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.core.languages import Language
from app.core.shipped import read_yaml

FOLDER = Path(__file__).parent
CardKind = Literal["birthday", "work_anniversary", "first_day", "wedding", "family_birthday", "custom"]
KINDS: tuple[CardKind, ...] = get_args(CardKind)
LANGUAGES: tuple[Language, ...] = get_args(Language)
PICTURE_WORDS = frozenset({"shown_name", "name_size", "years_size"})
VARIABLES = PICTURE_WORDS | {
    "name", "first_name", "organization", "kind", "label", "relation", "years", "is_milestone", "wishes",
}  # fmt: skip
WISH, WISH_PARTS = "wish", frozenset({"author", "text"})
FILTERS = frozenset({"upper", "lower", "capitalize", "title", "trim", "length", "default"})
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.Getattr,
)  # fmt: skip
PLACE = re.compile(r"\[\[ (\w+) \]\]")
PLAIN = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
ESCAPED = PLAIN.overlay(autoescape=True)


class TemplateRefused(ValueError):
    """`code` says why; the message says where."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Template:
    """Jinja2 each: one line, MJML, plain text, SVG."""

    subject: str
    html: str
    text: str
    picture: str | None


def parsed(source: str) -> nodes.Template:
    """The template as a tree, if it holds only what it may."""
    try:
        tree = PLAIN.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateRefused("template_syntax", f"line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise TemplateRefused("template_not_allowed", "it is nested too deeply") from None
    for node in every_node(tree):
        refuse(node)
    return tree


def every_node(tree: nodes.Node) -> Iterator[nodes.Node]:
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.iter_child_nodes()


def refuse(node: nodes.Node) -> None:
    if not isinstance(node, ALLOWED):
        raise not_allowed(node, f"{type(node).__name__} is not among what a template may hold")
    if isinstance(node, nodes.Name) and node.name not in VARIABLES | {WISH}:
        raise TemplateRefused("unknown_variable", f"line {node.lineno}: there is no {node.name}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise not_allowed(node, f"the filter {node.name}")
    if isinstance(node, nodes.Getattr) and not is_part_of_wish(node):
        raise not_allowed(node, f"the attribute {node.attr}")
    if isinstance(node, nodes.For) and not is_loop_over_wishes(node):
        raise not_allowed(
            node, "a loop is {% for wish in wishes %}, without else, filter or another loop inside"
        )


def not_allowed(node: nodes.Node, what: str) -> TemplateRefused:
    return TemplateRefused("template_not_allowed", f"line {node.lineno}: {what}")


def is_part_of_wish(node: nodes.Getattr) -> bool:
    return isinstance(node.node, nodes.Name) and node.node.name == WISH and node.attr in WISH_PARTS


def is_loop_over_wishes(loop: nodes.For) -> bool:
    return (
        isinstance(loop.iter, nodes.Name)
        and loop.iter.name == "wishes"
        and isinstance(loop.target, nodes.Name)
        and loop.target.name == WISH
        and not loop.else_
        and loop.test is None
        and not loop.recursive
        and not any(isinstance(node, nodes.For) for part in loop.body for node in every_node(part))
    )


def run(source: str, words: Mapping[str, Any], *, is_escaped: bool) -> str:
    parsed(source)
    environment = ESCAPED if is_escaped else PLAIN
    return environment.from_string(source).render(words)


# ------------------------------------------------------------------ the set that ships


def key_of(kind: CardKind, language: Language) -> str:
    """Under which key a shipped template is read, and replaced."""
    return f"{kind}-{language}".replace("_", "-")


@cache
def shipped() -> dict[str, tuple[CardKind, Language]]:
    return {key_of(kind, language): (kind, language) for kind in KINDS for language in LANGUAGES}


@cache
def words() -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = read_yaml(FOLDER / "words.yaml")
    return found


@cache
def built_in(kind: CardKind, language: str) -> Template:
    said: dict[str, str] = words()[language]["shared"] | words()[language][kind]

    def filled(name: str) -> str:
        source = (FOLDER / name).read_text(encoding="utf-8")
        return PLACE.sub(lambda place: said[place[1]], source)

    return Template(
        said["subject"], filled("layout.mjml"), filled("layout.txt"), filled(f"designs/{kind}.svg")
    )
