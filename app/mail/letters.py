"""A letter in the look of the cards: as text, and as HTML that loads nothing from anywhere."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mjml
from jinja2 import Environment, StrictUndefined, Template

LAYOUT = Path(__file__).parent / "letter.mjml"
PLACE = re.compile(r"\{([^{}]*)\}")
BRACED = re.compile(r"\{+[^{}]*\}+")
LINK = "link"


@dataclass(frozen=True)
class Paragraph:
    """Texts, and None where the link stands."""

    parts: Sequence[str | None]

    @property
    def is_link_alone(self) -> bool:
        return None in self.parts and not any(part and part.strip() for part in self.parts)


@dataclass(frozen=True)
class Letter:
    """`button` is what the link is called where it stands alone."""

    language: str
    subject: str
    paragraphs: Sequence[Paragraph]
    footer: Sequence[str]
    link: str = ""
    button: str = ""


def places(text: str) -> list[str]:
    """What stands between braces in it; more than one brace belong to what is between them."""
    return [braced[1:-1] for braced in BRACED.findall(text)]


def stray_braces(text: str) -> bool:
    """Whether one has no other to go with: a place that was begun, and is none."""
    return bool(re.search("[{}]", BRACED.sub("", text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """What is put in is not looked at again: it may have braces of its own."""
    return PLACE.sub(lambda place: values[place[1]], text)


def paragraphs(text: str, values: Mapping[str, str]) -> list[Paragraph]:
    """An empty line ends a paragraph."""
    written = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return [Paragraph(_parts(one, values)) for one in written if one]


def _parts(text: str, values: Mapping[str, str]) -> list[str | None]:
    """A text, then a place, then a text: as `split` gives them."""
    return [
        part if number % 2 == 0 else None if part == LINK else values[part]
        for number, part in enumerate(PLACE.split(text))
        if part
    ]


def text_of(letter: Letter) -> str:
    written = [
        "".join(letter.link if part is None else part for part in one.parts) for one in letter.paragraphs
    ]
    return "\n\n".join([*written, "-- \n" + "\n".join(letter.footer)]) + "\n"


def html_of(letter: Letter) -> str:
    html: str = mjml.mjml2html(_layout().render(letter=letter), fonts={})
    return html


@cache
def _layout() -> Template:
    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(LAYOUT.read_text(encoding="utf-8"))
