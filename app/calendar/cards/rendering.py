"""From a template and a person's words to a mail's parts. No I/O but the fonts that ship.

What comes out is checked each time, not only when the template was put: a condition can hide what a
trial does not show. Elements and attributes are checked, text is not: it loads nothing, and a colleague may
write an address in a line.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import mjml
from jinja2 import TemplateError

from app.calendar.cards.outcome import CARD_PICTURE, refuse_loading
from app.calendar.cards.templates import CardKind, Template, TemplateRefused, run
from app.calendar.cards.values import MJML, SVG, is_allowed
from app.core.one_line import on_one_line

TITLES = frozenset(
    {"jr", "sr", "ii", "iii", "iv", "phd", "md", "msc", "bsc", "ma", "ba", "mba", "llm", "ra", "rc"}
)
"""What stands behind a comma and is no name."""
FONTS = Path(__file__).parent / "fonts"
JOINED = ("So", "Sk", "Cf", "Mn")
DEEPEST, WIDEST, MOST_ELEMENTS = 40, 2400, 20_000
MOST_DRAWN, MOST_WISHES = 300_000, 500
"""Letters of a picture's source; wishes on a card."""
MJML_ELEMENTS = frozenset({
    "mjml", "mj-head", "mj-title", "mj-preview", "mj-attributes", "mj-all", "mj-class", "mj-body",
    "mj-wrapper", "mj-section", "mj-column", "mj-group", "mj-text", "mj-image", "mj-divider", "mj-spacer",
    "mj-table",
    "a", "b", "blockquote", "br", "div", "em", "h1", "h2", "h3", "hr", "i", "li", "ol", "p", "small", "span",
    "strong", "table", "tbody", "td", "th", "tr", "u", "ul",
})  # fmt: skip
SVG_ELEMENTS = frozenset({
    "svg", "g", "defs", "title", "desc", "linearGradient", "radialGradient", "stop", "clipPath",
    "rect", "circle", "ellipse", "line", "polyline", "polygon", "path", "text", "tspan",
})  # fmt: skip
"""No use, pattern, filter, image or script: nothing that loads or multiplies."""
UNFIT = "it compares, or changes, what is of another kind, such as a text and a number"
ADDRESS_ATTRIBUTES = frozenset({"src", "href", "background", "background-url", "srcset", "action", "poster"})


class RendererPanicked(TemplateRefused):
    """A fault of the renderer; it is no Exception, so it would end whatever runs it."""


@dataclass(frozen=True)
class Wish:
    author: str
    text: str


@dataclass(frozen=True)
class Occasion:
    """What a card is about."""

    kind: CardKind
    name: str
    organization: str
    label: str | None
    relation: str | None
    years: str | None
    is_milestone: bool
    wishes: Sequence[Wish]


@dataclass(frozen=True)
class Rendered:
    subject: str
    html: str
    text: str
    picture: bytes | None


def rendered(template: Template, occasion: Occasion) -> Rendered:
    """Raises TemplateRefused where the template gives what a mail may not hold."""
    words = words_of(occasion)
    try:
        subject = on_one_line(run(template.subject, words, is_escaped=False))
        html = html_of(run(template.html, words, is_escaped=True))
        text = run(template.text, words, is_escaped=False)
        picture = drawn(template.picture, words) if template.picture else None
    except (TemplateRefused, MemoryError, RecursionError):
        raise
    except TemplateError as error:
        raise TemplateRefused("template_syntax", f"it cannot be filled in: {error.message}") from None
    except Exception:
        raise TemplateRefused("template_syntax", UNFIT) from None
    return Rendered(subject, html, text, picture)


def drawn(source: str, words: dict[str, Any]) -> bytes:
    """Where the renderer cannot draw what people wrote, without that."""
    drawable = {name: without_emoji(word) if isinstance(word, str) else word for name, word in words.items()}
    try:
        return picture_of(run(source, drawable, is_escaped=True))
    except RendererPanicked:
        nameless = dict.fromkeys(("name", "first_name", "shown_name", "label", "relation"), "")
        return picture_of(run(source, drawable | nameless, is_escaped=True))


def given_name(name: str) -> str:
    """How somebody is greeted: where the surname is written first, by what follows the comma."""
    surname, _, after = name.partition(",")
    if after.strip() and after.strip().casefold().rstrip(".") not in TITLES:
        return after.split()[0]
    return surname.split(" ")[0]


def words_of(occasion: Occasion) -> dict[str, Any]:
    """Names and lines as people wrote them, on one line and without control characters."""
    name, label, relation = (
        on_one_line(part or "") for part in (occasion.name, occasion.label, occasion.relation)
    )
    shown = shortened(name, 40)
    return {
        "kind": occasion.kind,
        "name": name,
        "first_name": given_name(name),
        "organization": on_one_line(occasion.organization),
        "label": label,
        "relation": relation,
        "years": occasion.years or "",
        "is_milestone": occasion.is_milestone,
        "wishes": [
            Wish(on_one_line(wish.author), on_one_line(wish.text)) for wish in occasion.wishes[:MOST_WISHES]
        ],
        "shown_name": shown,
        "name_size": fitted(shown, 540, 54),
        "years_size": fitted(occasion.years or "", 210, 118),
    }


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def fitted(text: str, width: int, largest: int) -> int:
    """The font size at which the text is no wider than that; a letter is about 0.58 of the size."""
    return max(20, min(largest, int(width / (0.58 * max(1, len(text))))))


