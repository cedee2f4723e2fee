"""What was said in a chat: who is meant, for what, and by which value. Pure."""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

EMAIL = r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
SLACK = re.compile(
    rf"<@(?P<user>[A-Z0-9]+)(?:\|[^>]*)?>|<mailto:(?P<mail>[^|>]+)(?:\|[^>]*)?>|(?P<plain>{EMAIL})"
    r"|<[#!][^|>]*\|(?P<label>[^>]*)>|<(?P<link>https?://[^|>]+)(?:\|[^>]*)?>|<[^>]*>"
)
TEAMS = re.compile(rf"(?P<at><at>[^<]*</at>)|(?P<plain>{EMAIL})|<[^>]*>")
VALUE = re.compile(r"(?<!\S)#([\w&'-]+)")
BETWEEN_NAMES = re.compile(r"^(\s|,|&|\band\b|\ben\b)*$", re.IGNORECASE)
BOT = "28:"
"""How the ids of bots begin in Teams; those of users begin with 29:."""


@dataclass(frozen=True)
class Handle:
    """A person as the chat names them: by the id of the product, or by e-mail address."""

    chat_id: str | None = None
    email: str | None = None


Parts = list[str | Handle]


@dataclass(frozen=True)
class Said:
    message: str
    value: str | None


def slack_parts(text: str) -> Parts:
    """Text and people of a slash command whose user names Slack escapes."""

    def meant(found: re.Match[str]) -> str | Handle:
        if found["user"]:
            return Handle(chat_id=found["user"])
        if found["mail"] or found["plain"]:
            return Handle(email=found["mail"] or found["plain"])
        return found["link"] or f"#{found['label']}" if found["link"] or found["label"] else ""

    return _parts(SLACK, text, meant)


def teams_parts(text: str, mentioned: Mapping[str, str]) -> Parts:
    """Text and people of a message; `mentioned` has the user's id of each mention, by how it is written."""

    def meant(found: re.Match[str]) -> str | Handle:
        chat_id = mentioned.get(found["at"] or "")
        if chat_id is not None and not chat_id.startswith(BOT):
            return Handle(chat_id=chat_id)
        return Handle(email=found["plain"]) if found["plain"] else ""

    return _parts(TEAMS, text, meant)


def handles(parts: Sequence[str | Handle]) -> list[Handle]:
    """Each person once, in order."""
    return list(dict.fromkeys(part for part in parts if isinstance(part, Handle)))


def said(parts: Sequence[str | Handle], names: Mapping[Handle, str], values: Sequence[str] | None) -> Said:
    """The message without the people it begins with, and the first #value the organisation knows."""
    told = list(parts)
    while told and (isinstance(told[0], Handle) or BETWEEN_NAMES.match(told[0])):
        told.pop(0)
    text = "".join(names[part] if isinstance(part, Handle) else part for part in told)
    for found in VALUE.finditer(text):
        value = _value(found[1], values)
        if value is not None:
            return Said(_tidy(text[: found.start()] + text[found.end() :]), value)
    return Said(_tidy(text), None)


def _value(word: str, values: Sequence[str] | None) -> str | None:
    if values is None:
        return word
    return next((value for value in values if value.casefold() == word.casefold()), None)


def _parts(pattern: re.Pattern[str], text: str, meant: Callable[[re.Match[str]], str | Handle]) -> Parts:
    return [part for part in _split(pattern, text, meant) if part]


def _split(
    pattern: re.Pattern[str], text: str, meant: Callable[[re.Match[str]], str | Handle]
) -> Iterator[str | Handle]:
    end = 0
    for found in pattern.finditer(text):
        yield _plain(text[end : found.start()])
        yield meant(found)
        end = found.end()
    yield _plain(text[end:])


def _plain(text: str) -> str:
    return html.unescape(text).replace("\0", "").replace("\xa0", " ")


def _tidy(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text).strip(" \t\r\n,:;-")
