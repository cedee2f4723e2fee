"""What was said in a chat: who is meant, for what, and by which value. Pure."""

import html
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

EMAIL = r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+"
SLACK = re.compile(
    rf"<@(?P<user>[A-Z0-9]+)(?:\|[^>]*)?>|<mailto:(?P<mail>[^|>]+)(?:\|[^>]*)?>|(?P<plain>{EMAIL})"
    r"|<#(?P<channel>[^|>]*)(?:\|(?P<called>[^>]*))?>|<!(?P<special>[^|>]*)(?:\|(?P<label>[^>]*))?>"
    r"|<(?P<link>[a-z][a-z0-9+.-]*:[^|>]+)(?:\|(?P<text>[^>]*))?>"
)
"""What Slack puts between < and >, which nobody can type: those are escaped."""
PLAIN = re.compile(rf"(?P<plain>{EMAIL})")
CHANNEL = "\0"
"""Before a channel, which is a value only where the organisation says so. No text has one of its own."""
VALUE = re.compile(rf"(?<!\S)({CHANNEL}?)#([\w&'-]+)")
EVERYBODY = {"here", "channel", "everyone", "group"}
BETWEEN_NAMES = re.compile(r"^(\s|,|;|\+|&|\band\b|\ben\b|[*_~`])*$", re.IGNORECASE)
AFTER_NAMES = re.compile(r"^(?:[ \t,;]|[-\u2013\u2014](?=\s)|:(?![\w+'-]+:))+")
"""What ends the names: not the colon of an emoji, nor the dash of a list below them."""
OF_THEIRS = re.compile(r"['\u2019]\w")
"""Right behind a name, of which it is a part: Noor's help."""
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
        if found["channel"] is not None:
            return f"{CHANNEL}#{_unescaped(found['called'] or found['channel'])}"
        if found["special"] is not None:
            return _special(found["special"], _unescaped(found["label"] or ""))
        return linked(_unescaped(found["text"] or ""), _unescaped(found["link"]))

    return _joined(_split(SLACK, text, meant, _unescaped))


def _special(command: str, label: str) -> str:
    """Everybody by the sign they are called with; a group or a date by its label."""
    name = command.partition("^")[0]
    return label if label and name not in EVERYBODY else f"@{name}"


def linked(text: str, address: str) -> str:
    """A link as it was written: by its text, and by where that leads if the text does not say."""
    bare = re.sub(r"^(?:[a-z]+://|tel:)", "", address).rstrip("/")
    if not text or text == address:
        return address
    return text if text.rstrip("/") == bare or address.startswith("tel:") else f"{text} ({address})"


def teams_parts(text: str, mentions: Sequence[tuple[str, str]]) -> Parts:
    """Text and people of a message; `mentions` has how each is written, and the user's id, in order."""
    is_html = re.search(r"<(?!/?at\b)/?[a-z]", text, re.IGNORECASE) is not None
    reading = TeamsText(mentions, is_html=is_html)
    reading.feed(text)
    reading.close()
    return _joined(reading.parts)


def _unescaped(text: str) -> str:
    """Slack escapes these three and no other."""
    for written, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(written, meant)
    return _plain(text)


def handles(parts: Sequence[str | Handle]) -> list[Handle]:
    """Each person once, in order."""
    return list(dict.fromkeys(part for part in parts if isinstance(part, Handle)))


def said(parts: Sequence[str | Handle], names: Mapping[Handle, str], values: Sequence[str] | None) -> Said:
    """The message without the people it begins with, and the first #value the organisation knows."""
    told, opened = list(parts), ""
    while told and (isinstance(told[0], Handle) or BETWEEN_NAMES.match(told[0])):
        first = told.pop(0)
        opened += "" if isinstance(first, Handle) else "".join(re.findall(r"[*_~`]", first))
    removed = len(parts) - len(told)
    if removed and told and OF_THEIRS.match(str(told[0])):
        told.insert(0, parts[removed - 1])
    text = "".join(names[part] if isinstance(part, Handle) else part for part in told)
    if len(told) < len(parts):
        text = _after_names(text, opened)
    for found in VALUE.finditer(text):
        is_channel, word = found.groups()
        value = None if is_channel and values is None else _value(word, values)
        if value is not None:
            return Said(_without(text, found).replace(CHANNEL, ""), value)
    return Said(text.replace(CHANNEL, "").strip(), None)


def _after_names(text: str, opened: str) -> str:
    """`opened` are marks of bold and the like before or between names: what closes them goes with them."""
    for mark in reversed(opened):
        text = text.removeprefix(mark)
    return AFTER_NAMES.sub("", text)


def _without(text: str, found: re.Match[str]) -> str:
    before, after = text[: found.start()].rstrip(" \t"), text[found.end() :].lstrip(" \t")
    if not before:
        after = re.sub(r"^[.,;:!?]+\s", "", after)
    if not after.strip():
        return before.strip().rstrip(" ,;-")
    is_apart = not before or before.endswith("\n") or after[0] in "\n.,;:!?)"
    return (before + ("" if is_apart else " ") + after).strip()