def without_emoji(text: str) -> str:
    """The renderer panics on emoji that are joined; they stay in the mail's own text."""
    kept = (char for char in text if unicodedata.category(char) not in JOINED or char < "\u2000")
    return " ".join("".join(kept).split())


# ------------------------------------------------------------------ MJML to HTML


def html_of(source: str) -> str:
    for element, attributes in elements_of(source):
        if element not in MJML_ELEMENTS:
            raise TemplateRefused("template_not_allowed", f"the element {element}")
        for name, value in attributes.items():
            refuse_attribute(name, value)
    try:
        html: str = mjml.mjml2html(spelled_out(source), fonts={})
    except ValueError as error:
        raise TemplateRefused("template_syntax", f"MJML: {error}") from None
    refuse_loading(html)
    return html


def refuse_attribute(name: str, value: str) -> None:
    if name.lower() in ADDRESS_ATTRIBUTES and value != CARD_PICTURE:
        raise TemplateRefused(
            "remote_content", f"{name} is {CARD_PICTURE} or absent: a card loads nothing from elsewhere"
        )
    if not is_allowed(name, value, MJML):
        raise TemplateRefused("template_not_allowed", f"the attribute {name} with this value")


def spelled_out(source: str) -> str:
    """The same, each value between double quotes: the renderer copies values as they are spelled."""
    return ElementTree.tostring(parsed_xml(source, ElementTree.TreeBuilder()), encoding="unicode")


# ------------------------------------------------------------------ SVG to PNG


def picture_of(source: str) -> bytes:
    if len(source) > MOST_DRAWN:
        raise TemplateRefused("template_too_costly", f"the picture has more than {MOST_DRAWN} letters")
    for element, attributes in elements_of(source):
        refuse_svg(element, attributes)
    try:
        import resvg_py  # noqa: PLC0415 where a picture is drawn

        return resvg_py.svg_to_bytes(svg_string=source, font_dirs=[str(FONTS)], font_family="Quicksand")
    except ValueError as error:
        raise TemplateRefused("template_syntax", f"SVG: {error}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RendererPanicked("template_syntax", "SVG: it cannot be drawn") from None


def refuse_svg(element: str, attributes: dict[str, str]) -> None:
    if plain(element) not in SVG_ELEMENTS:
        raise TemplateRefused("template_not_allowed", f"the element {plain(element)}")
    for name, value in attributes.items():
        if not is_allowed(plain(name), value, SVG):
            raise TemplateRefused("template_not_allowed", f"the attribute {plain(name)} with this value")
    if plain(element) == "svg":
        refuse_size(attributes)


def plain(name: str) -> str:
    """Without its namespace."""
    return name.rpartition("}")[2]


def refuse_size(attributes: dict[str, str]) -> None:
    sizes = [attributes.get(name, "") for name in ("width", "height")]
    if not all(re.fullmatch(r"[1-9]\d{0,3}", size) and int(size) <= WIDEST for size in sizes):
        raise TemplateRefused(
            "template_not_allowed", f"a picture has a width and a height of at most {WIDEST}"
        )


# ------------------------------------------------------------------ XML


class Shallow(ElementTree.TreeBuilder):
    """Keeps no tree: only what elements there are, and no deeper than is sensible."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.found: list[tuple[str, dict[str, str]]] = []

    def start(self, tag: str, attrs: dict[str, str], /) -> Any:
        self.depth += 1
        if self.depth > DEEPEST:
            raise TemplateRefused("template_not_allowed", "it is nested too deeply")
        if len(self.found) > MOST_ELEMENTS:
            raise TemplateRefused("template_too_costly", f"it has more than {MOST_ELEMENTS} elements")
        self.found.append((tag, dict(attrs)))

    def end(self, tag: str, /) -> Any:
        self.depth -= 1

    def data(self, data: str, /) -> None:
        pass

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise TemplateRefused("template_not_allowed", "a document type")

    def close(self) -> Any:
        return self.found


def elements_of(source: str) -> list[tuple[str, dict[str, str]]]:
    """Every element with its attributes."""
    found: list[tuple[str, dict[str, str]]] = parsed_xml(source, Shallow())
    return found


def parsed_xml(source: str, builder: ElementTree.TreeBuilder) -> Any:
    parser = ElementTree.XMLParser(target=builder)  # noqa: S314 a document type, so any entity, is refused
    try:
        parser.feed(source)
        return parser.close()
    except (ElementTree.ParseError, expat.ExpatError) as error:
        raise TemplateRefused("template_syntax", f"it is not XML: {error}") from None
