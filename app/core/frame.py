"""Small pages that a mail leads to, in the look of the page on which people answer. They load nothing."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from html import escape
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.responses import HTMLResponse

from app.core.conditional import NO_STORE
from app.core.errors import NotFound
from app.core.languages import language_of
from app.core.requests import Route
from app.core.resources import resource

PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
Words = dict[str, str]
"""What is said, by language."""
STYLE = (
    resource("pages/static/palette.css").read_text(encoding="utf-8")
    + """
body { margin: 0; background: var(--paper); color: var(--ink); font: var(--body)/1.55 var(--letters);
  overflow-wrap: anywhere; }
main { max-width: 40rem; margin: 0 auto; padding: var(--s6) var(--s4); }
h1 { margin: 0 0 var(--s5); font-size: var(--body); font-weight: 600; }
p { margin: 0 0 var(--s3); }
p + p { color: var(--muted); }
h2 { margin: var(--s6) 0 var(--s2); font-size: 1.25rem; }
dl { margin: 0 0 var(--s4); }
dt { margin-top: var(--s3); }
dd { margin: 0; font-weight: 600; white-space: pre-line; }
a { color: var(--accent); }
button { min-height: 3.25rem; margin-top: var(--s4); padding: var(--s2) var(--s5); font: inherit;
  font-weight: 600; border: 1px solid var(--accent); border-radius: var(--round);
  background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
)
HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = NO_STORE | {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{HASH}'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
NO_LINK: Words = {
    "nl": "Deze link werkt niet (meer). Misschien is hij gebruikt, verlopen, of niet helemaal overgenomen.",
    "en": "This link does not work (any more). It may have been used, have expired, or not be complete.",
}


def framed(
    request: Request,
    organization: str | None,
    words: Words,
    button: Words | None = None,
    status: int = 200,
) -> HTMLResponse:
    """In both languages, the reader's first; a button asks before anything is done."""
    first = language_of(request.headers.get("accept-language"), "nl")
    languages = (first, *(one for one in ("nl", "en") if one != first))
    said = "".join(f'<p lang="{one}">{escape(words[one])}</p>' for one in languages)
    if button:
        said = f'<form method="post">{said}<button>{" / ".join(spoken(button, languages))}</button></form>'
    head = f"<h1>{escape(organization)}</h1>" if organization else ""
    return document(first, organization, head + said, status)


def document(language: str, title: str | None, body: str, status: int = 200) -> HTMLResponse:
    """`body` is HTML already."""
    content = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(title or 'Betrokken')}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    return HTMLResponse(content, status, headers=HEADERS)


def spoken(words: Words, languages: tuple[str, ...]) -> Iterator[str]:
    for language in languages:
        yield f'<span lang="{language}">{escape(words[language])}</span>'


def is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "").lower()


class LinkRoute(Route):
    """Of an address in a mail: who follows one that does not work reads so, and a program gets a problem."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                return await handler(request)
            except (NotFound, RequestValidationError) as error:
                if not is_browser(request):
                    raise
                return framed(request, None, NO_LINK, status=404 if isinstance(error, NotFound) else 422)

        return readable