def _value(word: str, values: Sequence[str] | None) -> str | None:
    if values is None:
        return word
    return next((value for value in values if value.casefold() == word.casefold()), None)


def _split(
    pattern: re.Pattern[str],
    text: str,
    meant: Callable[[re.Match[str]], str | Handle],
    plain: Callable[[str], str],
) -> Iterator[str | Handle]:
    end = 0
    for found in pattern.finditer(text):
        yield plain(text[end : found.start()])
        yield meant(found)
        end = found.end()
    yield plain(text[end:])


def _joined(parts: Iterable[str | Handle]) -> Parts:
    """What stands between two people is one text."""
    joined: Parts = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return joined


def _plain(text: str) -> str:
    return text.replace("\0", "").replace("\xa0", " ")


# ------------------------------------------------------------------ what Teams writes: a part of HTML


LINES = {"p", "div", "ul", "ol", "li", "blockquote", "pre", "codeblock", "table", "tr", "hr"}
LINES |= {f"h{level}" for level in range(1, 7)}
PICTURES = {"img", "emoji", "customemoji"}
UNSEEN = {"script", "style", "systemeventmessage", "attachment"}
MENTION = "http://schema.skype.com/Mention"


class TeamsText(HTMLParser):
    """The text and people of a message, as they are read."""

    def __init__(self, mentions: Sequence[tuple[str, str]], *, is_html: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: dict[str, deque[str]] = defaultdict(deque)
        for written, chat_id in mentions:
            self.ids[name_in(written)].append(chat_id)
        self.is_html = is_html
        self.parts: Parts = []
        self.held: list[str] = []
        """The text of a mention or a link that is not over."""
        self.inside: list[tuple[str, str]] = []
        """The tags that hold text, or change how it is read, each with where it leads."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "br":
            self.add("\n")
        elif tag in PICTURES:
            self.add(known.get("alt") or known.get("title") or "")
        elif tag in LINES:
            self.new_line()
            if tag == "li":
                self.add("- ")
        elif tag in ("td", "th") and not self.ends_with((" ", "\n")):
            self.add(" ")
        if tag == "at" or known.get("itemtype") == MENTION:
            self.inside.append((tag, MENTION))
        elif tag == "a" and known.get("href"):
            self.inside.append((tag, known["href"]))
        elif tag == "pre" or tag in UNSEEN:
            self.inside.append((tag, ""))
        elif self.is_within(tag):
            self.inside.append((tag, "nested"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.is_within(tag) and self.inside[-1][0] == tag:
            _, leads_to = self.inside.pop()
            if leads_to == MENTION:
                self.mention()
            elif tag == "a":
                self.link(leads_to)
        if tag in LINES:
            self.new_line()

    def handle_data(self, data: str) -> None:
        if any(tag in UNSEEN for tag, _ in self.inside):
            return
        text = _plain(data)
        if self.is_html and not self.is_within("pre"):
            text = re.sub(r"[ \t\r\n]+", " ", text)
            if self.ends_with((" ", "\n")):
                text = text.lstrip(" ")
        self.add(text)

    def is_within(self, tag: str) -> bool:
        return any(one == tag for one, _ in self.inside)

    def is_holding(self) -> bool:
        return any(leads_to == MENTION or tag == "a" for tag, leads_to in self.inside)

    def ends_with(self, ends: tuple[str, ...]) -> bool:
        last = self.held[-1] if self.held else self.parts[-1] if self.parts else ""
        return isinstance(last, str) and last.endswith(ends)

    def add(self, text: str) -> None:
        if not text:
            return
        if self.is_holding():
            self.held.append(text)
            return
        self.parts += [part for part in _split(PLAIN, text, as_address, str) if part]

    def new_line(self) -> None:
        if self.parts and not self.is_holding() and not self.ends_with(("\n", "- ")):
            self.add("\n")

    def taken(self) -> str:
        text = "".join(self.held).strip()
        self.held.clear()
        return text

    def mention(self) -> None:
        """The next of that name; of a bot nothing is said."""
        text = self.taken()
        ids = self.ids[name_in(text)]
        chat_id = ids.popleft() if ids else None
        if chat_id is None:
            self.parts.append(text)
        elif not chat_id.startswith(BOT):
            self.parts.append(Handle(chat_id=chat_id))

    def link(self, address: str) -> None:
        text = self.taken()
        if address.startswith("mailto:"):
            self.parts.append(Handle(email=address.removeprefix("mailto:").partition("?")[0]))
        elif re.match(r"[a-z]+:", address):
            self.add(linked(text, address))
        else:
            self.add(text)


def as_address(found: re.Match[str]) -> Handle:
    return Handle(email=found["plain"])


def name_in(written: str) -> str:
    """Of a mention, however it is marked and escaped."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", written)).split()).casefold()
