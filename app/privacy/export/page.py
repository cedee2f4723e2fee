"""One's own answers as a page to read, with the same as a file to keep in it. It loads nothing."""

import base64
from collections.abc import Iterator, Mapping
from html import escape
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse

from app.core.frame import document
from app.core.languages import day_in_words
from app.privacy.export.schemas import ExportedResponse, OwnAnswer, OwnAnswers, OwnWords
from app.privacy.export.words import words
from app.tables import Organization


def shown(found: OwnAnswers, organization: Organization, language: str) -> HTMLResponse:
    said = {name: texts[language] for name, texts in words()["shown"].items()}
    parts = [
        f"<h1>{escape(organization.name)}</h1><p>{escape(said['lead'])}</p>",
        file_of(found, said),
        *(of_survey(one, organization, language, said) for one in found.responses),
        *of_words(found.written, said),
    ]
    if not found.responses and not found.written:
        parts.append(f"<p>{escape(said['nothing'])}</p>")
    parts.append(f"<p>{escape(said['left_out'])}</p>")
    return document(language, organization.name, "".join(parts))


def file_of(found: OwnAnswers, said: Mapping[str, str]) -> str:
    data = base64.b64encode(found.model_dump_json(indent=1).encode()).decode()
    link = f'<a download="answers.json" href="data:application/json;base64,{data}">'
    return f"<p>{link}{escape(said['file'])}</a></p>"


def of_survey(
    response: ExportedResponse, organization: Organization, language: str, said: Mapping[str, str]
) -> str:
    day = day_in_words(language, response.submitted_at.astimezone(ZoneInfo(organization.time_zone)))
    answers = "".join(
        f"<dt>{escape(one.text)}</dt><dd>{escape(answer_of(one, said))}</dd>" for one in response.answers
    )
    when = escape(said["sent_on"].format(day=day))
    return f"<h2>{escape(response.name)}</h2><p>{when}</p><dl>{answers}</dl>"


def answer_of(one: OwnAnswer, said: Mapping[str, str]) -> str:
    if one.answer is None:
        return said["unknown"]
    if isinstance(one.answer, list):
        return ", ".join(one.answer)
    return f"{one.answer} ({one.label})" if one.label else str(one.answer)


def of_words(written: list[OwnWords], said: Mapping[str, str]) -> Iterator[str]:
    if written:
        yield f"<h2>{escape(said['written'])}</h2><dl>"
        yield from (f"<dt>{escape(one.name)}</dt><dd>{escape(one.words)}</dd>" for one in written)
        yield "</dl>"
