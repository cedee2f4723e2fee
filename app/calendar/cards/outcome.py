"""What the mail as it goes out may hold, whatever made it: the second lock on the same door.

Comments are read as well: some mail programs obey what stands in a conditional one.
"""

import re
from html.parser import HTMLParser

from app.calendar.cards.templates import TemplateRefused

MOST_LETTERS = 4_000_000
CARD_PICTURE = "cid:card"
ELEMENTS = frozenset({
    "html", "head", "title", "meta", "style", "body", "noscript", "xml", "o:officedocumentsettings",
    "o:allowpng", "o:pixelsperinch", "img", "center",
    "a", "b", "blockquote", "br", "div", "em", "h1", "h2", "h3", "hr", "i", "li", "ol", "p", "small", "span",
    "strong", "table", "tbody", "td", "th", "tr", "u", "ul",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "lang", "dir", "xmlns", "xmlns:v", "xmlns:o", "http-equiv", "content", "name", "type", "media", "style",
    "class", "id", "aria-roledescription", "aria-label", "role", "border", "cellpadding", "cellspacing",
    "align", "valign", "width", "height", "bgcolor", "alt", "title", "src", "colspan", "rowspan", "start",
    "scope",
})  # fmt: skip
HARMLESS_META = frozenset({"x-ua-compatible", "content-type"})
HIDING = re.compile(r"[\\<>]|/\*|@(?!media\b)", re.IGNORECASE)
FUNCTION = re.compile(r"([\w-]*)\(")
FUNCTIONS = frozenset({"", "rgb", "rgba", "hsl", "hsla"})
CONDITION = re.compile(r"^\[if [^\]]*\]>|<!\[endif\]$")


def refuse_loading(html: str) -> None:
    """Raises TemplateRefused where opening the mail could load something, or run it."""
    if len(html) > MOST_LETTERS:
        raise TemplateRefused("template_too_costly", f"the mail has more than {MOST_LETTERS} letters")
    reader = Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()


class Reader(HTMLParser):
    is_in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            raise TemplateRefused("remote_content", f"the mail would hold the element {tag}")
        self.is_in_style = tag == "style"
        for name, value in attrs:
            refuse_attribute(tag, name, value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.is_in_style = False

    def handle_endtag(self, tag: str) -> None:
        self.is_in_style = False

    def handle_data(self, data: str) -> None:
        if self.is_in_style:
            refuse_style(data)

    def handle_comment(self, data: str) -> None:
        refuse_loading(CONDITION.sub("", data))


def refuse_attribute(tag: str, name: str, value: str) -> None:
    is_picture = name == "src" and (tag, value) == ("img", CARD_PICTURE)
    if name not in ATTRIBUTES or (name == "src" and not is_picture):
        raise TemplateRefused("remote_content", f"the mail would hold the attribute {name} of {tag}")
    if name == "http-equiv" and value.lower() not in HARMLESS_META:
        raise TemplateRefused("remote_content", f"the mail would be told {value}")
    if name == "style":
        refuse_style(value)


def refuse_style(style: str) -> None:
    called = {found.lower() for found in FUNCTION.findall(style)}
    if HIDING.search(style) or not called <= FUNCTIONS:
        raise TemplateRefused("remote_content", "the mail would have a style that could load something")
